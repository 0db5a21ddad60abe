"""The language of firewall rules; the expected texts and messages are those of sdc-fwrule 2.1.1.

A comparison of `read_rule` with sdc-fwrule over some 100,000 rules, most of them randomly broken, found no
difference in texts and messages.
"""

from __future__ import annotations

import pytest

from smartdc.emulator.rules.firewall_reader import read_rule
from smartdc.emulator.state.firewall_rules import BadRule, SenselessRule

UUID = "0abeae82-c040-4080-ac60-b60d3e3890a7"


def several(kind: str, count: int) -> str:
    names = [f"10.0.0.{number}" if kind == "ip" else str(number + 1) for number in range(count)]
    return f"({kind} " + f" {'OR' if kind == 'ip' else 'AND'} {kind} ".join(names) + ")"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        # The examples of the reference, as the server writes them.
        (f"FROM any TO vm {UUID} ALLOW tcp port 80", f"FROM any TO vm {UUID} ALLOW tcp PORT 80"),
        (
            f"FROM vm {UUID} TO subnet 10.99.99.0/24 BLOCK tcp port 25",
            f"FROM vm {UUID} TO subnet 10.99.99.0/24 BLOCK tcp PORT 25",
        ),
        (
            f"FROM any TO vm {UUID} BLOCK tcp ports 40000 - 65535",
            f"FROM any TO vm {UUID} BLOCK tcp PORTS 40000 - 65535",
        ),
        (
            "FROM ip 10.99.99.7 TO (tag www OR tag testwww) ALLOW tcp (port 80 AND port 443)",
            'FROM ip 10.99.99.7 TO (tag "testwww" OR tag "www") ALLOW tcp (PORT 80 AND PORT 443)',
        ),
        (
            "FROM tag group=www TO tag group=mon ALLOW udp port 514",
            'FROM tag "group" = "www" TO tag "group" = "mon" ALLOW udp PORT 514',
        ),
        (
            "FROM subnet 10.20.30.0/24 TO tag mta BLOCK tcp PORT 25 PRIORITY 1",
            'FROM subnet 10.20.30.0/24 TO tag "mta" BLOCK tcp PORT 25 PRIORITY 1',
        ),
        ("FROM all vms TO any BLOCK tcp PORT all", "FROM all vms TO any BLOCK tcp PORT all"),
        # Targets are sorted by kind and name, each once; a tag without a value replaces those with one.
        (
            f"from (tag b or vm {UUID} or ip fd22::1 or tag a = 2 or tag a = 1 or tag b = 1 or tag b)"
            " to (all vms) allow udp (port all)",
            f'FROM (ip fd22::1 OR tag "a" = "1" OR tag "a" = "2" OR tag "b" OR vm {UUID})'
            " TO all vms ALLOW udp PORT all",
        ),
        (
            "FROM (any) TO all vms ALLOW tcp ports 8000-8100, 443, 80",
            "FROM any TO all vms ALLOW tcp PORTS 80, 443, 8000 - 8100",
        ),
        ("FROM any TO all vms ALLOW tcp ports 9, 5", "FROM any TO all vms ALLOW tcp (PORT 5 AND PORT 9)"),
        ("FROM any TO all vms ALLOW tcp ports 5-5", "FROM any TO all vms ALLOW tcp PORT 5"),
        ("FROM any TO all vms ALLOW tcp ports 1-65535, 80", "FROM any TO all vms ALLOW tcp PORT all"),
        (
            "FROM any TO all vms ALLOW icmp (TYPE 8 CODE 0 AND TYPE 3 CODE 4)",
            "FROM any TO all vms ALLOW icmp (TYPE 3 CODE 4 AND TYPE 8 CODE 0)",
        ),
        ("FROM any TO all vms ALLOW icmp6 (type all)", "FROM any TO all vms ALLOW icmp6 TYPE all"),
        ("FROM any TO all vms ALLOW ah", "FROM any TO all vms ALLOW ah"),
        ("FROM any TO all vms BLOCK ESP PRIORITY 100", "FROM any TO all vms BLOCK esp PRIORITY 100"),
        # Quoted names.
        (
            r'FROM all vms TO tag "VM type" = "LDAP \"server\" (\u00e9\t\/\\)" ALLOW tcp PORT 389',
            r'FROM all vms TO tag "VM type" = "LDAP \"server\" \(é\t/\\\)" ALLOW tcp PORT 389',
        ),
        ('FROM any TO tag "\u2003" = "" ALLOW ah', r'FROM any TO tag "\u2003" ALLOW ah'),
    ],
)
def test_the_normal_form_of_a_rule(text: str, written: str) -> None:
    assert str(read_rule(text)) == written
    assert str(read_rule(written)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("invalid", "Error at character 0: 'invalid', expected: 'FROM', found: word"),
        ("", "Error at character 0: '', expected: 'FROM', found: EOF"),
        (
            "FROM foo TO ip 8.8.8.8 ALLOW udp port 53",
            "Error at character 4: 'foo', "
            "expected: '(', 'all', 'any', 'ip', 'subnet', 'vm', 'tag', found: word",
        ),
        (
            "FROM (all vms OR tag one) TO ip 10.0.0.1 ALLOW udp port 53",
            "Error at character 13: 'OR', expected: ')', found: OR",
        ),
        (
            "FROM ip 10.0.0.1 TO (any OR tag one) ALLOW udp port 53",
            "Error at character 24: 'OR', expected: ')', found: OR",
        ),
        (
            "FROM ip 10.0.0.1 TO all vms ALLOW TCP (port ALL AND port 53)",
            "Error at character 47: 'AND', expected: 'EOF', 'PRIORITY', ')', found: AND",
        ),
        (
            "FROM ip 10.0.0.1 TO all vms ALLOW TCP (port 53 AND port ALL)",
            "Error at character 55: 'ALL', expected: 'WORD', found: ALL",
        ),
        (
            "FROM any TO all vms Allow tcp port 53",
            "Error at character 19: 'Allow', expected: 'TO', 'BLOCK', 'ALLOW', found: word",
        ),
        (
            "FROM any TO tag a b",
            "Error at character 17: 'b', expected: 'TO', ')', 'OR', '=', 'BLOCK', 'ALLOW', found: word",
        ),
        (
            "FROM any TO all vms ALLOW http",
            "Error at character 25: 'http', "
            "expected: 'TCP', 'UDP', 'ICMP', 'ICMP6', 'AH', 'ESP', found: word",
        ),
        (
            "FROM ip 10.99.99.99.254 TO tag smartdc_role ALLOW tcp port 22",
            "Error at character 19: '.254 TO tag smartdc_', found: unexpected text",
        ),
        (
            # After 20 characters, it counts the part of the text that it would print.
            "FROM tag one TO tag two ALLOW tcp port @80",
            "Error at character 23: '@80', found: unexpected text",
        ),
        ('FROM any TO tag "a', "Error at character 16: '\"a', found: unexpected text"),
        ("FROM tag foo TO ip 10.288.0.0 ALLOW udp port 53", 'IPv4 address "10.288.0.0" is invalid'),
        ("FROM tag foo TO ip 0.0.0.0 ALLOW udp port 53", 'IPv4 address "0.0.0.0" is invalid'),
        ("FROM tag foo TO ip fd00::12345 ALLOW ah", 'IPv6 address "fd00::12345" is invalid'),
        (
            "FROM tag foo TO subnet 10.350.0.0/24 ALLOW ah",
            'Subnet "10.350.0.0/24" is invalid (bad address component)',
        ),
        (
            "FROM tag foo TO subnet 10.8.0.0/33 ALLOW ah",
            'Subnet "10.8.0.0/33" is invalid (bad prefix length)',
        ),
        (
            "FROM tag a TO subnet 10.8.0.0/5 ALLOW ah",
            'Subnet "10.8.0.0/5" is invalid (bits set to right of mask)',
        ),
        (
            "FROM tag a TO subnet fd00::/2 ALLOW ah",
            'Subnet "fd00::/2" is invalid (bits set to right of mask)',
        ),
        ("FROM vm asdf TO any ALLOW udp port 50", 'UUID "asdf" is invalid'),
        ("FROM tag foo TO any ALLOW udp port 0", 'Port number "0" is invalid'),
        ("FROM tag foo TO any ALLOW udp port 65537", 'Port number "65537" is invalid'),
        ("FROM tag foo TO any ALLOW tcp ports 20-bar", 'Port number "bar" is invalid'),
        ("FROM tag foo TO any ALLOW tcp ports 20-", 'Port number "" is invalid'),
        ("FROM tag foo TO any ALLOW tcp ports 1-20-30", '"1-20-30" is not a valid port number or range'),
        (
            "FROM tag a TO any ALLOW tcp ports 20 - 10",
            "The end of the range (10) cannot be less than the start (20)",
        ),
        ("FROM all vms TO any BLOCK ICMP TYPE 260", 'ICMP type "260" is invalid'),
        ("FROM all vms TO any BLOCK ICMP TYPE 8 CODE 270", 'ICMP code "270" is invalid'),
        ("FROM tag a TO any ALLOW ah PRIORITY 101", 'Priority level "101" is invalid'),
        ("FROM tag a TO any ALLOW ah PRIORITY soon", 'Priority level "soon" is invalid'),
    ],
)
def test_texts_that_are_not_rules(text: str, message: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_rule(text)
    assert str(caught.value) == message
    assert not isinstance(caught.value, SenselessRule)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM any TO any ALLOW TCP port 53", "rule does not affect VMs"),
        ("FROM ip 10.8.0.1 TO subnet 10.9.0.0/16 ALLOW ah", "rule does not affect VMs"),
        (f"FROM {several('ip', 25)} TO all vms ALLOW ah", "maximum of 24 targets allowed per side"),
        (f"FROM any TO all vms ALLOW tcp {several('port', 25)}", "maximum of 24 ports allowed"),
        (f"FROM any TO all vms ALLOW icmp {several('type', 25)}", "maximum of 24 types allowed"),
        (
            "FROM all vms TO ip fd00::45 BLOCK ICMP TYPE 8",
            "rule affects ICMPv4 but contains a non-IPv4 address",
        ),
        (
            "FROM all vms TO subnet fe80::/64 BLOCK ICMP TYPE 8",
            "rule affects ICMPv4 but contains a non-IPv4 subnet",
        ),
        (
            "FROM all vms TO ip 1.2.3.4 BLOCK ICMP6 TYPE 8",
            "rule affects ICMPv6 but contains a non-IPv6 address",
        ),
        (
            "FROM all vms TO subnet 10.0.0.0/8 BLOCK ICMP6 TYPE 8",
            "rule affects ICMPv6 but contains a non-IPv6 subnet",
        ),
    ],
)
def test_a_rule_that_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(SenselessRule) as caught:
        read_rule(text)
    assert str(caught.value) == message


