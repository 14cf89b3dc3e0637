"""What build.py says of wrong plugins, and one whole build."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import make_world

import cache
from build import glue, lazy_imports

HERE = Path(__file__).parents[1]
GOOD = """
from seawall import Page, Plugin, snapshot_complete
plugin = Plugin()
@plugin.pull("item")
def items(scope, partition, cursor):
    return Page([], snapshot_complete())
"""
MANIFEST = "roles: [ingestor]\nkinds: {item: {}}\n"


def build(
    folder: Path, code: str | None, manifest: str = MANIFEST, roles: tuple[str, ...] = ("ingestor",)
) -> tuple[int, str]:
    """The exit code and what was said."""
    project = folder / "project"
    project.mkdir()
    if code is not None:
        (project / "plugin.py").write_text(code)
    (project / "plugin.yaml").write_text(manifest)
    world, out = make_world(folder / "world", list(roles)), folder / "dist" / "x.wasm"
    command = [
        sys.executable,
        str(HERE / "build.py"),
        "--project",
        str(project),
        "--out",
        str(out),
        "--world",
        str(world),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert out.exists() == (done.returncode == 0)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("code", "manifest", "said"),
    [
        (None, MANIFEST, ["plugin.py: there is no such file"]),
        ("plugin = (", MANIFEST, ["plugin.py", "line 1", "SyntaxError"]),
        ("import nothing_of_that_name", MANIFEST, ["plugin.py", "line 1", "No module named 'nothing_of_that_name'"]),
        ("import yaml", MANIFEST, ["No module named 'yaml'"]),
        ("x = 1", MANIFEST, ["expected `plugin = Plugin()`"]),
        ("from seawall import Plugin\nplugin = Plugin()", MANIFEST, ["has the role ingestor", "@plugin.pull"]),
        (GOOD, "kinds: {item: {}, team: {}}", ['"team" under kinds', '@plugin.pull("team")']),
        (GOOD, "kinds: {}", ['@plugin.pull("item")', 'no "item" under kinds']),
        (GOOD + "plugin.rule('r')(lambda p, s: None)", MANIFEST, ["lacks the role rule"]),
        (GOOD, "a: [", ["plugin.yaml is no YAML", "line 1"]),
    ],
)
def test_a_wrong_plugin_is_refused_with_a_reason(
    tmp_path: Path, code: str | None, manifest: str, said: list[str]
) -> None:
    status, message = build(tmp_path, code, manifest)
    assert status == 1
    assert [each for each in said if each not in message] == [], message
    assert "check.py" not in message


def test_imports_inside_functions_are_found(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        "import a\ndef f():\n    import b.c\n    from d import e\n    from . import g\n"
    )
    assert lazy_imports([tmp_path]) == ["b.c", "d", "d.e"]


def test_a_rule_has_neither_log_nor_http() -> None:
    code = glue(["rule"], [])
    assert "_wit.silence" in code
    assert "_wit.log" not in code
    assert "_wit.http" not in code


def test_the_template_builds(tmp_path: Path) -> None:
    code = (HERE / "template" / "plugin.py").read_text()
    status, message = build(tmp_path, code)
    assert (status, message) == (0, "")
    component = (tmp_path / "dist" / "x.wasm").read_bytes()
    assert component.startswith(b"\0asm\x0d\0\1\0")
    assert b"seawall:plugin/ingestor@0.1.0" in component


def test_a_component_is_kept_by_what_it_is_made_of(tmp_path: Path) -> None:
    project, world = tmp_path / "project", tmp_path / "world"
    for folder in (project / "dist", world):
        folder.mkdir(parents=True)
    (project / "plugin.py").write_text("a = 1\n")
    (world / "world.wit").write_text("world plugin {}\n")

    def key(entry: str = "x") -> str:
        return cache.key(project, [world], entry)

    first = key()
    assert first == key()
    # What builds write, and what is put into the component later.
    (project / "dist" / "x.wasm").write_bytes(b"x")
    (project / "mapping.yaml").write_text("resources: []\n")
    assert first == key()
    assert first != key("y")
    # Read at import time: then it is a part.
    (project / "plugin.py").write_text("a = open('mapping.yaml').read()\n")
    named = key()
    (project / "mapping.yaml").write_text("resources: [1]\n")
    assert named not in (first, key())
    (project / "plugin.py").write_text("a = 1\n")
    assert first == key()
    (world / "world.wit").write_text("world plugin { }\n")
    assert first != key()


def test_a_kept_component_is_taken_and_old_ones_go(tmp_path: Path) -> None:
    made, out, kept = tmp_path / "made.wasm", tmp_path / "out.wasm", tmp_path / "kept"
    made.write_bytes(b"component")
    for number in range(cache.KEPT + 3):
        components = cache.Cache(kept, lambda number=number: f"{number:02}")
        assert not components.take(out)
        components.keep(made)
        os.utime(kept / f"{number:02}{cache.SUFFIX}", (number, number))
    assert len(list(kept.iterdir())) == cache.KEPT
    assert not cache.Cache(kept, lambda: "00").take(out)
    newest = cache.Cache(kept, lambda: f"{cache.KEPT + 2:02}")
    assert newest.take(out)
    assert out.read_bytes() == b"component"
    assert not cache.Cache(None, lambda: "00").take(out)
