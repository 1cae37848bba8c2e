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
# # What is measured, and with what uncertainty
# Three sample hips side by side. Each figure's definition and source: `docs/measures.md`.

# %%
import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np

import corecore as cc


def load(name):
    """A sample as an array: 1 is the femur, 2 the necrosis."""
    image = nib.load(f"../sample_volumes/{name}.nii.gz")
    return cc.load(np.asarray(image.dataobj), affine=image.affine, labels={"femur": 1, "lesion": 2}, case_id=name)


hips = {name: load(name) for name in ("right_medium", "left_small", "right_slices")}
measures = {name: cc.measure(hip) for name, hip in hips.items()}

# %% [markdown]
# A row each, columns by name, as in a batch's table (`pandas.DataFrame(measures["left_small"].to_frame())`).

# %%
columns = {
    "necrosis.volume_ml": "ml", "necrosis.head_fraction": "of head", "necrosis.steinberg": "Steinberg",
    "necrosis.weight_bearing.surface_fraction": "weight-bearing", "necrosis.kerboul.combined_deg": "Kerboul, deg",
    "necrosis.jic.type": "JIC",
}  # fmt: skip
print(" " * 14 + "".join(f"{title:>16}" for title in columns.values()))
for name, one in measures.items():
    table = one.to_frame()
    values = [table[column][0] for column in columns]
    print(f"{name:14}" + "".join(f"{v:16.3f}" if isinstance(v, float) else f"{v or '–':>16}" for v in values))

# %% [markdown]
# ## The lesion in the bone
# With the best tunnel to it; drag the scene to turn it.

# %%
cc.plan(hips["left_small"])

# %% [markdown]
# ## Location of the lesion
# Shares of the lesion in the eight octants of the head: anterior or posterior, superior or inferior, medial or lateral.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True)
for axis, (name, one) in zip(axes, measures.items(), strict=True):
    octants = one.to_dict()["octants"]
    axis.bar(list(octants), list(octants.values()), color="#d98f00")
    axis.set_title(name)
axes[0].set_ylabel("share of the lesion")
figure.tight_layout()

# %% [markdown]
# ## Segmentation uncertainty
# Outlines are drawn manually. With the outline moved by half a voxel, and by 1 mm, in and out:

# %%
for name, one in measures.items():
    figures = one.to_dict()
    moved = figures["repeatability"]["figures"]["head_fraction"]
    half, whole = moved["half_voxel"], moved["one_mm"]
    print(
        f"{name:14} {figures['head_fraction']:6.1%} of the head;"
        f" half a voxel {half[0]:+.1%} to {half[1]:+.1%}, 1 mm {whole[0]:+.1%} to {whole[1]:+.1%}"
    )
