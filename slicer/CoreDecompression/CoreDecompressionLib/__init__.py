"""What the module does, apart from its panel: nothing here knows a widget.

Written for the Python of Slicer 5.6 and newer (3.9), without any library but those that Slicer brings.
"""

from .errors import PersonError
from .logic import CoreDecompressionLogic
from .request import PlanRequest, SegmentRef

__all__ = ["CoreDecompressionLogic", "PersonError", "PlanRequest", "SegmentRef"]
