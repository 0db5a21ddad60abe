"""The small changes that can be made to a module."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Mutant", "possible", "sampled"]

_OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OTHER_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
_LOGGERS = ("log", "logger", "_log")


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        path: The module's file, from the root of the project.
        place: The function or class that it is in, or ``module``.
        lines: The first and the last line of the statement that it is in.
        names: What the statement sets, if it is one of the module itself.
        change: The original code, and its replacement.
        write: Returns the source of the whole changed module.
    """

    path: str
    place: str
    lines: tuple[int, int]
    names: tuple[str, ...]
    change: str
    write: Callable[[], str] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.path}:{self.lines[0]} ({self.place}): {self.change}"


def sampled(path: str, source: str, size: int, seed: int) -> list[Mutant]:
    """`size` of the possible mutants; all, if there are fewer.

    They are always the same for a seed, and remain so while other lines of the module change.
    """
    found = possible(path, source)
    seen: Counter[tuple[str, str]] = Counter()
    order = []
    for at, mutant in enumerate(found):
        same = mutant.place, mutant.change
        order.append((hashlib.sha256(f"{seed}:{same}:{seen[same]}".encode()).digest(), at))
        seen[same] += 1
    return [found[at] for at in sorted(at for _, at in sorted(order)[:size])]


def possible(path: str, source: str) -> list[Mutant]:
    """All mutants of a module."""
    tree = ast.parse(source)
    return list(_Finder(path, tree).module())


