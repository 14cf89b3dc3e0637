"""JSON and text on their way out."""

from __future__ import annotations

import json
from datetime import date
from typing import Any


def dumps(value: Any, what: str) -> bytes:
    """`value` as JSON. `what` is named in the error if it is none.

    Half of a surrogate pair, which some tools' JSON has and UTF-8 has not, becomes a question mark.
    """
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what} is no JSON: {error}") from None
    return encoded.encode("utf-8", "replace")


def text(value: object) -> str:
    """`value` as text that UTF-8 can hold."""
    return str(value).encode("utf-8", "replace").decode()


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")
