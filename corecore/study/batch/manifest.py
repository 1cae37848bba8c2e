"""The rows of a batch: read from a manifest, or found in a folder of volumes or a BIDS dataset."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.input_file import bytes_of, short
from corecore.base.parsing import parse_settings
from corecore.io.references import image_place
from corecore.study.batch.bids import hips_of, is_dataset

#: Columns of a manifest; the first three are needed in every row.
COLUMNS = ("id", "femur", "lesion", "image", "side", "overrides", "pelvis", "truth")
NEEDED = ("id", "femur", "lesion")
#: An id names a folder of plans and a row of the table, so it holds nothing that either would read otherwise.
ID_FORM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
#: Names that Windows keeps for devices, whatever their ending: no folder there can bear one.
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
#: Longest manifest accepted, rows (engineering choice: far above any study, far below what fills a memory).
ROWS_MAX = 1_000_000
#: Largest manifest read, bytes: a million rows of long paths (engineering choice).
MANIFEST_BYTES = 512 * 1024 * 1024
#: The first line is looked at this far, bytes.
HEADER_BYTES = 64 * 1024
#: What spreadsheets separate columns by instead of commas, for messages.
SEPARATORS = {";": "semicolons (;)", "\t": "tabs", "|": "bars (|)"}
#: Endings that ``corecore synth`` gives the volumes of one hip, and others for the same.
PAIR = ("_femur", "_lesion")
IMAGES = ("_ct", "_mr", "_CT", "_MR")


@dataclass(frozen=True)
class Row:
    """One hip of a batch: where its files are, and what is special about it.

    ``number`` is its place in the table, from 0. ``overrides`` are parameters, ``KEY``, ``VALUE``. Paths
    are absolute. ``fault`` says why a row cannot be planned at all; its other entries are then as found.
    """

    number: int
    id: str
    femur: str = ""
    lesion: str = ""
    image: str | None = None
    side: str = "auto"
    overrides: tuple[tuple[str, str], ...] = ()
    pelvis: str | None = None
    truth: str | None = None
    fault: str | None = None

    def paths(self) -> dict[str, Path]:
        """The files of the row by role."""
        found: dict[str, Path] = {}
        for role in ("femur", "lesion", "pelvis", "image", "truth"):
            text = getattr(self, role)
            if text:
                plain = Path(text if role == "truth" else _file_of(text))
                found[role] = image_place(text)[0] if role == "image" else plain
        return found


def read_rows(source: Path) -> list[Row]:
    """The rows of a manifest (a CSV file), of a folder, or of a BIDS derivatives dataset.

    Raises ``InputError`` for what is neither, for a manifest whose columns are not those of ``COLUMNS``,
    and where there is no row. What is wrong with single rows stands in their ``fault``.
    """
    if not source.is_dir():
        rows = _of_manifest(source)
    else:
        rows = _of_dataset(source) if is_dataset(source) else _of_folder(source)
    if not rows and source.is_dir() and is_dataset(source):
        raise InputError(
            f"{source}: holds no hip; sub-*/**/*_label-femur_mask.nii.gz and *_label-lesion_mask.nii.gz, or"
            " *_dseg.nii.gz with a table of labels, are accepted",
            code="batch-empty",
        )
    if not rows:
        raise InputError(
            f"{source}: holds no hip; label maps *.nii.gz (1 bone, 2 lesion), or rows, are accepted", code="batch-empty"
        )
    return rows


def _of_manifest(path: Path) -> list[Row]:
    # csv holds a byte that is no text, and a field without an end, for errors of their own.
    try:
        content = bytes_of(path, "a manifest (CSV)", MANIFEST_BYTES)
        _check_separator(path, content)
        reader = csv.DictReader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), restkey="", restval="", strict=True
        )
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        _check_columns(path, names)
        reader.fieldnames = names
        return _checked(_row(number, cells, path.parent) for number, cells in enumerate(reader))
    except (csv.Error, UnicodeDecodeError) as error:
        where = _unreadable_cell(content)
        raise InputError(
            f"{path}: not readable as CSV{where} ({error}); UTF-8 with a header line is accepted",
            code="manifest-invalid",
        ) from error


def _header_cells(content: bytes, mark: str) -> list[str]:
    """The cells of the first line, as far as they can be read."""
    line = content[:HEADER_BYTES].split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    return [cell.strip().strip('"').strip().lower() for cell in line.split(mark)]


def _check_separator(path: Path, content: bytes) -> None:
    for mark, word in SEPARATORS.items():
        if set(NEEDED) <= set(_header_cells(content, mark)):
            raise InputError(
                f"{path}: its columns are separated by {word}; a comma is accepted: save it as CSV with commas",
                code="manifest-invalid",
            )


def _unreadable_cell(content: bytes) -> str:
    """Where the first cell lies that is no text, too long, or has a quote without an end: line and column."""
    names = _header_cells(content, ",")
    line, column, cell, quoted = 1, 0, b"", False
    begun = (line, column)
    for part in re.findall(rb'[^",\n]+|["\n,]', content):
        if part == b'"':
            quoted = not quoted
            begun = (line, column) if quoted else begun
        elif part in (b",", b"\n") and not quoted:
            if not _is_cell(cell):
                return _place(line, column, names)
            line, column, cell = (line, column + 1, b"") if part == b"," else (line + 1, 0, b"")
        else:
            cell += part
            line += part == b"\n"
            if len(cell) > 4 * csv.field_size_limit():
                break
    if not _is_cell(cell) or quoted:
        return _place(*(begun if quoted else (line, column)), names)
    return ""


def _is_cell(cell: bytes) -> bool:
    try:
        return len(cell.decode("utf-8-sig")) <= csv.field_size_limit()
    except UnicodeDecodeError:
        return False


def _place(line: int, column: int, names: list[str]) -> str:
    name = f" ({names[column]})" if column < len(names) else ""
    return f" at line {line}, column {column + 1}{name}"


def _check_columns(path: Path, names: list[str]) -> None:
    accepted = ", ".join(COLUMNS)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)} in the header; accepted: {accepted}", code="manifest-invalid"
        )
    # The first so many: a header of millions would be counted for hours.
    strange = [name for name in names[: 2 * len(COLUMNS)] if name not in COLUMNS or names.count(name) > 1]
    if strange:
        raise InputError(
            f"{path}: column {strange[0]!r} unknown or twice; accepted: {accepted}", code="manifest-invalid"
        )


def _row(number: int, cells: Mapping[str, str | list[str]], folder: Path) -> Row:
    text = {name: value.strip() for name, value in cells.items() if isinstance(value, str)}
    faults = []
    if cells.get(""):
        faults.append("more cells than columns (a comma in a cell needs quotes)")
    faults += [f"no {name}" for name in NEEDED if not text[name]]
    side = text.get("side", "").lower() or "auto"
    if side not in ("auto", "left", "right"):
        faults.append(f"side '{short(side)}'; auto, left or right is accepted")
    overrides: tuple[tuple[str, str], ...] = ()
    try:
        parts = [part for part in text.get("overrides", "").split(";") if part.strip()]
        overrides = tuple(parse_settings(parts).items())
    except InputError:
        faults.append(f"overrides '{short(text['overrides'])}'; KEY=VALUE;KEY=VALUE is accepted")

    def placed(name: str) -> str | None:
        return str((folder / text[name]).absolute()) if text.get(name) else None

    return Row(
        number, text["id"], placed("femur") or "", placed("lesion") or "", placed("image"), side, overrides,
        placed("pelvis"), placed("truth"), "; ".join(faults) or None,
    )  # fmt: skip


def _checked(rows: Iterable[Row]) -> list[Row]:
    """The rows with the faults that show only beside one another: an id that is no id, or is taken."""
    taken: dict[str, int] = {}
    result: list[Row] = []
    for row in rows:
        if row.number >= ROWS_MAX:
            raise InputError(f"manifest of more than {ROWS_MAX} rows; split it", code="manifest-invalid")
        fault, told = row.fault, row.id
        if row.id and not ID_FORM.fullmatch(row.id):
            # A text from anywhere, which is printed and written.
            told = short(row.id)
            fault = f"id '{told}'; up to 100 letters, digits, and _ . - after the first are accepted"
        elif row.id and DEVICE.fullmatch(row.id):
            fault = f"id {row.id!r} is the name of a device on Windows, which no folder can have; another is accepted"
        elif row.id.endswith("."):
            fault = f"id {row.id!r} ends in a dot, which Windows leaves out; another is accepted"
        # Folders of plans may lie where case makes no difference.
        elif row.id.lower() in taken:
            fault = f"id {row.id!r} is row {taken[row.id.lower()] + 1}'s already; each needs its own"
        elif row.id:
            taken[row.id.lower()] = row.number
        result.append(row if fault == row.fault else replace(row, id=told, fault=fault))
    return result


def _of_dataset(folder: Path) -> list[Row]:
    """Every hip of a BIDS derivatives dataset."""
    return _checked(
        Row(number, hip.id, hip.femur, hip.lesion, hip.image, hip.side, fault=hip.fault)
        for number, hip in enumerate(hips_of(folder))
    )


def _of_folder(folder: Path) -> list[Row]:
    """Every label map of a folder, with the images and truths that ``corecore synth`` writes beside them."""
    files = {}
    for path in sorted(folder.iterdir()):
        ending = next((end for end in (".nii.gz", ".nii") if path.name.endswith(end)), None)
        if ending and not path.name.startswith("."):
            files[path.name.removesuffix(ending)] = path.absolute()
    rows: list[Row] = []
    for name in sorted({_stem(part, files) for part in files}):
        image = next((str(files[name + end]) for end in IMAGES if name + end in files), None)
        truth = folder.absolute() / f"{name}_truth.json"
        told = str(truth) if truth.is_file() else None
        if name in files:
            femur, lesion = f"{files[name]}:1", f"{files[name]}:2"
        else:
            femur, lesion = (str(files[name + end]) for end in PAIR)
        rows.append(Row(len(rows), name, femur, lesion, image, truth=told))
    return _checked(rows)


def _stem(name: str, files: Mapping[str, Path]) -> str:
    """The hip that a volume belongs to: a part of a pair or an image to what stands before its ending, else its own."""
    for end in (*PAIR, *IMAGES):
        stem = name.removesuffix(end)
        if stem == name or not stem:
            continue
        # A lone file may be called anything.
        paired = all(stem + other in files for other in PAIR)
        if paired or (end in IMAGES and stem in files):
            return stem
    return name


def _file_of(text: str) -> str:
    """The file of ``path`` or ``path:label``."""
    path, colon, label = text.rpartition(":")
    return path if colon and "/" not in label and not Path(text).is_file() else text
