//! Nothing runs before a grant, and nothing after it was taken back.

use crate::{integration, probed};
use reqwest::{Method, StatusCode, header};
use seawall_domain::bundle::Bundle;
use seawall_tests::{Seawall, Tool, component, eventually, run, seawall_binary};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_tightened_to_what_was_used() {
    let (seawall, _tool) = probed(5).await;
    let tighten = |body: Value| {
        let seawall = &seawall;
        async move {
            seawall
                .send(Method::POST, "/api/v1/plugins/probe/grant/tighten", &body)
                .await
        }
    };
    let (status, would) = tighten(json!({"dry_run": true})).await;
    assert_eq!(status, StatusCode::OK, "{would}");
    let unused = json!([{"rule": 1, "to": "{base_url}", "methods": ["POST"], "whole": true}]);
    assert_eq!(would["unused"], unused);
    let network = |view: &Value| view["granted"]["capabilities"]["network"].as_array().map(Vec::len);
    assert_eq!(network(&would["grant"]), Some(2), "nothing changes: {would}");
    let shown = seawall.command(&["grant", "tighten", "probe", "--reason", "reads only"]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("POST"), "{shown:?}");
    let view = seawall.get("/api/v1/plugins/probe/grant").await;
    assert_eq!(network(&view), Some(1), "{view}");
    assert_eq!(view["decisions"][1]["reason"], "reads only");
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    let granted: Vec<_> = audit["items"][0]["network"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["granted"])
        .collect();
    assert_eq!(granted, [true, false]);
    // What was used goes on.
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("another pass to succeed", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() == 2 && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let (status, problem) = tighten(json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("nothing to tighten"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_grant_that_was_never_used_is_not_tightened() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/plugins/probe/grant/tighten", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("has sent no request yet"),
        "{problem}"
    );
}

#[test]
fn what_a_version_asks_beyond_another_is_an_exit_code() {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.wasm");
    std::fs::write(&old, &bytes).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.capabilities.network.truncate(1);
    let narrow = folder.path().join("narrow.wasm");
    std::fs::write(&narrow, bundle.embed(&bytes).unwrap()).unwrap();
    let diff = |from: &Path, to: &Path| {
        run(Command::new(seawall_binary())
            .args(["plugin", "diff", "-o", "json"])
            .args([from, to]))
    };
    let same = diff(&old, &old);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let narrower = diff(&old, &narrow);
    assert_eq!(narrower.status.code(), Some(0), "{narrower:?}");
    let wider = diff(&narrow, &old);
    assert_eq!(wider.status.code(), Some(1), "{wider:?}");
    let answer: Value = serde_json::from_slice(&wider.stdout).unwrap();
    let expected = json!([{"effect": "wider", "what": "network", "detail": "POST {base_url} /things/*"}]);
    assert_eq!(answer["differences"], expected);
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
