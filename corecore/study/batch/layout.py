"""Where a batch puts each hip's results: folders by id, or a dataset of BIDS derivatives.

After the Brain Imaging Data Structure's specification, "Derivatives": the entities of the source, then
``desc-corecore``; a discrete segmentation with its table of labels; a description of the dataset that says what made
it. A plan's folder is one thing, whose files vouch for one another: it stands whole beside them, and is listed in
``.bidsignore``, for the specification has no name for a plan.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from corecore.base.errors import InputError
from corecore.base.version import __version__
from corecore.io.files import atomic_write_text
from corecore.study.batch.bids import DESCRIPTION

if TYPE_CHECKING:
    from corecore.planning.planner import Plan

Layout: TypeAlias = Literal["folders", "bids"]
LAYOUTS: tuple[Layout, ...] = ("folders", "bids")
#: The version of the specification that the names are after.
BIDS_VERSION = "1.10.0"
#: What of the dataset is no file of the specification's. A folder goes without a slash: its validator knows no other.
IGNORED = ("journal.jsonl", "results*", "summary*", "**/*_plan")
#: Names in the tables of labels. What is left of a necrosis is no necrosis to plan on: it is not called a lesion.
FEMUR, LEFT, TUNNEL = "bone outside tunnels", "necrosis outside tunnels", "tunnel"
SEGMENTATION = "Planned drill tunnels for core decompression, painted into the grid of the femur's mask"
README = """# Plans for core decompression

Made by corecore {version}. For each hip: `*_desc-corecore_dseg.nii.gz`, the tunnels painted into the femur's grid, with
a table of its labels; `*_desc-corecore_plan/`, the plan's folder, which `corecore verify` recalculates. `results.*` and
`results_long.*` hold the figures of all hips. For research, and for review by a surgeon; not a cleared medical device.
"""


def parse_layout(text: str) -> Layout:
    """A layout by its name. Raises ``InputError`` for another word."""
    for layout in LAYOUTS:
        if text == layout:
            return layout
    raise InputError(f"--layout {text!r}; {' or '.join(LAYOUTS)} is accepted", code="option-value")


def plans_folder(out: Path, *, plans: bool, layout: Layout) -> str | None:
    """Where the plans of a batch go: a folder in ``out``, or the dataset itself; nowhere where none are asked for."""
    if layout == "bids":
        return str(out.absolute())
    return str((out / "plans").absolute()) if plans else None


def stem_of(ident: str) -> str:
    """A hip's entities: those of its id, where it is a BIDS source's; else a subject of its letters and digits."""
    pairs = [part.partition("-") for part in ident.split("_")]
    told = all(dash and re.fullmatch(r"[A-Za-z0-9]+", value) and key.isalpha() for key, dash, value in pairs)
    if told and pairs[0][0] == "sub" and len({key for key, _, _ in pairs}) == len(pairs):
        return "_".join(f"{key}-{value}" for key, _, value in pairs if key != "desc")
    return f"sub-{_plain(ident)}"


def plan_folder(plans: Path, ident: str, variant: str, layout: Layout) -> Path:
    """Where a hip's plan lies; ``plans`` is the folder of plans, or the dataset."""
    return plans / ident / variant if layout == "folders" else plans / f"{_beginning(ident, variant)}_plan"


def check_names(idents: Iterable[str], variants: Iterable[str], layout: Layout) -> None:
    """Raise ``InputError`` where a hip has no name in the dataset, or two hips, or two combinations, have one."""
    if layout == "folders":
        return
    for what, names, short in (("ids", idents, stem_of), ("combinations", variants, _plain)):
        taken: dict[str, str] = {}
        for name in names:
            named = short(name).lower()
            other = taken.setdefault(named, name)
            if other != name or named == "sub-":
                raise InputError(
                    f"--layout bids: {what} {other!r} and {name!r}: letters and digits alone make a name there, and"
                    " these have the same or none; others are accepted",
                    code="option-value",
                )


def clear(plans: Path, ident: str, variants: Iterable[str], layout: Layout) -> None:
    """Take away what an earlier run made of a hip."""
    if layout == "folders":
        shutil.rmtree(plans / ident, ignore_errors=True)
        return
    for variant in variants:
        shutil.rmtree(plan_folder(plans, ident, variant, layout), ignore_errors=True)
        for path in _segmentation(plans, ident, variant):
            path.unlink(missing_ok=True)


def write_segmentation(plan: Plan, dataset: Path, variant: str) -> None:
    """The tunnels of a plan painted into the femur's grid: a discrete segmentation, its table of labels, its words."""
    from corecore.exports.nifti import FIRST_TUNNEL, paint
    from corecore.io.nifti import write_labels

    femur = plan.hip.case.original_femur
    assert femur is not None
    path, table, sidecar = _segmentation(dataset, plan.hip.case.id, variant)
    tunnels = tuple(tunnel for tunnel, _ in plan.tunnels)
    names = [FEMUR, LEFT, *(f"{TUNNEL} {number}" for number in range(1, len(tunnels) + 1))]
    assert len(names) == FIRST_TUNNEL - 1 + len(tunnels)
    write_labels(path, femur.grid, paint(plan.hip, tunnels, femur.grid))
    lines = ["index\tname", *(f"{index}\t{name}" for index, name in enumerate(names, start=1))]
    atomic_write_text(table, "\n".join(lines) + "\n")
    # "orig": in the space of the image that the masks were drawn on.
    told = {"Description": SEGMENTATION, "SpatialReference": "orig"}
    atomic_write_text(sidecar, json.dumps(told, indent=2) + "\n")


def describe(dataset: Path) -> None:
    """Write what makes the folder a dataset: its description, what of it the specification does not know, a word."""
    told = {
        "Name": "corecore: plans for core decompression",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "corecore", "Version": __version__}],
    }
    atomic_write_text(dataset / DESCRIPTION, json.dumps(told, indent=2) + "\n")
    atomic_write_text(dataset / ".bidsignore", "\n".join(IGNORED) + "\n")
    atomic_write_text(dataset / "README.md", README.format(version=__version__))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)


def _beginning(ident: str, variant: str) -> str:
    """A hip's folder and name in a dataset, without what follows ``desc-corecore``."""
    stem = stem_of(ident)
    parts = stem.split("_")
    session = next((part for part in parts if part.startswith("ses-")), "")
    return Path(parts[0], session, "anat", f"{stem}_desc-corecore{_plain(variant)}").as_posix()


def _segmentation(dataset: Path, ident: str, variant: str) -> tuple[Path, Path, Path]:
    """Where its voxels, its table of labels and what is said of it lie."""
    start = f"{_beginning(ident, variant)}_dseg"
    return dataset / f"{start}.nii.gz", dataset / f"{start}.tsv", dataset / f"{start}.json"
