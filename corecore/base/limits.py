"""The limits that a plan keeps: one table, which parameters, searches, explanations, report and pages read.

It lies at the bottom of the house because the parameters take their ranges and defaults from it. What
exceeds a limit is evaluated in ``corecore.tunnels.limits`` and ``corecore.tunnels.tunnel_set``. The
compiled search and the independent recalculation keep numbers of their own; tests hold both to this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: A fixed entry is kept to this, mm; a fixed direction to this, degrees (engineering choices: the
#: first is what two entries may differ by and share a portal).
ENTRY_KEPT_MM, DIRECTION_KEPT_DEG = 0.5, 0.1
#: An entry lies within this distance of the surface averaged over a drill's mouth, mm. Further
#: in is the bottom of a pit in the mask, further out a spur: no cortex to start from
#: (engineering choice).
ENTRY_OFF_SURFACE_MM = 1.0
#: How far outward a tunnel must be free of bone, mm (contract §1).
OUTWARD_MM = 80.0
#: Holes wider than this are wide, mm, and at most so many may be separate (contract §2).
WIDE_HOLE_MM, WIDE_HOLES_MAX = 5.0, 2
#: Two tunnels have less than this share of the smaller in common beyond their portals (contract §2).
OVERLAP_MAX = 0.5
#: More of the neck's smallest section than this taken by tunnels is a warning (contract §2).
NECK_SHARE_WARNING = 0.2
#: A limit holds a tunnel that comes this near to it, by unit: the search stops up to a tenth short.
HOLDS = {"mm": 0.25, "deg": 1.0, "share": 0.005}
#: How exactly a relaxation is told, by unit (engineering choice).
STEPS = {"mm": 0.1, "deg": 0.2, "share": 0.01}
#: A figure this near to its limit is kept, by unit: a file rounds its points to 1e-6 mm, a page to 1e-4 mm, and
#: figures move with them (engineering choice, below what a plan's tables show).
ROUNDING = {"mm": 0.02, "deg": 0.02, "share": 1e-4, "": 0.02}
CHOICE = "engineering choice"
#: Units as they follow a number; a share is a number of its own.
UNITS = {"mm": " mm", "deg": "°", "share": "", "": ""}


@dataclass(frozen=True)
class Limit:
    """One limit: what it bounds, which way, and its words.

    Attributes
    ----------
    key : str
        Its name in ``violations``; for a parameter also that in ``spec``.
    figure : str
        What it bounds: a field of ``TunnelFigures``, or of a set of tunnels.
    at_least : bool
        Whether the figure is kept at or above the limit; else at or below it.
    unit : {"mm", "deg", "share", ""}
    short, name, figure_name : str
        For a narrow column; of the limit in a sentence; of the figure as a row of a table.
    source : str
        A primary paper (PMID or DOI), or "engineering choice".
    default, low, high : float or None
        Of a parameter: its default (``None``: not asked for) and the range accepted.
    bound : callable or None
        The limit as a function of the parameters, where it is not the parameter ``key`` itself.
    size_only : bool
        The figure is compared without its sign.
    of_set : bool
        It holds for all tunnels together.
    relaxable : bool
        A surgeon may let it give way: it is among the ways out of an infeasible plan, and explained.
    """

    key: str
    figure: str
    at_least: bool
    unit: str
    short: str
    name: str
    figure_name: str
    source: str = CHOICE
    default: float | None = None
    low: float = 0.0
    high: float = 0.0
    bound: Callable[[Any], float | None] | None = None
    size_only: bool = False
    of_set: bool = False
    relaxable: bool = False

    @property
    def settable(self) -> bool:
        """Whether it is a parameter of its own name."""
        return self.high > self.low

    @property
    def margin(self) -> bool:
        """Whether it is a margin between a wall and what lies beside it."""
        return self.key.endswith("_margin_mm") and self.bound is None

    @property
    def sense(self) -> float:
        """1 where more of it is laxer, else -1."""
        return -1.0 if self.at_least else 1.0

    @property
    def step(self) -> float:
        """Precision of its relaxation."""
        return STEPS[self.unit]

    def value(self, spec: Any) -> float | None:
        """The limit in force, or ``None`` where it is not asked for."""
        found = getattr(spec, self.key) if self.bound is None else self.bound(spec)
        return None if found is None else float(found)


#: In the order in which exceeded ones are listed.
TABLE = (
    Limit(
        key="cortical_margin_mm",
        figure="cortical_clearance_mm",
        at_least=True,
        unit="mm",
        short="cortex",
        name="margin to the cortex",
        figure_name="Wall to the cortex",
        source=(
            "a perforated neck raised the peak stress in a finite-element model by 17 % (anterior) to 76 %"
            " (inferior): Yuan 2022, BioMed Res Int 3667891. The 3 mm: engineering choice"
        ),
        default=3.0,
        low=0.0,
        high=15.0,
        relaxable=True,
    ),
    Limit(
        key="posterosuperior_margin_mm",
        figure="posterosuperior_clearance_mm",
        at_least=True,
        unit="mm",
        short="postero-superior neck",
        name="margin to the neck's postero-superior cortex",
        figure_name="Wall to the postero-superior neck",
        source=(
            "the superior retinacular canals are 62 % of the vessels' area: J Orthop Surg Res 2019, article"
            " 1480, 100 femora. The 5 mm: engineering choice"
        ),
        default=5.0,
        low=0.0,
        high=15.0,
        relaxable=True,
    ),
    Limit(
        key="joint_margin_mm",
        figure="joint_clearance_mm",
        at_least=True,
        unit="mm",
        short="joint",
        name="margin to the joint",
        figure_name="Tip and wall to the joint",
        source="engineering choice, on the 3 to 5 mm that large-core reaming leaves; under 3 refused",
        default=5.0,
        low=3.0,
        high=25.0,
        relaxable=True,
    ),
    Limit(
        key="portal",
        figure="wall_depth_min_mm",
        at_least=True,
        unit="mm",
        short="wall inside the bone beyond the entry hole",
        name="wall inside the bone beyond the entry hole",
        figure_name="wall inside the bone beyond the entry hole",
        bound=lambda spec: 0.0,
    ),
    Limit(
        key="incidence_min_deg",
        figure="incidence_deg",
        at_least=True,
        unit="deg",
        short="drill–cortex angle",
        name="least drill–cortex angle",
        figure_name="Drill–cortex angle",
        source="engineering choice: a flatter drill skids",
        default=30.0,
        low=5.0,
        high=90.0,
        relaxable=True,
    ),
    Limit(
        key="shaft_angle_min_deg",
        figure="shaft_angle_deg",
        at_least=True,
        unit="deg",
        short="least shaft angle",
        name="least angle to the shaft",
        figure_name="Angle to the shaft",
        source=(
            "the tunnel along the neck has the neck-shaft angle, 127° (sd 6): PMC4775021; the band: engineering choice"
        ),
        default=110.0,
        low=90.0,
        high=180.0,
        relaxable=True,
    ),
    Limit(
        key="shaft_angle_max_deg",
        figure="shaft_angle_deg",
        at_least=False,
        unit="deg",
        short="greatest shaft angle",
        name="greatest angle to the shaft",
        figure_name="Angle to the shaft",
        source="as shaft_angle_min_deg",
        default=145.0,
        low=90.0,
        high=180.0,
        relaxable=True,
    ),
    Limit(
        key="length_max_mm",
        figure="length_mm",
        at_least=False,
        unit="mm",
        short="length",
        name="greatest length",
        figure_name="Length",
        source="engineering choice: reach of common drills",
        default=130.0,
        low=20.0,
        high=250.0,
        relaxable=True,
    ),
    Limit(
        key="entry_normal_max_deg",
        figure="entry_normal_deg",
        at_least=False,
        unit="deg",
        short="entry normal",
        name="entry normal's deviation from lateral",
        figure_name="Entry normal, deviation from lateral",
        source="lateral cortex near the mid-lateral line; engineering choice",
        default=60.0,
        low=5.0,
        high=90.0,
        relaxable=True,
    ),
    Limit(
        key="entry_ap_max_mm",
        figure="entry_anterior_mm",
        at_least=False,
        unit="mm",
        short="AP offset",
        name="AP offset from the mid-lateral line",
        figure_name="AP offset from the mid-lateral line",
        source="lateral cortex near the mid-lateral line; engineering choice",
        default=8.0,
        low=0.5,
        high=30.0,
        size_only=True,
        relaxable=True,
    ),
    Limit(
        key="entry_distal_mm",
        figure="entry_edge_low_mm",
        at_least=True,
        unit="mm",
        short="inferior margin of the entry hole",
        name="lower bound of the entry zone",
        figure_name="Inferior hole margin above lesser trochanter",
        source=(
            "three screws with an entry distal to the lesser trochanter: 3 of 10 osteoporotic model femora broke there,"
            " others none of 20, PMID 32229749; the 5 mm above its level: engineering choice"
        ),
        default=5.0,
        low=-30.0,
        high=60.0,
        relaxable=True,
    ),
    Limit(
        key="entry_proximal_mm",
        figure="entry_edge_high_mm",
        at_least=False,
        unit="mm",
        short="superior margin of the entry hole",
        name="upper bound of the entry zone",
        figure_name="Superior hole margin above lesser trochanter",
        source="the band's width: engineering choice",
        default=25.0,
        low=-30.0,
        high=80.0,
        relaxable=True,
    ),
    Limit(
        key="field_of_view",
        figure="nearest_to_cut_mm",
        at_least=True,
        unit="mm",
        short="entry away from the scan's edge",
        name="entry away from the scan's edge",
        figure_name="entry away from the scan's edge",
        bound=lambda spec: spec.radius_mm + spec.cortical_margin_mm,
    ),
    Limit(
        key="portal",
        figure="entry_off_surface_mm",
        at_least=False,
        unit="mm",
        short="wall inside the bone beyond the entry hole",
        name="entry on the bone's surface",
        figure_name="wall inside the bone beyond the entry hole",
        bound=lambda spec: ENTRY_OFF_SURFACE_MM,
    ),
    Limit(
        key="outward_path",
        figure="outward_free_mm",
        at_least=True,
        unit="mm",
        short="free access path outside the bone",
        name="free access path outside the bone",
        figure_name="free access path outside the bone",
        source="contract §1",
        bound=lambda spec: OUTWARD_MM,
    ),
    Limit(
        key="misses_lesion",
        figure="removed_fraction",
        at_least=True,
        unit="share",
        short="meets the necrosis",
        name="meets the necrosis",
        figure_name="meets the necrosis",
        source="contract §2",
        bound=lambda spec: 0.0,
        of_set=True,
    ),
    Limit(
        key="avoid",
        figure="avoid_clearance_mm",
        at_least=True,
        unit="mm",
        short="region to avoid",
        name="margin to the region to avoid",
        figure_name="region to avoid",
        bound=lambda spec: spec.avoid_margin_mm,
    ),
    Limit(
        key="pelvis",
        figure="pelvis_clearance_mm",
        at_least=True,
        unit="mm",
        short="free of the pelvis",
        name="free of the pelvis",
        figure_name="free of the pelvis",
        source="the drill cannot pass the hip bone; engineering choice",
        bound=lambda spec: 0.0,
    ),
    Limit(
        key="entry_fixed",
        figure="entry_from_fixed_mm",
        at_least=False,
        unit="mm",
        short="entry as given",
        name="entry as given",
        figure_name="entry as given",
        bound=lambda spec: ENTRY_KEPT_MM,
    ),
    Limit(
        key="direction_fixed",
        figure="direction_from_fixed_deg",
        at_least=False,
        unit="deg",
        short="direction as given",
        name="direction as given",
        figure_name="direction as given",
        bound=lambda spec: DIRECTION_KEPT_DEG,
    ),
    Limit(
        key="neck_area_share_max",
        figure="neck_area_share",
        at_least=False,
        unit="share",
        short="neck cross-section loss",
        name="neck cross-section loss",
        figure_name="Neck cross-section loss",
        source="a warning above 0.2 (engineering choice); as a limit only where it is asked for",
        default=None,
        low=0.01,
        high=1.0,
        relaxable=True,
    ),
    Limit(
        key="pin_margin_mm",
        figure="pin_clearance_mm",
        at_least=True,
        unit="mm",
        short="guide pin",
        name="margin to the guide pin",
        figure_name="Guide pin to the bone's surface",
        source="engineering choice: the least joint margin that any tunnel may have",
        bound=lambda spec: spec.pin_margin_mm,
    ),
    Limit(
        key="lateral_wall_share_max",
        figure="lateral_wall_share",
        at_least=False,
        unit="share",
        short="lateral wall",
        name="lateral-wall defect, share of its width",
        figure_name="Lateral-wall defect",
        source=(
            "lateral holes raised the tensile stress of a model femur by over 300 %: doi:10.1186/1749-799X-8-29; no"
            " share is published: engineering choice; a limit only where it is asked for"
        ),
        default=None,
        low=0.05,
        high=1.0,
        relaxable=True,
    ),
    Limit(
        key="entry_below_ridge_mm",
        figure="entry_edge_below_ridge_mm",
        at_least=True,
        unit="mm",
        short="vastus ridge",
        name="upper edge of the hole below the vastus ridge",
        figure_name="Hole's upper edge below the vastus ridge",
        source=(
            "no primary source of a distance was found: engineering choice; a limit only where it is asked for, and"
            " refused where the ridge is not found. The ceiling that is always on is entry_proximal_mm"
        ),
        default=None,
        low=-20.0,
        high=40.0,
        relaxable=True,
    ),
    Limit(
        key="bridge_min_mm",
        figure="bridge_mm",
        at_least=True,
        unit="mm",
        short="bone between holes",
        name="bone between two holes",
        figure_name="Bone between the holes",
        source="engineering choice; entries within 0.5 mm are one hole",
        default=3.0,
        low=0.0,
        high=20.0,
        of_set=True,
    ),
    Limit(
        key="overlap",
        figure="shared_volume",
        at_least=False,
        unit="share",
        short="tunnels meet",
        name="volume that two tunnels share",
        figure_name="Volume that two tunnels share",
        bound=lambda spec: OVERLAP_MAX,
        of_set=True,
    ),
    Limit(
        key="wide_holes",
        figure="wide_holes",
        at_least=False,
        unit="",
        short="wide holes",
        name="separate holes over 5 mm wide",
        figure_name="Separate holes over 5 mm wide",
        bound=lambda spec: WIDE_HOLES_MAX,
        of_set=True,
    ),
)
#: By key; of a key with several rows the first.
LIMITS = {limit.key: limit for limit in reversed(TABLE)}
#: Limits of one tunnel, limits that are parameters, and those that may give way, in the table's order.
OF_A_TUNNEL = tuple(limit for limit in TABLE if not limit.of_set)
SETTABLE = tuple(limit for limit in TABLE if limit.settable)
RELAXABLE = {limit.key: limit for limit in TABLE if limit.relaxable}
#: Margins between a tunnel's wall and bone or joint.
MARGINS = tuple(limit for limit in TABLE if limit.margin)


def by_rounding(key: str, value: float, limit: float) -> bool:
    """Whether a figure differs from its limit by what rounding does, and no more."""
    return abs(value - limit) <= ROUNDING[LIMITS[key].unit]


def with_unit(key: str, number: str) -> str:
    """A number of a limit's as a sentence has it, with the unit; of an unknown limit as it is."""
    unit = LIMITS[key].unit if key in LIMITS else ""
    return f"{number}{UNITS[unit]}"


def figure_name(key: str) -> str:
    """What a limit bounds, as a row of a table calls it; of an unknown limit its key."""
    return LIMITS[key].figure_name if key in LIMITS else key


def default_of(key: str) -> float:
    """The default of a limit that has one."""
    found = LIMITS[key].default
    if found is None:
        raise KeyError(f"{key} has no default")
    return found
