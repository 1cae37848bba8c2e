"""What is asked of the planner, as one value: files, answers, parameters, search, output.

Command line, Python API and batch each make such a request; ``corecore.exports.workflow`` carries it out. Light to
import: a request is made, and refused, before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corecore.base.errors import InputError
from corecore.base.language import ENGLISH
from corecore.base.parsing import parse_settings
from corecore.base.spec import SIZES, Spec, check_effort, preset, read_config
from corecore.hip.inputs import HipInputs
from corecore.measures.signs.clinician_input import ClinicianInput
from corecore.tunnels.risk.methods import METHODS, OUTLINE, Method, check_robust

#: The preset where none is named.
PRESET = "core-10"


@dataclass(frozen=True)
class Parameters:
    """Where the parameters come from; what stands later goes before what stands earlier.

    ``config`` is a TOML file, ``values`` are options of their own, ``settings`` are ``KEY=VALUE`` texts or a table of
    such, ``overrides`` a manifest row's own. A preset may stand in ``config`` and in ``overrides`` too.
    """

    preset: str | None = None
    config: Path | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    settings: Sequence[str] | Mapping[str, object] = ()
    overrides: Mapping[str, object] = field(default_factory=dict)

    def spec(self) -> Spec:
        """The parameters in force. Raises ``InputError`` for one that is unknown or out of range."""
        table, own = read_config(self.config) if self.config else {}, dict(self.overrides)
        named = str(self.preset or table.pop("preset", None) or PRESET)
        table.pop("preset", None)
        spec = preset(str(own.pop("preset", named))).with_values(table, origin=str(self.config))
        spec = spec.with_values(self.values, origin="")
        settings = self.settings if isinstance(self.settings, Mapping) else parse_settings(list(self.settings))
        spec = spec.with_values(settings).with_values(own, origin="overrides")
        return _with_instrument(spec, {**table, **self.values, **settings, **own})


def _with_instrument(spec: Spec, stated: Mapping[str, object]) -> Spec:
    """The parameters with the target of an instrument named among them, unless another is stated.

    Raises ``InputError`` for a size beside it that is not its own.
    """
    named = stated.get("instrument")
    if named is None:
        return spec
    # Sizes and instrument may stand in different places: here they are held against each other.
    spec = spec.with_values(
        {"instrument": named, **{name: stated[name] for name in SIZES if name in stated}}, origin=""
    )
    if spec.instrument is not None and spec.instrument.objective == "reached" and "target" not in stated:
        return spec.with_values({"target": "reached"})
    return spec


@dataclass(frozen=True)
class Search:
    """How far the search goes beyond the best tunnels it finds.

    With a ``gap`` (a share, 0 to 1) or ``seconds``, a bound is proven. ``robust`` names one of ``methods`` whose
    errors are planned for. ``explain`` measures what each limit costs. So many ``alternatives`` are looked for.
    ``confirm``: where there is no tunnel, plan with what would give one.
    """

    gap: float | None = None
    seconds: float | None = None
    robust: str | None = None
    methods: Mapping[str, Method] = field(default_factory=lambda: METHODS)
    explain: bool = False
    alternatives: int = 0
    confirm: bool = True

    def check(self, spec: Spec) -> None:
        """Raise ``InputError`` for options that cannot be, or not with these parameters."""
        check_effort(self.gap, self.seconds, self.alternatives, spec.tunnels)
        check_robust(self.robust, self.methods, spec.tunnels)
        if spec.guidance is not None and spec.guidance not in self.methods:
            raise InputError(f"guidance: {spec.guidance!r}; accepted: {', '.join(self.methods)}", code="option-value")


@dataclass(frozen=True)
class Output:
    """Where the plan's folder goes, and what lies in it; without a ``folder`` nothing is written.

    ``sign_key`` signs the plan; it is shown nowhere. ``language`` is that of pictures, page and report.
    """

    folder: Path | None = None
    pictures: bool = True
    keep_names: bool = False
    overwrite: bool = False
    sign_key: bytes | None = field(default=None, repr=False)
    language: str = ENGLISH


@dataclass(frozen=True)
class PlanRequest:
    """One hip and all that is asked of it. With a ``path`` (entry and tip, world RAS mm) that path is judged."""

    inputs: HipInputs
    clinician: ClinicianInput = field(default_factory=ClinicianInput)
    parameters: Parameters = field(default_factory=Parameters)
    search: Search = field(default_factory=Search)
    output: Output = field(default_factory=Output)
    path: tuple[Any, Any] | None = None

    def checked(self) -> Spec:
        """The parameters in force. Raises ``InputError`` for what no hip could be planned with."""
        spec = self.parameters.spec()
        self.search.check(spec)
        if self.output.keep_names and self.inputs.from_another_scan:
            raise InputError(
                "--keep-names with a lesion from another scan; its moved mask is kept in the folder",
                code="options-conflict",
            )
        return spec


def check_robust_objective(robust: str | None, values: Mapping[str, object]) -> None:
    """Raise ``InputError`` where a robust plan is asked for with another objective, or for another guidance method."""
    if robust is None or robust == OUTLINE:
        return
    for name, own in (("guidance", robust), ("objective", "most")):
        asked = values.get(name)
        if asked is not None and asked != own:
            raise InputError(
                f"--robust {robust} with {name} {asked!r}: a robust plan has an objective of its own, for its own"
                f" method; without {name} it is accepted",
                code="options-conflict",
            )
