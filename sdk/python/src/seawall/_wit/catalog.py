"""Puts the host's catalog in place."""

from __future__ import annotations

from seawall_bindings.imports import catalog as wit
from seawall_bindings.imports import plugin_types

from seawall import catalog
from seawall._wit.convert import entity
from seawall.values import Entity, EntityRef


def _one(ref: EntityRef) -> Entity | None:
    found = wit.get(plugin_types.EntityRef(ref.blueprint, ref.identifier))
    return None if found is None else entity(found)


def _related(ref: EntityRef, relation: str) -> list[Entity]:
    of = plugin_types.EntityRef(ref.blueprint, ref.identifier)
    return [entity(each) for each in wit.related(of, relation)]


catalog.read_one = _one
catalog.read_related = _related
