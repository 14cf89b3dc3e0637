"""For rules, which have no log: lines go nowhere instead of to a stream that would trap."""

from __future__ import annotations

import sys

from seawall import log


class _Nowhere:
    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        return None


def _nothing(level: str, message: str) -> None:
    return None


log.sink = _nothing
sys.stdout = sys.stderr = _Nowhere()  # type: ignore[assignment]
