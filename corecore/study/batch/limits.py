"""What one case of a batch may take, and what it takes."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

from corecore.base.errors import InputError

#: Longest time of a case, s (contract: a plan takes some ten).
CASE_SECONDS = 600.0
#: Where Linux tells of its processes.
PROC = Path("/proc")
MIB = 1024 * 1024


@dataclass(frozen=True)
class CaseLimits:
    """Most that a case may take before its process is ended.

    Parameters
    ----------
    seconds : float, default 600
        Time of a plan, s.
    memory_mib : int, optional
        Memory, MiB. Default: any.
    """

    seconds: float = CASE_SECONDS
    memory_mib: int | None = None

    def check(self) -> None:
        """Raise ``InputError`` for limits that cannot be, or cannot be kept here."""
        if not self.seconds > 0.0:
            raise InputError(f"--case-seconds {self.seconds:g}; above 0, or inf, is accepted", code="option-value")
        if self.memory_mib is None:
            return
        if self.memory_mib < 1:
            raise InputError(f"--case-memory {self.memory_mib}; 1 MiB or more is accepted", code="option-value")
        if math.isnan(memory_mib(os.getpid())):
            raise InputError("--case-memory; only Linux reports the memory of a process", code="option-value")


#: As long and as much as it takes.
UNLIMITED = CaseLimits(seconds=math.inf)


def memory_mib(pid: int) -> float:
    """Resident memory of a process and of those it has started, MiB; NaN where the system does not tell."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return math.nan
    below = [memory_mib(child) for child in _children(pid)]
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB + sum(held for held in below if not math.isnan(held))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    # Threads and children come and go while they are listed.
    with contextlib.suppress(OSError):
        for thread in os.listdir(PROC / str(pid) / "task"):
            with contextlib.suppress(OSError):
                found += map(int, (PROC / str(pid) / "task" / thread / "children").read_text().split())
    return found
