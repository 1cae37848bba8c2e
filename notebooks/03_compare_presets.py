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
# # One hip, several ways to drill it
# A thick core, a thinner one, and five thin drills through one entry hole: what each removes, what bone remains, and
# the execution-error simulation: a model with stated errors (`docs/design/risk.md`), not patients.

# %%
import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np

import corecore as cc

image = nib.load("../sample_volumes/right_medium.nii.gz")
hip = cc.load(np.asarray(image.dataobj), affine=image.affine, labels={"femur": 1, "lesion": 2}, case_id="sample")
plans = {name: cc.plan(hip, name, pattern="fan") for name in ("core-10", "core-8", "multi-3.2")}

# %%
print(f"{'':12}{'removed':>9}{'within 3 mm':>13}{'viable ml':>12}{'neck share':>12}")
for name, plan in plans.items():
    t = plan.totals
    print(
        f"{name:12}{t.removed_fraction:9.1%}{t.reached_3mm_fraction:13.1%}"
        f"{t.healthy_bone_removed_ml:12.2f}{t.neck_area_share:12.1%}"
    )

# %% [markdown]
# Every drill a row, by `to_frame`:

# %%
for plan in plans.values():
    table = plan.to_frame()
    for row in zip(*(table[k] for k in ("preset", "tunnel", "length_mm", "joint_clearance_mm")), strict=True):
        print("{:12}{:3}{:8.1f} mm long{:8.1f} mm to the joint".format(*row))

# %%
methods = ["fluoroscopy", "guide", "navigated"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
for shift, (name, plan) in enumerate(plans.items()):
    risk = plan.to_dict()["totals"]["risk"]
    places = [k + 0.25 * (shift - 1) for k in range(len(methods))]
    left.bar(places, [risk[m]["cortex_breach_probability"] for m in methods], 0.22, label=name)
    right.bar(places, [risk[m]["removed_fraction_mean"] for m in methods], 0.22, label=name)
left.set_title("cortical perforation")
right.set_title("removed on average")
for axis in (left, right):
    axis.set_xticks(range(len(methods)), methods)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
right.legend()
figure.tight_layout()

# %% [markdown]
# The five thin drills; drag the scene to turn it.

# %%
plans["multi-3.2"]
