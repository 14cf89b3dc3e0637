"""Two rules for any entity. A rule gets everything it judges by, and reaches nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from seawall import Plugin, Subject, Verdict, fails, not_applicable, passes

plugin = Plugin()


@plugin.rule("naming")
def naming(params: dict[str, Any], subject: Subject) -> Verdict:
    """The identifier matches `pattern`, from its start to its end."""
    identifier = subject.entity.identifier
    try:
        matches = re.fullmatch(params["pattern"], identifier)
    except re.error as error:
        raise ValueError(f"`pattern` is no regular expression: {error}; expected one such as [a-z][a-z0-9-]*") from None
    return passes() if matches else fails(f"the identifier `{identifier}` does not match {params['pattern']}")


@plugin.rule("fresh")
def fresh(params: dict[str, Any], subject: Subject) -> Verdict:
    """The time in `property` is at most `max_age_days` ago. Without such a property the rule does not apply."""
    name, allowed = params["property"], params["max_age_days"]
    value = subject.entity.properties.get(name)
    if value is None:
        return not_applicable()
    then = _time(value)
    if then is None:
        return fails(f"`{name}` is {value!r:.100}, which is no time; expected one such as 2026-01-31T12:00:00Z")
    age = subject.now - then
    if age <= timedelta(days=allowed):
        return passes()
    return fails(f"`{name}` is {age.days} days ago, and may be {allowed:g} at most")


def _time(value: Any) -> datetime | None:
    """An ISO 8601 time, or milliseconds or seconds since 1970. Without a zone: UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Seconds reach 10^11 in the year 5138, milliseconds did in 1973.
        seconds = value / 1000 if abs(value) >= 1e11 else value
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        except OverflowError:
            return None
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
