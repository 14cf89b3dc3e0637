"""Lines for the log of the pass or the run that is calling.

What a plugin prints goes there too. A rule has no log: there, these do nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

Sink = Callable[[str, str], None]


def _stderr(level: str, message: str) -> None:
    sys.stderr.write(f"{level:5} {message}\n")


sink: Sink = _stderr
"""Takes a level (`debug`, `info`, `warn`, `error`) and a message. Inside the host, the host's log."""


def debug(message: object) -> None:
    """What only a plugin's author wants to read."""
    sink("debug", str(message))


def info(message: object) -> None:
    """What an operator may want to know."""
    sink("info", str(message))


def warn(message: object) -> None:
    """What an operator should look at, though the call goes on."""
    sink("warn", str(message))


def error(message: object) -> None:
    """What went wrong."""
    sink("error", str(message))
