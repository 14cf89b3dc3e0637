//! Changes of the model: seen before they are made, then made for all that is there.

use crate::probed;
use reqwest::{Method, StatusCode};
use seawall_tests::eventually;
use serde_json::{Value, json};

const THING: &str = "/api/v1/blueprints/thing";

#[tokio::test]
async fn a_changed_blueprint_is_seen_first_and_then_holds_for_all_that_is_there() {
    let (seawall, tool) = probed(10).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &Value::Null)
        .await;
    let asked = tool.requests();
    seawall
        .send(
            Method::PUT,
            &format!("{THING}/entities/own"),
            &json!({"properties": {"size": 3, "tier": "gold"}}),
        )
        .await;
    let before = seawall.get(THING).await;
    let mut narrow = before.clone();
    narrow["schema"]["properties"]["tier"] = json!({"type": "string", "enum": ["silver"]});
    narrow["schema"]["properties"]["size"] = json!({"type": "string"});
    let (status, effect) = seawall
        .send(Method::PUT, &format!("{THING}?dryRun=true"), &narrow)
        .await;
    assert_eq!(status, StatusCode::OK, "{effect}");
    assert_eq!(
        (&effect["entities"], &effect["breaking"], &effect["setAside"]),
        (&json!(11), &json!(6), &json!(0))
    );
    assert_eq!(effect["fields"], json!({"properties.tier": 6}));
    assert!(effect["examples"][0].as_str().unwrap().contains("gold"), "{effect}");
    assert_eq!(seawall.get(THING).await, before, "nothing was changed");
    let mut strict = narrow.clone();
    strict["schema"]["required"] = json!(["tier"]);
    let (_, effect) = seawall
        .send(Method::PUT, &format!("{THING}?dryRun=true"), &strict)
        .await;
    assert_eq!(
        (&effect["breaking"], &effect["setAside"]),
        (&json!(0), &json!(6)),
        "{effect}"
    );

    let (status, _) = seawall.send(Method::PUT, THING, &narrow).await;
    assert_eq!(status, StatusCode::OK);
    eventually("values that fit", || async {
        let items = seawall.entities("thing").await;
        let fits = |e: &Value| e["properties"]["size"].is_string() && e["properties"]["tier"] != "gold";
        (items.len() == 11 && items.iter().all(fits)).then_some(())
    })
    .await;
    let rejected = seawall.get("/api/v1/integrations/probe/rejected").await;
    assert_eq!(rejected["items"].as_array().unwrap().len(), 5);
    // What was said is still known: the way back brings all of it.
    let (status, _) = seawall.send(Method::PUT, THING, &before).await;
    assert_eq!(status, StatusCode::OK);
    eventually("all values", || async {
        let own = seawall.get(&format!("{THING}/entities/own")).await;
        let facet = seawall.get(&format!("{THING}/facets/tier")).await;
        (own["properties"] == json!({"size": 3, "tier": "gold"}) && facet["items"][0]["count"] == 6).then_some(())
    })
    .await;
    assert_eq!(tool.requests(), asked, "the tool was asked for nothing");
}

#[tokio::test]
async fn a_blueprint_in_use_goes_with_its_entities_or_not_at_all() {
    let (seawall, _tool) = probed(4).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &Value::Null)
        .await;
    let other = json!({"identifier": "other", "schema": {"properties": {}}, "relations": {"to": {"target": "thing"}}});
    seawall.send(Method::PUT, "/api/v1/blueprints/other", &other).await;
    seawall
        .send(Method::PUT, &format!("{THING}/entities/own"), &json!({}))
        .await;
    let remove = async |path: &str| seawall.send(Method::DELETE, path, &Value::Null).await;
    let (status, problem) = remove(&format!("{THING}?entities=true")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        problem["detail"].as_str().unwrap().contains("relation `to` of `other`"),
        "{problem}"
    );
    assert_eq!(remove("/api/v1/blueprints/other").await.0, StatusCode::NO_CONTENT);
    let (status, problem) = remove(&format!("{THING}?entities=true")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("mapping of `probe`") && detail.contains("force=true"),
        "{detail}"
    );
    let output = seawall.command(&["blueprint", "delete", "thing", "--entities"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`probe`"));
    let (status, problem) = remove(&format!("{THING}?force=true")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains("5 entities"), "{problem}");
    assert_eq!(
        remove(&format!("{THING}?entities=true&force=true")).await.0,
        StatusCode::NO_CONTENT
    );
    eventually("no entities", || async {
        let (status, _) = seawall.try_get(&format!("{THING}/entities/own")).await;
        let metrics = reqwest::get(format!("{}/metrics", seawall.address()))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        (status == StatusCode::NOT_FOUND && !metrics.contains("seawall_entities{blueprint=\"thing\"} 4")).then_some(())
    })
    .await;
    let (status, _) = seawall.try_get(THING).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(remove(THING).await.0, StatusCode::NOT_FOUND);
}
