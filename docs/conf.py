"""Sphinx configuration: MyST pages, interface from docstrings. Build with `make docs`."""

from importlib.metadata import version as _version
from typing import Any

project = "innerloop"
author = "the innerloop authors"
copyright = "the innerloop authors"
version = release = _version("innerloop")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "innerloop"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# in docstrings `x` is code, and a signature is read without its module names
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False


def _equations(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Shows the equations of docstrings as they are written: indented lines before the first section are literal."""
    found, before = [], True
    for at, line in enumerate(lines):
        before = before and not (line.endswith(":") and line[:-1] in ("Args", "Attributes", "Returns", "Raises"))
        if before and line.startswith("    ") and at and not lines[at - 1].strip() and found[-2:] != ["::", ""]:
            found += ["::", ""]
        found.append(line)
    lines[:] = found


def setup(app: Any) -> None:
    """Registers what is above; before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", _equations, priority=400)
