"""What crosses into the host, through the real generated classes."""

from __future__ import annotations

import importlib
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seawall import (
    Page,
    Plugin,
    caught_up,
    delete,
    errors,
    failed,
    fails,
    located,
    log,
    more,
    not_applicable,
    passes,
    running,
    snapshot_complete,
    succeeded,
    upsert,
)


class Bindings:
    """The roles over a plugin, and the generated modules."""

    def __init__(self) -> None:
        self.err = importlib.import_module("componentize_py_types").Err
        self.types = importlib.import_module("seawall_bindings.imports.plugin_types")
        self.of = {
            role: importlib.import_module(f"seawall_bindings.exports.{role}") for role in ("ingestor", "action", "rule")
        }

    def role(self, name: str, plugin: Plugin) -> Any:
        return importlib.import_module(f"seawall._wit.{name}").export(plugin)()

    def scope(self, kind: str = "item") -> Any:
        return self.of["ingestor"].Scope(b'{"base_url": "http://a"}', kind, b'{"states": ["open"]}')

    def entity(self, title: str | None = "Payments") -> Any:
        edges = [self.types.Relation("uses", self.types.EntityRef("db", name)) for name in ("a", "b")]
        return self.types.Entity(self.types.EntityRef("service", "payments"), title, b'{"tier": 1}', edges)


@pytest.fixture
def wit(bindings: Path) -> Bindings:
    return Bindings()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    monkeypatch.setattr(log, "sink", lambda level, message: lines.append((level, message)))
    return lines


def test_a_page_crosses_as_json_bytes(wit: Bindings) -> None:
    plugin, seen = Plugin(), []

    @plugin.pull
    def pull(scope: Any, partition: str, cursor: str | None) -> Page:
        seen.append((scope.config, scope.kind, scope.selector, partition, cursor))
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Page([upsert("item", 7, {"name": "ö", "half": "\ud83d", "at": at}), delete("item", "x")], more(2))

    page = wit.role("ingestor", plugin).pull(wit.scope(), "eu", "1")
    assert seen == [({"base_url": "http://a"}, "item", {"states": ["open"]}, "eu", "1")]
    value = '{"name":"ö","half":"?","at":"2026-01-01T00:00:00+00:00"}'.encode()
    item, key = wit.types.Item(wit.types.ItemKey("item", "7"), value), wit.types.ItemKey("item", "x")
    assert page.changes == [wit.types.Change_Upsert(item), wit.types.Change_Delete(key)]
    assert page.next == wit.of["ingestor"].Next_More("2")


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        (snapshot_complete(), "Next_SnapshotComplete", None),
        (snapshot_complete(3), "Next_SnapshotComplete", "3"),
        (caught_up("c"), "Next_CaughtUp", "c"),
    ],
)
def test_every_end_of_a_page_has_its_variant(wit: Bindings, given: Any, name: str, value: Any) -> None:
    plugin = Plugin()
    plugin.pull(lambda scope, partition, cursor: Page([], given))
    assert wit.role("ingestor", plugin).pull(wit.scope(), "all", None).next == getattr(wit.of["ingestor"], name)(value)


