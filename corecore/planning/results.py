"""Results that several answers on one hip have in common: each is found once, and taken again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")

#: So many results of each kind stay, those that were asked for last (engineering choice: a slider's way back).
STAY = 24


class Results:
    """Results by kind and by all that they depend on; of each kind the last ``stay``.

    They belong to one hip; those of hips that differ in the region to avoid alone may share ``common`` ones. What is
    kept is what would come out again, bit for bit: so an answer that takes it is the answer without it.
    """

    def __init__(self, common: Results | None = None, *, stay: int = STAY) -> None:
        self._kinds: dict[str, OrderedDict[Hashable, object]] = {}
        self._common, self._stay = common, stay

    def common(self) -> Results:
        """Results that hold of the bone and its lesion, whatever is to be avoided beside them."""
        return self if self._common is None else self._common

    def once(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returns, or returned before for an equal ``key``; where it raises, nothing stays."""
        kept = self._kinds.setdefault(kind, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return cast(T, kept[key])
        made = make()
        kept[key] = made
        while len(kept) > self._stay:
            kept.popitem(last=False)
        return made

    def known(self, kind: str, key: Hashable) -> bool:
        """Whether ``once`` would take what was returned before."""
        return key in self._kinds.get(kind, {})
