"""The sample volumes: in the installed package, or in the checkout it is run from."""

from __future__ import annotations

from pathlib import Path

from corecore.base.errors import InputError

#: The volume that ``corecore demo`` plans on: label 1 femur, label 2 lesion; its CT beside it.
DEMO = "right_medium.nii.gz"
DEMO_CT = "right_medium_ct.nii.gz"


def sample(name: str = DEMO) -> Path:
    """Path of a sample volume by file name.

    Raises ``InputError`` where neither the package nor the checkout holds it; a wheel ships
    ``DEMO`` and ``DEMO_CT`` only.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_sample", package.parent / "sample_volumes"):
        if (folder / name).is_file():
            return folder / name
    held = sorted({p.name for d in ("_sample", "../sample_volumes") for p in (package / d).glob("*.nii.gz")})
    raise InputError(f"no sample volume {name!r}; there are: {', '.join(held) or 'none'}", code="sample-missing")
