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
# A hip with osteonecrosis of the head, as a label map: 1 is the femur, 2 the necrosis. It is one of the sample volumes
# that ship with corecore. Put your own array, nibabel image or files in its place.
#
# For research and for review by a surgeon. Not a medical device.

# %%
import nibabel as nib
import numpy as np

import corecore as cc

image = nib.load("../sample_volumes/right_medium.nii.gz")
voxels = np.asarray(image.dataobj)
hip = cc.load(voxels, affine=image.affine, labels={"femur": 1, "lesion": 2}, case_id="sample")
hip

# %% [markdown]
# ## The lesion first
# How much of the head is necrotic, and how much of it lies in the weight-bearing zone.

# %%
cc.measure(hip)

# %% [markdown]
# ## The best tunnel
# A 10 mm core from the lateral femur that keeps 3 mm from the cortex, 5 mm from the joint and from the
# postero-superior neck. Drag the scene to turn it; the wheel zooms. (The stored file has a picture in its place.)

# %%
plan = cc.plan(hip)
plan

# %% [markdown]
# Positions are RAS mm, the frame of the image's affine. `to_frame` gives a column for every figure; `pandas.DataFrame`
# and `polars.DataFrame` take it as it is.

# %%
table = plan.to_frame()
for name in (
    "entry.x",
    "entry.y",
    "entry.z",
    "length_mm",
    "joint_clearance_mm",
    "risk.guide.cortex_breach_probability",
):
    print(f"{name:40}{table[name][0]:10.4g}")

# %% [markdown]
# ## A path of your own
# The same tunnel with its tip 6 mm nearer to the joint: every figure, and the limits that it exceeds.

# %%
tunnel = plan.tunnels[0]
deeper = cc.assess(hip, tunnel.entry, tunnel.tip + 6.0 * tunnel.direction, 10.0)
for limit in deeper.violations:
    print(f"{limit.key}: {limit.value:.1f}, limit {limit.limit:.1f}")

# %% [markdown]
# ## Saved, and verified
# The folder holds the plan, the report as page and PDF, Slicer and STL files, and copies of the masks, since these came
# from memory. `verify` recalculates the figures from the masks, by code that shares no geometry with the planner.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp()) / "plan"
path = plan.save(folder)
result = cc.verify(path)
print("agrees:", result.agrees, "-", len(result.checks), "figures checked")
sorted(item.name for item in folder.iterdir())
