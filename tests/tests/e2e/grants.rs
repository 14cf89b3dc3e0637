//! Nothing runs before a grant, and nothing after it was taken back or has ended.

use crate::{
    integration, probed,
    versions::{install, next_version},
};
use reqwest::{Method, StatusCode, header};
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::{Value, json};
use std::time::Duration;

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
        .hindered("probe", "the grant of `probe` 0.1.0 was taken back")
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

/// The end of a grant lets no other version do what it may: that is a person's to decide.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_grant_puts_no_other_version_in_force() {
    let (seawall, tool) = probed(5).await;
    let wider = next_version(|manifest| {
        let mut rule = manifest.capabilities.network[0].clone();
        rule.methods = vec!["DELETE".into()];
        manifest.capabilities.network.push(rule);
    });
    install(&seawall, wider).await;
    let terms = json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true});
    for reference in ["probe@0.2.0", "probe@0.1.0"] {
        let path = format!("/api/v1/plugins/{reference}/grant");
        let (status, view) = seawall.send(Method::PUT, &path, &terms).await;
        assert_eq!(status, StatusCode::OK, "{view}");
    }
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1_500);
    let mut ending = terms.clone();
    ending["expires_at"] = soon.to_string().into();
    let (status, view) = seawall
        .send(Method::PUT, "/api/v1/plugins/probe@0.1.0/grant", &ending)
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    eventually("the grant to end", || async {
        let view = seawall.get("/api/v1/plugins/probe@0.1.0").await;
        (view["status"] == "expired").then_some(())
    })
    .await;
    let before = tool.requests();
    let list = seawall.get("/api/v1/plugins").await;
    let in_force: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["inForce"] == true)
        .collect();
    assert_eq!(in_force, Vec::<&Value>::new(), "{list}");
    seawall.hindered("probe", "the grant of `probe` 0.1.0").await;
    let view = seawall.get("/api/v1/integrations/probe").await;
    let problem = view["problem"].as_str().unwrap();
    assert!(
        problem.contains("has ended") && problem.contains("plugin rollback probe"),
        "{problem}"
    );
    assert_eq!(tool.requests(), before, "nothing was sent");
    // Neither does its removal.
    assert!(seawall.command(&["plugin", "remove", "probe@0.1.0"]).status.success());
    seawall.hindered("probe", "that was in force was removed").await;
    assert_eq!(tool.requests(), before, "nothing was sent");
    // A person may say that the other one goes on.
    let back = seawall.command(&["plugin", "rollback", "probe", "--to", "probe@0.2.0"]);
    assert!(back.status.success(), "{back:?}");
    eventually("the other one to be in force", || async {
        let view = seawall.get("/api/v1/plugins/probe@0.2.0").await;
        (view["inForce"] == true).then_some(())
    })
    .await;
}

/// Approves the probe anew, until so many milliseconds from now.
async fn end_in(seawall: &Seawall, milliseconds: i64) -> jiff::Timestamp {
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(milliseconds);
    let terms =
        json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true, "expires_at": end.to_string()});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &terms).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    end
}

#[tokio::test]
async fn the_end_of_a_grant_is_told_when_it_comes() {
    let (seawall, _tool) = probed(5).await;
    end_in(&seawall, 1_500).await;
    eventually("the grant to end", || async {
        let view = seawall.get("/api/v1/plugins/probe").await;
        (view["status"] == "expired").then_some(())
    })
    .await;
    // Nobody asks for a pass, and none is due within the hour.
    let (_, took) = eventually("the integration to say so", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        view["problem"].as_str()?.contains("has ended").then_some(())
    })
    .await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    // It allows nothing any more, as one that was taken back.
    let audit = seawall.get("/api/v1/audit?plugin=probe").await["items"][0].clone();
    let rules = audit["network"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["granted"] == false), "{audit}");
    assert_eq!(
        (&audit["status"], &audit["privateRanges"]),
        (&json!("expired"), &json!([]))
    );
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/plugins/probe/grant/tighten", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("has ended"), "{problem}");
}

#[tokio::test]
async fn the_end_of_a_grant_ends_requests_that_are_under_way() {
    let (seawall, tool) = probed(5).await;
    let mut patient = integration(&tool, json!({}));
    patient["limits"] = json!({"timeout_ms": 60_000});
    seawall.integrate(patient).await;
    seawall.settled("probe").await;
    let before = tool.requests();
    tool.slow(60_000);
    let end = end_in(&seawall, 4_000).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("a request to be under way", || async {
        (tool.requests() > before).then_some(())
    })
    .await;
    let (record, took) = ended_under_way(&seawall, "the grant has ended, while the request was under way").await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    let began: jiff::Timestamp = record["at"].as_str().unwrap().parse().unwrap();
    assert!(began < end, "{record}");
}

#[tokio::test]
async fn a_revoked_grant_ends_requests_that_are_under_way_and_they_were_used() {
    let tool = Tool::start(50).await;
    tool.fill(5);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let mut patient = integration(&tool, json!({}));
    patient["limits"] = json!({"timeout_ms": 60_000});
    seawall.integrate(patient).await;
    seawall.settled("probe").await;
    let uses = async || {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await;
        let used = audit["items"][0]["network"][0]["used"].as_array().unwrap().clone();
        used.iter().map(|one| one["count"].as_u64().unwrap()).sum::<u64>()
    };
    let (before, _) = eventually("what was sent to be counted", || async {
        let (uses, sent) = (uses().await, tool.requests());
        (uses == sent as u64).then_some(uses)
    })
    .await;
    tool.slow(60_000);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("a request to be under way", || async {
        (tool.requests() as u64 > before).then_some(())
    })
    .await;
    let (status, view) = seawall
        .send(Method::DELETE, "/api/v1/plugins/probe/grant", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let note = "the grant was revoked, while the request was under way";
    let (record, _) = ended_under_way(&seawall, note).await;
    assert_eq!(
        (&record["rule"], &record["address"], &record["privateRange"]),
        (&json!("network[0]"), &json!("127.0.0.1"), &json!("127.0.0.0/8")),
        "{record}"
    );
    assert_eq!(uses().await, before + 1);
    let refused = seawall.get("/api/v1/egress?integration=probe&allowed=false").await;
    assert_eq!(refused["items"], json!([]), "it had been let through");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_ends_a_call_that_asks_nobody_for_anything() {
    let (seawall, tool) = probed(5).await;
    let mut busy = integration(&tool, json!({"mode": "spin"}));
    busy["name"] = "busy".into();
    busy["limits"] = json!({"timeout_ms": 60_000});
    seawall.integrate(busy).await;
    let newest = async || seawall.passes("busy").await.first().cloned();
    eventually("its call to compute", || async { newest().await.map(drop) }).await;
    let (status, view) = seawall
        .send(Method::DELETE, "/api/v1/plugins/probe/grant", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let (pass, took) = eventually("its pass to end", || async {
        newest().await.filter(|pass| pass["state"] == "failed")
    })
    .await;
    assert_eq!(pass["error"], "the grant was revoked, and the call with it", "{pass}");
    assert!(took < Duration::from_secs(30), "not by its own limit: {took:?}");
}

/// The record of a request that was let through, and was ended with this note.
async fn ended_under_way(seawall: &Seawall, note: &str) -> (Value, Duration) {
    eventually("it to end", || async {
        let page = seawall.get("/api/v1/egress?integration=probe&allowed=true").await;
        let ended = |record: &&Value| record["reason"] == note;
        page["items"].as_array()?.iter().rfind(ended).cloned()
    })
    .await
}
