"""Tables of what the emulator lists, and of odd rows."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, Table
from smartdc.emulator import Emulator
from smartdc.tables.layout import width_of

NAME_189 = "n" * 189
"""As long as the name of a machine may be."""


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    machine = sdc.create_machine(
        "web0", package="g4-highcpu-1G", image=sdc.images(name="base-64-lts")[0], tags={"role": "web"}
    )
    machine.poll_until("running")
    return machine


def table(rows: Any, columns: Any = None, width: int | None = None, **more: Any) -> list[str]:
    return Table(rows, columns, **more).text(width).splitlines()


def test_machines_as_the_triton_command_shows_them(sdc: DataCenter, machine: Machine) -> None:
    image = sdc.image(machine.image or "")
    header, row = table(sdc.machines(), images=sdc.images())
    assert header.split() == ["SHORTID", "NAME", "IMG", "STATE", "FLAGS", "AGE"]
    assert row.split()[:5] == [machine.id[:8], "web0", f"{image['name']}@{image['version']}", "running", "-"]
    assert row.split()[5].endswith("s")
    assert table(sdc.machines())[1].split()[2] == image["id"][:8]  # as in the triton command


def test_tables_make_no_request(sdc: DataCenter, machine: Machine, cloud: Emulator) -> None:
    lazy = Machine(sdc, machine.id, lazy=True)
    rows = [*sdc.machines(), lazy]
    before = len(cloud.calls)
    shown = Table(rows, "id,name,state,ips,age")
    assert all([str(shown), shown._repr_html_(), len(shown), list(shown)])
    assert len(cloud.calls) == before
    assert table([lazy]) == [
        "SHORTID   NAME  IMG  STATE  FLAGS  AGE",
        f"{machine.id[:8]}  -     -    -      -      -",
    ]


def test_a_machine_that_another_thread_deletes(sdc: DataCenter, machine: Machine) -> None:
    rows = sdc.machines()
    thread = threading.Thread(target=rows[0].delete)
    shown = Table(rows, "name,state")
    thread.start()
    thread.join()
    rows[0].poll_until("deleted")
    assert shown.text() == "NAME  STATE\nweb0  running"  # the table keeps the old state
    assert Table(rows, "name,state").text() == "NAME  STATE\nweb0  deleted"


def test_a_machine_that_is_not_found_any_more(cloud: Emulator, sdc: DataCenter, machine: Machine) -> None:
    del cloud.site().machines[machine.id]
    cloud.clock.advance(60)
    machine.poll_until("deleted")
    assert machine.raw["state"] == "running"  # the last that is known of it
    assert Table([machine], "name,state").text() == "NAME  STATE\nweb0  deleted"


def test_flags(sdc: DataCenter) -> None:
    rows = [
        {"id": "a-b", "name": "a", "state": "running", "image": "", "brand": "bhyve", "docker": True},
        {"id": "b-c", "name": "b", "state": "running", "image": "", "brand": "kvm", "firewall_enabled": True}
        | {"deletion_protection": True},
    ]
    assert [line.split()[-2] for line in table(rows)] == ["FLAGS", "BD", "FKP"]
    assert all("  P  " in line for line in table(sdc.images(name="base-64-lts"))[1:])


def test_other_lists(sdc: DataCenter, machine: Machine) -> None:
    sdc.create_volume("data", size=10240)
    machine.create_snapshot("first").poll_until("created")
    headers: dict[str, list[Any]] = {
        "SHORTID NAME VERSION FLAGS OS TYPE PUBDATE": sdc.images(),
        "SHORTID NAME MEMORY SWAP DISK VCPUS": sdc.packages(),
        "SHORTID NAME SUBNET GATEWAY FABRIC VLAN PUBLIC": sdc.networks(),
        "SHORTID NAME SIZE TYPE STATE AGE": sdc.volumes(),
        "FINGERPRINT NAME": sdc.keys(),
        "VLAN_ID NAME DESCRIPTION": sdc.fabric_vlans(),
        "IP MAC PRIMARY STATE NETWORK": machine.get_nics(),
        "TIME ACTION SUCCESS": machine.audit(),
        "NAME STATE SIZE CREATED": machine.snapshots(),
    }
    for header, rows in headers.items():
        assert rows, header
        assert table(rows)[0].split() == header.split()
        assert len(table(rows)) == len(rows) + 1
    assert table(sdc.volumes())[1].split()[2:4] == ["10G", "tritonnfs"]
    package = next(line for line in table(sdc.packages()) if "k4-general-kvm-3.75G" in line)
    assert package.split()[2:] == ["3.7G", "7.5G", "50G", "1"]
    image = next(line for line in table(sdc.images()) if "centos-7" in line)
    assert image.endswith("  2020-07-17")


def test_columns(sdc: DataCenter, machine: Machine) -> None:
    expected = [
        "NAME  MEMORY  DISK  TAGS.ROLE  IPS",
        f"web0      1G   25G  web        {', '.join(machine.ips)}",
    ]
    assert table(sdc.machines(), "name, memory,disk,tags.role,ips") == expected
    assert table(sdc.machines(), ["name", "memory", "disk", "tags.role", "ips"]) == expected
    assert table([{"id": "ab-cd", "a.b": 1, "a": {"b": 2}}], "shortid,a.b,a.c.d,docker") == [
        "SHORTID  A.B  A.C.D  DOCKER",
        "ab       1    -      -",
    ]


def test_a_column_that_is_misspelt(sdc: DataCenter, machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: no row has 'memroy'; did you mean 'memory'\?$"):
        Table(sdc.machines(), "name,memroy")
    with pytest.raises(ConfigurationError, match=r"^columns: no row has 'other'; there are id, size$"):
        Table([{"id": 1, "size": 2}, {"size": 3}], "id,other")
    with pytest.raises(ConfigurationError, match=r"^columns: no row has 'other.id'; there are id, size$"):
        Table([{"id": 1, "size": 2}], "other.id")
    columns = "vlan_id, name, description, more"
    with pytest.raises(ConfigurationError, match=f"^columns: no row has 'xyz'; there are {columns}$"):
        Table([{"vlan_id": 1, "name": "a", "more": 2}], "xyz")
    assert table([sdc.machine(machine.id, lazy=True)], "name,disks,tags.none")[1].split() == ["-", "-", "-"]
    assert len(Table([], "anything")) == 0


@pytest.mark.parametrize("width", ["x", 0, -1, 1.5, True])
def test_invalid_widths(width: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Table([{"a": 1}]).text(width)
    assert str(caught.value) == f"width must be None or a number of columns from 1, not {width!r}"
    assert Table([{"a": 1}]).text(1) == "A\n1"


@pytest.mark.parametrize("columns", ["", ",", "a,,b", [], [1], 5, ["a", ""], b"a"])
def test_invalid_columns(columns: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Table([{"a": 1}], columns)
    assert str(caught.value) == f"columns must be names of fields such as 'name,state', not {columns!r}"


NO_ROWS = "rows must be machines or dicts, not "
NO_ROW = "a row must be a machine, a snapshot or a dict, not "


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("text", f"{NO_ROWS}'text'"),
        (b"bytes", f"{NO_ROWS}b'bytes'"),
        (5, f"{NO_ROWS}5"),
        (None, f"{NO_ROWS}None"),
        (object, f"{NO_ROWS}<class 'object'>"),
        (["a"], f"{NO_ROW}'a'"),
        ([None], f"{NO_ROW}None"),
        ([{}, 1], f"{NO_ROW}1"),
    ],
)
def test_invalid_rows(rows: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Table(rows)
    assert str(caught.value) == message


@pytest.mark.parametrize("images", ["base", {"id": "a"}, 5])
def test_invalid_images(images: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Table([], images=images)
    assert str(caught.value) == f"images must be a list such as sdc.images(), not {images!r}"


def test_images_that_are_not_images() -> None:
    with pytest.raises(ConfigurationError, match=r"^5 names no image: give its id, or a dict or object"):
        Table([], images=[5])  # type: ignore[list-item]


def test_names_of_images() -> None:
    machines = [{"id": "a", "name": "m", "state": "running", "image": each} for each in ("b-1", "c-1", "d-1")]
    images: list[Any] = [
        {"id": "b-1", "name": "base", "version": "1.0"},
        {"id": "c-1", "name": "base"},
        "d-1",
    ]
    assert table(machines, "img", images=images) == ["IMG", "base@1.0", "base", "d"]


def test_any_dicts() -> None:
    rows: list[dict[Any, Any]] = [{"a": 1, 2: None}, {"b": {"c": ["x", True]}, "a": False}, {}]
    assert table(rows) == ["A      2  B", "1      -  -", 'false  -  {"c": ["x", true]}', "-      -  -"]
    assert table(row for row in rows) == table(rows)  # a generator
    assert table({"a": 1}) == ["A", "1"]
    assert table([]) == table([{}]) == ["(empty)"]
    assert table([], "name,state") == ["NAME  STATE"]
    assert next(iter(Table(rows))) == {"a": 1, "2": None}


def test_fields_of_other_dicts_are_not_shown_as_sizes() -> None:
    assert table([{"memory": 1024, "disk": 2048}])[1].split() == ["1024", "2048"]


class Odd:
    def __str__(self) -> str:
        raise ValueError("no text")


def odd_values() -> Iterator[Any]:
    itself: list[Any] = [1]
    itself.append(itself)
    yield from (itself, {"a": {1, 2}}, {(1, 2): 3}, Odd(), [Odd()], 10**5000, float("nan"), -1.5, b"\x00\xff")
    yield from ("\x1b[31mred", "a\nb\tc", "\ud800", "\u202eabc", "", datetime.max, datetime.min, 1e300)
    yield from ([[[[]]]], memoryview(b"ab"), "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", object)


@pytest.mark.parametrize("value", list(odd_values()), ids=lambda value: type(value).__name__)
def test_odd_values_everywhere(value: Any) -> None:
    fields = ["id", "name", "state", "image", "created", "memory", "disk", "brand", "tags", "published_at"]
    fields += ["version", "os"]
    machine = dict.fromkeys(fields, value)
    for columns in (None, fields, "shortid,img,flags,age,pubdate,cdate,vlan,tags.a"):
        for rows in ([machine], [{**machine, "swap": value}], [{"a": value}], [{"id": 1, "created": value}]):
            text = Table(rows, columns).text(80)
            assert all(line.isprintable() and len(line) <= 80 for line in text.splitlines())
            assert len(text.split("\n")) in (2, 3)
            assert "\x1b" not in Table(rows, columns)._repr_html_()


def test_the_age_of_a_dict_is_by_the_time_of_this_machine() -> None:
    created = datetime.now(UTC) - timedelta(days=3, hours=1)
    for value in (created, created.replace(tzinfo=None), created.isoformat().replace("+00:00", "Z")):
        assert table([{"created": value}], "age") == ["AGE", "3d"]


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 40, 80, 200])
@pytest.mark.parametrize("name", [NAME_189, "🦊" * 95, "漢字" * 50, "e\u0301" * 100, "\x1b[2J" * 40, "web"])
def test_lines_fit_the_width(width: int, name: str) -> None:
    rows = [
        {"id": "0a1b2c3d-0", "name": name, "state": "running", "image": "4e5f6a7b-0", "created": None},
        {"id": "1a1b2c3d-0", "name": "b", "state": "running", "image": "4e5f6a7b-0", "created": None},
    ]
    lines = table(rows, width=width)
    assert max(map(width_of, lines)) <= width
    if width >= 8:
        assert [line.split()[0] for line in lines[:3]] == ["SHORTID", "0a1b2c3d", "1a1b2c3d"]
    if width == 200 and name == NAME_189:
        assert f"{NAME_189[:100]}" in lines[1]
    assert name.replace("\x1b", "\\x1b") in "\n".join(table(rows))  # nothing is cut without a width


def test_columns_without_room_are_named(sdc: DataCenter, machine: Machine) -> None:
    *_, last = table(sdc.machines(), width=36)
    assert last == "(no room for FLAGS, AGE)"
    assert "no room" not in Table(sdc.machines()).text(80)


def test_html_is_escaped() -> None:
    html = Table([{"<b>": "<script>alert('x') & \"y\"</script>", "n": "\x00"}])._repr_html_()
    assert '<th style="text-align: left">&lt;B&gt;</th>' in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;) &amp; &quot;y&quot;&lt;/script&gt;" in html
    assert "<script" not in html
    assert "\\x00" in html
    assert Table([])._repr_html_().startswith("<table>")


def test_the_whole_html() -> None:
    package = {"id": "ab-c", "name": "p", "memory": 1024, "disk": 0, "swap": 0, "vcpus": 2}
    assert Table([package], "name,memory,vcpus")._repr_html_() == (
        "<table>\n"
        '<thead><tr><th style="text-align: left">NAME</th><th style="text-align: right">MEMORY</th>'
        '<th style="text-align: right">VCPUS</th></tr></thead>\n'
        "<tbody>\n"
        '<tr><td style="text-align: left">p</td><td style="text-align: right">1G</td>'
        '<td style="text-align: right">2</td></tr>\n'
        "</tbody>\n"
        "</table>"
    )


def test_numbers_are_on_the_right() -> None:
    rows = [{"vcpus": 1, "vlan_id": 2, "other": 3}]
    assert table(rows) == ["VCPUS  VLAN_ID  OTHER", "    1        2  3"]


def test_computed_columns_that_the_rows_have() -> None:
    row = {"id": "ab-c", "created": "2020", "age": 1, "img": 2, "shortid": 3, "vlan": 4, "flags": 5}
    row |= {"pubdate": 6, "cdate": 7}
    columns = "age,img,shortid,vlan,flags,pubdate,cdate"
    assert table([row], columns)[1].split() == ["1", "2", "3", "4", "5", "6", "7"]
    assert table([{"other": 1}], columns)[1].split() == ["-"] * 7


def test_a_table_whose_constructor_has_failed() -> None:
    assert repr(Table.__new__(Table)) == "<Table>"


def test_html_shows_long_names_whole(sdc: DataCenter) -> None:
    html = Table([{"name": NAME_189, "memory": 1024, "id": "a", "disk": 0, "swap": 0}])._repr_html_()
    assert f">{NAME_189}<" in html
    assert '<td style="text-align: right">1G</td>' in html


def test_tables_can_be_pickled(sdc: DataCenter, machine: Machine) -> None:
    shown = Table(sdc.machines())
    assert str(pickle.loads(pickle.dumps(shown))) == str(shown)  # noqa: S301 - our own


def test_a_machine_without_a_data_center(machine: Machine) -> None:
    raw: Any = None
    assert table([Machine(raw, data=machine.raw)])[1].startswith(f"{machine.id[:8]}  web0")
