"""What other programs and notebooks call of many hips: synthetic ones, a batch, its summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from corecore.base.errors import InputError
from corecore.base.parallel import thread_count
from corecore.io.files import atomic_write_text

if TYPE_CHECKING:
    from corecore.study.batch.run import Execution, Outcome
    from corecore.study.phantom.population import Images, Scan
    from corecore.study.phantom.pose import Side
    from corecore.study.phantom.shape import Sex

PathLike: TypeAlias = str | os.PathLike[str]


def synth(
    out: PathLike,
    n: int = 1,
    seed: int = 0,
    *,
    relief_mm: float = 0.5,
    scan: Scan = "fine",
    images: Images = "none",
    sex: Sex | None = None,
    side: Side | None = None,
) -> list[Path]:
    """Write synthetic hips with known truth, each from its own seed.

    Parameters
    ----------
    out : str or os.PathLike
        Folder for the volumes.
    n : int, default 1
        How many hips.
    seed : int, default 0
        First seed; hip i has ``seed + i``.
    relief_mm : float, default 0.5
        Standard deviation of each bone's own relief, mm; 0: none.
    scan : {"fine", "drawn"}, default "fine"
        Voxels of 0.8 mm, or slices of 0.5 to 4 mm, half of them oblique.
    images : {"none", "ct", "mr", "both"}, default "none"
        Images that come along.
    sex : {"male", "female"}, optional
        Default: tossed.
    side : {"left", "right"}, optional
        Default: tossed.

    Returns
    -------
    list of pathlib.Path
        The files, sorted.

    Raises
    ------
    InputError
        For what no hip can be drawn with.
    OutputError
        Where the folder cannot be written.
    """
    from corecore.study.phantom.population import Population, write_drawn

    if n < 1 or seed < 0:
        raise InputError(f"n {n}, seed {seed}; 1 and more, 0 and more are accepted", code="recipe-value")
    population = Population(relief_mm, scan, images, sex, side)
    return sorted(Path(file) for one in range(seed, seed + n) for file in write_drawn(population, Path(out), one))


# Eleven parameters: what its command takes, by the same names.
def batch(
    source: PathLike | None,
    out: PathLike,
    *,
    preset: str = "core-10",
    study: PathLike | None = None,
    gap: float | None = None,
    robust: str | None = None,
    plans: bool = False,
    layout: Literal["folders", "bids"] = "folders",
    columns: Sequence[str] = (),
    execution: Execution | None = None,
    **values: Any,
) -> Outcome:
    """Plan many hips and write one table: Parquet and CSV, wide and long, whatever becomes of each hip.

    Processes of this machine begin by importing the calling program: in a script the call stands below
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    source : str, os.PathLike or None
        Folder of volumes, or a manifest (CSV); ``None`` for the population that ``study`` names.
    out : str or os.PathLike
        Folder for table, journal and plans.
    preset : str, default "core-10"
        The preset of every hip.
    study : str or os.PathLike, optional
        TOML file of a study, every combination of parameters on every hip, in place of preset, gap, robust and values.
    gap : float, optional
        Share, 0 to 1: prove that no tunnel removes more by this much.
    robust : {"fluoroscopy", "guide", "guide_best", "navigated", "robot"}, optional
        Plan for the errors of this guidance method.
    plans : bool, default False
        Write each plan's folder too.
    layout : {"folders", "bids"}, default "folders"
        ``"bids"`` writes the plans as a dataset of BIDS derivatives in ``out``.
    columns : sequence of str, optional
        Groups or columns that the tables hold. Default: all.
    execution : Execution, optional
        Workers, Dask scheduler, resumption, limits of a case. Default: a process per core.
    **values
        Parameters of ``corecore.Spec`` in place of the preset's.

    Returns
    -------
    Outcome
        Rows, records by status, and kinds of failure.

    Raises
    ------
    InputError
        For hips or settings that cannot be, or a journal that is another run's.
    OutputError
        Where ``out`` holds a batch and resumption is not asked for.
    MissingExtraError
        Without pyarrow, or without Dask where a scheduler is named.
    """
    from corecore.study.batch.layout import parse_layout, plans_folder
    from corecore.study.batch.manifest import read_rows
    from corecore.study.batch.run import Execution, run_batch
    from corecore.study.batch.settings import Settings, Variant
    from corecore.study.batch.study import read_study

    place, into = source, Path(out)
    told = parse_layout(layout)
    folder = plans_folder(into, plans=plans, layout=told)
    if study is None:
        settings = Settings((Variant("", preset, tuple(values.items()), robust),), gap, folder, layout=told)
    else:
        if preset != "core-10" or gap is not None or robust is not None or values:
            raise InputError("study with parameters of a plan; set them in the study's file", code="options-conflict")
        found = read_study(Path(study))
        place, settings = place or found.population, Settings(found.variants, found.gap, folder, layout=told)
    if place is None:
        raise InputError(
            "no hips: a folder, a manifest (CSV), or a study that names its population, is accepted",
            code="option-missing",
        )
    hips = Path(place)
    return run_batch(
        read_rows(hips), settings, into, base=hips if hips.is_dir() else hips.parent,
        execution=execution or Execution(thread_count()), columns=columns,
    )  # fmt: skip


def summary(results: PathLike, out: PathLike | None = None) -> str:
    """Sum up a batch's table: what was removed, with what clearance, what failed and why.

    Parameters
    ----------
    results : str or os.PathLike
        A batch's ``results.parquet``.
    out : str or os.PathLike, optional
        Write a self-contained page here, with plots.

    Returns
    -------
    str
        The tables as text.

    Raises
    ------
    InputError
        For a file that is no batch's table.
    """
    from corecore.study.batch.figures import read_records
    from corecore.study.batch.summary import summary_html, summary_text

    found = read_records(Path(results))
    if out is not None:
        atomic_write_text(Path(out), summary_html(found, Path(results), Path(out)))
    return summary_text(found)
