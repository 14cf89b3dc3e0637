"""Reads OpenBao: policies, auth methods and their roles, secret engines. Metadata only, never a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall import Page, Plugin, Scope, caught_up, errors, log, more, snapshot_complete, upsert

from bao import Bao
from policy import UnreadablePolicyError, engines_of, paths

plugin = Plugin()

# Each item is a request of its own, so pages are small: what is stored is not asked again after an interruption.
PAGE = 100
# Where each type of auth method keeps what people and machines sign in as.
ROLES = {
    "approle": ["role"],
    "cert": ["certs"],
    "jwt": ["role"],
    "kubernetes": ["role"],
    "ldap": ["groups", "users"],
    "oidc": ["role"],
    "token": ["roles"],
    "userpass": ["users"],
}
# What is taken of a role, by name: an answer that some version adds a secret to must not bring it along.
ROLE_FIELDS = [
    "allowed_redirect_uris", "alias_name_source", "bind_secret_id", "bound_audiences", "bound_claims", "bound_subject",
    "bound_service_account_names", "bound_service_account_namespaces", "groups_claim", "local_secret_ids", "orphan",
    "renewable", "role_type", "secret_id_num_uses", "secret_id_ttl", "token_bound_cidrs",
    "token_explicit_max_ttl", "token_max_ttl", "token_no_default_policy", "token_num_uses", "token_period", "token_ttl",
    "token_type", "user_claim",
]  # fmt: skip
MOUNT_FIELDS = ["type", "description", "local", "seal_wrap", "deprecation_status", "running_plugin_version"]
UNREADABLE = (errors.Unauthorized, errors.Denied)


@plugin.partitions
def partitions(scope: Scope) -> list[str]:
    """One, but for roles: one for each auth method that has any."""
    if scope.kind != "auth-role":
        return ["all"]
    return [path for path, mount in Bao(scope.config).mounts("auth").items() if mount["type"] in ROLES]


@plugin.pull("auth-method")
def auth_methods(scope: Scope, partition: str, cursor: str | None) -> Page:
    """The ways to sign in."""
    mounts = Bao(scope.config).mounts("auth")
    return Page([upsert(scope.kind, path, _mount(path, mount)) for path, mount in mounts.items()], snapshot_complete())


@plugin.pull("secret-engine")
def secret_engines(scope: Scope, partition: str, cursor: str | None) -> Page:
    """The secret engines. Of a key-value engine also how many names are at its top, where the token may list them."""
    bao = Bao(scope.config)
    changes = []
    for path, mount in bao.mounts("mounts").items():
        version = (mount.get("options") or {}).get("version")
        value = {**_mount(path, mount), "version": version, "keys": None}
        # The manifest asks for no deeper path, since with one a secret could be read.
        if mount["type"] == "kv" and version == "2" and "/" not in path:
            try:
                value["keys"] = len(bao.keys(path, "metadata"))
            except UNREADABLE as error:
                log.info(f"secret engine {path}: its keys are not counted ({error})")
        changes.append(upsert(scope.kind, path, value))
    return Page(changes, snapshot_complete())


@plugin.pull("policy")
def policies(scope: Scope, partition: str, cursor: str | None) -> Page:
    """The ACL policies, with the paths and capabilities of each."""
    bao = Bao(scope.config)
    try:
        engines = list(bao.mounts("mounts"))
    except UNREADABLE as error:
        log.warn(f"policies are not related to secret engines, since sys/mounts may not be read ({error})")
        engines = []

    def read(name: str) -> dict[str, Any]:
        found = bao.read("sys", "policies", "acl", name)
        try:
            rules = paths(found.get("policy") or "")
        except UnreadablePolicyError as error:
            log.warn(f"policy {name}: its paths are left out, since its text cannot be read: {error}")
            rules = None
        reached = engines_of(rules or [], engines)
        return {"paths": rules, "engines": reached, "version": found.get("version"), "modified": found.get("modified")}

    return _page(scope.kind, cursor, lambda: bao.keys("sys", "policies", "acl"), lambda name: {"name": name}, read)


@plugin.pull("auth-role")
def auth_roles(scope: Scope, partition: str, cursor: str | None) -> Page:
    """The roles (or users, groups, certificates) of one auth method."""
    bao = Bao(scope.config)
    mount = bao.mounts("auth").get(partition)
    if mount is None:
        # Taken away since the partitions were listed, and its roles with it.
        return Page([], snapshot_complete())
    places = ROLES[mount["type"]]

    def names() -> list[str]:
        return sorted(f"{place}/{name}" for place in places for name in bao.keys("auth", partition, place))

    def known(key: str) -> dict[str, Any]:
        place, _, name = key.partition("/")
        return {"id": f"{partition}/{key}", "name": name, "place": place, "mount": partition, "type": mount["type"]}

    def read(key: str) -> dict[str, Any]:
        found = bao.read("auth", partition, key)
        # `policies` is the older name that LDAP still uses; token roles say what they allow.
        given = found.get("token_policies") or found.get("policies") or found.get("allowed_policies") or []
        return {**{field: found[field] for field in ROLE_FIELDS if field in found}, "policies": sorted(given)}

    try:
        return _page(scope.kind, cursor, names, known, read)
    except UNREADABLE as error:
        # Not an empty snapshot, which would remove what is known of this method; and no error, since the token is good.
        log.warn(f"auth method {partition}: its roles may not be listed ({error})")
        return Page([], caught_up("unreadable"))


def _page(
    kind: str,
    cursor: str | None,
    names: Callable[[], list[str]],
    known: Callable[[str], dict[str, Any]],
    read: Callable[[str], dict[str, Any]],
) -> Page:
    """The next names after the cursor, each read; what may not be read has just what its name says."""
    after = cursor.removeprefix("after:") if cursor and cursor.startswith("after:") else ""
    left = [name for name in names() if name > after]
    changes, unreadable = [], []
    for name in left[:PAGE]:
        try:
            changes.append(upsert(kind, name, {**known(name), "readable": True, **read(name)}))
        except errors.NotFound:
            continue  # Taken away since it was listed.
        except UNREADABLE as error:
            unreadable.append(f"{name} ({error})")
            changes.append(upsert(kind, name, {**known(name), "readable": False}))
    if unreadable:
        # Had the token expired on the way, this would raise, before half-known items replace known ones.
        names()
        log.warn(f"{len(unreadable)} of {kind} may be listed but not read, such as {unreadable[0]}")
    return Page(changes, more(f"after:{left[PAGE - 1]}") if len(left) > PAGE else snapshot_complete())


def _mount(path: str, mount: dict[str, Any]) -> dict[str, Any]:
    config = mount.get("config") or {}
    limits = {name: config.get(name) for name in ("default_lease_ttl", "max_lease_ttl")}
    return {"path": path, **{name: mount.get(name) for name in MOUNT_FIELDS}, **limits}
