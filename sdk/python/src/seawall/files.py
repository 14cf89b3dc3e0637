"""Reads the directories that the host gives, such as a git checkout. The manifest asks with `capabilities.files`.

Paths are as its `at` says, such as `/checkout/src/main.py`. `open` and `pathlib` work there too; these functions have
limits, a fixed order and errors that say what is wrong. As plain Python they read the machine's files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seawall.errors import Failed

Kind = Literal["file", "directory", "symlink", "other"]
Reason = Literal["not-found", "denied", "loop", "too-large", "other"]

_WORDS: dict[str, str] = {
    "not-found": "nothing is there, or no directory that the manifest asks for with `capabilities.files` holds it",
    "denied": "it leads out of the granted directory, or may not be read",
    "loop": "its links lead in a circle",
}
_REASONS: dict[int, Reason] = {
    errno.ENOENT: "not-found",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ELOOP: "loop",
    # Only WASI has it.
    getattr(errno, "ENOTCAPABLE", -1): "denied",
}


class FileError(Failed):
    """A path that cannot be read. Not caught, it ends the call as `Failed`."""

    def __init__(self, path: str, reason: Reason, words: str = "") -> None:
        super().__init__(f"{path}: {words or _WORDS[reason]}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class Entry:
    """One name in a directory, and what it is; a link is not followed."""

    path: str
    name: str
    kind: Kind


@dataclass(frozen=True)
class Metadata:
    """What is known of a file or directory."""

    kind: Kind
    len: int
    """Bytes."""
    modified: float
    """When it was last written, in seconds since 1970."""
    identity: tuple[int, int]
    """The same for two paths that lead to one file, so that a walk can see a loop. No meaning beyond this run."""


def read_dir(path: str) -> list[Entry]:
    """The names in a directory, sorted, so that two walks see the same order. Links are listed, not followed."""
    try:
        with os.scandir(path) as found:
            entries = [Entry(f"{path.rstrip('/')}/{each.name}", each.name, _kind(each)) for each in found]
    except OSError as error:
        raise _error(path, error) from None
    return sorted(entries, key=lambda entry: entry.name)


def read(path: str, limit: int) -> bytes:
    """A whole file, of at most `limit` bytes. Links are followed as far as they stay inside what was granted."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise _error(path, error) from None
    if len(content) > limit:
        raise FileError(path, "too-large", f"it is larger than {limit} bytes")
    return content


def read_text(path: str, limit: int) -> str:
    """The same as text; what is not UTF-8 becomes U+FFFD."""
    return read(path, limit).decode("utf-8", errors="replace")


def metadata(path: str) -> Metadata:
    """What is known of a path. Links are followed as far as they stay inside what was granted."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise _error(path, error) from None
    return Metadata(_of_mode(found.st_mode), found.st_size, found.st_mtime, (found.st_dev, found.st_ino))


def walk(path: str) -> Iterator[Entry]:
    """All that is below a directory but directories, in the order of `read_dir`. Links are given, not followed."""
    for entry in read_dir(path):
        if entry.kind == "directory":
            yield from walk(entry.path)
        else:
            yield entry


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "symlink"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _of_mode(mode: int) -> Kind:
    # The format bits of POSIX, which WASI's C library shares.
    return {0o100000: "file", 0o040000: "directory", 0o120000: "symlink"}.get(mode & 0o170000, "other")  # type: ignore[return-value]


def _error(path: str, error: OSError) -> FileError:
    reason = _REASONS.get(error.errno or 0, "other")
    return FileError(path, reason, error.strerror or str(error) if reason == "other" else "")
