"""Patient-specific drill guides: a block seated on the lateral femur with a sleeve for each tunnel."""

from __future__ import annotations

from corecore.guide.design import Design
from corecore.guide.make import Guide, make_guide
from corecore.guide.write import guide_plan

__all__ = ["Design", "Guide", "guide_plan", "make_guide"]
