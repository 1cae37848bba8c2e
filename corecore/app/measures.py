"""Measures of a necrosis as Python users have them."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

from corecore.app.facade import Facade, Frame, frame
from corecore.document.content import content_of
from corecore.document.measures import MeasuresDocument
from corecore.document.necrosis import NecrosisPart
from corecore.document.numbers import rounded
from corecore.hip.anatomy.model import PlanWarning
from corecore.measures import model as inner
from corecore.measures.document import measures_document
from corecore.study.batch.columns import flattened


class Measures(Facade[inner.Measures]):
    """All measures of one hip's necrosis; each figure's definition and source: ``docs/measures.md``.

    ``measure`` makes it. It does not change, and can be pickled.
    """

    @cached_property
    def figures(self) -> NecrosisPart:
        """Every figure by name, as ``plan.json`` has them under ``necrosis``: ``figures.kerboul.combined_deg``."""
        part: NecrosisPart = rounded(self._inner.part())
        return part

    @cached_property
    def document(self) -> MeasuresDocument:
        """The content of ``measures.json``, typed."""
        return measures_document(self._inner.necrosis.hip, self._inner)

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What a reader must know of the measures; those of the inputs are in ``Hip.warnings``."""
        return self._inner.warnings

    def to_dict(self) -> dict[str, Any]:
        """The content of ``measures.json``.

        Returns
        -------
        dict
            Plain values; positions in RAS mm.
        """
        return content_of(self.document)

    def to_frame(self) -> Frame:
        """The figures as a table of one row.

        Returns
        -------
        dict of str to list
            Columns as in a batch's table (``necrosis.volume_ml``), which ``pandas.DataFrame`` and ``polars.DataFrame``
            take.
        """
        hip = self._inner.necrosis.hip
        return frame([{"id": hip.case.id, "side": hip.side, **dict(flattened(self.figures, "necrosis"))}])

    def as_dict(self) -> dict[str, Any]:
        """The figures as ``to_dict`` has them; the name of an earlier version."""
        warnings.warn("Measures.as_dict: to_dict is its name now", DeprecationWarning, stacklevel=2)
        return content_of(self._inner.part())

    def __repr__(self) -> str:
        return repr(self._inner)

    def _repr_html_(self) -> str:
        return self._inner._repr_html_()
