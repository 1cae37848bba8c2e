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
# # A small study
# Synthetic hips with known truth, planned in a batch, read as one table. Set `HIPS` to as many as you have time for:
# a plan takes some seconds of one core. The figures below are of a handful of simulated hips: they say nothing about
# patients.

# %%
import os
import tempfile
from pathlib import Path

import corecore as cc

HERE = Path.cwd()
HIPS = int(os.environ.get("CORECORE_STUDY_HIPS", "4"))
os.chdir(tempfile.mkdtemp())
files = cc.synth("hips", HIPS, seed=11)

# %% [markdown]
# Two presets over the same hips: a study file names the combinations, and each hip is read and measured once.

# %%
Path("study.toml").write_text('population = "hips"\n[sweep]\npreset = ["core-10", "core-8"]\n')
cc.batch(None, "run", study="study.toml", execution=cc.Execution(2))
results = cc.read_results("run", frame="mapping")  # frame="pandas" or "polars" where they are installed
table = results.wide
print(len(table["id"]), "rows,", len(table), "columns")

# %%
by_preset: dict[str, list[float]] = {}
for name, status, share in zip(table["variant"], table["status"], table["totals.removed_fraction"], strict=True):
    # A hip without a feasible tunnel removes nothing: leaving it out would flatter the preset.
    by_preset.setdefault(name, []).append(share if status == "planned" else 0.0)
for name, values in by_preset.items():
    shown = ", ".join(f"{value:.1%}" for value in sorted(values))
    print(f"{name}: removed {shown}; infeasible {sum(value == 0.0 for value in values)} of {len(values)}")

# %% [markdown]
# The same as a page with plots:

# %%
cc.summary("run/results.parquet", "summary.html")
print(Path("summary.html").stat().st_size // 1024, "KiB")

# %% [markdown]
# One of these hips; drag the scene to turn it.

# %%
[first] = [file for file in files if file.name.endswith("11.nii.gz")]
cc.plan(cc.load(first, labels={"femur": 1, "lesion": 2}), "core-8")

# %% [markdown]
# ## Five hundred hips
# `study_500_hips.parquet` beside this notebook is such a table, of the hips with seeds 1000 to 1499, as
# `corecore synth --n 500 --seed 1000` draws them, planned with `core-10`, `core-8` and `acd` by `corecore batch
# --study` (`multi-3.2` is left out: five drills planned together take four times as long as the rest); of its columns
# `docs/keep_study.py` kept those that a summary reads. A test simulates some of its hips and plans them again. They
# were planned for the most (`objective = "most"`; the default is now the safest of the nearly best) with error models
# that drill blindly: their risks are out of date and are not shown.
#
# A hip without a feasible tunnel counts with nothing removed. Means have bootstrap intervals, shares Wilson's, both
# 95 %: they give the uncertainty of a figure **for this simulated population**, not the outcome of real patients.

# %%
from corecore.study.batch.figures import read_records
from corecore.study.batch.intervals import differences, groups

study = read_records(HERE / "study_500_hips.parquet")
every = ["all"] * len(study)
extents = [str(one) for one in study.texts("necrosis.steinberg")]
# The lesion of some hips does not reach the mid-coronal plane, where JIC looks.
places = [str(one or "none") for one in study.texts("necrosis.jic.type")]
forms = [str(one) for one in study.texts("truth.lesion.kind")]


def told(one):
    """A share in per cent with its interval."""
    if one is None:
        return "    –"
    value, low, high = 100 * one.value, 100 * one.low, 100 * one.high
    return f"{value:5.1f} ({low:.1f} to {high:.1f})" if low == low else f"{value:5.1f}"


def plan_of(name):
    return name.removeprefix("preset=")


for title, classes in (("all", every), ("extent (Steinberg)", extents), ("place (JIC)", places), ("form", forms)):
    print(f"\n{title:20}{'hips':>5}  {'removed, %':22}no tunnel, %")
    for one in groups(study, classes):
        name = f"{plan_of(one.plan)} {one.group}"
        print(f"{name:20}{one.removed.count:5}  {told(one.removed):22}{told(one.without)}")

# %% [markdown]
# Which removes more, on the same hips (percentage points of the lesion):

# %%
for classes in (every, extents, places):
    for one in differences(study, classes):
        print(f"{plan_of(one.plan) + ' − ' + plan_of(one.other):22}{one.group:9}{one.more.count:5}  {told(one.more)}")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for axis, (title, classes) in zip(axes, (("extent (Steinberg)", extents), ("place (JIC)", places)), strict=True):
    found = groups(study, classes)
    kinds = sorted({one.group for one in found})
    for shift, plan in enumerate(sorted({one.plan for one in found})):
        rows = [one for one in found if one.plan == plan]
        at = [kinds.index(one.group) + 0.18 * (shift - 1) for one in rows]
        mean = [100 * one.removed.value for one in rows]
        ends = [
            [100 * (one.removed.value - one.removed.low) for one in rows],
            [100 * (one.removed.high - one.removed.value) for one in rows],
        ]
        axis.errorbar(at, mean, ends, fmt="osd^"[shift], capsize=3, label=plan_of(plan))
    axis.set_xticks(range(len(kinds)), kinds)
    axis.set_xlabel(title)
axes[0].set_ylabel("removed of every hip's lesion, %")
axes[0].set_ylim(bottom=0)
axes[1].legend(frameon=False)
figure.tight_layout()

# %% [markdown]
# **Result** for this population, with the default limits:
#
# - One straight drill removes about a tenth of a lesion: 10 mm 8.5 to 10.0 %, 8 mm 7.7 to 8.9 %. Of flat lesions under
#   the surface (caps) it removes 2 to 3 %: the joint margin excludes more.
# - On the same hips 10 mm removes one percentage point more than 8 mm, but finds no tunnel in 11 % of the hips, 8 mm in
#   3 %.
# - A reamed cavity removes twice as much, and more so the larger the lesion. Its execution errors are not
#   simulated, and its sizes are not confirmed for any instrument.
#
# Lesions and bones are simulated; nothing here is patient data. These lines check the statements:

# %%
of = {plan_of(one.plan): one for one in groups(study, every)}
assert all(0.07 < of[plan].removed.low < of[plan].removed.high < 0.105 for plan in ("core-10", "core-8"))
caps = [one for one in groups(study, forms) if one.group == "cap" and "core" in one.plan]
assert all(0.015 < one.removed.value < 0.03 for one in caps)
assert of["core-10"].without.low > of["core-8"].without.high
more = {(plan_of(one.plan), plan_of(one.other)): one.more for one in differences(study, every)}
assert 0.005 < more["core-10", "core-8"].low < more["core-10", "core-8"].high < 0.015
assert of["acd"].removed.low > 1.8 * of["core-10"].removed.value
print(f"{len(set(study.texts('id')))} hips, {len(study)} plans")
