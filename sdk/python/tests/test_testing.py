"""Trying a plugin as plain Python."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from seawall import Page, Plugin, delete, more, snapshot_complete, testing, upsert

TEMPLATE = Path(__file__).parents[1] / "template" / "plugin.py"


def template() -> ModuleType:
    spec = importlib.util.spec_from_file_location("template_plugin", TEMPLATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_template_lists_what_the_tool_answers() -> None:
    items = [{"id": 1, "name": "one"}, {"id": "b", "name": "two"}]
    with testing.transport(testing.answers({"http://tool/api/items": items})):
        walked = testing.walk(template().plugin, "item", {"base_url": "http://tool/api/"})
    assert walked.values() == {"1": items[0], "b": items[1]}


def test_a_walk_follows_cursors_and_applies_deletes() -> None:
    plugin = Plugin()

    @plugin.pull
    def pull(scope: object, partition: str, cursor: str | None) -> Page:
        if cursor is None:
            return Page([upsert("item", "a", 1), upsert("item", "b", 2)], more("2"))
        return Page([delete("item", "a")], snapshot_complete())

    walked = testing.walk(plugin, "item", {})
    assert (walked.values(), walked.pages) == ({"b": 2}, 2)


def test_a_cursor_that_repeats_is_found() -> None:
    plugin = Plugin()
    plugin.pull(lambda *_: Page([], more("same")))
    with pytest.raises(AssertionError, match="does not end"):
        testing.walk(plugin, "item", {})
