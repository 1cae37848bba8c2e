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
# A thick core, a thinner one, and five thin drills through one portal: what each removes, what it leaves standing,
# and what errors of drilling would do to it. The errors are a model with stated figures (`docs/design/risk.md`), not
# patients.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import corecore as cc

samples = Path("../sample_volumes")
hip = cc.load(f"{samples}/right_medium.nii.gz:1", f"{samples}/right_medium.nii.gz:2", case_id="sample")
plans = {name: cc.plan(hip, name) for name in ("core-10", "core-8", "multi-3.2")}

# %%
rows = {name: plan.to_dict()["totals"] for name, plan in plans.items()}
print(f"{'':12}{'removed':>9}{'within 3 mm':>13}{'healthy ml':>12}{'neck share':>12}")
for name, t in rows.items():
    print(
        f"{name:12}{t['removed_fraction']:9.1%}{t['reached_3mm_fraction']:13.1%}"
        f"{t['healthy_bone_removed_ml']:12.2f}{t['neck_area_share']:12.1%}"
    )

# %%
methods = ["guide", "robot", "navigated", "freehand"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
for shift, (name, t) in enumerate(rows.items()):
    places = [k + 0.25 * (shift - 1) for k in range(len(methods))]
    left.bar(places, [t["risk"][m]["cortex_breach_probability"] for m in methods], 0.22, label=name)
    right.bar(places, [t["risk"][m]["removed_fraction_mean"] for m in methods], 0.22, label=name)
left.set_title("wall or end out of the bone")
right.set_title("removed on average")
for axis in (left, right):
    axis.set_xticks(range(len(methods)), methods)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
right.legend()
figure.tight_layout()

# %%
plans["multi-3.2"].picture()
