"""Why a call could not be served, by what the host does next.

Raise one of these; what else a plugin raises reaches the host as `Failed`, with its traceback in the log.
"""

from __future__ import annotations

from pathlib import PurePath
from traceback import walk_tb

_SDK = str(PurePath(__file__).parent)
_MAX_MILLISECONDS = 2**32 - 1


class PluginError(Exception):
    """What the errors below have in common. Raise one of them, not this."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class InvalidConfig(PluginError):
    """The operator must change the configuration. Not retried."""


class Unauthorized(PluginError):
    """The tool refused the credential. Not retried until it is replaced."""


class NotFound(PluginError):
    """What the call names does not exist. Not retried."""


class RateLimited(PluginError):
    """Retried after so many seconds; no progress is lost."""

    def __init__(self, seconds: float, message: str = "") -> None:
        # Here, where the traceback still names the author's line: later it would be told to nobody.
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
            raise TypeError(f"RateLimited takes seconds, not {seconds!r:.100}")
        super().__init__(message or f"rate limited, try again in {seconds:g} s")
        self.seconds = seconds

    @property
    def milliseconds(self) -> int:
        """The wait in whole milliseconds, never below 0 or above what the host can be told (49 days)."""
        return round(min(max(self.seconds * 1000, 0), _MAX_MILLISECONDS))


class CursorExpired(PluginError):
    """The tool no longer knows this cursor. The next pass starts without one."""


class Unavailable(PluginError):
    """The tool is failing, or cannot be reached. Retried with backoff."""


class Failed(PluginError):
    """Anything else. Not retried."""


class Denied(Failed):
    """The host refused the request, since the manifest does not ask for it or the grant does not allow it."""


def from_exception(error: BaseException) -> PluginError:
    """`error` itself if it is one of the above, else a `Failed` that says what was raised and where."""
    if isinstance(error, PluginError):
        return error
    name, text = type(error).__name__, str(error)
    # Not extract_tb, which looks for the source file: in a rule, which has no files to look in, that is a trap.
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    theirs = [(PurePath(file).name, line) for file, line in places if not file.startswith(_SDK)]
    where = f" ({theirs[-1][0]}, line {theirs[-1][1]})" if theirs else ""
    if isinstance(error, KeyError):
        text = f"there is no key {text}"
    return Failed(f"{name}: {text}{where}" if text else f"{name}{where}")
