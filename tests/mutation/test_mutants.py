"""The mutation run itself: its mutants are the same for a seed, and take effect wherever the code is used."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from types import ModuleType

import pytest

from tests.mutation.__main__ import EQUIVALENTS, ROOT, modules
from tests.mutation.mutants import possible, sampled
from tests.mutation.transplant import transplant
from tests.mutation.trial import affordable

SOURCE = """
from dataclasses import dataclass
from functools import cache, cached_property

LIMIT = 5
WORDS = ("a", "b")

@dataclass(frozen=True)
class Policy:
    attempts: int = 5

    @property
    def twice(self):
        return self.attempts * 2

    @cached_property
    def words(self):
        return list(WORDS)

class Kind:
    def __init__(self, word):
        self.word = word

KIND = Kind("rule")

@cache
def is_small(number: int | None) -> bool:
    return number is not None and number < LIMIT
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with this source, as if it belonged to the client."""
    made = ModuleType("smartdc.made_for_a_test")
    made.__file__ = "made_for_a_test.py"
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(SOURCE, vars(made))  # noqa: S102 - our own
    return made


def test_mutants_are_the_same_for_a_seed() -> None:
    path = "smartdc/_http/skew.py"
    source = (ROOT / path).read_text()
    one, again, other = (sampled(path, source, 5, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert len(sampled(path, source, 10_000, 1)) == len(possible(path, source))


def test_the_sample_remains_when_other_lines_change() -> None:
    before = sampled("made.py", SOURCE, 8, 1)
    assert len(before) == 8
    after = sampled("made.py", SOURCE.replace("LIMIT = 5", "MORE = 7\nLIMIT = 5"), 8, 1)
    assert len({(each.place, each.change) for each in (*before, *after)}) <= 9


def test_each_mutant_compiles_and_differs() -> None:
    changed = {mutant.write() for mutant in possible("made.py", SOURCE)}
    assert len(changed) == len(possible("made.py", SOURCE)) == 19
    assert ast.unparse(ast.parse(SOURCE)) not in changed
    for source in changed:
        compile(source, "made.py", "exec")


def test_a_change_takes_effect_in_existing_references(module: ModuleType) -> None:
    user = ModuleType("smartdc.user_for_a_test")
    sys.modules[user.__name__] = user
    vars(user).update(LIMIT=module.LIMIT, is_small=module.is_small, policy=module.Policy())
    assert (user.is_small(5), user.policy.twice) == (False, 10)
    try:
        transplant(
            module,
            SOURCE.replace("LIMIT = 5", "LIMIT = 6").replace("* 2", "* 3").replace('"b")', '"b", "c")'),
        )
        assert (user.LIMIT, user.is_small(5), user.policy.twice) == (6, True, 15)
        assert user.policy.words == ["a", "b", "c"]
        kind = module.KIND
        transplant(module, SOURCE.replace('"rule"', '"role"'))
        assert kind.word == "role"
        transplant(module, SOURCE.replace("self.word = word", "pass"))
        assert not hasattr(kind, "word")
        transplant(module, SOURCE.replace("attempts: int = 5", "attempts: int = 7"))
        assert module.Policy().twice == 14
    finally:
        del sys.modules[user.__name__]


def test_a_test_that_takes_too_long_is_left_out() -> None:
    costs = {"a": 1.0, "b": 9.0, "c": 2.0, "d": 2.0}
    assert list(affordable(list("abcd"), costs, 4)) == ["a", "c"]


def test_equivalents_are_possible_mutants() -> None:
    listed = tomllib.loads(EQUIVALENTS.read_text())["equivalent"]
    by_path = defaultdict(set)
    for each in listed:
        assert set(each) == {"module", "place", "change", "reason"}
        assert len(each["reason"]) > 20
        by_path[each["module"]].add((each["place"], each["change"]))
    for path, changes in by_path.items():
        found = {(mutant.place, mutant.change) for mutant in possible(path, (ROOT / path).read_text())}
        assert changes - found == set(), path


def test_every_module_of_the_client_is_configured() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutants"]
    chosen = set(modules(config["modules"], []))
    every = {str(file.relative_to(ROOT)) for file in (ROOT / "smartdc").rglob("*.py")}
    left = {path for path in every - chosen if not path.startswith(("smartdc/emulator/", "smartdc/types/"))}
    assert {path.replace("smartdc/console/", "") for path in left} == {
        "smartdc/legacy.py", "__init__.py", "completion.py", "failures.py", "plain.py", "shell.py",
    }  # fmt: skip