@pytest.mark.parametrize(
    ("raised", "variant", "value"),
    [
        (errors.InvalidConfig("a"), "InvalidConfig", "a"),
        (errors.Unauthorized("b"), "Unauthorized", "b"),
        (errors.NotFound("c"), "NotFound", "c"),
        (errors.RateLimited(1.5), "RateLimited", 1500),
        (errors.RateLimited(-1), "RateLimited", 0),
        (errors.RateLimited(1e12), "RateLimited", 2**32 - 1),
        (errors.RateLimited(float("inf")), "RateLimited", 2**32 - 1),
        (errors.CursorExpired(), "CursorExpired", None),
        (errors.Unavailable("d\ud800"), "Unavailable", "d?"),
        (errors.Failed("e"), "Failed", "e"),
        (errors.Denied("f"), "Failed", "f"),
    ],
)
def test_every_error_has_its_variant(
    wit: Bindings, logged: list[tuple[str, str]], raised: Exception, variant: str, value: Any
) -> None:
    plugin = Plugin()

    @plugin.pull
    def pull(*_: Any) -> Page:
        raise raised

    with pytest.raises(wit.err) as caught:
        wit.role("ingestor", plugin).pull(wit.scope(), "all", None)
    kind = getattr(wit.types, f"Failure_{variant}")
    assert caught.value.value == (kind() if value is None else kind(value))
    assert logged == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: {}["id"], r"KeyError: there is no key 'id' \(test_roles.py, line \d+\)"),
        (lambda: 1 / 0, r"ZeroDivisionError: division by zero \(test_roles.py, line \d+\)"),
        (lambda: exec("raise SystemExit(3)"), r"SystemExit: 3"),  # noqa: S102
        (lambda: "a page", r"TypeError: @plugin.pull returned 'a page'; expected Page\(changes, next\)"),
        (
            lambda: Page([upsert("item", "k", {1, 2})], more(1)),
            r"TypeError: item item/k is no JSON: a value of type set",
        ),
        (lambda: Page([upsert("item", "k", float("nan"))], more(1)), r"ValueError: item item/k is no JSON"),
        (lambda: Page([upsert("item", None, 1)], more(1)), r"TypeError: the key of an item is a string"),
        (lambda: errors.RateLimited("soon"), r"TypeError: RateLimited takes seconds, not 'soon' \(test_roles.py"),
        (lambda: errors.RateLimited(float("nan")), r"TypeError: RateLimited takes seconds, not nan \(test_roles.py"),
        (lambda: Page([upsert("item", "", 1)], more(1)), r"ValueError: the key of an item is empty"),
        (lambda: Page([{"id": 1}], more(1)), r"TypeError: {'id': 1} is no change; make one with upsert"),
        (lambda: Page([], None), r"TypeError: the second part of a Page is None"),
    ],
)
def test_anything_else_is_failed_with_its_place_and_a_traceback_in_the_log(
    wit: Bindings, logged: list[tuple[str, str]], call: Any, expected: str
) -> None:
    plugin = Plugin()
    plugin.pull(lambda *_: call())
    with pytest.raises(wit.err) as caught:
        wit.role("ingestor", plugin).pull(wit.scope(), "all", None)
    failure = caught.value.value
    assert type(failure) is wit.types.Failure_Failed
    assert re.match(expected, failure.value), failure.value
    assert [level for level, _ in logged] == ["error"]
    assert "Traceback" in logged[0][1]


def test_functions_serve_the_names_they_say(wit: Bindings) -> None:
    plugin = Plugin()
    plugin.partitions("repository")(lambda scope: ["org"])
    plugin.pull("repository", "team")(
        lambda scope, partition, cursor: Page([delete(scope.kind, partition)], caught_up("c"))
    )
    ingestor = wit.role("ingestor", plugin)
    assert ingestor.partitions(wit.scope("repository")) == ["org"]
    assert ingestor.partitions(wit.scope("team")) == ["all"]
    assert ingestor.pull(wit.scope("team"), "p", None).changes[0].value == wit.types.ItemKey("team", "p")
    with pytest.raises(wit.err) as caught:
        ingestor.pull(wit.scope("user"), "p", None)
    assert "it has: repository, team" in caught.value.value.value
    with pytest.raises(ValueError, match="two functions serve"):
        plugin.pull("team")(lambda *_: None)


def test_a_delivery_becomes_located_changes(wit: Bindings) -> None:
    plugin = Plugin()

    @plugin.webhook
    def receive(config: dict[str, Any], delivery: Any) -> list[Any]:
        return [located(config["org"], upsert("push", delivery.headers["x-delivery"], delivery.json()))]

    delivery = SimpleNamespace(headers=[("X-Delivery", "9")], body=b'{"ref": "main"}')
    (change,) = wit.role("webhook", plugin).receive(b'{"org": "eu"}', delivery)
    item = wit.types.Item(wit.types.ItemKey("push", "9"), b'{"ref":"main"}')
    assert change == wit.types.LocatedChange("eu", wit.types.Change_Upsert(item))


