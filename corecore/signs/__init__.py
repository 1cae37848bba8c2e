"""What the outline or the image shows besides the lesion, and what only the surgeon can tell: a file each."""

from __future__ import annotations

from corecore.signs.look import Signs, look
from corecore.signs.stage import Stage, parse_stage

__all__ = ["Signs", "Stage", "look", "parse_stage"]
