//! Prometheus and Alertmanager: what is scraped, what may alert, and what does, as it happens.

mod alertmanager;
mod fingerprint;
mod prometheus;
mod watch;

use seawall_sdk::prelude::*;

struct Plugin;

/// The integration's config, as plugin.yaml describes it.
#[derive(Serialize, Deserialize)]
struct Config {
    prometheus_url: String,
    alertmanager_url: Option<String>,
}

impl Ingestor for Plugin {
    /// Each server is one slice. Without an Alertmanager its kinds have none.
    fn partitions(scope: &Scope) -> Result<Vec<String>> {
        let config: Config = scope.config()?;
        Ok(match scope.kind() {
            "alertmanager-alert" | "silence" => config
                .alertmanager_url
                .map(|_| "alertmanager".into())
                .into_iter()
                .collect(),
            _ => vec!["prometheus".into()],
        })
    }

    fn pull(scope: &Scope, _partition: &str, cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        let prometheus = &config.prometheus_url;
        let alertmanager = config.alertmanager_url.as_ref();
        let alertmanager = || alertmanager.ok_or_else(|| Failure::invalid_config("alertmanager_url is not set"));
        match scope.kind() {
            "scrape-target" => snapshot(scope.kind(), &prometheus::targets(prometheus)?),
            "alerting-rule" => snapshot(scope.kind(), &prometheus::rules(prometheus)?),
            "alert" => {
                let finish = |changed: &mut Vec<watch::Found>| prometheus::name_rules(prometheus, changed);
                watch::page(
                    scope.kind(),
                    cursor,
                    || prometheus::alerts(prometheus),
                    finish,
                    watch::patience(),
                )
            }
            "alertmanager-alert" => {
                let base = alertmanager()?;
                watch::page(
                    scope.kind(),
                    cursor,
                    || alertmanager::alerts(base),
                    |_| Ok(()),
                    watch::patience(),
                )
            }
            "silence" => {
                let base = alertmanager()?;
                watch::page(
                    scope.kind(),
                    cursor,
                    || alertmanager::silences(base),
                    |_| Ok(()),
                    watch::patience(),
                )
            }
            other => Err(Failure::NotFound(format!("kind {other}"))),
        }
    }
}

fn snapshot(kind: &str, items: &[(String, Value)]) -> Result<Page> {
    let mut page = Page::complete();
    for (key, item) in items {
        page.upsert(kind, key, item)?;
    }
    Ok(page)
}

seawall_sdk::plugin!(Plugin: ingestor);
