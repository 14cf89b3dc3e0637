"""The plugin: functions, and what they serve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from seawall.errors import Failed, NotFound
from seawall.values import Delivery, Invocation, Located, Page, Progress, Scope, Subject, Verdict

F = TypeVar("F", bound=Callable[..., Any])

PartitionsFunction = Callable[[Scope], list[str]]
PullFunction = Callable[[Scope, str, str | None], Page]
WebhookFunction = Callable[[dict[str, Any], Delivery], list[Located]]
StartFunction = Callable[[Invocation], Progress]
PollFunction = Callable[[Invocation, Any], Progress]
CancelFunction = Callable[[Invocation, Any], None]
RuleFunction = Callable[[dict[str, Any], Subject], Verdict]


class Slot(Generic[F]):
    """A decorator that keeps the functions of one call by the names they serve: `@slot` for any, or `@slot("name")`."""

    def __init__(self, call: str) -> None:
        self.call = call
        self.functions: dict[str | None, F] = {}

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(self, *names: str) -> Callable[[F], F]: ...
    def __call__(self, *args: Any) -> Any:
        """Keeps a function for `names`, or for every name that no other function serves."""
        if len(args) == 1 and callable(args[0]):
            return self._keep([None], args[0])
        if not args or not all(isinstance(name, str) for name in args):
            raise TypeError(f'write `@plugin.{self.call}`, or `@plugin.{self.call}("name")`')
        return lambda function: self._keep(list(args), function)

    def _keep(self, names: list[str | None], function: F) -> F:
        for name in names:
            if name in self.functions:
                raise ValueError(f"two functions serve @plugin.{self.call}" + (f'("{name}")' if name else ""))
            self.functions[name] = function
        return function

    def __bool__(self) -> bool:
        """Whether there is any function."""
        return bool(self.functions)

    def find(self, name: str | None) -> F | None:
        """The function for `name`."""
        return self.functions.get(name) or self.functions.get(None)

    def serves(self, name: str) -> bool:
        """Whether a function is there for `name`."""
        return self.find(name) is not None

    def get(self, name: str) -> F:
        """The function for `name`, or a `NotFound` that lists what there is."""
        found = self.find(name)
        if found is None:
            known = ", ".join(sorted(key for key in self.functions if key)) or "none"
            raise NotFound(f'plugin.py has no @plugin.{self.call}("{name}"); it has: {known}')
        return found


class Plugin:
    """What `plugin.py` names `plugin`. Its attributes are decorators.

    >>> from seawall import Page, Plugin, snapshot_complete, upsert
    >>> plugin = Plugin()
    >>> @plugin.pull("item")
    ... def items(scope, partition, cursor):
    ...     return Page([upsert("item", "a", {"name": "A"})], snapshot_complete())
    """

    def __init__(self) -> None:
        self.partitions: Slot[PartitionsFunction] = Slot("partitions")
        """`(scope) -> list[str]`: slices of a kind that can be pulled side by side. Absent: one, named `all`."""
        self.pull: Slot[PullFunction] = Slot("pull")
        """`(scope, partition, cursor) -> Page`: one page; `cursor` is None at the start of a pass. By kind."""
        self.webhook: Slot[WebhookFunction] = Slot("webhook")
        """`(config, delivery) -> list[Located]`: what a verified delivery changes."""
        self.start: Slot[StartFunction] = Slot("start")
        """`(invocation) -> Progress`: starts an operation. By operation."""
        self.poll: Slot[PollFunction] = Slot("poll")
        """`(invocation, state) -> Progress`: follows what answered `running`. By operation."""
        self.cancel: Slot[CancelFunction] = Slot("cancel")
        """`(invocation, state) -> None`: stops what answered `running`. By operation."""
        self.rule: Slot[RuleFunction] = Slot("rule")
        """`(params, subject) -> Verdict`: judges one entity. By rule."""

    # What the host calls, with plain values. Tests may call these too.

    def call_partitions(self, scope: Scope) -> list[str]:
        """The partitions of a kind."""
        function = self.partitions.find(scope.kind)
        return ["all"] if function is None else _of(list, "partitions", "a list of strings", function(scope))

    def call_pull(self, scope: Scope, partition: str, cursor: str | None) -> Page:
        """One page of one partition."""
        page = self.pull.get(scope.kind)(scope, partition, cursor)
        return _of(Page, "pull", "Page(changes, next)", page)

    def call_webhook(self, config: dict[str, Any], delivery: Delivery) -> list[Located]:
        """What a delivery changes."""
        function = self.webhook.find(None)
        if function is None:
            raise Failed("plugin.py has no @plugin.webhook")
        return _of(list, "webhook", "a list of located(partition, change)", function(config, delivery))

    def call_start(self, invocation: Invocation) -> Progress:
        """Starts an operation."""
        return _progress("start", self.start.get(invocation.operation)(invocation))

    def call_poll(self, invocation: Invocation, state: Any) -> Progress:
        """Follows an operation."""
        return _progress("poll", self.poll.get(invocation.operation)(invocation, state))

    def call_cancel(self, invocation: Invocation, state: Any) -> None:
        """Stops an operation. One without a function for it has nothing to stop."""
        function = self.cancel.find(invocation.operation)
        if function is not None:
            function(invocation, state)

    def call_rule(self, name: str, params: dict[str, Any], subjects: list[Subject]) -> list[Verdict]:
        """One verdict for each subject, in order."""
        function = self.rule.get(name)
        expected = "passes(), fails(reason) or not_applicable()"
        return [_of(Verdict, f'rule("{name}")', expected, function(params, subject)) for subject in subjects]


def _progress(call: str, value: Any) -> Progress:
    return _of(Progress, call, "succeeded(…), failed(message) or running(state)", value)


def _of(type: Any, call: str, expected: str, value: Any) -> Any:
    if not isinstance(value, type):
        raise TypeError(f"@plugin.{call} returned {value!r:.100}; expected {expected}")
    return value
