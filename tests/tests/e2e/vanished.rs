//! Partitions that the tool no longer lists, kinds that the mapping no longer names, and integrations that are removed.

use crate::integration;
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::{Value, json};

/// A Seawall over a tool with so many items in each of these partitions, settled.
async fn partitioned(names: &[&str], n: usize) -> (Seawall, Tool) {
    let tool = Tool::start(50).await;
    tool.partition(names, n);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall
        .integrate(integration(&tool, json!({"partitioned": true})))
        .await;
    seawall.settled("probe").await;
    assert_eq!(seawall.entities("thing").await.len(), names.len() * n);
    (seawall, tool)
}

async fn sync(seawall: &Seawall) {
    let path = "/api/v1/integrations/probe/sync";
    let (status, body) = seawall.send(Method::POST, path, &json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
}

/// Waits for a closing pass in this state.
async fn closing(seawall: &Seawall, state: &str) -> Value {
    let what = format!("a closing pass that is {state}");
    let (pass, _) = eventually(&what, || async {
        let passes = seawall.passes("probe").await;
        passes.into_iter().find(|p| p["closing"] == true && p["state"] == state)
    })
    .await;
    pass
}

#[tokio::test]
async fn a_small_partition_that_is_gone_goes_with_its_items() {
    let (seawall, tool) = partitioned(&["a", "b", "c", "d", "e", "f"], 12).await;
    tool.partition(&["a", "b", "c", "d", "e"], 12);
    sync(&seawall).await;
    let pass = closing(&seawall, "succeeded").await;
    assert_eq!(
        (&pass["partition"], &pass["counts"]["deleted"]),
        (&json!("f"), &json!(12))
    );
    assert_eq!(seawall.entities("thing").await.len(), 60);
    let view = seawall.get("/api/v1/integrations/probe").await;
    assert_eq!(view["slices"].as_array().unwrap().len(), 5, "{view}");
    // It comes back as it was.
    tool.partition(&["a", "b", "c", "d", "e", "f"], 12);
    sync(&seawall).await;
    eventually("all to be back", || async {
        (seawall.entities("thing").await.len() == 72).then_some(())
    })
    .await;
}

// The tool has to answer while the command waits.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_partitions_waits_for_a_person_and_may_come_back() {
    let (seawall, tool) = partitioned(&["a", "b"], 30).await;
    tool.partition(&["a"], 30);
    sync(&seawall).await;
    let held = closing(&seawall, "held").await;
    let why = held["error"].as_str().unwrap();
    assert!(
        why.contains("`b`") && why.contains("30 of the 60 items") && why.contains("seawall integration release probe"),
        "{why}"
    );
    assert_eq!(seawall.entities("thing").await.len(), 60);
    let status = seawall.command(&["integration", "status", "probe"]);
    let shown = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(!status.status.success() && shown.contains("held"), "{shown}");
    let follow = seawall.command(&["integration", "sync", "probe", "--follow"]);
    assert!(!follow.status.success(), "one waits for a person");

    tool.partition(&["a", "b"], 30);
    sync(&seawall).await;
    closing(&seawall, "cancelled").await;
    let path = format!("/api/v1/integrations/probe/passes/{}/release", held["id"]);
    let (late, _) = seawall.send(Method::POST, &path, &json!({"remove": true})).await;
    assert_eq!(late, StatusCode::CONFLICT);
    assert_eq!(seawall.entities("thing").await.len(), 60);

    tool.partition(&["b"], 30);
    sync(&seawall).await;
    let held = closing(&seawall, "held").await;
    let path = format!("/api/v1/integrations/probe/passes/{}/release", held["id"]);
    let (status, body) = seawall.send(Method::POST, &path, &json!({"remove": true})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(seawall.entities("thing").await.len(), 30);
}

#[tokio::test]
async fn nothing_goes_where_the_tool_does_not_say_its_partitions() {
    let (seawall, tool) = partitioned(&["a", "b"], 3).await;
    tool.hide_partitions(404);
    sync(&seawall).await;
    eventually("the problem to be shown", || async {
        seawall.get("/api/v1/integrations/probe").await["problem"]
            .is_string()
            .then_some(())
    })
    .await;
    assert!(seawall.passes("probe").await.iter().all(|p| p["closing"] == false));
    assert_eq!(seawall.entities("thing").await.len(), 6);
}

fn resource(kind: &str, selector: Value, prefix: &str) -> Value {
    json!({"kind": kind, "selector": selector, "port": {"entity": {"mappings":
        {"identifier": format!("\"{prefix}\" + .id"), "title": ".name", "blueprint": "\"thing\"", "properties": {"tier": ".tier"}}}}})
}

#[tokio::test]
async fn a_kind_that_the_mapping_no_longer_names_goes() {
    let tool = Tool::start(50).await;
    tool.fill(5);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let mut wanted = integration(&tool, json!({}));
    wanted["mapping"] = json!({"resources": [resource("item", json!({}), ""), resource("copy", json!({}), "copy-")]});
    seawall.integrate(wanted.clone()).await;
    eventually("both kinds", || async {
        (seawall.entities("thing").await.len() == 10).then_some(())
    })
    .await;
    wanted["mapping"] = json!({"resources": [resource("item", json!({}), "")]});
    seawall.integrate(wanted).await;
    closing(&seawall, "succeeded").await;
    assert_eq!(seawall.entities("thing").await.len(), 5);
}

#[tokio::test]
async fn resources_of_one_kind_with_different_selectors_miss_nothing() {
    let tool = Tool::start(50).await;
    tool.fill(9);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let mut wanted = integration(&tool, json!({}));
    wanted["mapping"] = json!({"resources": [
        resource("item", json!({"query": "true", "tier": "gold"}), "g-"),
        resource("item", json!({"query": "true", "tier": "silver"}), "s-"),
        resource("item", json!({"query": ".size == 0", "tier": "gold"}), "first-"),
    ]});
    seawall.integrate(wanted).await;
    let view = seawall.settled("probe").await;
    let names: Vec<_> = view["slices"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["all", r#"all {"tier":"silver"}"#]);
    let mut found: Vec<String> = seawall
        .entities("thing")
        .await
        .iter()
        .map(|e| e["identifier"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    let mut expected: Vec<String> = (0..9)
        .map(|i| format!("{}-item-{i:05}", if i % 2 == 0 { "g" } else { "s" }))
        .collect();
    expected.push("first-item-00000".into());
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_removed_integration_leaves_what_others_give_and_its_records() {
    let (seawall, tool) = partitioned(&["a", "b"], 20).await;
    let mut other = integration(&tool, json!({}));
    other["name"] = "other".into();
    other["mapping"] = json!({"resources": [resource("item", json!({"query": ".in == \"a\""}), "")]});
    seawall.integrate(other).await;
    seawall.settled("other").await;
    let unasked = seawall.command(&["integration", "remove", "probe"]);
    assert_eq!(unasked.status.code(), Some(2), "without a terminal it needs --yes");
    let removed = seawall.command(&["integration", "remove", "probe", "--yes"]);
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    let (status, _) = seawall.try_get("/api/v1/integrations/probe").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let left = seawall.entities("thing").await;
    assert_eq!(left.len(), 20);
    assert!(left.iter().all(|e| e["identifier"].as_str().unwrap().starts_with("a-")));
    let history = seawall.get("/api/v1/blueprints/thing/entities/b-000/history").await;
    assert_eq!(
        (&history["items"][0]["kind"], &history["items"][0]["cause"]),
        (&json!("deleted"), &json!("integration-removed:probe"))
    );
    let records = seawall.get("/api/v1/egress?integration=probe").await;
    assert!(!records["items"].as_array().unwrap().is_empty(), "{records}");
    let (again, _) = seawall
        .send(Method::DELETE, "/api/v1/integrations/probe", &json!({}))
        .await;
    assert_eq!(again, StatusCode::NOT_FOUND);
    // The name may be used again.
    seawall
        .integrate(integration(&tool, json!({"partitioned": true})))
        .await;
    seawall.settled("probe").await;
    assert_eq!(seawall.entities("thing").await.len(), 40);
}

#[tokio::test]
async fn a_removal_that_is_cut_off_goes_on_at_the_next_start() {
    let (mut seawall, _tool) = partitioned(&["a", "b", "c", "d"], 2_000).await;
    // Removal takes a transaction for each thousand items; the answer never comes to this caller.
    let request = seawall.request(Method::DELETE, "/api/v1/integrations/probe").send();
    let asked = tokio::spawn(request);
    eventually("the removal to begin", || async {
        let left = seawall.get("/api/v1/blueprints/thing/entities?limit=1").await;
        let gone = seawall.try_get("/api/v1/integrations/probe").await;
        (gone.1["state"] == "removing" || left["items"] == json!([])).then_some(())
    })
    .await;
    seawall.kill();
    drop(asked.await);
    seawall.boot().await;
    eventually("the removal to end", || async {
        let (status, _) = seawall.try_get("/api/v1/integrations/probe").await;
        (status == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    assert!(seawall.entities("thing").await.is_empty());
    assert!(
        seawall.get("/api/v1/passes").await["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

// The tool has to answer while the command waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_pass_says_how_far_it_is() {
    let (seawall, tool) = crate::probed(300).await;
    tool.slow(150);
    sync(&seawall).await;
    let (pass, _) = eventually("a running pass with items", || async {
        let passes = seawall.passes("probe").await;
        passes
            .into_iter()
            .find(|p| p["state"] == "running" && p["counts"]["items"].as_u64() > Some(0))
    })
    .await;
    assert_eq!(pass["expected"], 300, "{pass}");
    assert!(pass["rate"].as_f64().unwrap() > 0.0, "{pass}");
    let status = seawall.command(&["integration", "status", "probe"]);
    let shown = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(shown.contains("PER SECOND"), "{shown}");
    let follow = seawall.command(&["integration", "sync", "probe", "--follow", "-o", "json"]);
    assert!(follow.status.success(), "{}", String::from_utf8_lossy(&follow.stderr));
}
