"""What sends one request: wasi:http inside the host, urllib outside it, a function of your own in a test."""

from __future__ import annotations

from collections.abc import Callable

Transport = Callable[[str, str, list[tuple[str, str]], bytes | None, float], tuple[int, list[tuple[str, str]], bytes]]
"""`(method, url, headers, body, timeout in seconds) -> (status, headers, body)`, or a `TransportError`."""


class TransportError(Exception):
    """No answer. `code` is the name of a wasi:http error code, such as `ConnectionRefused`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail
