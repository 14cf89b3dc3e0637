//! plugins/prometheus (Rust) against a real Prometheus and Alertmanager: an alert that fires is in the catalog within two
//! seconds, and one that is over goes.

use reqwest::Client;
use seawall_tests::{RealServer, Seawall, component, eventually, free_port};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_fires_is_in_the_catalog_within_two_seconds() {
    let (prometheus, alertmanager) = (free_port(), free_port());
    let _server = RealServer::start("prometheus", &[&prometheus.to_string(), &alertmanager.to_string()], &[]);
    let base = format!("http://127.0.0.1:{prometheus}");
    // The script's rule: its alert fires while the number of requests to this path is odd.
    let switch = || async {
        let answer = Client::new()
            .get(format!("{base}/api/v1/status/flags"))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    };
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/prometheus")).await;
    seawall
        .integrate(json!({
            "name": "prometheus", "plugin": "prometheus", "every_seconds": 5,
            "config": {"prometheus_url": base, "alertmanager_url": format!("http://127.0.0.1:{alertmanager}")}
        }))
        .await;
    let alerts = || async {
        let page = seawall
            .try_get("/api/v1/blueprints/prometheusAlert/entities?limit=1000")
            .await
            .1;
        page["items"].as_array().cloned().unwrap_or_default()
    };
    eventually("targets and rules", || async {
        let has = |blueprint: &'static str| {
            let seawall = &seawall;
            async move {
                seawall
                    .try_get(&format!("/api/v1/blueprints/{blueprint}/count"))
                    .await
                    .1["count"]
                    .as_u64()
                    .unwrap_or(0)
                    > 0
            }
        };
        (has("prometheusTarget").await && has("prometheusRule").await).then_some(())
    })
    .await;
    assert!(alerts().await.is_empty());

    switch().await;
    // From the moment that Prometheus itself says so.
    let url = format!("{base}/api/v1/alerts");
    eventually("Prometheus to fire", || async {
        let body: Value = Client::new().get(&url).send().await.ok()?.json().await.ok()?;
        body["data"]["alerts"]
            .as_array()?
            .iter()
            .any(|a| a["state"] == "firing")
            .then_some(())
    })
    .await;
    let (found, took) = eventually("the alert in the catalog", || async {
        alerts().await.into_iter().find(|a| a.to_string().contains("Switched"))
    })
    .await;
    println!(
        "the alert was in the catalog {} ms after Prometheus said that it fires",
        took.as_millis()
    );
    assert!(took < Duration::from_secs(2), "{took:?}: {found}");

    eventually("Alertmanager's alert", || async {
        let page = seawall.try_get("/api/v1/blueprints/alertmanagerAlert/count").await.1;
        (page["count"].as_u64()? > 0).then_some(())
    })
    .await;

    switch().await;
    eventually("the alert to go", || async { alerts().await.is_empty().then_some(()) }).await;
}
