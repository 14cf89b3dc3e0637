"""Builds a Python plugin into a component.

    python build.py --project DIR --out FILE.wasm --world WORLD_DIR [--cache DIR]

DIR holds plugin.py and plugin.yaml; a folder `vendor` in it may hold pure Python packages. WORLD_DIR holds world.wit
(the world `plugin` with the roles) and deps/. `seawall plugin build` calls this, with the packages of requirements.txt
installed. With --cache the same code is not made into a component twice. Downloads nothing. Exit code 1 and a message
on stderr if the plugin is wrong.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import cache

HERE = Path(__file__).resolve().parent
SDK = HERE / "src"
CHECK = HERE / "check.py"
# Names of the bindings' modules, the same whatever else a world imports.
NAMES = {"seawall:plugin/types@0.1.0": "plugin_types", "wasi:http/types@0.2.12": "http_types"}
# What the standard library imports inside functions, where a component has no files to import from any more.
PRELOAD = [
    "_colorize", "_strptime", "ast", "calendar", "encodings.ascii", "encodings.idna", "encodings.latin_1", "linecache",
    "textwrap", "tokenize", "traceback", "unicodedata",
]  # fmt: skip


class BuildError(Exception):
    """What is wrong, for the author."""


def main() -> int:
    """Runs the build."""
    parser = argparse.ArgumentParser(description="Builds a Python plugin into a component.")
    parser.add_argument("--project", type=Path, required=True, help="folder with plugin.py and plugin.yaml")
    parser.add_argument("--out", type=Path, required=True, help="the component to write")
    parser.add_argument("--world", type=Path, required=True, help="folder with world.wit and deps/")
    parser.add_argument("--cache", type=Path, help="folder where components are kept")
    args = parser.parse_args()
    try:
        build(args.project.resolve(), args.out.resolve(), args.world.resolve(), args.cache and args.cache.resolve())
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def build(project: Path, out: Path, world: Path, kept: Path | None = None) -> None:
    """Checks the plugin natively, where mistakes show in a tenth of a second, then makes the component."""
    for needed, example in (
        (project / "plugin.py", "plugin = Plugin()"),
        (project / "plugin.yaml", "roles: [ingestor]"),
    ):
        if not needed.is_file():
            raise BuildError(f"{needed}: there is no such file; a Python plugin needs it, with `{example}`")
    roles = roles_of(world / "world.wit")
    paths = [SDK, project, *([project / "vendor"] if (project / "vendor").is_dir() else [])]
    check(project, roles, paths)
    with tempfile.TemporaryDirectory(prefix="seawall-python-") as name:
        work = Path(name)
        entry = glue(roles, lazy_imports([project, *paths[2:]]))
        (work / "seawall_app.py").write_text(entry, encoding="utf-8")
        made = work / "component.wasm"
        components = cache.Cache(kept, lambda: cache.key(project, [HERE, world], entry))
        if not components.take(made):
            componentize(world, roles, [work, *paths], made)
            components.keep(made)
        out.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target first, so that nobody ever reads half a component.
        half = out.with_name(f"{out.name}.part")
        half.write_bytes(made.read_bytes())
        half.replace(out)


def roles_of(world: Path) -> list[str]:
    """The roles that the world includes."""
    try:
        text = world.read_text(encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{world}: cannot be read ({error.strerror})") from None
    roles = sorted(set(re.findall(r"\binclude\s+seawall:plugin/(ingestor|webhook|action|rule)-plugin\b", text)))
    if not roles:
        raise BuildError(
            f"{world}: includes no role; expected `include seawall:plugin/ingestor-plugin@0.1.0;` or another"
        )
    return roles


def check(project: Path, roles: list[str], paths: list[Path]) -> None:
    """Imports the plugin in a process of its own and compares it with its manifest."""
    try:
        manifest = yaml.safe_load((project / "plugin.yaml").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"plugin.yaml is no YAML: {error}") from None
    manifest = manifest if isinstance(manifest, dict) else {}
    names = [f"{part}={name}" for part in ("kinds", "operations", "rules") for name in manifest.get(part) or {}]
    # -S: only the SDK, the plugin and its vendored packages can be imported, as in the component.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", str(CHECK), ",".join(roles), *names]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildError(
            done.stderr.strip() or f"plugin.py ended Python with code {done.returncode} while it was imported"
        )


def lazy_imports(folders: list[Path]) -> list[str]:
    """Modules that the plugin's files import inside functions. In a component they must have been imported before."""
    found: set[str] = set()
    for file in {file for folder in folders for file in folder.rglob("*.py") if "tests" not in file.parts}:
        try:
            tree = ast.parse(file.read_bytes(), str(file))
        except SyntaxError:
            continue  # Not the plugin's own, or the check would have said so.
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import):
                        found.update(alias.name for alias in node.names)
                    elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                        found.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return sorted(found)


def glue(roles: list[str], lazy: list[str]) -> str:
    """The module that componentize-py starts from: the roles' classes over the author's plugin."""
    rule_only = roles == ["rule"]
    lines = ["# Generated by build.py.", "import importlib", ""]
    lines += ["import seawall._wit.silence"] if rule_only else ["import seawall._wit.log", "import seawall._wit.http"]
    lines += ["import seawall._wit.catalog"] if "action" in roles else []
    lines += [f"import seawall._wit.{role}" for role in roles]
    lines += [f"for name in {[*PRELOAD, *lazy]!r}:", "    try:", "        importlib.import_module(name)"]
    lines += ["    except ImportError:", "        pass"]
    lines += ["from plugin import plugin", ""]
    lines += [f"{role.capitalize()} = seawall._wit.{role}.export(plugin)" for role in roles]
    return "\n".join(lines) + "\n"


def componentize(world: Path, roles: list[str], paths: list[Path], out: Path) -> None:
    """Calls componentize-py."""
    command = [sys.executable, "-c", "import sys, componentize_py; sys.exit(componentize_py.script())", "-q"]
    command += ["-d", str(world), "-w", "plugin", "--world-module", "seawall_bindings"]
    for interface, module in NAMES.items():
        command += ["--import-interface-name", f"{interface}={module}"]
    command += ["componentize", "seawall_app", "-o", str(out)]
    # A rule imports nothing, so what WASI it would have is stubbed.
    command += ["-s"] if roles == ["rule"] else []
    for path in paths:
        command += ["-p", str(path)]
    # An environment without packages: else this one's own would be found by the plugin, by accident.
    nothing = out.parent / "no-packages"
    (nothing / "lib" / "site-packages").mkdir(parents=True)
    env = {**os.environ, "VIRTUAL_ENV": str(nothing)}
    done = subprocess.run(command, cwd=out.parent, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0 or not out.is_file():
        said = "\n".join(part for part in (done.stdout.strip(), done.stderr.strip()) if part)
        raise BuildError(f"componentize-py failed (code {done.returncode}):\n{said}")


if __name__ == "__main__":
    sys.exit(main())
