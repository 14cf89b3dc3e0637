"""Tries a plugin as plain Python, without the host: `walk` a pass, with HTTP from `answers` or from the real tool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from seawall import http, native
from seawall.encoding import dumps
from seawall.plugin import Plugin
from seawall.transport import Transport, TransportError
from seawall.values import Change, Delete, More, Next, Scope, Upsert


@dataclass
class Walk:
    """What a pass over one kind gave."""

    items: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The tool's JSON by partition and key."""
    changes: list[Change] = field(default_factory=list)
    pages: int = 0
    next: dict[str, Next] = field(default_factory=dict)
    """How each partition ended."""

    def values(self) -> dict[str, Any]:
        """The items by key alone, for a kind whose keys are unique over all partitions."""
        return {key: value for (_, key), value in self.items.items()}


def walk(
    plugin: Plugin, kind: str, config: dict[str, Any], selector: dict[str, Any] | None = None, *, max_pages: int = 1000
) -> Walk:
    """Pulls every partition of `kind` page by page, as the host does, until it is complete or caught up."""
    scope, result = Scope(config, kind, selector or {}), Walk()
    for partition in plugin.call_partitions(scope):
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = plugin.call_pull(scope, partition, cursor)
            result.pages += 1
            _take(result, partition, page.changes)
            result.next[partition] = page.next
            if not isinstance(page.next, More):
                break
            if page.next.cursor in seen or result.pages >= max_pages:
                raise AssertionError(f"the pass does not end: cursor {page.next.cursor!r} after {result.pages} pages")
            seen.add(page.next.cursor)
            cursor = page.next.cursor
    return result


def _take(result: Walk, partition: str, changes: Any) -> None:
    for change in changes:
        result.changes.append(change)
        if isinstance(change, Upsert):
            # Through JSON, so that what could not cross into the host fails here too.
            encoded = dumps(change.value, f"item {change.kind}/{change.key}")
            result.items[partition, change.key] = json.loads(encoded)
        elif isinstance(change, Delete):
            result.items.pop((partition, change.key), None)
        else:
            raise AssertionError(f"{change!r} is no change; make one with upsert or delete")


@contextmanager
def transport(send: Transport) -> Iterator[None]:
    """HTTP through `send` while it lasts."""
    before, http.transport = http.transport, send
    try:
        yield
    finally:
        http.transport = before


@contextmanager
def credentials(headers: Mapping[str, str]) -> Iterator[None]:
    """Adds headers to every request to a real tool, as the host attaches a credential."""
    before = dict(native.credentials)
    native.credentials.update(headers)
    try:
        yield
    finally:
        native.credentials.clear()
        native.credentials.update(before)


def answers(by_url: Mapping[str, Any], *, requests: list[tuple[str, str]] | None = None) -> Transport:
    """A transport that answers from a table: URL to a JSON value, or to a status and a value.

    A URL that is not in it is answered with 404. `requests` collects method and URL of what was sent. A value may be a
    `TransportError`, or a function that gives one of these.
    """

    def send(
        method: str, url: str, _headers: list[tuple[str, str]], _body: bytes | None, _timeout: float
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        if requests is not None:
            requests.append((method, url))
        answer = by_url.get(url, (404, {"error": f"nothing at {url}"}))
        if callable(answer):
            answer = answer()
        if isinstance(answer, TransportError):
            raise answer
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return status, [("content-type", "application/json")], data

    return send
