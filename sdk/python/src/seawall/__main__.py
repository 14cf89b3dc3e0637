"""Pulls a kind of a plugin as plain Python, and prints its items, one JSON object a line.

    python -m seawall --kind item --config '{"base_url": "http://127.0.0.1:8080"}' [--header 'X-Token: secret']

Nothing is denied here: `seawall plugin dev` runs the component in its sandbox.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from seawall import errors, testing


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(prog="python -m seawall", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--project", default=".", help="folder with plugin.py")
    parser.add_argument("--kind", required=True)
    parser.add_argument("--config", type=json.loads, default={}, help="JSON")
    parser.add_argument("--selector", type=json.loads, default={}, help="JSON")
    parser.add_argument("--header", action="append", default=[], help="'Name: value', as the host would attach it")
    args = parser.parse_args()
    sys.path[:0] = [args.project, f"{args.project}/vendor"]
    plugin = importlib.import_module("plugin").plugin
    headers = {name.strip(): value.strip() for name, _, value in (header.partition(":") for header in args.header)}
    with testing.credentials(headers):
        try:
            walked = testing.walk(plugin, args.kind, args.config, args.selector)
        except errors.PluginError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            return 1
    for (partition, key), value in walked.items.items():
        sys.stdout.write(json.dumps({"partition": partition, "key": key, "value": value}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{len(walked.items)} items, {walked.pages} pages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
