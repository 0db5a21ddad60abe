"""Answers of a server, made without one, for functions that judge them."""

from __future__ import annotations

import requests
from requests.structures import CaseInsensitiveDict

__all__ = ["answer"]


def answer(
    status: int = 200,
    content: bytes = b"",
    *,
    method: str = "GET",
    url: str = "https://cloud.example.com/bob/machines",
    **headers: str,
) -> requests.Response:
    """An answer that was read whole.

    Args:
        status: Its status.
        content: Its body.
        method: The verb of its request.
        url: The URL of its request.
        **headers: Its headers; `_` stands for `-`.
    """
    response = requests.Response()
    response.status_code, response._content = status, content
    response.headers = CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()})
    response.request = requests.PreparedRequest()
    response.request.method, response.request.url = method, url
    return response
