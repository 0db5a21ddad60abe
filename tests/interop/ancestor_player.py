"""Makes the calls of a script with the installed `smartdc`: py-smartdc on Python 2.7, or this package.

Its syntax is valid on both. It reads orders from standard input, one JSON object a line, and runs each in a
child process. It answers in lines: ``mark`` (the call itself begins), ``sleep`` (that many seconds must
pass), ``done`` (the outcome). After the first two it waits for an empty line.
"""
# mypy: ignore-errors
# ruff: noqa: C402, C408, S102, S307

import io
import json
import os
import sys
import time

import requests

import smartdc

PIPE = os.fdopen(os.dup(1), "w")
TEXT = type(b"".decode("ascii"))
QUIET = ("object", "BaseException", "Exception", "StandardError", "EnvironmentError")


def send(kind, value):
    PIPE.write(json.dumps({kind: value}) + "\n")
    PIPE.flush()


SLEPT = [0.0]
MONOTONIC = getattr(time, "monotonic", time.time)


def sleep(seconds):
    SLEPT[0] += seconds
    send("sleep", seconds)
    os.read(0, 1)


def monotonic():
    return MONOTONIC() + SLEPT[0]


class Output(io.StringIO):
    """What is printed; Python 2 prints bytes."""

    def write(self, text):
        return io.StringIO.write(self, text if isinstance(text, TEXT) else text.decode("utf-8"))


def shown(value):
    """The value in JSON, the same on both Pythons."""
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, TEXT)) or kind == "long":
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict) or kind == "CaseInsensitiveDict":
        return dict((str(key), shown(entry)) for key, entry in value.items())
    if isinstance(value, smartdc.Machine):
        return {"Machine": [value.id, value.name, value.state]}
    if isinstance(value, smartdc.Snapshot):
        return {"Snapshot": [value.name, value.state]}
    if isinstance(value, requests.Response):
        return {"Response": value.status_code}
    if isinstance(value, (list, tuple)):
        return [shown(entry) for entry in value]
    if hasattr(value, "isoformat"):
        return "datetime " + value.isoformat()
    return str(value)


def failure(error):
    """The names by which an old except clause catches it, and its text."""
    names = []
    for kind in type(error).__mro__:
        known = kind.__module__ in ("requests.exceptions", "exceptions", "builtins")
        name = "OSError" if kind.__name__ == "IOError" else kind.__name__
        if known and name not in QUIET and name not in names:
            names.append(name)
    response = getattr(error, "response", None)
    return {"raises": names, "status": getattr(response, "status_code", None), "says": str(error)}


def setting_of(order):
    """The names that a call may use: a data center, and a machine if the call needs one."""
    setting = order["setting"]
    names = dict(setting, smartdc=smartdc, requests=requests, json=json, time=time)
    for name in ("DataCenter", "LegacyDataCenter", "Machine", "Snapshot"):
        names[name] = getattr(smartdc, name)
    names["options"] = dict(
        key_id=setting["KEY_ID"],
        secret=setting["SECRET"],
        known_locations=dict(setting["URLS"]),
        verify=setting["CA"],
    )
    names["sdc"] = smartdc.DataCenter("us-sw-1", **names["options"])
    if setting["MACHINE"]:
        names["m"] = smartdc.Machine(names["sdc"], setting["MACHINE"])
    return names


def play(order):
    lines = order["call"].split("\n")
    printed, before = Output(), (sys.stdout, sys.stderr)
    try:
        names = setting_of(order)
        sys.stdout = sys.stderr = printed
        send("mark", None)
        os.read(0, 1)
        exec("\n".join(lines[:-1]), names)
        outcome = {"value": shown(eval(lines[-1], names))}
    except Exception as error:
        outcome = failure(error)
    sys.stdout, sys.stderr = before
    outcome["prints"] = printed.getvalue()
    send("done", outcome)


def read_line():
    """Read one line and no byte after it, which a child may have to read."""
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(0, 1)
        if not more:
            return None
        line += more
    return json.loads(line.decode("utf-8"))


if __name__ == "__main__":
    time.sleep, time.monotonic = sleep, monotonic
    while True:
        order = read_line()
        if order is None:
            break
        child = os.fork()
        if child == 0:
            play(order)
            PIPE.flush()
            os._exit(0)
        os.waitpid(child, 0)