def test_an_operation_is_started_followed_and_ended(wit: Bindings) -> None:
    plugin, cancelled = Plugin(), []

    @plugin.start("toggle")
    def start(invocation: Any) -> Any:
        assert invocation.target.relations["uses"][1].identifier == "b"
        return running({"job": invocation.inputs["job"]}, poll_after=0.25, label="waiting")

    @plugin.poll("toggle")
    def poll(invocation: Any, state: Any) -> Any:
        if state["job"] == 2:
            return failed("the job failed")
        return succeeded({"state": state}, link="http://a/1", changes=[located("all", delete("flag", "f"))])

    plugin.cancel("toggle")(lambda invocation, state: cancelled.append((invocation.run, state)))
    action, given = wit.role("action", plugin), wit.of["action"]
    invocation = given.Invocation("toggle", "run-1", b"{}", b'{"job": 1}', wit.entity())
    assert action.start(invocation) == given.Progress_Running(given.Running(b'{"job":1}', 250, "waiting"))
    gone = wit.types.LocatedChange("all", wit.types.Change_Delete(wit.types.ItemKey("flag", "f")))
    outcome = given.Outcome(b'{"state":{"job":1}}', "http://a/1", [gone])
    assert action.poll(invocation, b'{"job": 1}') == given.Progress_Succeeded(outcome)
    assert action.poll(invocation, b'{"job": 2}') == given.Progress_Failed("the job failed")
    assert action.cancel(invocation, b'{"job": 1}') is None
    assert cancelled == [("run-1", {"job": 1})]


def test_a_rule_that_raises_touches_no_file(wit: Bindings, monkeypatch: pytest.MonkeyPatch) -> None:
    # In a component that has no WASI, looking for a file is a trap instead of an error.
    plugin = Plugin()
    monkeypatch.setattr(sys, "path", list(sys.path))

    @plugin.rule("lazy")
    def lazy(params: dict[str, Any], subject: Any) -> Any:
        import nothing_of_that_name  # noqa: PLC0415

        return nothing_of_that_name

    rule, subjects = wit.role("rule", plugin), [wit.of["rule"].Subject(wit.entity(), [], 0)]
    touched: list[object] = []
    with monkeypatch.context() as patched, pytest.raises(wit.err) as caught:
        patched.setattr(os, "stat", lambda path, *_, **__: touched.append(path))
        rule.evaluate("lazy", b"{}", subjects)
    assert touched == []
    assert re.match(r"ModuleNotFoundError: .*nothing_of_that_name.* \(test_roles.py, line \d+\)", caught.value.value)


def test_a_rule_gives_a_verdict_for_each_subject_in_order(wit: Bindings, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Plugin()
    monkeypatch.setattr(sys, "path", list(sys.path))

    @plugin.rule("titled")
    def titled(params: dict[str, Any], subject: Any) -> Any:
        assert subject.now == datetime(2026, 1, 1, tzinfo=UTC)
        if subject.entity.title == "skip":
            return not_applicable()
        return passes() if subject.entity.title else fails(f"no title, and {params['why']}")

    rule, given = wit.role("rule", plugin), wit.of["rule"]
    now = 1767225600000
    subjects = [given.Subject(wit.entity(title), [wit.entity()], now) for title in ("a", None, "skip")]
    assert rule.evaluate("titled", b'{"why": "it needs one"}', subjects) == [
        given.Verdict_Pass(),
        given.Verdict_Fail("no title, and it needs one"),
        given.Verdict_NotApplicable(),
    ]
    with pytest.raises(wit.err, match="there is no key 'why'"):
        rule.evaluate("titled", b"{}", subjects)
    with pytest.raises(wit.err, match="it has: titled"):
        rule.evaluate("other", b"{}", subjects)
    plugin.rule("bool")(lambda params, subject: True)
    with pytest.raises(wit.err, match=r"returned True; expected passes\(\)"):
        rule.evaluate("bool", b"{}", subjects)
