//! Rules in Rust and in Python judge entities, by API and by command.

use crate::probed;
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, component};
use serde_json::{Value, json};

async fn first_rule(seawall: &Seawall, plugin: &str) -> Value {
    seawall.install(&component(&format!("plugins/{plugin}"))).await["manifest"]["rules"].clone()
}

#[tokio::test]
async fn a_rule_in_rust_and_one_in_python_judge_the_same_entities() {
    let (seawall, _tool) = probed(40).await;
    first_rule(&seawall, "rules-rust").await;
    first_rule(&seawall, "rules-python").await;
    // item-00000 has no parent, all others have one.
    let (status, body) = seawall
        .send(
            Method::POST,
            "/api/v1/rules/rules-rust/has-owner/evaluations",
            &json!({"blueprint": "thing", "params": {"relation": "parent"}}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        (&body["judged"], &body["passed"], &body["failed"]),
        (&json!(40), &json!(39), &json!(1)),
        "{body}"
    );
    let verdicts = seawall
        .get("/api/v1/verdicts?rule=rules-rust/has-owner&blueprint=thing&identifier=item-00000")
        .await;
    assert_eq!(verdicts["items"][0]["verdict"], "fail");
    assert!(!verdicts["items"][0]["reason"].as_str().unwrap().is_empty());

    let params = json!({"pattern": "^item-0000[0-4]$"});
    let (status, body) = seawall
        .send(
            Method::POST,
            "/api/v1/rules/rules-python/naming/evaluations",
            &json!({"blueprint": "thing", "params": params}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        (&body["judged"], &body["passed"], &body["failed"]),
        (&json!(40), &json!(5), &json!(35)),
        "{body}"
    );

    let output = seawall.command(&["verdict", "list", "--rule", "rules-python/naming", "-o", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("item-00039"));
}

#[tokio::test]
async fn wrong_rules_and_parameters_are_named() {
    let (seawall, _tool) = probed(1).await;
    first_rule(&seawall, "rules-python").await;
    let evaluate = |rule: &'static str, body: Value| {
        let seawall = &seawall;
        async move {
            seawall
                .send(Method::POST, &format!("/api/v1/rules/{rule}/evaluations"), &body)
                .await
        }
    };
    let (status, body) = evaluate("rules-python/nameing", json!({"blueprint": "thing"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body["detail"].as_str().unwrap().contains("naming"), "{body}");
    let (status, body) = evaluate(
        "rules-python/naming",
        json!({"blueprint": "thing", "params": {"pattern": 7}}),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"][0]["pointer"], "/params/pattern", "{body}");
}

#[tokio::test]
async fn a_rule_that_asks_for_more_than_it_is_given_is_told_what_it_was() {
    let (seawall, _tool) = probed(2).await;
    seawall.install(&component("tests/guests/nosy")).await;
    for (rule, what) in [("clock", "the time (`SystemTime::now`)"), ("fetch", "the network")] {
        let (status, body) = seawall
            .send(
                Method::POST,
                &format!("/api/v1/rules/nosy/{rule}/evaluations"),
                &json!({"blueprint": "thing"}),
            )
            .await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{body}");
        let detail = body["detail"].as_str().unwrap();
        let said = format!("it asked for {what}: a rule has no clock");
        assert!(detail.contains(&said), "{detail}");
    }
}
