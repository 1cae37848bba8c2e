"""Broken and hostile files through the command line: one line, exit code 2, nothing written, no hang, little memory."""

from __future__ import annotations

import gzip
import os
import re
import resource
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import format_files as files

from corecore.app.cli import main
from corecore.base.errors import CorecoreError
from corecore.io.references import read_mask

#: How many mutated files the slow test reads; 5,000 in a long run.
COUNT = int(os.environ.get("CORECORE_FUZZ", "500"))
#: No input may take longer, s (an engineering choice, for a machine under load).
PATIENCE_S = 20
#: Nor may all together take more memory beyond what the process had, MiB.
ROOM_MIB = 400
#: Numbers that headers should not hold.
HOSTILE = [
    b"0", b"-1", b"1e308", b"nan", b"inf", b"99999999999", b"2147483648", b"0x10", b"", b"1 2", b"\xff\xfe", b"%s%n",
    b"../../../etc/passwd", b"1" * 400,
]  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A valid file, and the femur and lesion references that read it; ``of`` names what is mutated."""

    of: Path
    femur: str
    lesion: str
    image: Path | None = None


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Seed]:
    values = np.zeros((14, 12, 10), dtype=np.uint8)
    values[2:12, 2:10, 2:8] = 1
    values[4:8, 4:8, 4:6] = 2
    folder = tmp_path_factory.mktemp("seeds")
    written = files.every_format(folder, values, files.oblique())
    seeds = []
    for name, (femur, lesion) in written.items():
        path = Path(femur.rpartition(":")[0])
        if name == "totalsegmentator_folder":
            path = path / "lesion.nii.gz"
        seeds.append(Seed(path, femur, lesion))
    first = min((folder / "ct").glob("IM*"))
    seeds += [
        Seed(folder / "nnunet" / "dataset.json", *written["nnunet"]),
        Seed(first, *written["rtstruct"]),
        Seed(next(folder.glob("seg.raw*")), *written["nhdr"]),
    ]
    grey = np.random.default_rng(0).integers(-900, 1500, values.shape).astype(np.int16)
    pictures = {
        folder / "i.nii.gz": files.nifti(folder / "i.nii.gz", grey, files.oblique()),
        folder / "i.mha": files.metaimage(folder / "i.mha", grey, files.oblique()),
        folder / "i.nrrd": files.plain_nrrd(folder / "i.nrrd", grey, files.oblique()),
        max((folder / "ct").glob("IM*")): folder / "ct",
    }
    seeds += [Seed(path, *written["nifti"], image) for path, image in pictures.items()]
    for seed in seeds:
        assert read_mask(seed.femur).voxels.any()
        assert read_mask(seed.lesion).voxels.any()
    return seeds


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to three faults: bits, blocks, lengths, or numbers of its header."""
    for _ in range(int(rng.integers(1, 4))):
        data = FAULTS[int(rng.integers(len(FAULTS)))](data, rng)
    return data


def _bits(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for at in rng.integers(0, max(len(data), 1), int(rng.integers(1, 30))) if data else []:
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _head_bits(data: bytes, rng: np.random.Generator) -> bytes:
    return _bits(data[:400], rng) + data[400:]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))]


def _block(data: bytes, rng: np.random.Generator) -> bytes:
    at, length = int(rng.integers(0, len(data) + 1)), int(rng.integers(1, 64))
    fill = [b"\0" * length, b"\xff" * length, rng.bytes(length), data[:length], b""][int(rng.integers(5))]
    return data[:at] + fill + data[at + (length if rng.integers(2) else 0) :]


def _number(data: bytes, rng: np.random.Generator) -> bytes:
    found = list(re.finditer(rb"-?\d+\.?\d*", data[:3000]))
    if not found:
        return _bits(data, rng)
    match = found[int(rng.integers(len(found)))]
    return data[: match.start()] + HOSTILE[int(rng.integers(len(HOSTILE)))] + data[match.end() :]


