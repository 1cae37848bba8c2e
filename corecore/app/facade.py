"""What the objects of ``import corecore as cc`` share: they hold the program's own, and never change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np

from corecore.base.grid import FloatArray
from corecore.study.batch.columns import Cell

if TYPE_CHECKING:
    import pyvista as pv

Inner = TypeVar("Inner")
#: A table by column, which ``pandas.DataFrame`` and ``polars.DataFrame`` take.
Frame = dict[str, list[Cell]]


class Facade(Generic[Inner]):
    """An object that is handed out: immutable, in world RAS mm, picklable; the program's own is private."""

    _inner: Inner

    @classmethod
    def _of(cls, inner: Inner) -> Self:
        made = object.__new__(cls)
        made.__dict__["_inner"] = inner
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name}: a {type(self).__name__} does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name}: a {type(self).__name__} does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        # What is kept beside it is made again.
        return _again, (type(self), self._inner)


class Drawn(Facade[Inner]):
    """One that PyVista draws."""

    def to_pyvista(self) -> pv.MultiBlock:
        """Named meshes, RAS mm, with colours, units and figures in their field data: ``docs/pyvista.md``."""
        raise NotImplementedError

    def plot(self, **options: Any) -> Any:
        """Show it in a window or a notebook, or write it as a picture.

        Parameters
        ----------
        **options
            Those of ``corecore.exports.plot.plot``: ``view``, ``off_screen``, ``screenshot``, ``jupyter_backend``,
            ``window_size`` and what ``pyvista.Plotter.show`` takes.

        Returns
        -------
        object
            What ``pyvista.Plotter.show`` returns.
        """
        from corecore.exports.plot import plot

        return plot(self.to_pyvista(), **options)


def _again(kind: type[Facade[Inner]], inner: Inner) -> Facade[Inner]:
    return kind._of(inner)


def fixed(values: FloatArray) -> FloatArray:
    """A copy of an array that cannot be written to."""
    copy = np.array(values, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def frame(rows: Iterable[Mapping[str, Cell]]) -> Frame:
    """Rows as a table by column, in the order in which columns first come; what a row lacks is ``None``."""
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    return {name: [row.get(name) for row in listed] for name in names}
