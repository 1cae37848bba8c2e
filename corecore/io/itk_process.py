"""Reading an ITK transform with SimpleITK, as a program of its own: ``python itk_child.py FILE``.

Prints ``{"matrix": [[..] * 4] * 4}``, which carries the fixed image's world to the moving one's in LPS mm,
or ``{"error": "..."}``; ends with 3 where SimpleITK is not installed. It imports nothing of corecore.
"""

from __future__ import annotations

import json
import sys
from typing import Any

#: What was read: ``matrix``, four rows of four numbers, or ``error``, in words.
Answer = dict[str, str | list[list[float]]]


def main(path: str) -> int:
    """Read one file and print its matrix."""
    try:
        import SimpleITK as sitk  # noqa: N813  (its own custom)
    except ImportError:
        return 3
    try:
        transform = sitk.ReadTransform(path)
    except RuntimeError:
        answer: Answer = {"error": "not a transform that ITK reads"}
    else:
        answer = _matrix(transform)
    sys.stdout.write(json.dumps(answer))
    return 0


def _matrix(transform: Any) -> Answer:
    if transform.GetDimension() != 3 or not _linear(transform):
        return {"error": "a transform that bends space, or not of three dimensions"}
    origin = transform.TransformPoint((0.0, 0.0, 0.0))
    axes = [transform.TransformPoint(tuple(float(i == k) for i in range(3))) for k in range(3)]
    rows = [[axes[k][row] - origin[row] for k in range(3)] + [origin[row]] for row in range(3)]
    return {"matrix": [*rows, [0.0, 0.0, 0.0, 1.0]]}


def _linear(transform: Any) -> bool:
    # A composite calls itself linear only where each of its parts is.
    return bool(transform.IsLinear())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
