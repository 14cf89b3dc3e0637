"""Exports the role webhook."""

from __future__ import annotations

from typing import Any

from seawall._wit.convert import guarded, loads, located
from seawall.http import Headers
from seawall.plugin import Plugin
from seawall.values import Delivery


def export(plugin: Plugin) -> type:
    """The class that the bindings look for."""

    class Webhook:
        def receive(self, config: bytes, delivery: Any) -> list[Any]:
            def call() -> list[Any]:
                given = Delivery(Headers(delivery.headers), delivery.body)
                return [located(each) for each in plugin.call_webhook(loads(config), given)]

            return guarded(call)

    return Webhook
