//! The door out: what was not asked for and granted is refused, the secret stays with the host, and everything is recorded.

use crate::integration;
use reqwest::Method;
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::{Value, json};

const SECRET: &str = "s3cret-never-in-a-guest";

/// Lets the probe fetch `url` and gives its pass with the newest egress record.
async fn fetch(seawall: &Seawall, tool: &Tool, url: &str) -> (Value, Value) {
    let mut wanted = integration(tool, json!({"mode": "fetch", "url": url}));
    wanted["credentials"] = json!({"token": "probe-token"});
    let before = seawall.get("/api/v1/passes?integration=probe").await["items"][0]["id"]
        .as_i64()
        .unwrap_or(0);
    seawall.integrate(wanted).await;
    let (pass, _) = eventually("the pass to end", || async {
        let pass = seawall.passes("probe").await.into_iter().next()?;
        (pass["id"].as_i64()? > before && pass["state"] != "running").then_some(pass)
    })
    .await;
    let (record, _) = eventually("the record", || async {
        let page = seawall.get("/api/v1/egress?integration=probe").await;
        page["items"].as_array()?.first().cloned()
    })
    .await;
    (pass, record)
}

async fn prepared() -> (Seawall, Tool) {
    let tool = Tool::start(50).await;
    tool.fill(3);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let body = json!({"source": "sealed", "secret": SECRET});
    assert!(
        seawall
            .send(Method::PUT, "/api/v1/credentials/probe-token", &body)
            .await
            .0
            .is_success()
    );
    // Known under this name before its first pass.
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    (seawall, tool)
}

#[tokio::test]
async fn undeclared_places_are_refused_with_the_lines_that_would_allow_them() {
    let (seawall, tool) = prepared().await;
    let other = Tool::start(1).await;
    let cases = [
        (
            format!("{}/secrets", tool.address()),
            "no path of `{base_url}` matches `/secrets`",
        ),
        (format!("{}/items", other.address()), "`{base_url}` allows port "),
        (
            format!("{}/items", tool.address().replace("127.0.0.1", "127.0.0.2")),
            "no rule of the manifest leads to `127.0.0.2`",
        ),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "no rule of the manifest leads to `169.254.169.254`",
        ),
        (format!("{}/items/../secrets", tool.address()), "the path is refused: "),
        (format!("{}/%2e%2e/items", tool.address()), "the path is refused: "),
        (
            format!("{}/items", tool.address().replace("http://", "https://")),
            "`{base_url}` allows http, not https",
        ),
        (
            format!("{}/items", tool.address().replace("127.0.0.1", "0x7f000002")),
            "no rule of the manifest leads to `127.0.0.2`",
        ),
    ];
    for (url, why) in cases {
        let (pass, record) = fetch(&seawall, &tool, &url).await;
        assert_eq!(pass["state"], "failed", "{url}: {pass}");
        assert_eq!(record["allowed"], false, "{url}: {record}");
        let reason = record["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{url}: expected `{why}` in: {reason}");
    }
    assert_eq!(other.requests(), 0);
    assert!(seawall.log().contains("the manifest would need"), "{}", seawall.log());
}

#[tokio::test]
async fn the_secret_is_attached_by_the_host_and_cut_out_of_every_echo() {
    let (seawall, tool) = prepared().await;
    let (pass, record) = fetch(&seawall, &tool, &format!("{}/echo", tool.address())).await;
    assert_eq!(pass["state"], "succeeded", "{pass}");
    assert_eq!(record["credential"], "token", "{record}");
    let entity = seawall.get("/api/v1/blueprints/thing/entities/answer").await;
    let note = entity["properties"]["note"].as_str().unwrap();
    assert!(note.contains("Bearer ***********************"), "{note}");
    // Neither the database, nor the log, nor any answer holds it.
    for file in std::fs::read_dir(seawall.data())
        .unwrap()
        .flatten()
        .filter(|f| f.path().is_file())
    {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
        assert!(!found, "{} holds the secret", file.path().display());
    }
    assert!(!seawall.get("/api/v1/credentials").await.to_string().contains(SECRET));
    assert!(
        !seawall
            .get("/api/v1/integrations/probe")
            .await
            .to_string()
            .contains(SECRET)
    );
}

#[tokio::test]
async fn private_addresses_need_a_grant_that_names_them() {
    let tool = Tool::start(50).await;
    tool.fill(3);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let grant = json!({"reason": "without loopback"});
    assert!(
        seawall
            .send(Method::PUT, "/api/v1/plugins/probe/grant", &grant)
            .await
            .0
            .is_success()
    );
    seawall.integrate(integration(&tool, json!({}))).await;
    let view = seawall.settled("probe").await;
    assert_eq!(view["passes"][0]["state"], "failed", "{view}");
    assert_eq!(tool.requests(), 0);
    let (record, _) = eventually("the record", || async {
        seawall.get("/api/v1/egress").await["items"]
            .as_array()?
            .first()
            .cloned()
    })
    .await;
    assert!(record["reason"].as_str().unwrap().contains("loopback"), "{record}");
}

#[tokio::test]
async fn a_credential_over_plain_http_needs_the_grants_word() {
    let (seawall, tool) = prepared().await;
    let grant = json!({"private_ranges": ["127.0.0.0/8"], "reason": "loopback, but no plaintext"});
    assert!(
        seawall
            .send(Method::PUT, "/api/v1/plugins/probe/grant", &grant)
            .await
            .0
            .is_success()
    );
    let before = tool.requests();
    let (pass, record) = fetch(&seawall, &tool, &format!("{}/items", tool.address())).await;
    assert_eq!(pass["state"], "failed", "{pass}");
    assert!(
        record["reason"].as_str().unwrap().contains("plaintext_to_loopback"),
        "{record}"
    );
    assert_eq!(tool.requests(), before);
}

#[tokio::test]
async fn the_audit_shows_asked_granted_and_used() {
    let (seawall, tool) = prepared().await;
    fetch(&seawall, &tool, &format!("{}/secrets", tool.address())).await;
    let (audit, _) = eventually("the totals", || async {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await["items"][0].clone();
        (!audit["refused"].as_array()?.is_empty()).then_some(audit)
    })
    .await;
    assert_eq!(audit["network"][0]["to"], "{base_url}");
    assert_eq!(audit["network"][0]["granted"], true);
    assert_eq!(audit["network"][0]["used"][0]["method"], "GET");
    assert!(audit["network"][0]["used"][0]["count"].as_u64().unwrap() >= 1);
    assert_eq!(audit["decisions"][0]["reason"], "test");
}
