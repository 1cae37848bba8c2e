"""Whether a plan is as it was written, and what lies beside it: seal, signature, listed files, strays, inputs since."""

from __future__ import annotations

import fnmatch
import os
import stat
from pathlib import Path, PurePath

from corecore.base.errors import CorecoreError
from corecore.base.input_file import shown
from corecore.document.fields import known, listed
from corecore.document.inputs import fingerprint_now
from corecore.document.origins import recalled
from corecore.document.seal import same_digest, seal_of, seals, signature_of
from corecore.document.stated import StatedPlan
from corecore.io.files import sha256_of
from corecore.io.fingerprint import volume_files
from corecore.io.named_plan import named_plan
from corecore.io.references import image_place
from corecore.verification.report import Check, Verification, same_text
from corecore.verification.review import review_checks

#: Names that only a plan's own files bear: one that the plan does not list is none of it.
OWN_NAMES = (
    "measures.json", "tunnels.mrk.json", "femur.stl", "lesion.stl", "tunnel_*.stl", "preview.png", "preview.html",
    "report.html", "report.pdf", "input_*.nii.gz",
)  # fmt: skip
#: Files that are drilled or printed by: one that names no plan does not belong beside one.
GEOMETRY = (".stl", ".3mf", ".mrk.json")
#: More files than this, in a plan's folder and below, are not looked at: it holds some twenty (engineering choice).
FILES_MAX = 500
#: Nor is the walk through them longer than this.
WALKED_MAX = 100_000


def record_checks(plan: StatedPlan, *, key: bytes | None = None, own_copies: bool = False) -> Verification:
    """Every check of the record; what changed since the plan was made comes first among the messages."""
    since, since_notes = _inputs_since(plan, own_copies=own_copies)
    seal, seal_notes = _seal(plan, key)
    review, review_notes = review_checks(plan)
    files, file_notes = _files(plan)
    return Verification((*since, *seal, *review, *files), (*since_notes, *seal_notes, *review_notes, *file_notes))


def _seal(plan: StatedPlan, key: bytes | None) -> tuple[list[Check], list[str]]:
    checks, notes = [], []
    if plan.sealed is not None:
        checks.append(same_text("plan.json (seal)", "as written", "as written" if plan.sealed else "edited"))
        if not plan.sealed:
            notes.append("plan edited: plan.json is not as corecore wrote it")
    elif seals(plan.version):
        checks.append(same_text("plan.json (seal)", "as written", "unsealed"))
        notes.append(f"plan unsealed: corecore {plan.version} seals every plan, and this one has no seal")
    else:
        notes.append(f"no seal: corecore {plan.version} did not seal every plan, so nothing shows an edit by hand")
    signature = known(plan.file.plan.signature)
    if key is not None:
        by = "nobody"
        if signature is not None:
            made = signature_of(seal_of(plan.file.content), key)
            by = "this key" if same_digest(made, signature) else "another key, or edited since"
        checks.append(same_text("plan.json (signature)", "this key", by))
        if by != "this key":
            notes.append(f"plan not signed by this key: signed by {by}")
    elif signature is not None:
        notes.append("plan signed: only --key FILE tells by which key")
    return checks, notes


def _files(plan: StatedPlan) -> tuple[list[Check], list[str]]:
    """The files that the plan lists, and those beside it that it does not."""
    if isinstance(plan.file.content.get("outputs"), list):
        outputs = listed(plan.file.plan.outputs)
    elif seals(plan.version):
        return [same_text("plan.json (outputs)", "listed", "not listed")], ["plan lists no files beside it"]
    else:
        told = f"no list of files: corecore {plan.version} listed none, so the files beside the plan are not checked"
        return [], [told]
    folder, checks, notes = plan.path.parent, [], []
    for index, one in enumerate(outputs):
        found = _fingerprint(folder, one.path)
        checks.append(same_text(f"outputs[{index}].sha256 ({shown(one.path)})", one.sha256.lower(), found))
        if not checks[-1].ok:
            what = found if " " in found or found == "missing" else "changed"
            notes.append(f"file {what}: {shown(one.path)} is not as it was written with the plan")
            continue
        named = named_plan(folder / one.path)
        if named is not None and not plan.file.hash.startswith(named):
            checks.append(_of_another(plan, one.path, named))
            notes.append(f"another plan's file: {shown(one.path)} is of plan {named[:8]}, not {plan.file.hash[:8]}")
    own: list[str] = []
    silent: list[str] = []
    paths, unseen = _beside(plan, {one.path for one in outputs})
    for path in paths:
        name = str(path.relative_to(folder))
        # A link or a pipe is not opened: what it leads to is not the folder's.
        named = named_plan(path) if stat.S_ISREG(os.lstat(path).st_mode) else None
        if named is not None and not plan.file.hash.startswith(named):
            checks.append(_of_another(plan, name, named))
            notes.append(f"another plan's file: {shown(name)} is of plan {named[:8]}, not {plan.file.hash[:8]}")
        elif path.parent == folder and _own_name(name):
            checks.append(same_text(f"beside the plan: {shown(name)}", "listed", "not listed"))
            notes.append(f"stray file: {shown(name)} has the name of a plan's own file, and the plan lists none")
        elif named is None and _geometry(name):
            checks.append(same_text(f"beside the plan: {shown(name)}", plan.file.hash[:8], "names no plan"))
            notes.append(f"stray file: {shown(name)} names no plan")
        else:
            (silent if named is None else own).append(shown(name))
    if own:
        notes.append(f"written later from this plan, by its hash: {', '.join(own[:8])}")
    if silent:
        notes.append(f"beside the plan and of no plan by name: {', '.join(silent[:8])}")
    return checks, [*notes, *unseen]


