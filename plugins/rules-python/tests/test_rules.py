"""The verdicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from seawall import Entity, Subject, Verdict, fails, not_applicable, passes

from plugin import plugin

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def judge(rule: str, params: dict[str, Any], identifier: str = "payments", **properties: Any) -> Verdict:
    subject = Subject(Entity("service", identifier, properties=properties), related=[], now=NOW)
    return plugin.call_rule(rule, params, [subject])[0]


def test_a_name_matches_as_a_whole() -> None:
    pattern = {"pattern": "[a-z]+"}
    assert judge("naming", pattern) == passes()
    assert judge("naming", pattern, "payments-2") == fails("the identifier `payments-2` does not match [a-z]+")


def test_a_bad_pattern_says_so() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        judge("naming", {"pattern": "["})


@pytest.mark.parametrize(
    "value", ["2026-01-31T00:00:00Z", "2026-01-31", 1769817600, 1769817600000, "2026-03-01T00:00:00+02:00"]
)
def test_a_recent_time_passes_in_every_notation(value: Any) -> None:
    assert judge("fresh", {"property": "at", "max_age_days": 1}, at=value) == passes()


@pytest.mark.parametrize("value", ["2026-01-21T00:00:00Z", 1768953600, 1768953600000])
def test_an_old_time_fails_with_its_age(value: Any) -> None:
    verdict = judge("fresh", {"property": "at", "max_age_days": 10.5}, at=value)
    assert verdict == fails("`at` is 11 days ago, and may be 10.5 at most")


@pytest.mark.parametrize("value", ["yesterday", True, [], 1e300])
def test_what_is_no_time_fails(value: Any) -> None:
    assert "is no time" in judge("fresh", {"property": "at", "max_age_days": 1}, at=value).reason


def test_without_the_property_it_does_not_apply() -> None:
    assert judge("fresh", {"property": "at", "max_age_days": 1}) == not_applicable()
