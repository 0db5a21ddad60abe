"""Sphinx configuration: `make docs` builds with every warning an error."""

import gc
import importlib
import inspect
import pkgutil
import re
from importlib.metadata import version as installed_version

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import smartdc
import smartdc.types

# Sphinx makes so many nodes that a third of a build is the search for garbage at each 700 new objects.
gc.set_threshold(50_000, 20, 100)

# Types are imported for checkers only (`if TYPE_CHECKING:`): here signatures find them.
for found in pkgutil.walk_packages(smartdc.__path__, "smartdc."):
    if not found.name.startswith(("smartdc.emulator", "smartdc.__main__")):
        module = importlib.import_module(found.name)
        for name in smartdc.types.__all__:
            vars(module).setdefault(name, getattr(smartdc.types, name))

# In signatures they have the names by which they are imported.
for public in (smartdc.Clock, smartdc.RetryPolicy):
    public.__module__ = "smartdc"

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
# A name in a docstring leads to what it names, if that is in the reference; the others stay plain.
default_role = "py:obj"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# References into other projects: their inventories are on the network, and the docs build offline.
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    (
        "py:.*",
        r"(requests|urllib3|cryptography|paramiko|pytest|pathlib|collections|os|datetime|typing|asyncio|ssl|ipaddress)\b.*",
    ),
    (
        "py:.*",
        r"(Any|Mapping|Sequence|Iterable|Callable|PathLike|TextIO|SSHClient|NoReturn|Self|Path|optional)",
    ),
    # What the areas stand on; people have a DataCenter.
    ("py:.*", r"smartdc\._http\.connection\.Connection"),
    # Parts of the emulator that no page describes, in signatures of what is described.
    ("py:.*", r"smartdc\.emulator\.(contents|control|state)\..*|KeyRefused|Nic|(dict|tuple)\[\w+"),
    ("py:.*", r".*\b(_[A-Za-z]\w*|KeyObject|EntityRef|MachineRef|ImageRef|Addressed|Params|Report)"),
]


class Names(SphinxDirective):
    """``.. names:: PART OWNER``: what a part, written in a module of its own, adds to its owner.

    A part is an area, such as ``smartdc.api.keys.KeyOperations`` of ``smartdc.DataCenter``, or a module whose
    exceptions another one exports. All of it is described under the name that people type:
    ``smartdc.DataCenter.add_key``.
    """

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Describe the part, and then each name that the owner has from it."""
        part, owner = (named(path) for path in self.arguments)
        typed = self.arguments[1]
        text = str(GoogleDocstring(inspect.getdoc(part) or "", self.config, what="class"))
        module, _, kind = typed.rpartition(".")
        attribute = rf".. py:attribute:: {kind}.\1\n   :module: {module}"
        lines = re.sub(r"^\.\. attribute:: (\w+)$", attribute, text, flags=re.MULTILINE).splitlines()
        for name, value in vars(part).items():
            if not name.startswith("_") and inspect.getattr_static(owner, name, None) is value:
                if inspect.isclass(value):
                    lines += ["", f".. autoexception:: {typed}.{name}", "   :members:"]
                elif isinstance(value, property):
                    lines += ["", f".. autoproperty:: {typed}.{name}"]
                elif inspect.isroutine(value):
                    lines += ["", f".. automethod:: {typed}.{name}"]
        return self.parse_text_to_nodes("\n".join(lines))


def named(path: str) -> object:
    """The module, or the class in a module, of this name."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def show_as_typed(app: Sphinx, document: nodes.document) -> None:
    """Show names as people type them, `Machine.stop` and `fleet.run`; their anchors have the modules too."""
    for before in document.findall(addnodes.desc_addname):
        text = re.sub(r"^smartdc\.(?=fleet\.)|^([a-z_]+\.)+", "", before.astext())
        before.children = [nodes.Text(text)]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_directive("names", Names)
    app.connect("doctree-read", show_as_typed)
