"""Lists the items of a tool."""

from seawall import Page, Plugin, Scope, errors, http, snapshot_complete, upsert

plugin = Plugin()


@plugin.partitions
def partitions(scope: Scope) -> list[str]:
    """One slice. A tool with organisations or projects answers one name for each: they are pulled side by side."""
    return ["all"]


@plugin.pull("item")
def items(scope: Scope, partition: str, cursor: str | None) -> Page:
    """All items. A tool that answers page by page: read the page that `cursor` names, end with more(next_cursor)."""
    found = http.get(http.join(scope.config["base_url"], "items")).raise_for_status().json()
    if not isinstance(found, list):
        raise errors.Failed("/items did not answer a list")
    return Page([upsert(scope.kind, item["id"], item) for item in found], snapshot_complete())
