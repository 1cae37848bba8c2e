"""How Sphinx builds these pages: ``make docs``."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from numpydoc.xref import DEFAULT_LINKS
from sphinx.application import Sphinx

from corecore.base.version import __version__

project = "corecore"
author = "The corecore authors"
copyright = "The corecore authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
# Its first screen belongs to the repository; here index.md is the first page.
exclude_patterns = ["_build", "README.md"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Links to files of the repository that are no page here.
myst_url_schemes = ("http", "https", "mailto", "doi")
html_theme = "furo"
html_title = "corecore"
html_copy_source = False
# The pages work off-line and load nothing from elsewhere.
html_theme_options = {"source_repository": "", "footer_icons": []}
autodoc_member_order = "bysource"
# Docstrings say types, with shapes and frames.
autodoc_typehints = "none"
numpydoc_show_class_members = False
# numpydoc loads autosummary, whose tables no page has.
autosummary_generate = False
# In the type of a parameter a class of that page is a link.
_CLASSES = re.findall(r"autoclass:: (\S+)", (Path(__file__).parent / "api.md").read_text(encoding="utf-8"))
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {name.rpartition(".")[2]: name for name in _CLASSES}
numpydoc_xref_ignore = "all"
# Its own links lead to pages elsewhere.
DEFAULT_LINKS.clear()
# Readers take most of these names from corecore itself.
add_module_names = False
nitpicky = False


def skip_data(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: Any) -> bool | None:
    """The fields of a class are among its parameters; its members are properties and methods."""
    is_member = inspect.isroutine(obj) or isinstance(obj, property | cached_property)
    return True if what == "class" and not is_member else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-skip-member", skip_data)
