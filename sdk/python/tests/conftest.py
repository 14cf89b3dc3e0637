"""The bindings that componentize-py generates, so that conversions are tested against the real classes, natively."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WORLD = """package author:plugin;
world plugin {
%s
}
"""
PLATFORM = ["seawall:platform/http@0.1.0", "seawall:platform/clocks@0.1.0", "seawall:platform/random@0.1.0"]


def make_world(folder: Path, roles: list[str]) -> Path:
    """A world as the host's toolchain writes it."""
    includes = [f"seawall:plugin/{role}-plugin@0.1.0" for role in roles] + (PLATFORM if roles != ["rule"] else [])
    (folder / "deps").mkdir(parents=True)
    for package in [ROOT / "wit" / "plugin", ROOT / "wit" / "platform", *(ROOT / "wit" / "deps").iterdir()]:
        (folder / "deps" / package.name).symlink_to(package)
    (folder / "world.wit").write_text(WORLD % "\n".join(f"  include {name};" for name in includes))
    return folder


@pytest.fixture(scope="session")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Puts the generated modules on the path."""
    from build import NAMES  # noqa: PLC0415

    world = make_world(tmp_path_factory.mktemp("world") / "all", ["ingestor", "webhook", "action", "rule"])
    out = tmp_path_factory.mktemp("bindings")
    command = [
        sys.executable,
        "-c",
        "import sys, componentize_py; sys.exit(componentize_py.script())",
        "-q",
        "-d",
        str(world),
    ]
    command += ["-w", "plugin", "--world-module", "seawall_bindings"]
    for interface, module in NAMES.items():
        command += ["--import-interface-name", f"{interface}={module}"]
    subprocess.run([*command, "bindings", str(out)], check=True)  # noqa: S603
    sys.path.append(str(out))
    return out
