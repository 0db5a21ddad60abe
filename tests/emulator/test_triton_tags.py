"""Tags named ``triton.*``: valid and refused values (triton-tags 1.4.0, lib/)."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc.emulator.rules.affinity import locality_errors
from tests.helpers.raw_requests import Raw

SERVICES = "triton.cns.services"
GROUPS = "triton.cmon.groups"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("triton.placement.exclude_virtual_servers", True),
        (SERVICES, "foo.dev"),
        (SERVICES, "-a"),
        (SERVICES, "_http._tcp:80"),
        (SERVICES, "a:80:priority=1:weight=2,b"),
        (SERVICES, "a:port=80"),
        (SERVICES, "a:priority=70000:priority=1"),
        (SERVICES, "a:0:port=80"),
        (GROUPS, "a,b_c,D-1"),
        (GROUPS, ",".join(f"g{number}" for number in range(100))),
        (GROUPS, "x" * 100),
    ],
)
def test_valid_tags(raw: Raw, key: str, value: Any) -> None:
    vm = raw.site.add_machine()
    assert raw.post(f"/my/machines/{vm.uuid}/tags", {key: value}).ok()[key] == value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "triton.placement.exclude_virtual_servers",
            "yes",
            'Triton tag "triton.placement.exclude_virtual_servers" value must be a boolean: "yes" (string)',
        ),
        (SERVICES, "a:80:81", 'Expected property name but "8" found.'),
        (SERVICES, "a:80x", 'Expected ",", ":" or end of input but "x" found.'),
        (SERVICES, "a:+80", 'Expected integer (port number) or property name but "+" found.'),
        (SERVICES, "a:priority=1:80", 'Expected property name but "8" found.'),
        (SERVICES, "", "Expected DNS name but end of input found."),
        (SERVICES, "a:weight=", "Expected property value but end of input found."),
        (SERVICES, "a\u00e9", 'Expected ",", ":" or end of input but "\\xE9" found.'),
        (SERVICES, "A:port=0", "service port number for a must be within the range 1 - 65535"),
        (SERVICES, "a:priority=1:priority=x", "service priority for a must be within the range 0 - 65535"),
        (GROUPS, "\u00e9", "groups must be strings comprised of letters, numbers, _, and -"),
        (GROUPS, "a,b,a", "contains duplicate group a"),
        (GROUPS, "x" * 101, "group name must be no less than 1 character and no greater than 100 characters"),
        (
            GROUPS,
            ",".join(f"g{number}" for number in range(101)),
            "must contain less than or equal to 100 group strings",
        ),
    ],
)
def test_refused_tags(raw: Raw, key: str, value: Any, message: str) -> None:
    vm = raw.site.add_machine()
    answer = raw.post(f"/my/machines/{vm.uuid}/tags", {key: value})
    text = message if message.startswith("Triton") else f'invalid "{key}" tag: {message}'
    assert answer.status == 409
    assert answer.json["errors"] == [{"field": "tags", "code": "Invalid", "message": text}]


@pytest.mark.parametrize(
    ("locality", "messages"),
    [
        ({"near": {}}, ["locality entry is neither string nor array"]),
        ({"near": []}, []),
        ({"far": [["x"]]}, ["locality contains malformed UUID"]),
    ],
)
def test_an_empty_list_is_a_locality_but_an_empty_object_is_not(locality: Any, messages: list[str]) -> None:
    # sdc-vmapi lib/common/validation.js, validLocality: {} is true in JavaScript, and so is [].
    assert [error["message"] for error in locality_errors(locality)] == messages