def _line(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    lines[at : at + 1] = [lines[at], lines[at]] if rng.integers(2) else []
    return b"\n".join(lines)


def _unpacked(data: bytes, rng: np.random.Generator) -> bytes:
    """A fault inside a packed file, packed again, so that its checksum fits."""
    if not data.startswith(b"\x1f\x8b"):
        return _number(data, rng)
    try:
        raw = gzip.decompress(data)
    except (OSError, EOFError, ValueError, zlib.error):
        return data
    return gzip.compress(_bits(raw[:352], rng) + raw[352:])


FAULTS: list[Callable[[bytes, np.random.Generator], bytes]] = [
    _bits, _head_bits, _cut, _block, _number, _line, _unpacked,
]  # fmt: skip


@contextmanager
def patience() -> Iterator[None]:
    """Fails, and does not wait for ever, where the block takes longer than an input may."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"took longer than {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judged(seed: Seed, data: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run ``measure`` with a file's content exchanged; returns the line it ended with."""
    good = seed.of.read_bytes()
    out = folder / "out.json"
    seed.of.write_bytes(data)
    try:
        with patience():
            image = [] if seed.image is None else ["--image", str(seed.image)]
            code = main(["measure", "--femur", seed.femur, "--lesion", seed.lesion, "--out", str(out), *image])
    finally:
        seed.of.write_bytes(good)
    told = capsys.readouterr()
    # The seeds are too small for a femur: a mutant that is still readable is refused for that.
    assert code == 2
    assert told.err.startswith("error: "), told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert list(folder.iterdir()) == []
    return told.err


def fuzz(seeds: list[Seed], count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], first: int) -> str:
    """Mutate so many files; returns what became of them."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    readable = 0
    reasons: set[str] = set()
    for number in range(count):
        rng = np.random.default_rng([first, number])
        seed = seeds[number % len(seeds)]
        line = judged(seed, mutated(seed.of.read_bytes(), rng), tmp_path, capsys)
        readable += "proximal femur" in line or "lesion" in line
        reasons.add(re.sub(r"[\d.,e+-]+", "#", line.partition(": ")[2].partition(": ")[2])[:40])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < ROOM_MIB
    return (
        f"fuzz: {count} inputs of {len(seeds)} kinds, {count - readable} refused by the readers for"
        f" {len(reasons)} reasons, {readable} read; {time.perf_counter() - started:.0f} s, {grown} MiB more"
    )


def test_mutated_files_end_in_one_line(seeds: list[Seed], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert " refused" in fuzz(seeds, 3 * len(seeds), tmp_path, capsys, first=1)


@pytest.mark.slow
def test_many_mutated_files_end_in_one_line(
    seeds: list[Seed], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = fuzz(seeds, COUNT, tmp_path, capsys, first=2)
    with capsys.disabled():
        print(f"\n{told}")  # noqa: T201  (the log is to say how many)


@settings(max_examples=60)
@given(
    data=st.binary(max_size=600),
    head=st.sampled_from([b"", b"NRRD0004\n", b"NDims = 3\n", b"\x1f\x8b\x08", b"\0" * 128 + b"DICM"]),
)
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.nii.gz"
    path.write_bytes(head + data)
    with patience(), pytest.raises(CorecoreError) as caught:
        read_mask(f"{path}:1")
    assert "\n" not in str(caught.value)


FIELDS = st.sampled_from(["sizes", "space", "space directions", "space origin", "type", "encoding", "endian", "kinds"])
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["none none none", "(1,0,0) (0,1,0) (0,0,1)", "(1e308,0,0)", "3 3 3", "999999999 1 1", "int8", "raw"]
    ),
)


@settings(max_examples=60)
@given(st.dictionaries(FIELDS, TEXTS, max_size=4))
def test_any_header_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, said: dict[str, str]) -> None:
    fields = {
        "type": "uint8", "dimension": "3", "space": "lps", "sizes": "3 3 3", "encoding": "raw",
        "space directions": "(1,0,0) (0,1,0) (0,0,1)", "space origin": "(0,0,0)",
    }  # fmt: skip
    text = "NRRD0004\n" + "".join(f"{key}: {value}\n" for key, value in (fields | said).items())
    path = tmp_path_factory.getbasetemp() / "any.nrrd"
    path.write_bytes(text.encode() + b"\n" + b"\0" * 13 + b"\1" + b"\0" * 13)
    with patience():
        try:
            found = int(read_mask(f"{path}:1").voxels.sum())
        except CorecoreError as error:
            found = 1 if "\n" not in str(error) else 2
    assert found == 1


def test_a_stream_that_goes_on_is_not_unpacked(tmp_path: Path) -> None:
    """A gigabyte of zeros behind a small volume, a megabyte on disk: refused, and not held in memory."""
    small = files.nifti(tmp_path / "s.nii", np.ones((4, 4, 4), dtype=np.uint8), files.oblique()).read_bytes()
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(small)
        for _ in range(200):
            stream.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorecoreError, match="more than its header says"):
        read_mask(str(path))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < 50


def test_the_check_would_see_a_traceback(
    seeds: list[Seed], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("a reader that lets an error through")

    monkeypatch.setattr("corecore.io.references.kind_of", broken)
    with pytest.raises(AssertionError, match="70"):
        judged(seeds[0], b"anything", tmp_path, capsys)
