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
# # What is measured, and how sure it is
# Three sample hips side by side. Each figure's definition and source stands in `docs/measures.md`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import corecore as cc

samples = Path("../sample_volumes")
names = ["right_medium", "left_small", "right_slices"]
hips = {name: cc.load(f"{samples}/{name}.nii.gz:1", f"{samples}/{name}.nii.gz:2", case_id=name) for name in names}
measures = {name: cc.measure(hip).to_dict() for name, hip in hips.items()}

# %%
print(f"{'':14}{'ml':>7}{'of head':>9}{'extent':>8}{'loaded':>8}{'Kerboul':>9}{'JIC':>6}")
for name, m in measures.items():
    print(
        f"{name:14}{m['volume_ml']:7.2f}{m['head_fraction']:9.1%}{m['steinberg']:>8}"
        f"{m['weight_bearing']['surface_fraction']:8.1%}{m['kerboul']['combined_deg']:8.0f}°"
        f"{m['jic']['type'] or '–':>6}"
    )

# %% [markdown]
# ## Where the lesion lies
# Shares of the lesion in the eight octants of the head: anterior or posterior, superior or inferior, medial or lateral.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True)
for axis, (name, m) in zip(axes, measures.items(), strict=True):
    axis.bar(list(m["octants"]), list(m["octants"].values()), color="#d98f00")
    axis.set_title(name)
axes[0].set_ylabel("share of the lesion")
figure.tight_layout()

# %% [markdown]
# ## How sure
# Outlines are drawn by hand. With the outline moved by half a voxel, and by 1 mm, in and out:

# %%
for name, m in measures.items():
    moved = m["repeatability"]["figures"]["head_fraction"]
    half, one = moved["half_voxel"], moved["one_mm"]
    print(
        f"{name:14} {m['head_fraction']:6.1%} of the head;"
        f" half a voxel {half[0]:+.1%} to {half[1]:+.1%}, 1 mm {one[0]:+.1%} to {one[1]:+.1%}"
    )
