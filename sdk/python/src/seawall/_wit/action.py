"""Exports the role action."""

from __future__ import annotations

from typing import Any

from seawall_bindings.exports import action as wit

from seawall._wit.convert import entity, guarded, loads, located
from seawall.encoding import dumps, text
from seawall.plugin import Plugin
from seawall.values import Invocation, Progress, Running, Succeeded


def export(plugin: Plugin) -> type:
    """The class that the bindings look for."""

    class Action:
        def start(self, invocation: Any) -> Any:
            return guarded(lambda: _progress(plugin.call_start(_invocation(invocation))))

        def poll(self, invocation: Any, state: bytes) -> Any:
            return guarded(lambda: _progress(plugin.call_poll(_invocation(invocation), loads(state))))

        def cancel(self, invocation: Any, state: bytes) -> None:
            guarded(lambda: plugin.call_cancel(_invocation(invocation), loads(state)))

    return Action


def _invocation(value: Any) -> Invocation:
    target = None if value.target is None else entity(value.target)
    return Invocation(value.operation, value.run, loads(value.config), loads(value.inputs), target)


def _progress(value: Progress) -> Any:
    match value:
        case Running():
            label = None if value.label is None else text(value.label)
            wait = min(max(round(value.poll_after * 1000), 0), 2**32 - 1)
            return wit.Progress_Running(wit.Running(dumps(value.state, "the state of the run"), wait, label))
        case Succeeded():
            link = None if value.link is None else text(value.link)
            outputs = dumps(value.outputs, "what the operation gave back")
            return wit.Progress_Succeeded(wit.Outcome(outputs, link, [located(each) for each in value.changes]))
        case _:
            return wit.Progress_Failed(text(value.message))
