"""A small HTTP client. Inside the host every request passes the host's door; natively it goes through urllib.

>>> from seawall import http
>>> http.join("https://tool.example/api/", "projects", "team a")
'https://tool.example/api/projects/team%20a'

`http.get(url).raise_for_status().json()` is the usual call. Credentials are attached by the host: a plugin never
sees one, and sends no `Authorization` header.
"""

from __future__ import annotations

import json as _json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from seawall.encoding import loads
from seawall.errors import Denied, Failed, NotFound, PluginError, RateLimited, Unauthorized, Unavailable
from seawall.transport import Transport, TransportError

if sys.platform != "wasi":
    # Not in a component: urllib's openers drag in half the standard library, and could not connect there.
    from seawall import native

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]

_MAX_REDIRECTS = 5
_DEFAULT_WAIT = 30.0
_DENIED = {"HttpRequestDenied", "DestinationIpProhibited"}
_TOO_BIG = {"HttpResponseBodySize", "HttpResponseHeaderSize", "HttpResponseHeaderSectionSize"}


class Headers(Mapping[str, str]):
    """Headers by name, whatever the case. Several of one name are joined with `, `."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


class Response:
    """An answer, whatever its status."""

    def __init__(self, method: str, url: str, status: int, headers: Headers, body: bytes) -> None:
        self.method, self.url, self.status, self.headers, self.body = method, url, status, headers, body

    def __repr__(self) -> str:
        return f"<{self._what}, {len(self.body)} bytes>"

    @property
    def _request(self) -> str:
        # Without the query, since some tools take a secret there.
        return f"{self.method} {self.url.split('?')[0]}"

    @property
    def _what(self) -> str:
        return f"{self._request}: {self.status}"

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text: UTF-8, with what is not UTF-8 replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. `Failed` if it is none: it came whole, so it would be no other the next time."""
        try:
            return loads(self.body)
        except ValueError as error:
            start = _start(self.text)
            words = f"it begins with: {start}" if start else "it is empty"
            raise Failed(f"{self._request} answered no JSON ({error}); {words}") from None

    def raise_for_status(self) -> Response:
        """Itself if the status is 2xx, else the error that fits it."""
        if self.ok:
            return self
        message = f"{self._what} {_start(self.text)}".strip()
        out_of_quota = self.status == 403 and self.headers.get("x-ratelimit-remaining", "").strip() == "0"
        # Some tools answer 403 to one that asks too often, and 503 while they restart.
        asks_to_wait = self.status in (403, 503) and self._named_wait() is not None
        if self.status == 429 or out_of_quota or asks_to_wait:
            raise RateLimited(self.retry_after(), message)
        if self.status in (401, 403):
            raise Unauthorized(message)
        if self.status in (404, 410):
            raise NotFound(message)
        if self.status >= 500 or self.status == 408:
            raise Unavailable(message)
        raise Failed(message)

    def retry_after(self) -> float:
        """Seconds to wait, from `Retry-After` or `X-RateLimit-Reset`; 30 where the tool does not say."""
        wait = self._named_wait()
        if wait is not None:
            return wait
        reset = self.headers.get("x-ratelimit-reset", "").strip()
        if reset.isascii() and reset.isdigit():
            return max(float(reset) - time.time(), 1.0)
        return _DEFAULT_WAIT

    def _named_wait(self) -> float | None:
        """`Retry-After` in seconds (RFC 9110, 10.2.3): a number, or a date. None for what is neither."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
        except (TypeError, ValueError):
            return None


def join(base_url: str, *parts: str) -> str:
    """`base_url` and a path below it. Each part is percent-encoded; a `/` in it separates segments."""
    return "/".join([base_url.rstrip("/"), *(quote(part.strip("/"), safe="/:@!$&'()*+,;=~") for part in parts)])


def get(url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """`request("GET", …)`."""
    return request("GET", url, params=params, headers=headers, **more)


def post(url: str, *, json: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """`request("POST", …)`."""
    return request("POST", url, json=json, headers=headers, **more)


def request(
    method: str,
    url: str,
    *,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    body: bytes | str | None = None,
    timeout: float = 30.0,
    follow_redirects: bool = True,
) -> Response:
    """Sends a request and reads the whole answer, whatever its status.

    `params` whose value is None are left out. `json` or `body` is what is sent. `timeout` (seconds) bounds connecting
    and each wait for bytes. Redirects of GET and HEAD are followed, each hop through the host's door again.
    Without an answer: `Denied` if the host refused, `Unavailable` if the tool cannot be reached.
    """
    method = method.upper()
    url = _with_params(url, params)
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    sent.setdefault("accept", "application/json")
    if json is not None:
        body = _json.dumps(json, ensure_ascii=False).encode()
        sent.setdefault("content-type", "application/json")
    content = body.encode() if isinstance(body, str) else body
    for _ in range(_MAX_REDIRECTS + 1):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise Failed(f"{method} {url}: not an http or https address")
        try:
            status, pairs, data = transport(method, url, list(sent.items()), content, timeout)
        except TransportError as error:
            raise _no_answer(f"{method} {url.split('?')[0]}", error) from None
        response = Response(method, url, status, Headers(pairs), data)
        target = response.headers.get("location")
        if (
            not follow_redirects
            or status not in (301, 302, 303, 307, 308)
            or not target
            or method not in ("GET", "HEAD")
        ):
            return response
        next_url = urljoin(url, target)
        if urlsplit(next_url)[:2] != urlsplit(url)[:2]:
            # What the plugin says to one server is not the next one's to know.
            sent = {name: value for name, value in sent.items() if name not in ("authorization", "cookie")}
        url = next_url
    raise Failed(f"{method} {url.split('?')[0]}: more than {_MAX_REDIRECTS} redirects")


def _no_answer(what: str, error: TransportError) -> PluginError:
    detail = f"{error.code}: {error.detail}" if error.detail else error.code
    if error.code in _DENIED:
        return Denied(f"{what}: the host refused this request: the manifest or grant does not allow it ({detail})")
    if error.code.startswith("HttpRequest"):
        return Failed(f"{what}: the request is malformed ({detail})")
    if error.code in _TOO_BIG:
        return Failed(f"{what}: the answer is bigger than the host allows ({detail}); ask for smaller pages")
    return Unavailable(f"{what}: no answer ({detail})")


def _with_params(url: str, params: Params | None) -> str:
    if not params:
        return url
    pairs = params.items() if isinstance(params, Mapping) else params
    kept = [(name, _param(value)) for name, value in pairs if value is not None]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(kept, doseq=True)}" if kept else url


def _param(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_param(each) for each in value] if isinstance(value, list | tuple) else value


def _start(text: str) -> str:
    """The start of a body, on one line, for a message."""
    line = " ".join(text[:400].split())
    # Not every database and terminal takes control characters, such as a zero byte.
    line = "".join("\ufffd" if each < " " or "\x7f" <= each < "\xa0" else each for each in line)
    return line if len(line) <= 200 else f"{line[:200]}…"


def _no_transport(*_: object) -> Any:
    raise Failed("this plugin has no HTTP: only plugins with the role ingestor, webhook or action may send requests")


transport: Transport = _no_transport if sys.platform == "wasi" else native.send
"""What sends. Inside the host, the host's door."""
