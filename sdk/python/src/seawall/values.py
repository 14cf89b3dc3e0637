"""What a plugin is given and what it gives back: plain values, no generated classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seawall.encoding import loads


@dataclass(frozen=True)
class Scope:
    """What is to be listed: one kind, as the mapping selects it."""

    config: dict[str, Any]
    """The integration's config, checked against the manifest's schema."""
    kind: str
    selector: dict[str, Any] = field(default_factory=dict)
    """What the mapping says of this kind beyond `query`, such as `{"states": ["open"]}`."""


@dataclass(frozen=True)
class Upsert:
    """An item that exists. Made by `upsert`."""

    kind: str
    key: str
    value: Any


@dataclass(frozen=True)
class Delete:
    """An item that is gone. Made by `delete`."""

    kind: str
    key: str


Change = Upsert | Delete


def upsert(kind: str, key: str | int, value: Any) -> Upsert:
    """This item exists. `key` is unique within kind and partition; `value` is the tool's own JSON."""
    return Upsert(kind, _key(key), value)


def delete(kind: str, key: str | int) -> Delete:
    """This item is gone."""
    return Delete(kind, _key(key))


def _key(key: str | int) -> str:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"the key of an item is a string or a whole number, not {type(key).__name__}: {key!r}")
    if key == "":
        raise ValueError("the key of an item is empty")
    return str(key)


@dataclass(frozen=True)
class More:
    """More pages follow. Made by `more`."""

    cursor: str


@dataclass(frozen=True)
class SnapshotComplete:
    """The pass listed everything. Made by `snapshot_complete`."""

    cursor: str | None


@dataclass(frozen=True)
class CaughtUp:
    """The pass is up to date. Made by `caught_up`."""

    cursor: str


Next = More | SnapshotComplete | CaughtUp


def more(cursor: str | int) -> More:
    """More pages follow. The host stores the cursor with the page, so a pass that is cut off goes on from here."""
    return More(str(cursor))


def snapshot_complete(cursor: str | int | None = None) -> SnapshotComplete:
    """The pass listed everything: what this partition no longer lists is removed.

    With a cursor the next pass goes on from it (a watch, a feed); without one it lists all again.
    """
    return SnapshotComplete(None if cursor is None else str(cursor))


def caught_up(cursor: str | int) -> CaughtUp:
    """The pass is up to date, and removes only what it named. The next one starts at the cursor."""
    return CaughtUp(str(cursor))


@dataclass(frozen=True)
class Page:
    """One page of a pass: about 1,000 changes are a good size."""

    changes: Sequence[Change]
    next: Next


@dataclass(frozen=True)
class Located:
    """A change outside a pass. Made by `located`."""

    partition: str
    change: Change


def located(partition: str, change: Change) -> Located:
    """A change outside a pass, with the partition that lists its item."""
    return Located(partition, change)


@dataclass(frozen=True)
class Delivery:
    """One webhook delivery, whose signature the host has checked."""

    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return loads(self.body)


@dataclass(frozen=True)
class EntityRef:
    """Names one entity: its blueprint, and its identifier, unique within that blueprint."""

    blueprint: str
    identifier: str


@dataclass(frozen=True)
class Entity:
    """An entity of the catalog."""

    blueprint: str
    identifier: str
    title: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, list[EntityRef]] = field(default_factory=dict)
    """Targets by the relation's name."""

    @property
    def ref(self) -> EntityRef:
        """Its name."""
        return EntityRef(self.blueprint, self.identifier)


@dataclass(frozen=True)
class Subject:
    """What a rule judges."""

    entity: Entity
    related: list[Entity]
    """The entities that the rule's manifest entry asks to see, such as its open incidents."""
    now: datetime
    """The time of evaluation (UTC), given so that a rule needs no clock."""


@dataclass(frozen=True)
class Passes:
    """Made by `passes`."""


@dataclass(frozen=True)
class Fails:
    """Made by `fails`."""

    reason: str


@dataclass(frozen=True)
class NotApplicable:
    """Made by `not_applicable`."""


Verdict = Passes | Fails | NotApplicable


def passes() -> Passes:
    """The entity keeps the rule."""
    return Passes()


def fails(reason: str) -> Fails:
    """The entity breaks the rule; `reason` is in words that its owner can act on."""
    return Fails(reason)


def not_applicable() -> NotApplicable:
    """The rule says nothing about this entity."""
    return NotApplicable()


@dataclass(frozen=True)
class Invocation:
    """One step of a run, to be done in the tool."""

    operation: str
    """One of the operations that the manifest declares."""
    run: str
    """The same for every attempt of one run: pass it on where the tool takes an idempotency key."""
    config: dict[str, Any]
    inputs: dict[str, Any]
    target: Entity | None = None


@dataclass(frozen=True)
class Running:
    """Made by `running`."""

    state: Any
    poll_after: float
    label: str | None


@dataclass(frozen=True)
class Succeeded:
    """Made by `succeeded`."""

    outputs: Any
    link: str | None
    changes: Sequence[Located]


@dataclass(frozen=True)
class RunFailed:
    """Made by `failed`."""

    message: str


Progress = Running | Succeeded | RunFailed


def running(state: Any, *, poll_after: float = 5.0, label: str | None = None) -> Running:
    """Not done yet: `poll` is called with `state` (any JSON) after so many seconds. A person reads `label`."""
    return Running(state, poll_after, label)


def succeeded(
    outputs: Mapping[str, Any] | None = None, *, link: str | None = None, changes: Sequence[Located] = ()
) -> Succeeded:
    """Done. `link` is a page in the tool; `changes` says what the tool now holds because of this."""
    return Succeeded(dict(outputs or {}), link, changes)


def failed(message: str) -> RunFailed:
    """The tool tried and failed, and the run ends. What is worth a retry is raised as an error instead."""
    return RunFailed(message)
