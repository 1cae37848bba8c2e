"""A plan's folder: every file of a plan, written together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import UNSET

from corecore.base.errors import OutputError
from corecore.base.language import ENGLISH, carried, language, spoken
from corecore.base.mesh import TriangleMesh, revolved, surface_mesh
from corecore.document.content import content_of, json_text
from corecore.document.origins import remember
from corecore.document.plan import OutputPart, PlanDocument
from corecore.document.seal import plan_hash, seal_of, signature_of
from corecore.document.stamp import Provenance
from corecore.hip.case import DRAFT_NOTE, Case, Source
from corecore.hip.hip import Hip
from corecore.hip.lesion import Lesion
from corecore.io.files import atomic_write_text, sha256_of, staged_folder
from corecore.io.markups import MarkupLine, write_lines
from corecore.io.nifti import write_image, write_labels, write_mask
from corecore.io.stl import NOTE_LENGTH, write_stl
from corecore.report.page import BONE_TRIANGLES, write_scene_html
from corecore.report.pictures import preview
from corecore.report.pictures.preview import PreviewResult, draw_preview
from corecore.report.scene import Scene
from corecore.tunnels.cylinder import Tunnel

if TYPE_CHECKING:
    from corecore.planning.planner import Plan
    from corecore.report.tissue import Tissue

_log = logging.getLogger(__name__)

#: Files of an earlier plan that a new one replaces or removes.
OWN_FILES = (
    "plan.json", "measures.json", "tunnels.mrk.json", "femur.stl", "lesion.stl", "tunnel_*.stl",
    "preview.png", "preview.html", "report.html", "report.pdf", "run.log", "input_*.nii.gz",
)  # fmt: skip
#: How much of the image around the femur is kept with the plan, mm: the joint, and the soft parts drilled through.
IMAGE_ROOM_MM = 30.0


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a folder that holds a plan already or that is no folder."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; a folder is accepted for --out", code="output-kind")
    if (folder / "plan.json").exists() and not overwrite:
        raise OutputError(
            f"{folder}: holds a plan already; choose another folder, or give --overwrite", code="output-exists"
        )


def write_plan(
    plan: Plan,
    folder: Path,
    *,
    pictures: bool = True,
    keep_names: bool = False,
    log_text: Callable[[], str] = lambda: "",
    timings: dict[str, float] | None = None,
    surfaces: tuple[TriangleMesh, TriangleMesh] | None = None,
    sign_key: bytes | None = None,
) -> PlanDocument:
    """Write a plan's folder and return the content of its ``plan.json``.

    Without ``keep_names`` the input masks are copied under neutral names, stripped of their
    headers' texts, so that the folder verifies on its own and tells no patient's name. Masks that were given in
    memory are always copied.
    ``surfaces`` are those of ``meshes``, where the caller has made them already. With ``sign_key`` the seal is
    signed, so that only who has the key can seal a plan that was changed. Pictures, page and report are in the
    language spoken, the record in English.
    """
    # The plan brings the compiler along; a folder can be checked without it.
    from corecore.measures.document import measures_document
    from corecore.planning.document import document

    shown_in = language()
    with spoken(ENGLISH), staged_folder(folder) as stage:
        sources = plan.hip.case.sources
        originals = {source.sha256: place for source in sources if (place := _place(source)) is not None}
        if not keep_names or any(source.path is None for source in sources):
            plan = replace(plan, hip=_with_copies(plan.hip, stage))
        content = document(plan)
        also = {key: round(value, 3) for key, value in (timings or {}).items()}
        content = msgspec.structs.replace(content, timings={**content.timings, **also})
        name = plan_hash(content_of(content))
        stamp = Provenance.of(content, name)
        femur, lesion = _write_bodies(plan, stage, stamp, surfaces)
        atomic_write_text(stage / "measures.json", json_text(measures_document(plan.hip, plan.measures)))
        if pictures:
            with spoken(shown_in):
                _draw(Scene.of(content, femur, lesion), plan.hip, stage)
        atomic_write_text(stage / "run.log", log_text())
        # Last: it vouches for all the others.
        content = sealed(content, stage, sorted(item.name for item in stage.iterdir()), sign_key)
        atomic_write_text(stage / "plan.json", json_text(content))
        _remove_older(folder, stage)
    if not keep_names:
        remember(name, originals)
    return content


def _place(source: Source) -> Path | None:
    """Where a source lies; of a series, with which of its folder's it is; nowhere where it was given in memory."""
    chosen = source.role == "image" and source.label is not None and source.path is not None
    return Path(f"{source.path}:{source.label}") if chosen else source.path


def sealed(content: PlanDocument, folder: Path, names: Iterable[str], sign_key: bytes | None) -> PlanDocument:
    """A plan that lists these files of a folder by their fingerprints, sealed, and signed where there is a key."""
    listed = [OutputPart(path=name, sha256=sha256_of(folder / name)) for name in names]
    content = msgspec.structs.replace(content, outputs=listed, seal=UNSET, signature=UNSET)
    seal = seal_of(content_of(content))
    return msgspec.structs.replace(
        content, seal=seal, signature=UNSET if sign_key is None else signature_of(seal, sign_key)
    )


def _write_bodies(
    plan: Plan, stage: Path, stamp: Provenance, surfaces: tuple[TriangleMesh, TriangleMesh] | None
) -> tuple[TriangleMesh, TriangleMesh]:
    """Bone, lesion and tunnels as STL files and the tunnels as markups, each with the plan's name in it."""
    femur, lesion = surfaces or meshes(plan.hip)
    note = stamp.header(NOTE_LENGTH)
    write_stl(femur, stage / "femur.stl", note=note)
    write_stl(lesion, stage / "lesion.stl", note=note)
    lines = []
    for number, (tunnel, _) in enumerate(plan.tunnels, start=1):
        write_stl(tunnel_mesh(tunnel, plan.hip), stage / f"tunnel_{number}.stl", note=note)
        entry, tip = plan.hip.to_world(tunnel.entry), plan.hip.to_world(tunnel.tip)
        lines.append(MarkupLine(f"tunnel {number}", entry, tip, stamp.text()))
    write_lines(lines, stage / "tunnels.mrk.json")
    return femur, lesion


