"""The HTTP client: what it sends, and what an answer means. Natively, against a server of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from seawall import errors, http, testing
from seawall.transport import TransportError


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked; `/status/N` answers with that status, `/to?URL` redirects, `/half` breaks off."""

    def reply(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("content-length") or 0)
        seen = {
            "method": self.command,
            "path": self.path,
            "body": self.rfile.read(length).decode(),
            "headers": dict(self.headers),
        }
        body = json.dumps(seen).encode()
        self.send_response(int(path.split("/")[2]) if path.startswith("/status/") else 302 if path == "/to" else 200)
        if path == "/to":
            self.send_header("location", query)
        self.send_header("content-length", str(len(body) + (10 if path.endswith("/half") else 0)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = reply  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_parameters_headers_and_json_are_sent(server: str) -> None:
    params = {"list": True, "none": None, "q": "a b&c", "many": [1, 2]}
    seen = http.get(f"{server}/a?x=1", params=params, headers={"X-One": "1"}).json()
    assert seen["path"] == "/a?x=1&list=true&q=a+b%26c&many=1&many=2"
    assert {name.lower(): value for name, value in seen["headers"].items()}["x-one"] == "1"
    seen = http.post(f"{server}/a", json={"ü": 1}).json()
    assert (seen["method"], seen["body"]) == ("POST", '{"ü": 1}')
    assert http.request("delete", f"{server}/a").json()["method"] == "DELETE"


def test_join_encodes_what_a_path_cannot_hold() -> None:
    assert http.join("http://a/b/", "auth/x/", "a b?#%é") == "http://a/b/auth/x/a%20b%3F%23%25%C3%A9"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Failed),
        (401, errors.Unauthorized),
        (403, errors.Unauthorized),
        (404, errors.NotFound),
        (410, errors.NotFound),
        (418, errors.Failed),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
        (304, errors.Failed),
    ],
)
def test_a_status_becomes_the_error_that_fits(server: str, status: int, kind: type[errors.PluginError]) -> None:
    answer = http.get(f"{server}/status/{status}?token=hidden")
    assert answer.status == status
    with pytest.raises(errors.PluginError, match=f"/status/{status}: {status}") as caught:
        answer.raise_for_status()
    assert type(caught.value) is kind
    assert "?token=hidden" not in caught.value.message.split("{")[0]


def response(status: int, **headers: str) -> http.Response:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return http.Response("GET", "http://a/x", status, http.Headers(named), b"")


NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (response(429, Retry_After="7"), 7),
        (response(429, Retry_After=formatdate(NOW + 100, usegmt=True)), 100),
        (response(429, Retry_After=formatdate(NOW - 100, usegmt=True)), 0),
        (response(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(NOW + 50)), 50),
        (response(403, Retry_After="9"), 9),
        (response(503, Retry_After="2"), 2),
        (response(429), 30),
        (response(429, Retry_After="soon"), 30),
    ],
)
def test_a_limit_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch, answer: http.Response, seconds: float) -> None:
    monkeypatch.setattr(http, "time", SimpleNamespace(time=lambda: NOW))
    with pytest.raises(errors.RateLimited) as caught:
        answer.raise_for_status()
    assert caught.value.seconds == seconds


def test_redirects_of_reads_are_followed_and_of_writes_are_not(server: str) -> None:
    assert http.get(f"{server}/to?/there").json()["path"] == "/there"
    assert http.post(f"{server}/to?/there").status == 302
    assert http.get(f"{server}/to?/there", follow_redirects=False).status == 302
    with pytest.raises(errors.Failed, match="more than 5 redirects"):
        http.get(f"{server}/to?/to?/to?/to?/to?/to?/to?/x")


def test_a_redirect_elsewhere_does_not_take_authorization_along() -> None:
    sent: list[dict[str, str]] = []

    def send(method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, timeout: float) -> Any:
        sent.append(dict(headers))
        return (302, [("location", "http://b/")], b"") if url == "http://a/" else (200, [], b"{}")

    with testing.transport(send):
        http.get("http://a/", headers={"Authorization": "x", "X-Kept": "y"})
    assert ["authorization" in each for each in sent] == [True, False]
    assert all(each["x-kept"] == "y" for each in sent)


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("HttpRequestDenied", errors.Denied, "the host refused this request: the manifest or grant does not allow it"),
        ("DestinationIpProhibited", errors.Denied, "the host refused this request"),
        ("HttpRequestUriInvalid", errors.Failed, "malformed"),
        ("HttpResponseBodySize", errors.Failed, "smaller pages"),
        ("ConnectionRefused", errors.Unavailable, "no answer"),
        ("HttpResponseIncomplete", errors.Unavailable, "no answer"),
    ],
)
def test_no_answer_becomes_the_error_that_fits(code: str, kind: type[errors.PluginError], says: str) -> None:
    with (
        testing.transport(testing.answers({"http://a/": TransportError(code, "why")})),
        pytest.raises(kind, match=says) as caught,
    ):
        http.get("http://a/")
    assert type(caught.value) is kind


def test_natively_a_dead_server_and_half_a_body_are_unavailable(server: str) -> None:
    with pytest.raises(errors.Unavailable, match="HttpResponseIncomplete"):
        http.get(f"{server}/half", timeout=5)
    with pytest.raises(errors.Unavailable, match="HttpResponseIncomplete"):
        http.get(f"{server}/status/500/half", timeout=5)
    with pytest.raises(errors.Unavailable, match="ConnectionRefused"):
        http.get("http://127.0.0.1:1/")


@pytest.mark.parametrize("url", ["tool/items", "file:///etc/passwd", "http://", "ftp://a/"])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(errors.Failed, match="not an http or https address"):
        http.get(url)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>\n Bad gateway", "; it begins with: <html> Bad gateway$"),
        (b"", "; it is empty$"),
        (b"\x00\xff<html>", "; it begins with: \ufffd\ufffd<html>$"),
        (b'{"a":"\xe9"}', "; it begins with: {.*}$"),
        (b"\x00\x00", "; it begins with: \ufffd\ufffd$"),
        ("[1]".encode("utf-16-be"), "; it begins with: \ufffd"),
        (b"[NaN]", "NaN is no JSON value"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_whole_body_that_is_no_json_has_failed_and_is_shown(body: bytes, words: str) -> None:
    page = http.Response("GET", "http://a/x", 200, http.Headers(), body)
    with pytest.raises(errors.Failed, match=words) as caught:
        page.json()
    assert caught.value.message.startswith("GET http://a/x answered no JSON (")
    assert http.Response("GET", "http://a/x", 200, http.Headers(), b"\xef\xbb\xbf[1]").json() == [1]
