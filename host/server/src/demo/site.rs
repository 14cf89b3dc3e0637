//! What the demo sets up: credentials, integrations, rules, and what it says at its end.

use super::platform::{Platform, Tokens};
use crate::cli::{
    client::{Body, Client},
    error::Result,
};
use serde_json::{Value, json};
use std::path::Path;

/// Puts the sample tools' tokens, sealed.
pub(super) async fn credentials(client: &Client, tokens: &Tokens) -> Result {
    // The plugin sends the whole header, since some servers want `Basic`.
    let prometheus = format!("Bearer {}", tokens.prometheus);
    let all = [
        ("prometheus-token", &prometheus),
        ("unleash-token", &tokens.unleash),
        ("openbao-token", &tokens.openbao),
    ];
    for (name, secret) in all {
        client
            .put(&["credentials", name], json!({"source": "sealed", "secret": secret}))
            .await?;
    }
    Ok(())
}

/// One integration for each plugin that ingests.
pub(super) fn integrations(platform: &Platform, checkout: &Path, plugins: &[String]) -> Vec<Value> {
    let all = [
        json!({
            "name": "prometheus", "plugin": "prometheus", "every_seconds": 15,
            "config": {"prometheus_url": platform.prometheus, "alertmanager_url": platform.alertmanager},
            "credentials": {"prometheus": "prometheus-token", "alertmanager": "prometheus-token"},
        }),
        json!({
            "name": "unleash", "plugin": "unleash", "every_seconds": 30,
            "config": {"base_url": platform.unleash}, "credentials": {"token": "unleash-token"},
        }),
        json!({
            "name": "openbao", "plugin": "openbao", "every_seconds": 60,
            "config": {"base_url": platform.openbao}, "credentials": {"token": "openbao-token"},
        }),
        json!({
            "name": "catalog-files", "plugin": "catalog-files", "every_seconds": 60,
            "config": {"directory": checkout},
        }),
    ];
    all.into_iter()
        .filter(|document| plugins.iter().any(|name| document["plugin"] == name.as_str()))
        .collect()
}

/// Rules that judge what was synced: plugin, rule, blueprint, parameters.
fn rules() -> [(&'static str, &'static str, &'static str, Value); 2] {
    [
        (
            "rules-rust",
            "documented",
            "unleashFeatureFlag",
            json!({"description": "description", "min_length": 30, "link": "url"}),
        ),
        (
            "rules-python",
            "naming",
            "unleashFeatureFlag",
            json!({"pattern": "[a-z][a-z0-9-]*\\.(next|live)"}),
        ),
    ]
}

/// Lets the rule plugins judge; answers a line for each.
pub(super) async fn judge(client: &Client, plugins: &[String]) -> Result<Vec<Value>> {
    let mut lines = Vec::new();
    for (plugin, rule, blueprint, params) in rules() {
        if !plugins.iter().any(|name| name == plugin) {
            continue;
        }
        let body = Body::Json(json!({"blueprint": blueprint, "params": params}));
        let done = client.post(&["rules", plugin, rule, "evaluations"], body).await?;
        lines.push(
            format!(
                "{plugin}/{rule} judged {} × {blueprint}: {} pass, {} fail",
                done["judged"], done["passed"], done["failed"]
            )
            .into(),
        );
    }
    Ok(lines)
}

/// What a newcomer does next.
pub(super) fn invitation(address: &str, token: &str, platform: &Platform) -> String {
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let program = program.as_deref().map(|program| {
        here.as_deref()
            .and_then(|here| program.strip_prefix(here).ok())
            .unwrap_or(program)
    });
    let program = program.map_or_else(|| "seawall".to_owned(), |program| program.display().to_string());
    format!(
        "
Open     {address}
Token    {token}

In another terminal:
  export SEAWALL_SERVER={address} SEAWALL_TOKEN={token}

Three commands to try:
  {program} catalog list unleashFeatureFlag --filter relations.project=checkout
  {program} run start unleash switch-flag --target unleashFeatureFlag/checkout.next --input environment=production --input enabled=true --follow
  {program} audit unleash

The same over HTTP:
  curl -H \"Authorization: Bearer $SEAWALL_TOKEN\" $SEAWALL_SERVER/api/v1/blueprints

Write a plugin of your own for the sample company's service directory at {directory}/items:
  {program} plugin new --lang python directory
  {program} plugin install directory --approve --private 127.0.0.0/8 --config base_url={directory}

Let an alert fire, and see it arrive:
  curl -X POST -H \"Authorization: Bearer {prometheus}\" {url}/sample/fire/cart

Ctrl-C ends the demo; nothing of it is kept.",
        directory = platform.directory,
        prometheus = platform.tokens.prometheus,
        url = platform.prometheus,
    )
}
