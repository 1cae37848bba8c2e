"""Read by each Python that is started with this folder on its path: workers of a batch take part in the run's store.

They are fresh processes that read nothing of the test; what they first need of the package tells that they are workers.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

WORK = "corecore.study.batch.case"


class _Joins(MetaPathFinder):
    """Once the module that runs a case is loaded, the store stands in."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != WORK:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def join(module: Any) -> None:
            load(module)
            from support.shared import shared

            shared.join()

        spec.loader.exec_module = join  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Joins())
