"""Reads the catalog as it stands. For actions whose manifest asks for it with `capabilities: {catalog: true}`."""

from __future__ import annotations

from collections.abc import Callable

from seawall.errors import Failed
from seawall.values import Entity, EntityRef


def _absent(*_: object) -> None:
    raise Failed("the catalog is there only for plugins with the role action, inside the host")


# Put in place by the host's side, and by tests.
read_one: Callable[[EntityRef], Entity | None] = _absent
read_related: Callable[[EntityRef, str], list[Entity]] = _absent


def get(blueprint: str, identifier: str) -> Entity | None:
    """The entity, or None if there is none of that name."""
    return read_one(EntityRef(blueprint, identifier))


def related(of: Entity | EntityRef, relation: str) -> list[Entity]:
    """The entities that `of` points to by `relation`."""
    return read_related(EntityRef(of.blueprint, of.identifier), relation)
