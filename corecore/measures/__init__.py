"""Measures of the necrosis: a file each."""

from __future__ import annotations

from corecore.measures.model import Measures, measure

__all__ = ["Measures", "measure"]
