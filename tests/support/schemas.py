"""The schemas of the documents, as they ship."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def schema(name: str) -> Any:
    return json.loads((resources.files("corecore.document") / "schemas" / f"{name}.schema.json").read_text())
