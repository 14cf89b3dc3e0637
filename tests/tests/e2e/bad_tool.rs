//! Tools that answer 401, 404, 429, 500, garbage, half a body or never.

use crate::{integration, probed};
use reqwest::Method;
use seawall_tests::{Answer, Seawall, Tool, component, eventually};
use serde_json::{Value, json};

async fn first_pass(answers: Vec<Answer>) -> (Seawall, Tool, Value) {
    let tool = Tool::start(50).await;
    tool.fill(10);
    tool.answer(answers);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    let (pass, _) = eventually("the pass to end", || async {
        seawall
            .passes("probe")
            .await
            .into_iter()
            .find(|p| p["state"] != "running")
    })
    .await;
    (seawall, tool, pass)
}

#[tokio::test]
async fn a_tool_that_is_down_for_a_moment_is_tried_again() {
    let (seawall, tool, pass) = first_pass(vec![Answer::Status(503, None), Answer::Status(502, None)]).await;
    assert_eq!(pass["state"], "succeeded", "{pass}");
    assert_eq!(tool.requests(), 3);
    assert_eq!(seawall.entities("thing").await.len(), 10);
}

#[tokio::test]
async fn a_tool_that_asks_to_wait_is_waited_for() {
    let (_seawall, _tool, pass) = first_pass(vec![Answer::Status(429, Some(1))]).await;
    assert_eq!(pass["state"], "succeeded", "{pass}");
}

#[tokio::test]
async fn a_refused_credential_stops_the_integration_until_it_is_replaced() {
    let (seawall, tool, pass) = first_pass(vec![Answer::Status(401, None)]).await;
    assert_eq!(pass["state"], "failed", "{pass}");
    eventually("it to stop", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        (view["state"] == "stopped" && view["problem"].as_str()?.contains("refused the credential")).then_some(())
    })
    .await;
    assert_eq!(tool.requests(), 1, "a refused credential is not tried again");
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("it to go on", || async {
        (seawall.passes("probe").await.first()?["state"] == "succeeded").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_the_tool_does_not_have_ends_the_pass_without_another_try() {
    let (seawall, tool, pass) = first_pass(vec![Answer::Status(404, None)]).await;
    assert_eq!(pass["state"], "failed", "{pass}");
    assert!(pass["error"].as_str().unwrap().contains("not found"), "{pass}");
    assert_eq!(tool.requests(), 1);
    assert_eq!(seawall.entities("thing").await.len(), 0);
}

#[tokio::test]
async fn garbage_and_half_a_body_end_the_pass_and_remove_nothing() {
    for answer in [Answer::Garbage, Answer::Half] {
        let (seawall, tool) = probed(20).await;
        // Half a body may be a matter of the network, so it is tried again: all its tries break off.
        tool.answer(vec![answer.clone(); 20]);
        seawall
            .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
            .await;
        let (pass, _) = eventually("an account of it", || async {
            let pass = seawall.passes("probe").await.into_iter().next()?;
            (pass["error"].is_string()).then_some(pass)
        })
        .await;
        assert!(!pass["error"].as_str().unwrap().is_empty());
        assert_eq!(seawall.entities("thing").await.len(), 20, "{answer:?}: {pass}");
    }
}

#[tokio::test]
async fn a_tool_that_does_not_answer_is_tried_again() {
    let (seawall, tool) = probed(20).await;
    // Before the call's own time is over, so that the plugin can say what it waited for.
    tool.answer(vec![Answer::Never]);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let (waiting, _) = eventually("the first try to be given up", || async {
        let pass = seawall.passes("probe").await.into_iter().next()?;
        pass["error"].is_string().then_some(pass)
    })
    .await;
    let why = waiting["error"].as_str().unwrap();
    assert!(
        why.contains("the tool is unavailable") && why.contains("attempt 1"),
        "{why}"
    );
    eventually("the second try to succeed", || async {
        (seawall.passes("probe").await.first()?["state"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!(seawall.entities("thing").await.len(), 20);
}

#[tokio::test]
async fn what_came_before_a_wait_is_there_already() {
    let tool = Tool::start(5).await;
    tool.fill(10);
    tool.answer(vec![Answer::Well, Answer::Status(429, Some(600))]);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    eventually("the first page to be stored while the second is waited for", || async {
        let pass = seawall.passes("probe").await.into_iter().next()?;
        (pass["state"] == "running" && pass["counts"]["items"] == 5).then_some(())
    })
    .await;
    eventually("lists to have it", || async {
        (seawall.entities("thing").await.len() == 5).then_some(())
    })
    .await;
}
