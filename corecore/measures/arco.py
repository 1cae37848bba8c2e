"""The ARCO type of 2021: where the lesion's lateral end lies in the mid-coronal plane.

1: at the head's apex or medial of it; 2: between the apex and the acetabulum's lateral edge; 3: at the
edge or beyond. The wording is not confirmed from the classification's own paper and marked so; its
repeatability and results are in doi:10.1186/s12891-023-06587-4. The apex is taken where
the body's vertical, itself an estimate, meets the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corecore.anatomy.acetabulum import Acetabulum, Basis
from corecore.measures.arcs import Arc
from corecore.measures.jic import lateral_end
from corecore.measures.necrosis import Necrosis


@dataclass(frozen=True)
class Arco:
    """The type with the angles it rests on; ``None`` where the lesion does not meet the mid-coronal plane."""

    type: Literal[1, 2, 3] | None
    basis: Basis
    apex_deg: float
    edge_deg: float
    lesion_deg: float | None
    confirmed: bool = False


def arco_type(lesion_deg: float, apex_deg: float, edge_deg: float) -> Literal[1, 2, 3]:
    """Type of a lateral end between apex and edge, degrees in one plane."""
    if lesion_deg >= edge_deg:
        return 3
    return 1 if lesion_deg <= apex_deg else 2


def measure_arco(necrosis: Necrosis, coronal: Arc, acetabulum: Acetabulum) -> Arco:
    """The type of a lesion from its arc in the mid-coronal plane."""
    end = lateral_end(necrosis, coronal).angle_deg
    apex, edge = acetabulum.vertical_deg, acetabulum.edge_deg
    return Arco(None if end is None else arco_type(end, apex, edge), acetabulum.basis, apex, edge, end)
