"""Sphinx configuration: `make docs` builds with every warning an error."""

import importlib
import pkgutil
from importlib.metadata import version as installed_version

import smartdc
import smartdc.types

# Types are imported for checkers only (`if TYPE_CHECKING:`): here signatures find them.
for found in pkgutil.walk_packages(smartdc.__path__, "smartdc."):
    if not found.name.startswith(("smartdc.emulator", "smartdc.__main__")):
        module = importlib.import_module(found.name)
        for name in smartdc.types.__all__:
            vars(module).setdefault(name, getattr(smartdc.types, name))

project = "smartdc"
author = "The smartdc authors"
project_copyright = "2026, The smartdc authors"
version = release = installed_version("smartdc")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"smartdc {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autoclass_content = "class"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# References into other projects: their inventories are on the network, and the docs build offline.
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(requests|urllib3|cryptography|paramiko|pytest|pathlib|collections|os|datetime|typing|asyncio|ssl|ipaddress)\b.*",
    ),
    (
        "py:.*",
        r"(Any|Mapping|Sequence|Iterable|Callable|PathLike|TextIO|SSHClient|NoReturn|Self|Path|optional)",
    ),
    # Parts of the emulator that no page describes, in signatures of what is described.
    ("py:.*", r"smartdc\.emulator\.(contents|control|state)\..*|KeyRefused|Nic|(dict|tuple)\[\w+"),
    ("py:.*", r".*\b(_[A-Za-z]\w*|KeyObject|EntityRef|MachineRef|ImageRef|Addressed|Params|Report)"),
]
