"""Sphinx configuration: MyST pages, interface from docstrings. Build with `make docs`."""

from importlib.metadata import version as _version

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
