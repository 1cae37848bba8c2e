# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first plan, step by step
# A hip with dead bone in its head, as a label map: 1 is the femur, 2 the necrosis. It is one of the sample volumes
# that ship with corecore. Put your own files in its place.
#
# For research and for review by a surgeon. Not a medical device.

# %%
from pathlib import Path

import corecore as cc

samples = Path("../sample_volumes")
hip = cc.load(f"{samples}/right_medium.nii.gz:1", f"{samples}/right_medium.nii.gz:2", case_id="sample")
hip

# %% [markdown]
# ## The lesion first
# How much of the head is dead, and how much of that carries weight.

# %%
cc.measure(hip)

# %% [markdown]
# ## The best tunnel
# A 10 mm core from the lateral femur, that keeps 3 mm from the cortex, 5 mm from the joint and from the
# postero-superior neck.

# %%
plan = cc.plan(hip)
plan

# %%
plan.picture()

# %% [markdown]
# ## A path of your own
# The same tunnel with its tip 6 mm nearer to the joint: every figure, and the limits that it breaks.

# %%
tunnel = plan.tunnels[0]
deeper = cc.assess(hip, tunnel.entry, tunnel.tip + 6.0 * tunnel.direction, 10.0)
deeper

# %% [markdown]
# ## Saved, and verified
# The folder holds the plan, the report as page and PDF, Slicer and STL files. `verify` recalculates the figures from
# the masks, by code that shares nothing with the planner but the definitions.

# %%
import tempfile

folder = Path(tempfile.mkdtemp()) / "plan"
path = plan.save(folder)
result = cc.verify(path)
print("agrees:", result.agrees, "-", len(result.checks), "figures checked")
sorted(item.name for item in folder.iterdir())
