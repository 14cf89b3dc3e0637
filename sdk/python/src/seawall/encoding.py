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


def loads(data: bytes) -> Any:
    """JSON in UTF-8: no encoding is guessed, as `json.loads` does with bytes, and NaN is none.

    A `ValueError` says why it is no JSON.
    """
    try:
        # Components lack the codec utf-8-sig, which would skip the byte order mark.
        return json.loads(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def text(value: object) -> str:
    """`value` as text that UTF-8 can hold."""
    return str(value).encode("utf-8", "replace").decode()


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")
