"""Reads the paths of a policy out of its text: the subset of HCL that policies are written in, or JSON."""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z_][\w.-]*|-?\d[\w.]*)
      | (?P<sign>[{}\[\]=,:])""",
    re.VERBOSE | re.DOTALL,
)


class UnreadablePolicyError(Exception):
    """The text is beyond what is read here."""


def paths(text: str) -> list[dict[str, Any]]:
    """`[{"path": "secret/data/*", "capabilities": ["read"]}, …]`, in the order of the text."""
    if text.lstrip().startswith("{"):
        return _from_json(text)
    tokens, found = _Tokens(text), []
    while not tokens.done():
        word = tokens.take()
        if word in ("path", '"path"') and tokens.peek() != "=":
            name = json.loads(tokens.take_string())
            tokens.expect("{")
            found.append({"path": name, "capabilities": _capabilities(tokens)})
        else:
            # `name = "…"` at the top says nothing about paths.
            tokens.expect("=")
            tokens.skip_value()
    return found


def _from_json(text: str) -> list[dict[str, Any]]:
    try:
        given = json.loads(text)["path"]
        return [{"path": path, "capabilities": sorted(rule.get("capabilities", []))} for path, rule in given.items()]
    except (ValueError, LookupError, AttributeError, TypeError):
        raise UnreadablePolicyError("no JSON of the shape `{path: {…: {capabilities: […]}}}`") from None


def _capabilities(tokens: _Tokens) -> list[str]:
    """The capabilities in a block whose brace was taken, to its end."""
    found: list[str] = []
    while (word := tokens.take()) != "}":
        if tokens.peek() == "=":
            tokens.take()
            if word.strip('"') == "capabilities":
                found = tokens.take_strings()
                continue
        tokens.skip_value()
    return sorted(found)


class _Tokens:
    def __init__(self, text: str) -> None:
        self._all: list[str] = []
        self._at = 0
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                line = text.count("\n", 0, position) + 1
                raise UnreadablePolicyError(f"line {line}: {text[position : position + 20]!r}")
            position = match.end()
            if match.lastgroup != "skip":
                self._all.append(match.group())

    def done(self) -> bool:
        return self._at >= len(self._all)

    def peek(self) -> str | None:
        return None if self.done() else self._all[self._at]

    def take(self) -> str:
        if self.done():
            raise UnreadablePolicyError("the text ends inside a block")
        self._at += 1
        return self._all[self._at - 1]

    def expect(self, token: str) -> None:
        if (found := self.take()) != token:
            raise UnreadablePolicyError(f"`{found}` where `{token}` was expected")

    def take_string(self) -> str:
        if not (found := self.take()).startswith('"'):
            raise UnreadablePolicyError(f"`{found}` where a string was expected")
        return found

    def take_strings(self) -> list[str]:
        """`["a", "b"]`."""
        self.expect("[")
        found: list[str] = []
        while (token := self.peek()) != "]":
            if token == ",":
                self.take()
            else:
                found.append(json.loads(self.take_string()))
        self.take()
        return found

    def skip_value(self) -> None:
        """A word, a string, a list, or a block."""
        if (token := self.take()) not in ("{", "["):
            return
        depth = 1
        while depth:
            token = self.take()
            depth += (token in "{[") - (token in "}]")


def engines_of(rules: list[dict[str, Any]], mounts: list[str]) -> list[str]:
    """Which secret engines the rules reach, judged by the longest mount path that a rule's path starts with."""
    reached: set[str] = set()
    for rule in rules:
        if rule["capabilities"] == ["deny"]:
            continue
        inside = [mount for mount in mounts if f"{rule['path']}/".startswith(f"{mount}/")]
        reached.update([max(inside, key=len)] if inside else [])
        # `secret*` and `*` reach every mount whose name goes on from there.
        if rule["path"].endswith("*") and "+" not in rule["path"]:
            reached.update(mount for mount in mounts if f"{mount}/".startswith(rule["path"][:-1]))
    return sorted(reached)