class _Finder:
    def __init__(self, path: str, tree: ast.Module) -> None:
        self._path = path
        self._tree = tree
        self._place: list[str] = []

    def module(self) -> Iterator[Mutant]:
        yield from self._block(self._tree.body)

    def _block(self, body: list[ast.stmt]) -> Iterator[Mutant]:
        for at, statement in enumerate(body):
            yield from self._statement(body, at, statement)

    def _statement(self, body: list[ast.stmt], at: int, statement: ast.stmt) -> Iterator[Mutant]:
        if _is_left_out(statement):
            return
        header = _header(statement)
        for node, name, value in _expressions(statement):
            for other in _others(value):
                yield self._made(node, name, value, other, header, statement)
        instead = _instead_of(statement)
        if instead is not None:
            yield self._made(body, at, statement, instead, header, statement)
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self._place.append(statement.name)
        for name in ("body", "orelse", "finalbody"):
            yield from self._block(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from self._block(handler.body)
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self._place.pop()

    def _made(
        self,
        holder: ast.AST | list[ast.stmt],
        key: str | int,
        old: ast.AST,
        new: ast.AST,
        header: tuple[int, int],
        statement: ast.stmt,
    ) -> Mutant:
        place = ".".join(self._place) or "module"
        names = tuple(_set_by(statement)) if place == "module" else ()

        def write() -> str:
            _put(holder, key, old, new)
            try:
                return ast.unparse(ast.fix_missing_locations(copy.deepcopy(self._tree)))
            finally:
                _put(holder, key, new, old)

        return Mutant(self._path, place, header, names, f"{_text(old)} -> {_text(new)}", write)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _put(holder: Any, key: Any, old: object, new: object) -> None:
    """Replace one part of the tree by another."""
    if isinstance(holder, list):
        holder[key] = new
        return
    value = getattr(holder, key)
    if isinstance(value, list):
        value[next(at for at, each in enumerate(value) if each is old)] = new
    else:
        setattr(holder, key, new)


def _is_left_out(statement: ast.stmt) -> bool:
    """Whether it is an import, an annotation, a docstring or code for type checkers only."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass | ast.Assert | ast.Global | ast.Nonlocal):
        return True
    if isinstance(statement, ast.Expr):
        value = statement.value
        return isinstance(value, ast.Constant) or _is_logging(value)
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) == "TYPE_CHECKING"
    if isinstance(statement, ast.Assign):
        return "__all__" in _set_by(statement) or _is_type(statement.value)
    if isinstance(statement, ast.ClassDef):
        return any(ast.unparse(base) in ("Protocol", "TypedDict") for base in statement.bases)
    if isinstance(statement, ast.FunctionDef):
        return any(ast.unparse(each) == "overload" for each in statement.decorator_list)
    return False


def _is_type(value: ast.expr) -> bool:
    """Whether it is an alias or a variable of types, which only a type checker reads."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.BitOr) and not isinstance(value.right, ast.Call)
    return ast.unparse(value).startswith(("TypeVar(", "Callable["))


def _is_logging(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and isinstance(value.func.value, ast.Name)
        and value.func.value.id in _LOGGERS
    )


def _set_by(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _header(statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement without the statements inside it."""
    inner = [each for name in ("body", "orelse") for each in getattr(statement, name, [])]
    last = min((each.lineno for each in inner), default=(statement.end_lineno or statement.lineno) + 1) - 1
    return statement.lineno, max(statement.lineno, last)


def _instead_of(statement: ast.stmt) -> ast.stmt | None:
    """The statement that replaces a whole statement."""
    if isinstance(statement, ast.Return):
        value = statement.value
        if value is None or (isinstance(value, ast.Constant) and not value.value):
            return None  # most callers do not see the difference
        return ast.Return(ast.Constant(None))
    is_dropped = isinstance(statement, ast.Expr | ast.Raise | ast.AugAssign | ast.Delete) or (
        isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute | ast.Subscript)
    )
    if is_dropped:
        return ast.Pass()
    if isinstance(statement, ast.Continue):
        return ast.Break()
    return ast.Continue() if isinstance(statement, ast.Break) else None


_Found = Iterator[tuple[ast.AST, str, ast.expr]]


def _expressions(statement: ast.stmt) -> _Found:
    """The expressions of a statement: the node that holds each, the name of its field, and the expression."""
    for name, value in ast.iter_fields(statement):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords", "type_params", "msg"):
            continue
        if name == "args":
            yield from _defaults(value)
        elif name == "items":
            for item in value:
                yield from _within(item, "context_expr", item.context_expr)
        elif name == "handlers":
            for handler in value:
                if handler.type is not None:
                    yield from _within(handler, "type", handler.type)
        elif isinstance(value, ast.expr) and name != "target":
            if not (isinstance(statement, ast.Raise) and isinstance(value, ast.Call)):
                yield from _within(statement, name, value)
            elif name == "exc":
                yield from _of_error(value)


def _defaults(arguments: ast.arguments) -> _Found:
    for name in ("defaults", "kw_defaults"):
        for value in getattr(arguments, name):
            if value is not None:
                yield from _within(arguments, name, value)


def _of_error(call: ast.Call) -> _Found:
    """The arguments of an error besides its text."""
    for keyword in call.keywords:
        yield from _within(keyword, "value", keyword.value)


def _within(holder: ast.AST, name: str, value: ast.expr) -> _Found:
    if isinstance(value, ast.JoinedStr) or _is_logging(value):
        return
    yield holder, name, value
    for inner, child in ast.iter_fields(value):
        if inner in ("annotation", "ctx", "ops", "op", "targets"):
            continue
        children = child if isinstance(child, list) else [child]
        if inner == "args" and ast.unparse(value).startswith("cast("):
            children = children[1:]  # the first is a type
        for each in children:
            if isinstance(each, ast.expr):
                yield from _within(value, inner, each)
            elif isinstance(each, ast.keyword):
                yield from _within(each, "value", each.value)
            elif isinstance(each, ast.comprehension):
                yield from _within(each, "iter", each.iter)
                for condition in each.ifs:
                    yield from _within(each, "ifs", condition)
            elif isinstance(each, ast.arguments):
                yield from _defaults(each)


def _others(value: ast.expr) -> Iterator[ast.expr]:
    """The replacements of an expression."""
    if isinstance(value, ast.Compare):
        for at, operator in enumerate(value.ops):
            for other in _OTHER_COMPARISONS[type(operator)]:
                yield ast.Compare(
                    value.left, [*value.ops[:at], other(), *value.ops[at + 1 :]], value.comparators
                )
    elif isinstance(value, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(value.op, ast.Or) else ast.Or(), value.values)
        for at in range(len(value.values)):
            left = [*value.values[:at], *value.values[at + 1 :]]
            yield left[0] if len(left) == 1 else ast.BoolOp(value.op, left)
    elif isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not | ast.USub):
        yield value.operand
    elif isinstance(value, ast.BinOp):
        if type(value.op) in _OTHER_OPERATORS and not _is_text(value):
            yield ast.BinOp(value.left, _OTHER_OPERATORS[type(value.op)](), value.right)
        elif isinstance(value.op, ast.BitOr):
            yield value.left
            yield value.right
    elif isinstance(value, ast.IfExp):
        yield value.body
        yield value.orelse
    elif isinstance(value, ast.Call):
        for at, keyword in enumerate(value.keywords):
            if keyword.arg is not None:
                yield ast.Call(value.func, value.args, [*value.keywords[:at], *value.keywords[at + 1 :]])
    elif isinstance(value, ast.Tuple | ast.Set) and len(value.elts) > 1 and _is_table(value):
        for at in range(len(value.elts)):
            yield type(value)(elts=[*value.elts[:at], *value.elts[at + 1 :]])
    elif isinstance(value, ast.Constant):
        yield from _other_constants(value.value)


def _is_text(value: ast.BinOp) -> bool:
    return any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str | bytes))
        for each in (value.left, value.right)
    )


def _is_table(value: ast.Tuple | ast.Set) -> bool:
    return all(isinstance(each, ast.Constant | ast.Name | ast.Attribute) for each in value.elts)


def _other_constants(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 + 1)
    elif isinstance(value, str):
        yield ast.Constant(f"{value}~")
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"~")
