"""OpenBao's HTTP API, as far as this plugin reads it. HashiCorp Vault's is the same."""

from __future__ import annotations

from typing import Any

from seawall import errors, http


class Bao:
    """Reads one server. The host attaches the token."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._base = http.join(config["base_url"], "v1")
        # OpenBao and its agent can be set to refuse what lacks this, against requests forged by a browser.
        self._headers = {"X-Vault-Request": "true"}
        if config.get("namespace"):
            self._headers["X-Vault-Namespace"] = config["namespace"]

    def read(self, *path: str, list: bool = False) -> dict[str, Any]:
        """What the path holds, or with `list` what is below it. Raises the SDK's errors."""
        # LIST is a method of OpenBao's own, and GET with a parameter means the same.
        params = {"list": "true"} if list else None
        answer = http.get(http.join(self._base, *path), params=params, headers=self._headers).raise_for_status().json()
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise errors.Failed(f"{'/'.join(path)} answered no `data`; is this address an OpenBao server?")
        return data

    def keys(self, *path: str) -> list[str]:
        """The names below a path, sorted. Nothing there is answered with 404, and is no error."""
        try:
            return sorted(self.read(*path, list=True).get("keys") or [])
        except errors.NotFound:
            return []

    def mounts(self, table: str) -> dict[str, dict[str, Any]]:
        """The mount table `auth` or `mounts`, by path without the slash at its end."""
        return {path.rstrip("/"): mount for path, mount in sorted(self.read("sys", table).items())}
