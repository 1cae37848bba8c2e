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
# # An objective and constraints of your own
# `cc.plan` looks for the tunnel that removes most necrosis. If something else matters to you, take `cc.candidates`:
# tunnels from all over the neck, each within every limit, with its figures. Rank or filter them by any function, and
# make the plan of the one that you choose with `cc.assess`.

# %%
import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np

import corecore as cc

image = nib.load("../sample_volumes/right_medium.nii.gz")
hip = cc.load(np.asarray(image.dataobj), affine=image.affine, labels={"femur": 1, "lesion": 2}, case_id="sample")
found = cc.candidates(hip, "core-8", most=60)
print(len(found), "candidates; removed", ", ".join(f"{one.figures.removed_fraction:.1%}" for one in found[:5]), "...")

# %% [markdown]
# ## An objective
# Necrosis removed, less a penalty for every millimetre of bone drilled through and for every millimetre by which the
# tunnel passes nearer than 6 mm to the cortex. The weights are an example, not advice.


# %%
def score(tunnel):
    """Percentage points of the necrosis removed, less what the way there costs."""
    figures = tunnel.figures
    removed = 100.0 * figures.removed_fraction
    return removed - 0.05 * figures.length_mm - 1.0 * max(0.0, 6.0 - figures.cortical_clearance_mm)


# %% [markdown]
# ## A constraint
# An entry less than 25 mm below the middle of the neck along the shaft, say, for an approach with a short incision.
# Positions are RAS mm; landmarks are in `hip.anatomy`.


# %%
def allowed(tunnel):
    """Whether the entry lies at most 25 mm distal to the neck's centre."""
    return (hip.anatomy.neck_center - tunnel.entry) @ hip.anatomy.shaft_axis <= 25.0


chosen = max(filter(allowed, found), key=score)
for name, one in (("most removed", found[0]), ("own objective", chosen)):
    figures = one.figures
    print(
        f"{name:15}{figures.removed_fraction:7.1%} removed, {figures.length_mm:5.1f} mm long,"
        f" {figures.cortical_clearance_mm:4.1f} mm to the cortex, {figures.joint_clearance_mm:4.1f} to the joint"
    )

# %%
removed, cortex, inside = zip(
    *((100 * one.figures.removed_fraction, one.figures.cortical_clearance_mm, allowed(one)) for one in found),
    strict=True,
)
figure, axis = plt.subplots(figsize=(5.5, 3.6))
for keep, mark, color, label in ((True, "o", "#0072b2", "allowed"), (False, "x", "#999999", "entry too distal")):
    chosen_ones = [k for k, one in enumerate(inside) if one is keep]
    axis.plot([cortex[k] for k in chosen_ones], [removed[k] for k in chosen_ones], mark, color=color, label=label)
axis.plot(chosen.figures.cortical_clearance_mm, 100 * chosen.figures.removed_fraction, "*", ms=15, color="#d55e00",
          label="chosen")  # fmt: skip
axis.set_xlabel("least distance to the cortex, mm")
axis.set_ylabel("necrosis removed, %")
axis.legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# ## The plan of it
# `assess` evaluates the path by all figures and holds it against every limit: it exceeds none. It can be saved,
# verified and exported as any other. Drag the scene to turn it.

# %%
plan = cc.assess(hip, chosen.entry, chosen.tip, chosen.diameter_mm, "core-8")
assert not plan.violations
plan

# %% [markdown]
# ## A sweep over margins
# What wider margins cost: necrosis removed by the best candidate, with each pair of margins. It lies a little below
# what `cc.plan` finds, which climbs on from the best lines; for a study with whole plans, sweep with `cc.batch`.

# %%
cortical, joint = (3.0, 4.5, 6.0), (3.0, 5.0, 7.0)
share = np.zeros((len(cortical), len(joint)))
for i, j in np.ndindex(share.shape):
    best = cc.candidates(hip, "core-8", most=1, cortical_margin_mm=cortical[i], joint_margin_mm=joint[j])
    share[i, j] = 100 * best[0].figures.removed_fraction if best else np.nan
# A wider margin never removes more than a line's tolerance beyond a narrower one.
assert np.all(np.diff(np.nan_to_num(share), axis=0) < 0.2)
assert np.all(np.diff(np.nan_to_num(share), axis=1) < 0.2)

figure, axis = plt.subplots(figsize=(4.6, 3.4))
drawn = axis.imshow(share, cmap="cividis", vmin=0.0, origin="lower")
axis.set_xticks(range(len(joint)), [f"{value:g}" for value in joint])
axis.set_yticks(range(len(cortical)), [f"{value:g}" for value in cortical])
axis.set_xlabel("joint margin, mm")
axis.set_ylabel("cortical margin, mm")
for i, j in np.ndindex(share.shape):
    text = "no tunnel" if np.isnan(share[i, j]) else f"{share[i, j]:.1f} %"
    axis.text(j, i, text, ha="center", va="center", color="white" if share[i, j] < 0.6 * np.nanmax(share) else "black")
figure.colorbar(drawn, label="necrosis removed, %")
figure.tight_layout()