def meshes(hip: Hip) -> tuple[TriangleMesh, TriangleMesh]:
    """Surfaces of bone and lesion in world RAS mm."""
    femur = surface_mesh(hip.bone_mask.voxels, hip.bone_mask.grid.spacing_mm).transformed(hip.world_from_local)
    return femur, lesion_mesh(hip.lesion, hip)


def lesion_mesh(lesion: Lesion, hip: Hip) -> TriangleMesh:
    """Surface of a hip's lesion, or of a part of it, in world RAS mm."""
    mask = lesion.drawn
    spacing = mask.grid.spacing_mm
    frame = hip.world_from_local @ mask.grid.world_from_index @ np.diag([*(1.0 / spacing), 1.0])
    return surface_mesh(mask.voxels, spacing).transformed(frame)


def prepared_meshes(hip: Hip, *, pictures: bool) -> tuple[TriangleMesh, TriangleMesh]:
    """``meshes``, and all that the pictures need of them before there is a plan: for a thread beside the search."""
    if pictures:
        preview.prepare()
    femur, lesion = meshes(hip)
    if pictures:
        # Loaded early: what the picture needs next.
        import_module("corecore.report.report").load_early()
        femur.decimated(BONE_TRIANGLES)
    return femur, lesion


def tunnel_mesh(tunnel: Tunnel, hip: Hip) -> TriangleMesh:
    """A tunnel as one closed body in world RAS mm: what its instrument takes, cavity and guide pin with it."""
    # No further rings than corners: a file of straight walls needs none.
    outline = tunnel.body.meridian(tunnel.length_mm, step_mm=np.inf)
    return revolved(tunnel.tip, tunnel.direction, outline).transformed(hip.world_from_local)


def _with_copies(hip: Hip, stage: Path) -> Hip:
    """The hip with sources that point to copies of its masks in the plan's folder."""
    case: Case = hip.case
    femur, lesion = case.original_femur, case.original_lesion
    if femur is None or lesion is None:
        return hip
    if case.label_map:
        labels = femur.voxels.astype(np.uint8)
        labels[lesion.voxels] = 2
        write_labels(stage / "input_labels.nii.gz", femur.grid, labels)
        names: dict[str, tuple[str, int | None]]
        names = {"femur": ("input_labels.nii.gz", 1), "lesion": ("input_labels.nii.gz", 2)}
    else:
        # A draft stays one in the copy, so that a plan opened again still says so.
        write_labels(
            stage / "input_femur.nii.gz", femur.grid, femur.voxels.astype(np.uint8),
            note=DRAFT_NOTE if case.drafted else "",
        )  # fmt: skip
        write_mask(stage / "input_lesion.nii.gz", lesion)
        names = {"femur": ("input_femur.nii.gz", None), "lesion": ("input_lesion.nii.gz", None)}
    if case.pelvis is not None:
        write_mask(stage / "input_pelvis.nii.gz", case.pelvis)
        names["pelvis"] = ("input_pelvis.nii.gz", None)
    if case.avoid is not None:
        write_mask(stage / "input_avoid.nii.gz", case.avoid)
        names["avoid"] = ("input_avoid.nii.gz", None)
    if case.knee is not None:
        write_mask(stage / "input_knee.nii.gz", case.knee)
        names["knee"] = ("input_knee.nii.gz", None)
    if case.image is not None:
        # Only the hip: the rest of a scan is another matter.
        write_image(stage / "input_image.nii.gz", case.image.around(femur, IMAGE_ROOM_MM))
        names["image"] = ("input_image.nii.gz", None)
    sources = []
    for source in case.sources:
        if source.role not in names:
            # No copy is kept of it, and its name stays out as well.
            sources.append(replace(source, path=Path(source.role)))
            continue
        name, label = names[source.role]
        copy = replace(source, path=Path(name), sha256=sha256_of(stage / name), label=label)
        sources.append(replace(copy, original_sha256=source.sha256))
    return replace(hip, case=replace(case, sources=tuple(sources)))


def _draw(scene: Scene, hip: Hip, stage: Path) -> None:
    # Loaded only for pictures.
    from corecore.report.tissue import Tissue

    result = draw_all(scene, lambda: Tissue.of(hip), stage)
    _log.info("preview.png drawn by %s", result.renderer)


def draw_all(scene: Scene, tissue: Callable[[], Tissue | None], folder: Path) -> PreviewResult:
    """Pictures, pages and report of a plan into a folder; without ``tissue`` no fluoroscopic views and no slices."""
    from corecore.report.report import report_data, views_of, write_data

    # The picture waits for a child process most of the time; page, films and slices are made meanwhile.
    with ThreadPoolExecutor(2) as pool:
        said = pool.submit(carried(lambda: report_data(scene, views_of(scene, tissue()))))
        page = pool.submit(carried(write_scene_html), scene, folder / "preview.html")
        result = draw_preview(scene, folder / "preview.png")
        page.result()
        write_data(said.result(), result.views, folder)
    return result


def _remove_older(folder: Path, stage: Path) -> None:
    """The plan being overwritten, so that none lies there half replaced, and its files that the new one has not."""
    (folder / "plan.json").unlink(missing_ok=True)
    for pattern in OWN_FILES:
        for old in folder.glob(pattern):
            if not (stage / old.name).exists():
                old.unlink()