def _of_another(plan: StatedPlan, name: str, named: str) -> Check:
    return same_text(f"beside the plan: {shown(name)}", plan.file.hash[:8], named[:8])


def is_plain_name(name: str, paths: type[PurePath] = PurePath) -> bool:
    """Whether a name is of a file in the folder itself; ``paths``: how paths are written, by default here."""
    return name != ".." and "\0" not in name and paths(name).name == name != ""


def _fingerprint(folder: Path, name: str) -> str:
    """SHA-256 of a file in the plan's folder, or in words why there is none; no link and no other place is followed."""
    if not is_plain_name(name):
        return "a place outside the folder"
    try:
        state = os.lstat(folder / name)
        return sha256_of(folder / name) if stat.S_ISREG(state.st_mode) else "no plain file"
    except FileNotFoundError:
        return "missing"
    except (OSError, CorecoreError):
        return "not readable"


def _beside(plan: StatedPlan, listed_names: set[str]) -> tuple[list[Path], list[str]]:
    """Files and links, in the plan's folder and below, that it neither lists nor was made from; what is left out.

    Hidden ones are the system's; a folder with a ``plan.json`` of its own is another plan's, and one that is an input
    is an image's. Where there are too many, those that could pass for a plan's own go first.
    """
    folder = plan.path.parent
    inputs = {file for item in plan.inputs for file in volume_files(item.path)}
    known = {plan.path, *(folder / name for name in listed_names), *inputs}
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        below = Path(place)
        links = [name for name in folders if (below / name).is_symlink()]
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and not (below / name / "plan.json").exists() and below / name not in inputs
        )  # fmt: skip
        found += (below / name for name in (*names, *links) if not name.startswith(".") and below / name not in known)
        if len(found) > WALKED_MAX:
            break
    found.sort(key=lambda path: (not (_own_name(path.name) or _geometry(path.name)), path))
    unseen = len(found) - FILES_MAX
    notes = [f"{unseen} of {len(found)} files beside the plan are not looked at"] if unseen > 0 else []
    return found[:FILES_MAX], notes


def _own_name(name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in OWN_NAMES)


def _geometry(name: str) -> bool:
    return name.lower().endswith(GEOMETRY)


def _inputs_since(plan: StatedPlan, *, own_copies: bool) -> tuple[list[Check], list[str]]:
    """The files that the plan was made from, where they lay then: unchanged, changed since, or gone."""
    places = recalled(plan.file.hash)
    checks, notes, gone, held = [], [], [], []
    states: dict[str, str] = {}
    for index, item in enumerate(plan.file.plan.case.inputs):
        given, role = known(item.original_sha256) or known(item.sha256) or "", shown(known(item.role) or "")
        if known(item.given) is not None:
            held.append(f"{role} ({shown(known(item.given) or '')})")
        place = places.get(given)
        if place is None:
            continue
        if given not in states:
            try:
                where, choice = image_place(place) if known(item.role) == "image" else (place, None)
                now = fingerprint_now(where, choice, given, plan.version)
                states[given] = "unchanged" if now == given else "changed since"
            except CorecoreError:
                states[given] = "gone"
        state = states[given]
        if state == "gone":
            gone.append(f"{role} ({shown(place)})")
            continue
        name = f"case.inputs[{index}] where it lay ({role})"
        checks.append(Check(name, "unchanged", state, 0.0, "", state == "unchanged" or own_copies))
        if state != "unchanged":
            notes.append(
                f"input changed since: {shown(place)} ({role}) is not the file that the plan was made from;"
                " the figures are checked against the copy in the plan's folder"
            )
    if held:
        notes.append(
            f"inputs given in memory, which cannot be read again: {', '.join(held)}; the figures are checked against"
            " the copies in the plan's folder"
        )
    if gone:
        notes.append(f"inputs gone from where they lay: {', '.join(gone)}")
    return checks, notes
