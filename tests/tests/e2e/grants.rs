//! Nothing runs before a grant, and nothing after it was taken back.

use crate::{integration, probed};
use reqwest::{Method, StatusCode, header};
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::json;

#[tokio::test]
async fn nothing_runs_before_a_grant() {
    let tool = Tool::start(50).await;
    let seawall = Seawall::start().await;
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let post = || {
        let request = seawall
            .request(Method::POST, "/api/v1/plugins")
            .header(header::CONTENT_TYPE, "application/wasm");
        request.body(bytes.clone()).send()
    };
    assert_eq!(post().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(
        post().await.unwrap().status(),
        StatusCode::OK,
        "the same digest again is no new plugin"
    );
    assert_eq!(seawall.get("/api/v1/plugins/probe").await["status"], "awaiting-grant");
    let (status, body) = seawall
        .send(
            Method::PUT,
            "/api/v1/integrations/probe",
            &integration(&tool, json!({})),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert!(
        body["detail"].as_str().unwrap().contains("seawall grant approve probe"),
        "{body}"
    );
    assert_eq!(tool.requests(), 0);
}

#[tokio::test]
async fn a_revoked_grant_ends_passes_at_once() {
    let (seawall, tool) = probed(20).await;
    let (status, view) = seawall
        .send(
            Method::DELETE,
            "/api/v1/plugins/probe/grant?reason=compromised",
            &json!({}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(view["status"], "revoked");
    let before = tool.requests();
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the problem to be shown", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        view["problem"]
            .as_str()
            .filter(|p| p.contains("not granted"))
            .map(str::to_owned)
    })
    .await;
    assert_eq!(tool.requests(), before);
    let decisions = seawall.get("/api/v1/plugins/probe/grant").await["decisions"].clone();
    assert_eq!(decisions[1]["verdict"], "revoked");
    assert_eq!(decisions[1]["reason"], "compromised");
    assert_eq!(seawall.entities("thing").await.len(), 20, "what it brought stays");
}

#[tokio::test]
async fn the_same_terms_once_more_end_nothing() {
    let (seawall, tool) = probed(200).await;
    tool.slow(20);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let before = tool.requests();
    eventually("the second pass to be under way", || async {
        (tool.requests() > before + 1).then_some(())
    })
    .await;
    let decided = seawall.get("/api/v1/plugins/probe/grant").await["decisions"].clone();
    let private = decided[0]["grant"]["private_ranges"].clone();
    let again =
        json!({"private_ranges": private, "plaintext_to_loopback": decided[0]["grant"]["plaintext_to_loopback"]});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &again).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let (end, _) = eventually("the second pass to end", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() == 2 && passes[0]["state"] != "running").then(|| passes[0].clone())
    })
    .await;
    assert_eq!(end["state"], "succeeded", "{end}");
    let decided = seawall.get("/api/v1/plugins/probe/grant").await["decisions"].clone();
    assert_eq!(decided.as_array().map(Vec::len), Some(2), "{decided}");
}

#[tokio::test]
async fn a_part_of_what_is_asked_can_be_granted() {
    let (seawall, tool) = probed(5).await;
    let grant = json!({"rules": [], "private_ranges": ["127.0.0.0/8"], "reason": "no network at all"});
    assert_eq!(
        seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &grant).await.0,
        StatusCode::OK
    );
    let before = tool.requests();
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the pass to fail", || async {
        (seawall.passes("probe").await.first()?["state"] == "failed").then_some(())
    })
    .await;
    assert_eq!(tool.requests(), before);
}
