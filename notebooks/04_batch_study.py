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
# a plan takes some seconds of one core. The figures below are of a handful of drawn hips: they say nothing about
# patients.

# %%
import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from corecore.cli import main

HIPS = int(os.environ.get("CORECORE_STUDY_HIPS", "4"))
os.chdir(tempfile.mkdtemp())
assert main(["synth", "--n", str(HIPS), "--seed", "11", "--out", "hips"]) == 0

# %% [markdown]
# Two presets over the same hips: a study file names the combinations, and each hip is read and measured once.

# %%
Path("study.toml").write_text('population = "hips"\n[sweep]\npreset = ["core-10", "core-8"]\n')
assert main(["batch", "--study", "study.toml", "--out", "run", "--workers", "2"]) == 0
table = pq.read_table("run/results.parquet").to_pylist()
print(len(table), "rows,", len(table[0]), "columns")

# %%
by_preset: dict[str, list[float]] = {}
for row in table:
    # A hip without a feasible tunnel removes nothing: leaving it out would flatter the preset.
    removed = row["totals.removed_fraction"] if row["status"] == "planned" else 0.0
    by_preset.setdefault(row["variant"], []).append(removed or 0.0)
for name, values in by_preset.items():
    shown = ", ".join(f"{value:.1%}" for value in sorted(values))
    print(f"{name}: removed {shown}; infeasible {sum(value == 0.0 for value in values)} of {len(values)}")

# %% [markdown]
# The same as a page with plots:

# %%
assert main(["summary", "run/results.parquet", "--out", "summary.html"]) == 0
print(Path("summary.html").stat().st_size // 1024, "KiB")
