"""The folders that the page may read from: a list of roots, and what lies below them; nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import InputError
from corecore.base.input_file import reading
from corecore.review.case_messages import Browsed, Folder

#: Of the user's own folders those that hold what was copied from a disc or loaded.
USUAL = ("Documents", "Downloads", "Desktop")
#: Most folders that are listed of one.
LISTED_MAX = 400


@dataclass(frozen=True)
class Roots:
    """The folders that may be read, with all below them."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path | None) -> Roots:
        """The folder given; without one the usual ones of the user. Raises ``InputError`` where it is no folder."""
        if folder is None:
            return cls(tuple(one for name in USUAL if (one := Path.home() / name).is_dir()))
        with reading(folder, "a folder"):
            os.listdir(folder)
        return cls((folder.resolve(),))

    def folders(self) -> list[Folder]:
        """The roots themselves."""
        return [Folder(number, "", str(path)) for number, path in enumerate(self.paths)]

    def resolve(self, root: int, path: str) -> Path:
        """A folder at a path below a root, links followed. Raises ``InputError`` for one outside it."""
        if not 0 <= root < len(self.paths) or "\0" in path:
            raise _outside()
        base = Path(os.path.realpath(self.paths[root]))
        found = Path(os.path.realpath(base / path))
        if not found.is_relative_to(base) or not found.is_dir():
            raise _outside()
        return found

    def browse(self, root: int, path: str) -> Browsed:
        """A folder's own folders. Raises ``InputError`` for one outside the root."""
        place = self.resolve(root, path)
        base = Path(os.path.realpath(self.paths[root]))
        inner = place.relative_to(base)
        with reading(place, "a folder"):
            entries = sorted(
                (one for one in os.scandir(place) if not one.name.startswith(".")), key=lambda one: one.name.lower()
            )
        below = [one.name for one in entries if one.is_dir(follow_symlinks=False)][:LISTED_MAX]
        way = [Folder(root, "", str(self.paths[root]))]
        for depth, part in enumerate(inner.parts, start=1):
            way.append(Folder(root, Path(*inner.parts[:depth]).as_posix(), part))
        return Browsed(
            way[-1],
            way[:-1],
            [Folder(root, (inner / name).as_posix(), name) for name in below],
            sum(one.is_file() for one in entries),
        )


def _outside() -> InputError:
    return InputError("no folder here; one of the list, or one below it, is accepted", code="review-command")
