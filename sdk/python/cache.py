"""Keeps built components, so that code that was built before (by `plugin dev`, say) is not built again."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

# Components that are kept: each has some 20 MB.
KEPT = 12
SUFFIX = ".py.wasm"
# What builds write.
LEFT_OUT = {"dist", "__pycache__"}
# What goes into the component only after this build, or not at all.
DOCUMENTS = {f"{name}.{end}" for name in ("plugin", "blueprints", "mapping") for end in ("yaml", "yml", "json")}
DOCUMENTS.add("README.md")


class Cache:
    """Components by key, in a folder; without a folder, nothing is kept."""

    def __init__(self, folder: Path | None, key: Callable[[], str]) -> None:
        self._file = None if folder is None else folder / f"{key()}{SUFFIX}"

    def take(self, out: Path) -> bool:
        """Writes the kept component to `out`; false if there is none."""
        try:
            if self._file is None:
                return False
            shutil.copyfile(self._file, out)
            os.utime(self._file)
        except OSError:
            return False
        sys.stderr.write("component: as it was built before\n")
        return True

    def keep(self, made: Path) -> None:
        """Keeps a component, and drops those that were not asked for the longest."""
        if self._file is None:
            return
        folder = self._file.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
            shutil.copyfile(made, half)
            half.replace(self._file)
            aged = sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
            for file in aged[KEPT:]:
                file.unlink(missing_ok=True)
        except OSError as error:
            sys.stderr.write(f"note: {folder}: the component was not kept ({error.strerror})\n")


def key(project: Path, others: list[Path], entry: str) -> str:
    """A name for all that a component is made of: the plugin's folder, the SDK and the world, and what builds it.

    Manifest, blueprints and mapping are put in later, so they are left out, unless the code names their files.
    """
    files = sorted((str(file.relative_to(project)), file.read_bytes()) for file in _files(project))
    code = b"\n".join(content for name, content in files if name.endswith(".py"))
    parts = [
        part
        for name, content in files
        if name not in DOCUMENTS or name.encode() in code
        for part in (name.encode(), content)
    ]
    for folder in others:
        for file in sorted(_files(folder)):
            parts += [str(file.relative_to(folder)).encode(), file.read_bytes()]
    parts += [entry.encode(), version("componentize-py").encode()]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()[:32]


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.name in LEFT_OUT:
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
