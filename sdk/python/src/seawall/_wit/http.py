"""Puts wasi:http in place of urllib."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from seawall_bindings.imports import http_types as wit
from seawall_bindings.imports import outgoing_handler, streams

from seawall import http
from seawall.transport import TransportError

_METHODS = {
    "GET": wit.Method_Get,
    "HEAD": wit.Method_Head,
    "POST": wit.Method_Post,
    "PUT": wit.Method_Put,
    "DELETE": wit.Method_Delete,
    "OPTIONS": wit.Method_Options,
    "PATCH": wit.Method_Patch,
}
_READ = 256 * 1024
# What wasi:io takes in one blocking write.
_WRITE = 4096


def _send(
    method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, timeout: float
) -> tuple[int, list[tuple[str, str]], bytes]:
    # Known, so said: without it the host sends chunks, which some servers do not take.
    length = [("content-length", str(len(body)))] if body else []
    request = _request(method, url, [*headers, *length])
    options = wit.RequestOptions()
    nanoseconds = round(timeout * 1e9)
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    try:
        outgoing = request.body() if body else None
        future = outgoing_handler.handle(request, options)
        if outgoing is not None and body:
            _write(outgoing, body)
        with future, _answer(future) as response:
            with response.headers() as fields:
                pairs = [(name, value.decode("latin-1")) for name, value in fields.entries()]
            return response.status(), pairs, _read(response)
    except Err as error:
        raise _transport_error(error.value) from None


def _request(method: str, url: str, headers: list[tuple[str, str]]) -> Any:
    parts = urlsplit(url)
    try:
        fields = wit.Fields.from_list([(name, value.encode()) for name, value in headers])
    except Err as error:
        # A header that the host never lets a plugin set, or one that is no header.
        raise TransportError("HttpRequestHeaderSectionSize", f"headers {type(error.value).__name__}") from None
    request = wit.OutgoingRequest(fields)
    try:
        request.set_method(_METHODS[method]() if method in _METHODS else wit.Method_Other(method))
        request.set_scheme(wit.Scheme_Https() if parts.scheme == "https" else wit.Scheme_Http())
        request.set_authority(parts.netloc)
        request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    except Err:
        raise TransportError("HttpRequestUriInvalid", f"{method} {url}") from None
    return request


def _write(outgoing: Any, body: bytes) -> None:
    # A body that the other side no longer reads is no error yet: why (denied, answered early) is in the answer.
    with suppress(Err):
        with outgoing.write() as stream:
            for start in range(0, len(body), _WRITE):
                stream.blocking_write_and_flush(body[start : start + _WRITE])
        wit.OutgoingBody.finish(outgoing, None)


def _answer(future: Any) -> Any:
    with future.subscribe() as ready:
        ready.block()
    answer = future.get()
    # Once for "taken before", once for the request itself.
    while isinstance(answer, Ok):
        answer = answer.value
    if isinstance(answer, Err):
        raise answer
    return answer


def _read(response: Any) -> bytes:
    chunks = []
    with response.consume() as body, body.stream() as stream:
        while True:
            try:
                chunks.append(stream.blocking_read(_READ))
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    return b"".join(chunks)
                with error.value.value as cause:
                    code = wit.http_error_code(cause)
                    raise TransportError("HttpResponseIncomplete") if code is None else _transport_error(code) from None


def _transport_error(code: Any) -> TransportError:
    name = type(code).__name__.removeprefix("ErrorCode_")
    detail = getattr(code, "value", None)
    if detail is not None and not isinstance(detail, str | int):
        # A record, such as DNS-error-payload: what it says, without the names of generated classes.
        detail = ", ".join(f"{key} {value}" for key, value in vars(detail).items() if value is not None)
    return TransportError(name, "" if detail is None else str(detail))


http.transport = _send
