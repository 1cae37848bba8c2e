"""``plan.json`` as a type: one class to an object, one field to a key, in the order in which they are written."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType, field

from corecore.document.anatomy import AnatomyPart
from corecore.document.case import CasePart, WarningPart
from corecore.document.fields import (
    MAY_BE_ABSENT,
    AtLeastZero,
    Count,
    CountOrNone,
    Digest,
    Fraction,
    Part,
    Vector,
)
from corecore.document.headline import HeadlinePart
from corecore.document.necrosis import NecrosisPart
from corecore.document.risk import MethodPart, RiskPart
from corecore.document.spec import SpecPart
from corecore.document.totals import OtherTotalsPart, TotalsPart
from corecore.document.tradeoff import TradeoffPart
from corecore.document.tunnels import NearestTunnelPart, OtherTunnelPart, PlainTunnelPart, PlannedTunnelPart

#: Plans of this kind and this major version are read, whatever newer keys they have or lack.
PLAN_SCHEMA: Final = "corecore.plan/1"
Status = Literal["planned", "infeasible", "manual"]


class ViolationPart(Part, frozen=True):
    """A limit that a plan set by hand breaks."""

    key: Annotated[str | UnsetType, Meta(description="Parameter of spec, or overlap, misses_lesion, ...")] = UNSET
    limit: Annotated[float | UnsetType, Meta(description="The limit, in its unit")] = UNSET
    value: Annotated[float | UnsetType | None, Meta(description="What the plan has, in its unit")] = UNSET
    tunnel: Annotated[int | UnsetType, Meta(description="Which tunnel exceeds it, counted from 1"), MAY_BE_ABSENT] = (
        UNSET
    )


class DifferencePart(Part, frozen=True):
    """An alternative less the plan."""

    removed_fraction: Annotated[float | UnsetType | None, Meta(description="Share removed, difference")] = UNSET
    room_mm: Annotated[float | UnsetType | None, Meta(description="Spare clearance, difference, mm")] = UNSET
    healthy_bone_removed_ml: Annotated[
        float | UnsetType | None, Meta(description="Viable bone removed, difference, ml")
    ] = UNSET
    breach_probability: Annotated[
        float | UnsetType | None, Meta(description="Probability of perforation, difference")
    ] = UNSET


class AlternativePart(Part, frozen=True):
    """Another plan, and by how much it differs."""

    tunnels: Annotated[list[OtherTunnelPart], Meta(description="Its tunnels")] = field(default_factory=list)
    totals: Annotated[OtherTotalsPart, Meta(description="What they do together")] = field(
        default_factory=OtherTotalsPart
    )
    room_mm: Annotated[float | UnsetType | None, Meta(description="Least spare clearance, mm")] = UNSET
    breach_probability: Annotated[
        Fraction | UnsetType, Meta(description="Probability that cortex or joint is perforated, 0 to 1")
    ] = UNSET
    breach_method: Annotated[str | UnsetType, Meta(description="Guidance method of this probability")] = UNSET
    against_plan: Annotated[DifferencePart, Meta(description="It less the plan")] = field(
        default_factory=DifferencePart
    )


class RobustPart(Part, frozen=True):
    """A plan made for the errors of a method, beside the plain one."""

    method: Annotated[str | UnsetType, Meta(description="Guidance method planned for")] = UNSET
    breach_probability_max: Annotated[
        Fraction | UnsetType, Meta(description="Limit of the probability of perforation, 0 to 1")
    ] = UNSET
    limit_met: Annotated[bool | UnsetType, Meta(description="Whether the plan is within it")] = UNSET
    risk: Annotated[RiskPart | UnsetType, Meta(description="Risk of the plan by that method")] = UNSET
    plain: Annotated[PlainTunnelPart | UnsetType, Meta(description="The tunnel of the plain plan")] = UNSET
    cost_removed_fraction: Annotated[float | UnsetType, Meta(description="Share removed given up, as planned")] = UNSET
    cost_expected_fraction: Annotated[float | UnsetType, Meta(description="Share removed given up, as drilled")] = UNSET
    trials: Annotated[CountOrNone | UnsetType, Meta(description="Tunnels tried")] = UNSET


class GivenPart(Part, frozen=True):
    """The path that was set by hand."""

    entry: Annotated[Vector | UnsetType, Meta(description="Entry as given, RAS mm")] = UNSET
    tip: Annotated[Vector | UnsetType, Meta(description="Tip as given, RAS mm")] = UNSET
    entry_moved_mm: Annotated[
        AtLeastZero | UnsetType, Meta(description="How far the entry was moved onto the cortex, mm")
    ] = UNSET


class RelaxationPart(Part, frozen=True):
    """A limit that would have to give way."""

    key: Annotated[str | UnsetType, Meta(description="Parameter of spec, or field_of_view, avoid")] = UNSET
    limit: Annotated[float | UnsetType, Meta(description="The limit in force, in its unit")] = UNSET
    needed: Annotated[float | UnsetType, Meta(description="The limit that lets a tunnel pass, in its unit")] = UNSET
    amount: Annotated[float | UnsetType, Meta(description="The difference, in its unit")] = UNSET
    step: Annotated[
        float | UnsetType | None, Meta(description="Step of the limits planned with; null: not planned with")
    ] = UNSET
    confirmed: Annotated[bool | UnsetType, Meta(description="Whether planning with it found a tunnel")] = UNSET


class ReachedPart(Part, frozen=True):
    """What the best set does where more was asked for."""

    tunnels: Annotated[Count | UnsetType, Meta(description="Its tunnels")] = UNSET
    removed_fraction: Annotated[Fraction | UnsetType, Meta(description="Share it removes, 0 to 1")] = UNSET


class InfeasiblePart(Part, frozen=True):
    """Why there is no tunnel."""

    best_reached: Annotated[
        ReachedPart | UnsetType, Meta(description="The best set found, where more was asked for"), MAY_BE_ABSENT
    ] = UNSET
    binding: Annotated[str | UnsetType, Meta(description="The constraint that binds")] = UNSET
    text: Annotated[str | UnsetType, Meta(description="The reason in words")] = UNSET
    relaxations: Annotated[list[RelaxationPart], Meta(description="Limits that would each do by itself")] = field(
        default_factory=list
    )
    together: Annotated[list[RelaxationPart], Meta(description="Limits that would do together")] = field(
        default_factory=list
    )


class SignedPart(Part, frozen=True):
    """Who signed the tunnels, and for which hip."""

    name: Annotated[str, Meta(description="Name as it was typed")]
    day: Annotated[str, Meta(description="Day of the signature, ISO 8601")]
    side: Annotated[Literal["left", "right"], Meta(description="Side as it was typed")]

    @property
    def words(self) -> str:
        """In a line."""
        return f"signed off by {self.name} on {self.day}, {self.side.upper()} hip"


class ReviewPart(Part, frozen=True, kw_only=True):
    """The review that a plan comes from, and what was said there of exactly its tunnels."""

    revision: Annotated[CountOrNone, Meta(description="Step of the review")]
    plan: Annotated[Digest, Meta(description="Hash of the plan that was reviewed")]
    record: Annotated[
        Digest | None, Meta(description="Hash of the last entry of review.json; null: none had been made")
    ] = None
    notes: Annotated[str, Meta(description="Notes, as they were written")] = ""
    accepted: Annotated[str | None, Meta(description="Why exceeded limits were accepted; null: they were not")] = None
    signed: Annotated[SignedPart | None, Meta(description="Who signed; null: nobody")] = None
    lapsed: Annotated[
        SignedPart | UnsetType,
        Meta(description="Who had signed before the plan changed; absent: nobody, or it is signed"),
        MAY_BE_ABSENT,
    ] = UNSET

    @property
    def words(self) -> str:
        """Step and signature in a line."""
        said = "not signed" if self.signed is None else self.signed.words
        return f"step {self.revision} of the review of plan {self.plan[:8]}; {said}"

    @property
    def notes_line(self) -> str:
        """The notes in one line."""
        return " / ".join(self.notes.split("\n"))


class OutputPart(Part, frozen=True):
    """A file that was written beside the plan."""

    path: Annotated[str, Meta(description="Its name in the plan's folder")]
    sha256: Annotated[Digest, Meta(description="SHA-256 of the file, hex")]


class PlanDocument(Part, kw_only=True, frozen=True):
    """A plan; positions in world RAS mm. Not a medical device."""

    schema: Annotated[Literal["corecore.plan/1"] | UnsetType, Meta(description="Kind and major version")] = UNSET
    created: Annotated[str | UnsetType, Meta(description="When it was made, ISO 8601")] = UNSET
    corecore_version: Annotated[str | UnsetType, Meta(description="Version that made it")] = UNSET
    coordinate_system: Annotated[Literal["RAS"] | UnsetType, Meta(description="Frame of every position")] = UNSET
    units: Annotated[Literal["mm"] | UnsetType, Meta(description="Unit of every position")] = UNSET
    status: Annotated[Status, Meta(description="Found by the search, no tunnel, or surgeon-modified")]
    violations: Annotated[list[ViolationPart], Meta(description="Limits that the plan exceeds")] = field(
        default_factory=list
    )
    warnings: Annotated[list[WarningPart], Meta(description="What the reader is warned of")] = field(
        default_factory=list
    )
    case: Annotated[CasePart, Meta(description="Which hip, from which files")]
    anatomy: Annotated[AnatomyPart, Meta(description="Landmarks and axes")]
    necrosis: Annotated[NecrosisPart, Meta(description="Measures of the lesion")] = field(default_factory=NecrosisPart)
    spec: Annotated[SpecPart, Meta(description="Every parameter in force")] = field(default_factory=SpecPart)
    tunnels: Annotated[list[PlannedTunnelPart], Meta(description="Tunnels; none where nothing is feasible")] = field(
        default_factory=list
    )
    totals: Annotated[TotalsPart, Meta(description="What the tunnels do together")] = field(default_factory=TotalsPart)
    alternatives: Annotated[Annotated[list[AlternativePart], Meta(max_length=8)], Meta(description="Other plans")] = (
        field(default_factory=list)
    )
    tradeoff: Annotated[
        list[TradeoffPart] | UnsetType,
        Meta(description="Share removed against perforation, from the least of either to the most"),
        MAY_BE_ABSENT,
    ] = UNSET
    risk_methods: Annotated[
        dict[str, MethodPart] | UnsetType, Meta(description="Guidance methods by name"), MAY_BE_ABSENT
    ] = UNSET
    timings: Annotated[dict[str, int | float], Meta(description="Seconds and counts of work")] = field(
        default_factory=dict
    )
    robust: Annotated[RobustPart | UnsetType, Meta(description="What planning for errors cost"), MAY_BE_ABSENT] = UNSET
    given: Annotated[GivenPart | UnsetType, Meta(description="The path given"), MAY_BE_ABSENT] = UNSET
    nearest: Annotated[
        NearestTunnelPart | UnsetType | None, Meta(description="Best tunnel near it; null: none"), MAY_BE_ABSENT
    ] = UNSET
    nearest_reason: Annotated[str | UnsetType | None, Meta(description="Why there is none near it"), MAY_BE_ABSENT] = (
        UNSET
    )
    infeasible: Annotated[InfeasiblePart | UnsetType, Meta(description="Why there is no tunnel"), MAY_BE_ABSENT] = UNSET
    headline: Annotated[
        HeadlinePart | UnsetType, Meta(description="Gain, risk and factors against, weighed"), MAY_BE_ABSENT
    ] = UNSET
    review: Annotated[ReviewPart | UnsetType, Meta(description="The review it comes from"), MAY_BE_ABSENT] = UNSET
    outputs: Annotated[
        list[OutputPart] | UnsetType, Meta(description="Every file written beside the plan"), MAY_BE_ABSENT
    ] = UNSET
    seal: Annotated[Digest | UnsetType, Meta(description="Fingerprint of the content, hex"), MAY_BE_ABSENT] = UNSET
    signature: Annotated[
        Digest | UnsetType, Meta(description="HMAC-SHA256 of the seal by the writer's key, hex"), MAY_BE_ABSENT
    ] = UNSET
