"""Puts the host's log in place."""

from __future__ import annotations

from seawall_bindings.imports import log as wit

from seawall import log
from seawall.encoding import text


def _write(level: str, message: str) -> None:
    wit.write(wit.Level[level.upper()], text(message))


log.sink = _write
