"""Chromium without a window, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

#: How long something may take on a machine that is busy.
PATIENCE = 30.0
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
#: A name that leads to this machine, as after DNS rebinding.
REBOUND = "rebound.example"
_ARGUMENTS = (
    "--headless=new",
    "--ignore-certificate-errors",  # the emulator's authority is a new one each time
    "--remote-debugging-port=0",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-lcd-text",  # pictures of grey text are smaller
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Failed(AssertionError):
    """The page threw an exception."""


class Tab:
    """A tab.

    Attributes:
        complaints: Messages on its console, and its errors.
        requests: Its requests: URL and headers.
    """

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket = socket
        self._session = session
        self._number = 0
        self.complaints: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command to the browser, and return its result."""
        self._number += 1
        message = {
            "id": self._number,
            "method": method,
            "params": params,
            "sessionId": self._session,
        }
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(PATIENCE))
            if answer.get("sessionId") == self._session:
                if answer.get("id") == self._number:
                    assert "error" not in answer, (method, answer["error"])
                    return dict(answer["result"])
                self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.complaints.append(f"{params['type']}: {[value.get('value') for value in params['args']]}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.complaints.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            request = params["request"]
            self.requests.append((request["url"], request["headers"]))

    def open(self, url: str) -> None:
        """Open a URL, and wait until the page is loaded."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Failed(answer["exceptionDetails"].get("exception", answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Return when an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"!!({expression})"):
            assert time.monotonic() < end, (expression, self.complaints)
            time.sleep(0.02)

    def press(self, key: str, text: str = "") -> None:
        """Press a key."""
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, ord(text[:1] or " "))
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def names(self) -> list[tuple[str, str]]:
        """Role and name of all that a screen reader finds."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored") and "role" in node
        ]

    def picture(self) -> bytes:
        """A screenshot, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


class Browser:
    """A running Chromium."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def tab(self) -> Tab:
        """A new tab, with the cookies of the others."""
        return Tab(self._socket, self._attach(**self._call("Target.createTarget", url="about:blank")))

    def alone(self) -> Tab:
        """A new tab without the cookies of the others."""
        context = self._call("Target.createBrowserContext")
        target = self._call("Target.createTarget", url="about:blank", **context)
        return Tab(self._socket, self._attach(**target))

    def _attach(self, targetId: str) -> str:  # noqa: N803 - the protocol's name
        return str(self._call("Target.attachToTarget", targetId=targetId, flatten=True)["sessionId"])

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._socket.send(json.dumps({"id": 0, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(PATIENCE))
            if answer.get("id") == 0:
                return dict(answer["result"])


@contextmanager
def chromium(directory: Path) -> Iterator[Browser]:
    """Run Chromium.

    Args:
        directory: An empty directory for its profile.
    """
    assert PROGRAM is not None
    arguments = [PROGRAM, *_ARGUMENTS, f"--user-data-dir={directory}", "about:blank"]
    if os.geteuid() == 0:
        arguments.insert(1, "--no-sandbox")  # it refuses to run as root with one
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port, path = _address(process, directory / "DevToolsActivePort")
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as socket:
                browser = Browser(socket)
                yield browser
                browser._call("Browser.close")
                process.wait(PATIENCE)
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], file: Path) -> tuple[str, str]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        assert process.poll() is None, "Chromium has ended by itself"
        time.sleep(0.02)
    raise TimeoutError("Chromium does not say where it listens")
