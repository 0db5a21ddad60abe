"""The blocks of the documentation that tests/docs does not run: which test runs them, or why none does."""

from __future__ import annotations

from tests.docs.blocks import Block

__all__ = ["elsewhere"]

_README = "tests/meta/test_readme.py"
_RECIPES = "tests/emulator/test_recipes.py"
_CLIENTS = "tests/interop/test_command_clients.py"

_OF_PAGES = {
    "README.md": _README,
    "docs/emulator-recipes.md": _RECIPES,
}
"""All blocks of a page."""

_BLOCKS = {
    ("README.md", "    make demo"): "tests/meta/test_examples.py",
    ("README.md", "    python -m pip install"): "it installs from the network",
    ("docs/emulator-recipes.md", "$ sh with-emulator.sh triton"): _CLIENTS,
    ("docs/emulator.md", "now=$(LC_ALL=C date"): _CLIENTS,
    ("docs/console.md", "%load_ext smartdc"): "tests/interop/test_notebook.py",
    ("docs/tutorial.md", "$ python -m pip install"): "it installs from the network",
    ("docs/security.md", "$ python -m pip install pip-audit"): "it needs a database on the network",
    ("docs/performance.md", "$ .venv/bin/python "): "a benchmark takes minutes",
    ("docs/retries.md", " POST ── answered"): "a drawing",
    ("docs/ssh.md", "$ ssh -o HostKeyAlias=UUID"): "tests/machine/test_host_keys.py",
    ("docs/ssh.md", "the host key of machine"): "tests/machine/test_host_keys.py",
}
"""A block by its page and its beginning."""


def elsewhere(block: Block) -> str | None:
    """The test that runs a block, or the reason why none does; None when tests/docs runs it."""
    for (page, beginning), where in _BLOCKS.items():
        if block.page == page and block.text.startswith(beginning):
            return where
    return _OF_PAGES.get(block.page)
