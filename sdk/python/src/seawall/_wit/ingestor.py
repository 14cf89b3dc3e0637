"""Exports the role ingestor."""

from __future__ import annotations

from typing import Any

from seawall_bindings.exports import ingestor as wit

from seawall._wit.convert import change, guarded, loads
from seawall.encoding import text
from seawall.plugin import Plugin
from seawall.values import CaughtUp, More, Page, Scope, SnapshotComplete


def export(plugin: Plugin) -> type:
    """The class that the bindings look for."""

    class Ingestor:
        def partitions(self, scope: Any) -> list[str]:
            return guarded(lambda: [text(name) for name in plugin.call_partitions(_scope(scope))])

        def pull(self, scope: Any, partition: str, cursor: str | None) -> Any:
            return guarded(lambda: _page(plugin.call_pull(_scope(scope), partition, cursor)))

    return Ingestor


def _scope(scope: Any) -> Scope:
    return Scope(loads(scope.config), scope.kind, loads(scope.selector))


def _page(page: Page) -> Any:
    return wit.Page([change(each) for each in page.changes], _next(page.next))


def _next(value: Any) -> Any:
    match value:
        case More():
            return wit.Next_More(text(value.cursor))
        case SnapshotComplete():
            return wit.Next_SnapshotComplete(None if value.cursor is None else text(value.cursor))
        case CaughtUp():
            return wit.Next_CaughtUp(text(value.cursor))
        case _:
            raise TypeError(
                f"the second part of a Page is {value!r:.100}; "
                "expected more(cursor), snapshot_complete() or caught_up(cursor)"
            )
