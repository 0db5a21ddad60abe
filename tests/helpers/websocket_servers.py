"""A server of WebSockets, by the library that the client uses as well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.server import ServerConnection, serve

__all__ = ["Handler", "websocket_server"]

Handler = Callable[[ServerConnection], None]


@contextmanager
def websocket_server(handler: Handler, **settings: Any) -> Iterator[str]:
    """Yield the URL of a server whose connections `handler` serves.

    Args:
        handler: Gets each connection; its return closes it.
        **settings: For the library; with `ssl`, the URL is https.
    """
    with serve(handler, "127.0.0.1", 0, **settings) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        scheme = "https" if "ssl" in settings else "http"
        try:
            yield f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
