"""Every operation: its request is sent, and row, docstring, route and OpenAPI description agree."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from typing import Any

import pytest

from smartdc import APIError, DataCenter, Machine, Snapshot
from smartdc._http.throttle import group_of
from smartdc.emulator import Emulator
from smartdc.emulator.app import TABLE
from smartdc.emulator.http.calls import Call
from smartdc.emulator.http.routes import Route
from tests.contract.conftest import COVERED
from tests.contract.exchanges import DESCRIPTION
from tests.contract.page import PAGE, page
from tests.contract.row import Operation, World, shape, value
from tests.operations import OPERATIONS

_OWNERS = {"DataCenter": DataCenter, "Machine": Machine, "Snapshot": Snapshot}

# Redirects for browsers, which no client requests; the OpenAPI description has neither them nor "/".
_NOT_FOR_CLIENTS = ("getdocs", "getfavicon")


@pytest.fixture
def world(cloud: Emulator, sdc: DataCenter, schema_only: None) -> World:
    return World(cloud, sdc)


@pytest.mark.parametrize("row", OPERATIONS, ids=str)
def test_the_call_sends_what_the_row_says(
    row: Operation, world: World, cloud: Emulator, sdc: DataCenter
) -> None:
    try:
        row.call(sdc, world)
    except APIError as error:
        assert error.status == row.status  # noqa: PT017 - some rows expect a refusal
    query, body = value(row.query, world), value(row.body, world)
    sent = [call for call in cloud.calls if _is_of(row, call, query)]
    assert sent, f"none of {[(call.method, call.path) for call in cloud.calls]} is {row.name}"
    assert (sent[-1].query, sent[-1].body, sent[-1].status) == (query, body, row.status)


def _is_of(row: Operation, call: Call, query: Any) -> bool:
    fits = re.fullmatch(_pattern(row.path), call.path) is not None
    return fits and call.method == row.verb and call.query.get("action") == query.get("action")


def _pattern(path: str) -> str:
    parts = shape(path)[1:].split("/")
    return "".join("/[^/:]+" if part == ":" else f"/{re.escape(part)}" for part in parts)


@pytest.mark.parametrize("row", OPERATIONS, ids=str)
def test_the_docstring_says_what_the_row_says(row: Operation) -> None:
    owner, _, name = row.method.partition(".")
    doc = inspect.getdoc(getattr(_OWNERS[owner], name)) or ""
    documented = re.findall(r"``([A-Z]+) (/[^`]*)``", doc)
    fitting = [path for verb, path in documented if verb == row.verb and _describes(path, row.path)]
    assert fitting, f"{row.method} names {documented}"
    since = re.search(r"Since API (\d+\.\d+)", doc)
    if name != "exists":  # it makes many operations, and so names no version
        assert (since.group(1) if since else "7.0") == row.since


def _describes(documented: str, path: str) -> bool:
    """Whether the docstring means this path: ``/:login/...`` is any path below, ``:x`` any segment."""
    if documented.endswith("/..."):
        return path.startswith(documented.removesuffix("..."))
    ours, theirs = path.split("/"), documented.split("/")
    return len(ours) == len(theirs) and all(
        their == our or (their.startswith(":") and not our.startswith(":"))
        for our, their in zip(ours, theirs, strict=True)
    )


def _route_of(route: Route) -> tuple[str, str, str]:
    return route.name, route.method, shape(route.path)


def test_every_route_has_a_row() -> None:
    rows = {row.route for row in OPERATIONS}
    routes = [route for route in TABLE.routes if route.name not in _NOT_FOR_CLIENTS]
    assert [_route_of(route) for route in routes if _route_of(route) not in rows] == []


def test_every_row_has_a_route_that_is_as_old() -> None:
    routes = {_route_of(route): route for route in TABLE.routes}
    wanting = [row.route for row in OPERATIONS if row.status != 405 and row.route not in routes]
    assert wanting == []
    early = [
        (row, routes[row.route].versions)
        for row in OPERATIONS
        if row.route in routes and routes[row.route].versions[0] > _version(row.since)
    ]
    assert early == []


def _version(since: str) -> tuple[int, ...]:
    major, minor = since.split(".")
    return int(major), int(minor), 0


def test_the_client_counts_requests_in_the_groups_of_the_server() -> None:
    groups = {_route_of(route): route.group for route in TABLE.routes if route.path.startswith("/:account")}
    rows = [row for row in OPERATIONS if row.route in groups]
    assert len(rows) > 180
    wrong = [
        (row.name, row.path, groups[row.route])
        for row in rows
        if group_of(row.verb, row.path.partition("?")[0].removeprefix("/:login")) != groups[row.route]
    ]
    assert wrong == []


def test_rows_are_unique() -> None:
    counted = Counter((row.verb, row.path, row.method) for row in OPERATIONS)
    assert [key for key, count in counted.items() if count > 1] == []


def test_the_page_of_all_operations_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "write it again: python -m tests.contract.page"


def test_every_operation_of_the_description_has_a_row(pytestconfig: pytest.Config) -> None:
    """The count is printed at the end of the run."""
    rows = {(row.verb, shape(row.path)) for row in OPERATIONS}
    # One route and one method of the server serve the role tags of every collection and of every resource.
    tagging = [row for row in OPERATIONS if row.verb == "PUT" and row.name.endswith("RoleTags")]
    operations = DESCRIPTION.operations
    missing = [
        f"{operation.verb} {operation.path}"
        for operation in operations
        if (operation.verb, shape(operation.path)) not in rows
        and not (
            operation.ident.endswith("role_tags")
            and any(re.fullmatch(_pattern(row.path), operation.example) for row in tagging)
        )
    ]
    covered = len(operations) - len(missing)
    pytestconfig.stash[COVERED] = f"operations of CloudAPI covered: {covered} of {len(operations)}"
    assert missing == []
    assert len(operations) == 186
