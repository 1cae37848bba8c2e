"""How Sphinx builds these pages: ``make docs``."""

from corecore.base.version import __version__

project = "corecore"
author = "The corecore authors"
copyright = "The corecore authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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
autodoc_typehints = "description"
nitpicky = False
