"""What `import smartdc` offers: names that are imported at first use, and what it does not have."""

from __future__ import annotations

import importlib

import pytest

import smartdc

LAZY = {
    "LegacyDataCenter": "smartdc.legacy",
    "Profile": "smartdc.signin.profiles",
    "Table": "smartdc.tables",
    # The names that IPython's `%load_ext` looks for: https://ipython.readthedocs.io, IPython extensions
    "load_ipython_extension": "smartdc.tables.ipython",
    "unload_ipython_extension": "smartdc.tables.ipython",
}


@pytest.mark.parametrize(("name", "module"), LAZY.items())
def test_a_name_is_imported_at_first_use(monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    monkeypatch.delitem(vars(smartdc), name, raising=False)
    assert getattr(smartdc, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", ["fleet", "legacy"])
def test_a_module_is_imported_at_first_use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module = importlib.import_module(f"smartdc.{name}")
    monkeypatch.delattr(smartdc, name)
    assert getattr(smartdc, name) is module


def test_a_name_that_it_does_not_have() -> None:
    with pytest.raises(AttributeError) as caught:
        smartdc.nothing  # type: ignore[attr-defined]  # noqa: B018
    assert str(caught.value) == "module 'smartdc' has no attribute 'nothing'"


def test_all_its_names_are_listed_in_order() -> None:
    listed = dir(smartdc)
    assert set(smartdc.__all__) <= set(listed)
    assert {"DataCenter", "__version__"} <= set(listed)
    assert listed == sorted(listed)
