"""Imports plugin.py and compares it with the manifest. Run by build.py: check.py ROLES [kinds=NAME …]."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path


def main() -> int:
    """Says on stderr what is wrong."""
    roles, named = sys.argv[1].split(","), [argument.split("=", 1) for argument in sys.argv[2:]]
    # This script's folder, put there by Python; the plugin's modules come from PYTHONPATH.
    sys.path.remove(str(Path(__file__).resolve().parent))
    try:
        module = importlib.import_module("plugin")
    except BaseException as error:  # noqa: BLE001
        trace = traceback.TracebackException.from_exception(error)
        ours = [frame for frame in trace.stack if Path(frame.filename).parent == Path.cwd()]
        trace.stack = traceback.StackSummary.from_list(ours)
        return _complain(["plugin.py cannot be imported:", "".join(trace.format(chain=False)).rstrip()])
    plugin = getattr(module, "plugin", None)
    if type(plugin).__name__ != "Plugin":
        return _complain(["plugin.py has no `plugin`; expected `plugin = Plugin()`, with `from seawall import Plugin`"])
    return _complain(_problems(plugin, roles, named))


def _problems(plugin: object, roles: list[str], named: list[list[str]]) -> list[str]:
    calls = {"ingestor": "pull", "webhook": "webhook", "action": "start", "rule": "rule"}
    parts = {"ingestor": "kinds", "action": "operations", "rule": "rules"}
    problems = []
    for role, call in calls.items():
        slot = getattr(plugin, call)
        if role in roles and not slot:
            problems.append(f"plugin.yaml has the role {role}, but plugin.py has no function with @plugin.{call}")
        if role not in roles and slot:
            problems.append(f"plugin.py has a function with @plugin.{call}, but plugin.yaml lacks the role {role}")
        if role not in roles or not slot:
            continue
        part = parts.get(role)
        declared = [name for which, name in named if which == part]
        problems += [
            f'plugin.yaml has "{name}" under {part}, but plugin.py has no @plugin.{call}("{name}")'
            for name in declared
            if not slot.serves(name)
        ]
        problems += [
            f'plugin.py has @plugin.{call}("{name}"), but plugin.yaml has no "{name}" under {part}'
            for name in slot.functions
            if name is not None and name not in declared
        ]
    return problems


def _complain(problems: list[str]) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
