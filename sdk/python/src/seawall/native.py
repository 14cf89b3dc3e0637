"""HTTP outside the host, through urllib, so that a plugin can be tried and debugged as plain Python."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any

from seawall.transport import TransportError

credentials: dict[str, str] = {}
"""Headers to add to every request, as the host would attach a credential: `{"X-Vault-Token": "…"}`."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects come back as they are, as they do from the host."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def send(
    method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, timeout: float
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Sends one request; no answer is a `TransportError` with the code that the host would give."""
    # S310: http.request has checked the scheme.
    request = urllib.request.Request(url, body, {**dict(headers), **credentials}, method=method)  # noqa: S310
    try:
        with _open(request, timeout) as answer:
            return answer.status, answer.headers.items(), answer.read()
    except urllib.error.URLError as error:
        raise TransportError(_code(error.reason), str(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise TransportError(_code(error), str(error)) from None


def _open(request: urllib.request.Request, timeout: float) -> Any:
    try:
        return _opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as answer:
        return answer


def _code(reason: object) -> str:
    codes: list[tuple[type, str]] = [
        (socket.gaierror, "DnsError"),
        (ConnectionRefusedError, "ConnectionRefused"),
        (TimeoutError, "ConnectionReadTimeout"),
        (ssl.SSLCertVerificationError, "TlsCertificateError"),
        (ssl.SSLError, "TlsProtocolError"),
        (ConnectionError, "ConnectionTerminated"),
        (http.client.IncompleteRead, "HttpResponseIncomplete"),
        (http.client.HTTPException, "HttpProtocolError"),
    ]
    return next((code for kind, code in codes if isinstance(reason, kind)), "InternalError")
