"""The changes in an emulator as server-sent events, for the status page.

Each listener has the set of machines that have changed since its last message. A slow listener therefore gets
fewer messages, always with the newest data, and needs no more memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from starlette.types import Receive, Scope, Send

from smartdc.emulator.control.controls import Controls
from smartdc.emulator.http.answers import to_json, to_utf8
from smartdc.emulator.http.calls import Call
from smartdc.emulator.http.fault_kinds import TRANSPORT
from smartdc.emulator.remote import shown
from smartdc.emulator.remote.answers import HEADERS, Refused
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

#: How often values that report no changes, such as the time, are checked, in real seconds.
TICK_SECONDS = 0.5
#: How long changes are collected before they are sent.
GATHER_SECONDS = 0.1
#: A listener that reads nothing for this long is disconnected.
SLOW_SECONDS = 30.0
#: How many machines one message has at most, because requests wait while it is written.
MOST_MACHINES = 500
LAST_CALLS = 100
MOST_LISTENERS = 32


class _Listener:
    """A listener, with what has not been sent to it yet."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self.begins = True
        self.machines: dict[VM, Site] = {}
        self.calls: deque[Call] = deque(maxlen=LAST_CALLS)
        self.end: Callable[[], object] = lambda: None

    def wake(self) -> None:
        """Make `wait` return, because there is something to send; may be called from any thread."""
        if not self._woken.is_set():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self) -> None:
        """Return when there is something to send, or after a tick."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await self._woken.wait()
        await asyncio.sleep(GATHER_SECONDS)
        self._woken.clear()


class Feed:
    """Sends the changes in an emulator to listeners.

    Args:
        cloud: The emulator.
    """

    def __init__(self, cloud: Controls) -> None:
        self._cloud = cloud
        self._listeners: list[_Listener] = []

    def __len__(self) -> int:
        """Return the number of listeners."""
        return len(self._listeners)

    def follow(self) -> None:
        """Follow the current data centers, after a start or a reset; listeners then begin anew."""
        for site in self._cloud.sites.values():
            site.machines.watchers.append(partial(self._note_machine, site))
        for listener in self._listeners:
            self._begin(listener)

    def note_call(self, call: Call) -> None:
        """Send a request to all listeners."""
        for listener in self._listeners:
            listener.calls.append(call)
            listener.wake()

    def renew(self) -> None:
        """Forget the listeners in a forked child: they belong to the parent."""
        self._listeners = []

    def end(self) -> None:
        """Disconnect all listeners; may be called from any thread, while the server runs."""
        with self._cloud.lock:
            for listener in self._listeners:
                listener.end()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events to a new listener until it leaves or does not read any more.

        Raises:
            Refused: There are too many listeners.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise Refused(503, f"there are already {MOST_LISTENERS} listeners", **{"Retry-After": "5"})
        listener = _Listener()
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(self._send(listener, send))
        gone = asyncio.create_task(_gone(receive))
        listener.end = partial(loop.call_soon_threadsafe, sending.cancel)
        with self._cloud.lock:
            self._begin(listener)
            self._listeners.append(listener)
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            with self._cloud.lock:
                self._listeners.remove(listener)
            sending.cancel()
            if TRANSPORT in scope["extensions"]:
                scope["extensions"][TRANSPORT].abort()  # closing would wait until pending data is sent
            await asyncio.gather(sending, gone, return_exceptions=True)

    def _begin(self, listener: _Listener) -> None:
        listener.begins = True
        sites = self._cloud.sites.values()
        listener.machines = {vm: site for site in sites for vm in site.machines.values()}
        listener.calls.clear()
        listener.calls.extend(self._cloud.calls[-LAST_CALLS:])
        listener.wake()

    def _note_machine(self, site: Site, vm: VM, name: str, old: object) -> None:
        for listener in self._listeners:
            listener.machines[vm] = site
            listener.wake()

    async def _send(self, listener: _Listener, send: Send) -> None:
        headers = {**HEADERS, "Content-Type": "text/event-stream"}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        sent_status = ""
        while True:
            with self._cloud.lock:
                events = self._events(listener)
                status = to_json(shown.status(self._cloud))
            if status != sent_status:
                sent_status = status
                events.append(_event("status", status))
            async with asyncio.timeout(SLOW_SECONDS):
                await send({"type": "http.response.body", "body": b"".join(events), "more_body": True})
            if listener.machines:
                await asyncio.sleep(0)
            else:
                await listener.wait()

    def _events(self, listener: _Listener) -> list[bytes]:
        """Return the next events, with the lock held; if many machines have changed, a part of them."""
        events = []
        if listener.begins:
            listener.begins = False
            events.append(_event("begin", to_json({"machines": len(listener.machines)})))
        some = list(listener.machines)[:MOST_MACHINES]
        rows = [shown.machine(listener.machines.pop(vm), vm) for vm in some]
        if rows:
            events.append(_event("machines", to_json(rows)))
        calls, listener.calls = listener.calls, deque(maxlen=LAST_CALLS)
        if calls:
            events.append(_event("calls", to_json([shown.call_row(call) for call in calls])))
        events.append(_event("time", to_json(self._cloud.clock.now())))
        return events


def _event(name: str, data: str) -> bytes:
    return to_utf8(f"event: {name}\ndata: {data}\n\n")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
