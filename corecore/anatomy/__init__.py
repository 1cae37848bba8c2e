"""The landmarks of a proximal femur, as the planner needs them."""

from __future__ import annotations

from corecore.anatomy.model import Anatomy, Landmarks

__all__ = ["Anatomy", "Landmarks"]
