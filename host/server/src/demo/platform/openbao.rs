//! Answers as OpenBao's HTTP API does: mounts, auth methods, policies and roles. There are no secrets in it.

use super::{
    World,
    company::{Service, TEAMS, services},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Arc};

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new().route("/v1/{*path}", get(read)).with_state(world)
}

/// Every read and list. LIST is asked for as `?list=true`.
async fn read(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let parts: Vec<_> = path.trim_end_matches('/').split('/').collect();
    let is_list = query.get("list").is_some_and(|list| list == "true");
    let data = if is_list {
        list(&parts).map(|keys| json!({"keys": keys}))
    } else {
        one(&world, &parts)
    };
    match data {
        Some(data) => Json(json!({
            "request_id": "00000000-0000-0000-0000-000000000000", "lease_id": "", "renewable": false, "lease_duration": 0,
            "data": data, "wrap_info": null, "warnings": null, "auth": null,
        }))
        .into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({"errors": []}))).into_response(),
    }
}

fn list(path: &[&str]) -> Option<Vec<String>> {
    let names = || services().map(|service| service.name.to_owned());
    Some(match path {
        ["sys", "policies", "acl"] => names()
            .chain(["default", "root", "auditors"].map(str::to_owned))
            .collect(),
        ["auth", "approle", "role"] => services()
            .filter(|service| service.tier > 1)
            .map(|service| service.name.to_owned())
            .collect(),
        ["auth", "kubernetes", "role"] => services()
            .filter(|service| service.tier == 1)
            .map(|service| service.name.to_owned())
            .collect(),
        ["auth", "userpass", "users"] => TEAMS.iter().map(|(team, _)| format!("{team}-lead")).collect(),
        [mount, "metadata"] if is_team(mount) => services()
            .filter(|s| s.team == *mount)
            .map(|s| s.name.to_owned())
            .collect(),
        _ => return None,
    })
}

fn one(world: &World, path: &[&str]) -> Option<Value> {
    match path {
        ["sys", "mounts"] => Some(mounts()),
        ["sys", "auth"] => Some(auth()),
        ["sys", "policies", "acl", name] => policy(world, name),
        ["auth", "approle", "role", name] => service(name).filter(|service| service.tier > 1).map(approle),
        ["auth", "kubernetes", "role", name] => service(name).filter(|service| service.tier == 1).map(kubernetes),
        ["auth", "userpass", "users", name] => name.strip_suffix("-lead").filter(|team| is_team(team)).map(user),
        _ => None,
    }
}

fn service(name: &str) -> Option<Service> {
    services().find(|service| service.name == name)
}

fn is_team(name: &str) -> bool {
    TEAMS.iter().any(|(team, _)| *team == name)
}

fn mount(kind: &str, about: &str, options: Value) -> Value {
    json!({
        "type": kind, "description": about, "local": false, "seal_wrap": false, "external_entropy_access": false,
        "accessor": format!("{kind}_sample"), "options": options, "plugin_version": "", "running_plugin_version": "v2.4.0+builtin.bao",
        "deprecation_status": "supported", "config": {"default_lease_ttl": 0, "max_lease_ttl": if kind == "pki" { 7_776_000 } else { 0 }},
    })
}

fn mounts() -> Value {
    let mut all = Map::new();
    for (team, about) in TEAMS {
        all.insert(
            format!("{team}/"),
            mount(
                "kv",
                &format!("{team}: {}", about.to_lowercase()),
                json!({"version": "2"}),
            ),
        );
    }
    for (path, kind, about) in [
        ("cubbyhole/", "cubbyhole", "per-token private secret storage"),
        ("identity/", "identity", "identity store"),
        (
            "sys/",
            "system",
            "system endpoints used for control, policy and debugging",
        ),
        ("pki/", "pki", "Certificates between services"),
        ("database/", "database", "Short-lived database users"),
        ("transit/", "transit", "Encryption of customers' data"),
    ] {
        all.insert(path.to_owned(), mount(kind, about, Value::Null));
    }
    Value::Object(all)
}

fn auth() -> Value {
    let method = |kind: &str, about: &str| mount(kind, about, Value::Null);
    json!({
        "token/": method("token", "token based credentials"),
        "approle/": method("approle", "Services outside of the cluster"),
        "kubernetes/": method("kubernetes", "Services in the cluster"),
        "userpass/": method("userpass", "Team leads, when single sign-on is down"),
    })
}

/// A service's policy lets it read its own secrets, and its team's certificates and databases.
fn policy(world: &World, name: &str) -> Option<Value> {
    let text = match name {
        "root" => String::new(),
        "default" => "path \"auth/token/lookup-self\" {\n  capabilities = [\"read\"]\n}\n".to_owned(),
        "auditors" => "path \"sys/policies/acl/*\" {\n  capabilities = [\"read\", \"list\"]\n}\npath \"sys/audit\" {\n  capabilities = [\"read\", \"sudo\"]\n}\n".to_owned(),
        _ => {
            let service = service(name)?;
            let mut text = format!("# {}\npath \"{}/data/{name}/*\" {{\n  capabilities = [\"read\"]\n}}\n", service.about, service.team);
            text.push_str(&format!("path \"pki/issue/{name}\" {{\n  capabilities = [\"update\"]\n}}\n"));
            if matches!(service.language, "java" | "kotlin") {
                text.push_str(&format!("path \"database/creds/{name}\" {{\n  capabilities = [\"read\"]\n}}\n"));
            }
            text
        }
    };
    Some(
        json!({"name": name, "policy": text, "version": 1, "modified": world.ago(40 * 24 * 3600), "cas_required": false}),
    )
}

fn approle(service: Service) -> Value {
    json!({
        "bind_secret_id": true, "local_secret_ids": false, "secret_id_bound_cidrs": null, "secret_id_num_uses": 0,
        "secret_id_ttl": 2_592_000, "token_bound_cidrs": [], "token_explicit_max_ttl": 0, "token_max_ttl": 14_400,
        "token_no_default_policy": false, "token_num_uses": 0, "token_period": 0, "token_policies": [service.name],
        "token_ttl": 3_600, "token_type": "service",
    })
}

fn kubernetes(service: Service) -> Value {
    json!({
        "alias_name_source": "serviceaccount_uid", "audience": "", "bound_service_account_names": [service.name],
        "bound_service_account_namespaces": [service.team], "token_bound_cidrs": [], "token_explicit_max_ttl": 0,
        "token_max_ttl": 0, "token_no_default_policy": false, "token_num_uses": 0, "token_period": 0,
        "token_policies": [service.name], "token_ttl": 1_200, "token_type": "default",
    })
}

fn user(team: &str) -> Value {
    let policies: Vec<_> = services()
        .filter(|service| service.team == team)
        .map(|service| service.name)
        .collect();
    json!({"token_policies": policies, "token_ttl": 900, "token_max_ttl": 900, "token_type": "default", "token_num_uses": 0})
}
