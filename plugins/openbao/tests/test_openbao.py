"""Against a real server: what is read, what is left out, and what is asked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from conftest import Server
from seawall import errors, http, log, testing
from seawall.testing import Walk, answers, credentials, transport
from seawall.values import CaughtUp, SnapshotComplete

from plugin import plugin

MANIFEST = yaml.safe_load((Path(__file__).parents[1] / "plugin.yaml").read_text())
SECRET = "never-show-this-value"


def walk(server: Server, kind: str, token: str = "root") -> Walk:
    with credentials({"X-Vault-Token": token}):
        return testing.walk(plugin, kind, {"base_url": server.url})


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(log, "sink", lambda level, message: lines.append(message) if level == "warn" else None)
    return lines


def test_lists_policies_with_paths_and_the_engines_they_reach(server: Server) -> None:
    policies = walk(server, "policy").values()
    assert {"default", "root", "payments-read", "platform-admin"} <= set(policies)
    assert policies["payments-read"]["paths"] == [
        {"path": "secret/data/payments/*", "capabilities": ["list", "read"]},
        {"path": "pki/issue/payments", "capabilities": ["create", "update"]},
    ]
    assert policies["payments-read"]["engines"] == ["pki", "secret"]


def test_lists_auth_methods(server: Server) -> None:
    methods = walk(server, "auth-method").values()
    assert {path: method["type"] for path, method in methods.items()} == {
        "approle": "approle",
        "token": "token",
        "userpass": "userpass",
    }
    assert methods["approle"]["description"] == "Services sign in here"


def test_lists_the_roles_of_each_method_in_its_own_partition(server: Server) -> None:
    walked = walk(server, "auth-role")
    assert set(walked.items) == {("approle", "role/deployer"), ("approle", "role/payments"), ("userpass", "users/ada")}
    payments = walked.items["approle", "role/payments"]
    assert payments["id"] == "approle/role/payments"
    assert payments["policies"] == ["payments-read"]
    assert (payments["token_ttl"], payments["token_max_ttl"], payments["secret_id_num_uses"]) == (1200, 3600, 40)


def test_lists_secret_engines_and_counts_names_without_reading_values(server: Server) -> None:
    engines = walk(server, "secret-engine").values()
    assert engines["pki"]["type"] == "pki"
    assert engines["pki"]["max_lease_ttl"] == 720 * 3600
    assert engines["secret"]["version"] == "2"
    assert engines["secret"]["keys"] == 2


def test_no_secret_is_in_any_item(server: Server) -> None:
    items = {kind: list(walk(server, kind).items.values()) for kind in MANIFEST["kinds"]}
    assert all(items.values())
    assert SECRET not in json.dumps(items)
    # And it is there to be found, so that the line above means something.
    assert SECRET in json.dumps(server.call("GET", "secret/data/payments/database"))


def test_asks_only_what_the_manifest_names(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.call("POST", "sys/auth/team/a", {"type": "approle"})
    server.call("POST", "auth/team/a/role/svc.a", {"token_policies": "payments-read"})
    asked: list[tuple[str, str]] = []
    send = http.transport

    def recorded(method: str, url: str, *rest: Any) -> Any:
        asked.append((method, unquote(urlsplit(url).path)))
        return send(method, url, *rest)

    monkeypatch.setattr(http, "transport", recorded)
    try:
        for kind in MANIFEST["kinds"]:
            walk(server, kind)
    finally:
        server.call("DELETE", "sys/auth/team/a")
    assert ("GET", "/v1/auth/team/a/role/svc.a") in asked
    rules = [path for rule in MANIFEST["capabilities"]["network"] for path in rule["paths"]]
    allowed = [
        re.compile("/".join({"*": "[^/]+", "**": ".+"}.get(s, re.escape(s)) for s in path.split("/"))) for path in rules
    ]
    assert [each for each in asked if each[0] != "GET" or not any(rule.fullmatch(each[1]) for rule in allowed)] == []


def test_the_manifest_reaches_no_secret() -> None:
    for path in (
        "/v1/secret/data/payments/database",
        "/v1/auth/approle/role/payments/secret-id",
        "/v1/pki/issue/payments",
    ):
        for rule in MANIFEST["capabilities"]["network"]:
            for pattern in rule["paths"]:
                parts = [{"*": "[^/]+", "**": ".+"}.get(part, re.escape(part)) for part in pattern.split("/")]
                assert not re.fullmatch("/".join(parts), path), f"{pattern} reaches {path}"


def test_a_method_whose_roles_may_not_be_listed_is_left_as_it_was(server: Server, warnings: list[str]) -> None:
    rules = 'path "sys/auth" { capabilities = ["read"] } path "auth/approle/role*" { capabilities = ["read", "list"] }'
    walked = walk(server, "auth-role", server.token_that_may("approle-only", rules))
    assert set(walked.items) == {("approle", "role/deployer"), ("approle", "role/payments")}
    assert isinstance(walked.next["approle"], SnapshotComplete)
    # Caught up removes nothing; a complete snapshot without users would remove ada.
    assert isinstance(walked.next["userpass"], CaughtUp)
    assert any("userpass" in line for line in warnings)


def test_what_may_be_listed_but_not_read_is_known_by_name(server: Server, warnings: list[str]) -> None:
    listing = 'path "sys/policies/acl" { capabilities = ["list"] }'
    rules = f'{listing} path "sys/policies/acl/default" {{ capabilities = ["read"] }}'
    policies = walk(server, "policy", server.token_that_may("names-only", rules)).values()
    assert policies["default"]["readable"] is True
    assert policies["payments-read"] == {"name": "payments-read", "readable": False}
    assert any("may be listed but not read" in line for line in warnings)


@pytest.mark.parametrize("kind", sorted(MANIFEST["kinds"]))
def test_a_token_that_may_nothing_is_refused(server: Server, kind: str) -> None:
    with pytest.raises(errors.Unauthorized, match="permission denied"):
        walk(server, kind, "no-such-token")


def test_a_token_that_expires_on_the_way_replaces_nothing() -> None:
    lists = iter([(200, {"data": {"keys": ["a"]}}), (403, {"errors": ["permission denied"]})])
    table = {
        "http://bao/v1/sys/mounts": {"data": {}},
        "http://bao/v1/sys/policies/acl?list=true": lambda: next(lists),
        "http://bao/v1/sys/policies/acl/a": (403, {"errors": ["permission denied"]}),
    }
    with transport(answers(table)), pytest.raises(errors.Unauthorized):
        testing.walk(plugin, "policy", {"base_url": "http://bao"})


def test_pages_go_on_after_the_last_name() -> None:
    names = [f"p{number:03}" for number in range(250)]
    table: dict[str, Any] = {f"http://bao/v1/sys/policies/acl/{name}": {"data": {"policy": ""}} for name in names}
    table["http://bao/v1/sys/policies/acl?list=true"] = {"data": {"keys": names}}
    table["http://bao/v1/sys/mounts"] = {"data": {}}
    with transport(answers(table)):
        walked = testing.walk(plugin, "policy", {"base_url": "http://bao"})
    assert (walked.pages, sorted(walked.values())) == (3, names)


def test_a_sealed_server_is_unavailable() -> None:
    sealed = answers({"http://bao/v1/sys/auth": (503, {"errors": ["Vault is sealed"]})})
    with transport(sealed), pytest.raises(errors.Unavailable, match="sealed"):
        testing.walk(plugin, "auth-role", {"base_url": "http://bao"})


def test_the_namespace_goes_with_every_request() -> None:
    seen: list[str | None] = []

    def send(method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, timeout: float) -> Any:
        seen.append(dict(headers).get("x-vault-namespace"))
        return 200, [], b'{"data": {}}'

    with transport(send):
        testing.walk(plugin, "auth-method", {"base_url": "http://bao", "namespace": "platform/team-a"})
    assert seen == ["platform/team-a"]


def test_the_policy_in_the_readme_is_enough(server: Server, warnings: list[str]) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    written = readme.split("```hcl\n")[1].split("```")[0]
    places = ["approle/role", "userpass/users", "token/roles"]
    token = server.token_that_may("readme", "".join(written.replace("approle/role", place) for place in places))
    for kind in MANIFEST["kinds"]:
        walked = walk(server, kind, token)
        assert walked.items
        assert all(item.get("readable", True) for item in walked.items.values())
    assert walk(server, "secret-engine", token).values()["secret"]["keys"] == 2
    assert warnings == []
