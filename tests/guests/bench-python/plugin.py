"""Makes repositories of 1.2 KB: the same items as bench-rust and bench-js make."""

from __future__ import annotations

from typing import Any

from seawall import Page, Plugin, Scope, snapshot_complete, upsert

plugin = Plugin()


@plugin.partitions
def partitions(scope: Scope) -> list[str]:
    """One."""
    return ["all"]


@plugin.pull("repository")
def repositories(scope: Scope, partition: str, cursor: str | None) -> Page:
    """All of them, in one page."""
    items = (made(scope.config["prefix"], n) for n in range(scope.config["make"]))
    return Page([upsert(scope.kind, item["full_name"], item) for item in items], snapshot_complete())


def made(prefix: str, n: int) -> dict[str, Any]:
    """The item of this number."""
    name = f"{prefix}-{n:05}"
    return {
        "id": n,
        "full_name": f"acme/{name}",
        "name": name,
        "html_url": f"https://git.example.com/acme/{name}",
        "language": ["Rust", "Go", "Java", "Python"][n % 4],
        "stargazers_count": n * 7 % 1000,
        "archived": n % 10 == 0,
        "topics": [f"topic-{n % 30}", "x-core", "pci"],
        "created_at": "2023-11-28T09:15:22Z",
        "updated_at": "2024-01-02T03:04:05Z",
        "license": {"spdx_id": "Apache-2.0"},
        "owner": {"login": f"team-{n % 50}", "id": n % 50, "url": "https://git.example.com/acme", "admin": False},
        "custom": {"tier": ["gold", "silver", "bronze"][n % 3], "system": f"system-{n % 200}", "cost": n / 4},
        "default_branch": "main",
        "size": n * 13,
        "permissions": {"pull": True, "push": True, "admin": False},
        "forks": 3,
        "open_issues": 12,
        "description": f"Repository {n} keeps orders and answers for them. " * 10,
    }
