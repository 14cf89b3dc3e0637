"""Between the SDK's values and the bindings' classes."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from componentize_py_types import Err
from seawall_bindings.imports import plugin_types as wit

from seawall import errors, log
from seawall.encoding import dumps, text
from seawall.values import Change, Delete, Entity, EntityRef, Located, Upsert

T = TypeVar("T")


def guarded(call: Callable[[], T]) -> T:
    """Runs `call`; whatever it raises becomes a failure, since an error that leaves a component is a trap."""
    try:
        return call()
    except BaseException as raised:  # noqa: BLE001
        error = errors.from_exception(raised)
        if error is not raised:
            log.error(traceback.format_exc())
        raise Err(failure(error)) from None


def failure(error: errors.PluginError) -> Any:
    """The variant that fits."""
    message = text(error.message)
    match error:
        case errors.InvalidConfig():
            return wit.Failure_InvalidConfig(message)
        case errors.Unauthorized():
            return wit.Failure_Unauthorized(message)
        case errors.NotFound():
            return wit.Failure_NotFound(message)
        case errors.RateLimited():
            return wit.Failure_RateLimited(error.milliseconds)
        case errors.CursorExpired():
            return wit.Failure_CursorExpired()
        case errors.Unavailable():
            return wit.Failure_Unavailable(message)
        case _:
            return wit.Failure_Failed(message)


def loads(value: bytes) -> Any:
    """JSON from the host."""
    return json.loads(value)


def change(value: Change) -> Any:
    """A change."""
    match value:
        case Upsert():
            encoded = dumps(value.value, f"item {value.kind}/{value.key}")
            return wit.Change_Upsert(wit.Item(wit.ItemKey(text(value.kind), text(value.key)), encoded))
        case Delete():
            return wit.Change_Delete(wit.ItemKey(text(value.kind), text(value.key)))
        case _:
            raise TypeError(f"{value!r:.100} is no change; make one with upsert(kind, key, value) or delete(kind, key)")


def located(value: Located) -> Any:
    """A change with its partition."""
    if not isinstance(value, Located):
        raise TypeError(f"{value!r:.100} is no located change; make one with located(partition, change)")
    return wit.LocatedChange(text(value.partition), change(value.change))


def entity(value: Any) -> Entity:
    """An entity from the host."""
    relations: dict[str, list[EntityRef]] = {}
    for relation in value.relations:
        target = EntityRef(relation.target.blueprint, relation.target.identifier)
        relations.setdefault(relation.name, []).append(target)
    return Entity(value.id.blueprint, value.id.identifier, value.title, loads(value.properties), relations)
