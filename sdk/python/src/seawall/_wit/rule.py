"""Exports the role rule."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from componentize_py_types import Err
from seawall_bindings.exports import rule as wit

from seawall import errors
from seawall._wit.convert import entity, loads
from seawall.encoding import text
from seawall.plugin import Plugin
from seawall.values import Fails, Passes, Subject, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export(plugin: Plugin) -> type:
    """The class that the bindings look for."""

    class Rule:
        def evaluate(self, name: str, params: bytes, subjects: list[Any]) -> list[Any]:
            # What is not imported by now is nowhere: an ImportError then, where looking for files would trap.
            sys.path.clear()
            try:
                verdicts = plugin.call_rule(name, loads(params), [_subject(each) for each in subjects])
                return [_verdict(each) for each in verdicts]
            except BaseException as raised:  # noqa: BLE001
                # Not logged: a rule imports nothing, so there is no log.
                raise Err(text(errors.from_exception(raised).message)) from None

    return Rule


def _subject(value: Any) -> Subject:
    related = [entity(each) for each in value.related]
    return Subject(entity(value.entity), related, _EPOCH + timedelta(milliseconds=value.now))


def _verdict(value: Verdict) -> Any:
    if isinstance(value, Passes):
        return wit.Verdict_Pass()
    return wit.Verdict_Fail(text(value.reason)) if isinstance(value, Fails) else wit.Verdict_NotApplicable()