def test_a_rule_of_maximal_length() -> None:
    text = f"FROM {several('ip', 24)} TO all vms ALLOW tcp {several('port', 24)}".replace(
        "10.0.0.0", "10.0.1.0"
    )
    assert len(read_rule(text).source) == len(read_rule(text).ports) == 24


@pytest.mark.parametrize(
    ("side", "written"),
    [
        # ip6addr 0.2.2 reads subnets and accepts leading zeros; net.isIPv4 reads addresses and does not.
        ("subnet 010.0.0.0/8", "subnet 010.0.0.0/8"),
        ("subnet 10.0.0.0/08", "subnet 10.0.0.0/08"),
        ("subnet 00000::/016", "subnet 00000::/016"),
        ("subnet 1:2:3:4:5:6:7:8::/128", "subnet 1:2:3:4:5:6:7:8::/128"),
        (r'tag "\uD83D\uDE00"', 'tag "\U0001f600"'),
        ("\ufeffany\u00a0", "any"),
    ],
)
def test_odd_addresses_and_spaces_that_are_accepted(side: str, written: str) -> None:
    assert str(read_rule(f"FROM {side} TO all vms ALLOW ah")) == f"FROM {written} TO all vms ALLOW ah"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM ip 010.0.0.1 TO all vms ALLOW ah", 'IPv4 address "010.0.0.1" is invalid'),
        ("FROM subnet 010.0.0.0/0 TO all vms ALLOW ah", "(bits set to right of mask)"),
        ("FROM subnet 001.002.003.004/129 TO all vms ALLOW ah", "(bad prefix length)"),
        ("FROM subnet 12345::/16 TO all vms ALLOW ah", "(bad address component)"),
        ("FROM subnet 010.0.0.0/8 TO all vms ALLOW icmp TYPE 8", "contains a non-IPv4 subnet"),
        ("FROM any TO tag a\x1e ALLOW ah", "found: unexpected text"),
    ],
)
def test_odd_addresses_and_spaces_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_rule(text)
    assert message in str(caught.value)


def test_icmp_types_are_sorted_as_the_server_sorts_them() -> None:
    # lib/rule.js, icmpTypeSort: it reads the code of the second type only if the first has one, and the sum
    # is NaN if the second has none.
    text = "FROM any TO all vms ALLOW icmp (TYPE 8 CODE 0 AND TYPE 3)"
    assert str(read_rule(text)) == text
