"""A real OpenBao, started once for all tests and ended with them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START = Path(__file__).parents[3] / "tests" / "servers" / "openbao.sh"


@dataclass
class Server:
    """A running server with what openbao.sh seeds."""

    url: str

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Calls the API as root, to arrange what a test needs."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, {"X-Vault-Token": "root"}, method=method)  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.loads(answer.read() or b"{}")

    def token_that_may(self, name: str, rules: str) -> str:
        """A new token with just these rules."""
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": rules})
        made = self.call("POST", "auth/token/create", {"policies": [name], "no_default_policy": True})
        return made["auth"]["client_token"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("openbao")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        subprocess.run([str(START), str(folder), str(port)], check=True)  # noqa: S603
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        pids = folder / "pids"
        for pid in pids.read_text().split() if pids.is_file() else []:
            os.kill(int(pid), signal.SIGTERM)
