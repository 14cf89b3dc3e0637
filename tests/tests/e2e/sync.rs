//! Passes: what is listed comes, what is gone goes, and never more than that.

use crate::{essence, integration, probed};
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::json;

async fn sync(seawall: &Seawall) {
    let before = seawall.passes("probe").await.len();
    let (status, body) = seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    eventually("a further pass to end", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() > before && passes.iter().all(|p| p["state"] != "running")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pages_become_entities_and_a_second_pass_changes_nothing() {
    let (seawall, _tool) = probed(230).await;
    let first = &seawall.passes("probe").await[0];
    assert_eq!(first["state"], "succeeded", "{first}");
    assert_eq!(
        (&first["counts"]["pages"], &first["counts"]["created"]),
        (&json!(5), &json!(230))
    );
    sync(&seawall).await;
    let second = &seawall.passes("probe").await[0];
    assert_eq!(second["counts"]["unchanged"], 230, "{second}");
    assert_eq!(
        (&second["counts"]["created"], &second["counts"]["updated"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn what_changed_changes_and_what_is_gone_goes() {
    let (seawall, tool) = probed(20).await;
    tool.set((0..18).map(|i| json!({"id": format!("item-{i:05}"), "name": format!("Item {i}"), "size": i + 1000, "tier": "gold"})).collect());
    sync(&seawall).await;
    let entities = seawall.entities("thing").await;
    assert_eq!(entities.len(), 18);
    assert!(
        entities
            .iter()
            .all(|e| e["properties"]["size"].as_i64().unwrap() >= 1000)
    );
    let history = seawall
        .get("/api/v1/blueprints/thing/entities/item-00003/history")
        .await;
    assert_eq!(history["items"][0]["diff"]["properties.size"], json!([3, 1003]));
    let gone = seawall
        .get("/api/v1/blueprints/thing/entities/item-00019/history")
        .await;
    assert_eq!(gone["items"][0]["kind"], "deleted");
}

#[tokio::test]
async fn a_mass_delete_waits_for_a_person() {
    let (seawall, tool) = probed(100).await;
    tool.fill(40);
    sync(&seawall).await;
    let held = seawall.passes("probe").await[0].clone();
    assert_eq!(held["state"], "held", "{held}");
    assert!(held["error"].as_str().unwrap().contains("60 of 100"), "{held}");
    assert_eq!(seawall.entities("thing").await.len(), 100);
    let path = format!("/api/v1/integrations/probe/passes/{}/release", held["id"]);
    let (status, body) = seawall.send(Method::POST, &path, &json!({"remove": true})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(seawall.entities("thing").await.len(), 40);
    let (again, _) = seawall.send(Method::POST, &path, &json!({"remove": true})).await;
    assert_eq!(again, StatusCode::CONFLICT);
}

#[tokio::test]
async fn values_that_break_the_schema_are_left_out_and_shown_while_the_entity_stands() {
    let (seawall, tool) = probed(0).await;
    tool.set(vec![
        json!({"id": "good", "name": "Good", "size": 1, "tier": "gold"}),
        json!({"id": "text", "name": "Text", "size": "12", "tier": "gold"}),
        json!({"id": "wrong", "name": "Wrong", "size": "large", "tier": "lead"}),
    ]);
    sync(&seawall).await;
    let pass = seawall.passes("probe").await[0].clone();
    assert_eq!(pass["counts"]["converted"], 1, "{pass}");
    assert_eq!(pass["counts"]["leftOut"], 2, "{pass}");
    let text = seawall.get("/api/v1/blueprints/thing/entities/text").await;
    assert_eq!(text["properties"]["size"], 12);
    let wrong = seawall.get("/api/v1/blueprints/thing/entities/wrong").await;
    assert_eq!(wrong["properties"], json!({}));
    let rejected = seawall.get("/api/v1/integrations/probe/rejected").await;
    let rejected = rejected["items"].as_array().unwrap();
    assert_eq!(rejected.len(), 2);
    assert!(
        rejected
            .iter()
            .any(|r| r["field"] == "properties.tier" && r["value"] == "lead"),
        "{rejected:?}"
    );
    tool.set(vec![
        json!({"id": "wrong", "name": "Right now", "size": 5, "tier": "gold"}),
    ]);
    sync(&seawall).await;
    assert_eq!(
        seawall.get("/api/v1/integrations/probe/rejected").await["items"],
        json!([]),
        "mended items are no longer shown"
    );
}

#[tokio::test]
async fn a_pause_holds_at_a_page_and_resuming_goes_on() {
    let tool = Tool::start(10).await;
    tool.fill(200);
    tool.slow(50);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    eventually("some pages", || async { (tool.requests() >= 3).then_some(()) }).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &json!({}))
        .await;
    eventually("the pause", || async {
        let n = tool.requests();
        let view = seawall.get("/api/v1/integrations/probe").await;
        (view["state"] == "paused" && n == tool.requests()).then_some(())
    })
    .await;
    assert_eq!(
        seawall
            .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
            .await
            .0,
        StatusCode::CONFLICT
    );
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/resume", &json!({}))
        .await;
    eventually("the pass to end", || async {
        let passes = seawall.passes("probe").await;
        (passes.first()?["state"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!(seawall.entities("thing").await.len(), 200);
    assert_eq!(
        seawall.passes("probe").await.len(),
        1,
        "the pass went on instead of starting anew"
    );
}

#[tokio::test]
async fn a_cancelled_pass_keeps_what_it_had_and_removes_nothing() {
    let (seawall, tool) = probed(60).await;
    let before = essence(seawall.entities("thing").await);
    tool.slow(200);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("a running pass", || async {
        (seawall.passes("probe").await.first()?["state"] == "running").then_some(())
    })
    .await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/cancel", &json!({}))
        .await;
    eventually("the pass to be cancelled", || async {
        (seawall.passes("probe").await.first()?["state"] == "cancelled").then_some(())
    })
    .await;
    assert_eq!(essence(seawall.entities("thing").await), before);
}
