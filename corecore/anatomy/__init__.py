"""The landmarks of a proximal femur, as the planner needs them."""

from __future__ import annotations

from corecore.anatomy.fit import fit_anatomy
from corecore.anatomy.frame import entry_zone
from corecore.anatomy.head import Head, fit_head
from corecore.anatomy.model import Anatomy, Caution, Landmarks
from corecore.anatomy.side import guess_side

__all__ = ["Anatomy", "Caution", "Head", "Landmarks", "entry_zone", "fit_anatomy", "fit_head", "guess_side"]
