//! A tool's quota: what costs nothing, what is waited for, and who shares one.

use crate::integration;
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use reqwest::Method;
use seawall_tests::{Answer, Seawall, Tool, component, eventually};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

async fn prepared(credentials: &[&str]) -> Seawall {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    for name in credentials {
        let body = json!({"source": "sealed", "secret": format!("secret-of-{name}")});
        let (status, answer) = seawall
            .send(Method::PUT, &format!("/api/v1/credentials/{name}"), &body)
            .await;
        assert!(status.is_success(), "{answer}");
    }
    seawall
}

/// An integration of the probe over a tool, with this credential.
async fn integrate(seawall: &Seawall, name: &str, tool: &Tool, credential: &str) {
    let mut wanted = integration(tool, json!({}));
    wanted["name"] = name.into();
    wanted["credentials"] = json!({"token": credential});
    seawall.integrate(wanted).await;
}

/// The records of an integration, oldest first, as soon as there are so many.
async fn records(seawall: &Seawall, name: &str, n: usize) -> Vec<Value> {
    let (records, _) = eventually(&format!("{n} records of {name}"), || async {
        let page = seawall
            .get(&format!("/api/v1/egress?integration={name}&limit=1000"))
            .await;
        let mut items = page["items"].as_array()?.clone();
        items.reverse();
        (items.len() >= n).then_some(items)
    })
    .await;
    assert_eq!(records.len(), n, "{records:?}");
    records
}

#[tokio::test]
async fn a_source_that_has_not_changed_costs_no_quota() {
    let tool = Tool::start(50).await;
    tool.fill(120);
    tool.tag();
    let seawall = prepared(&["probe-token"]).await;
    let mut wanted = integration(&tool, json!({}));
    wanted["credentials"] = json!({"token": "probe-token"});
    wanted["every_seconds"] = 1.into();
    seawall.integrate(wanted).await;
    // Two passes more, and no page was sent again.
    eventually("two passes over what has not changed", || async {
        (tool.answered().1 >= 6).then_some(())
    })
    .await;
    assert_eq!(tool.answered().0, 3, "three pages, whole, and once");
    let (pass, _) = eventually("an unchanged pass", || async {
        let passes = seawall.passes("probe").await;
        passes
            .into_iter()
            .find(|pass| pass["state"] == "succeeded" && pass["counts"]["unchanged"] == 120)
    })
    .await;
    assert_eq!(pass["counts"]["items"], 120, "{pass}");
    assert_eq!(seawall.entities("thing").await.len(), 120);
    // One page has changed: that one costs.
    let mut items = tool.items();
    items[70]["name"] = "Renamed".into();
    tool.set(items);
    eventually("the new name", || async {
        let renamed = seawall.get("/api/v1/blueprints/thing/entities/item-00070").await;
        (renamed["title"] == "Renamed").then_some(())
    })
    .await;
    let (status, answer) = seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &json!({}))
        .await;
    assert!(status.is_success(), "{answer}");
    // The figures of the tool are those that are shown: request by request, in sum, and to whoever collects them.
    let (told, _) = eventually("the same figures", || async {
        let page = seawall.get("/api/v1/egress?integration=probe&limit=1000").await;
        let records = page["items"].as_array()?.clone();
        let unchanged = records.iter().filter(|record| record["unchanged"] == true).count();
        let audit = seawall.get("/api/v1/audit?plugin=probe").await;
        let used = &audit["items"][0]["network"][0]["used"][0];
        let whole = records.len() - unchanged;
        let same =
            tool.answered() == (whole, unchanged) && (used["count"] == records.len() && used["unchanged"] == unchanged);
        same.then_some(records)
    })
    .await;
    let (whole, unchanged) = tool.answered();
    assert_eq!((whole, told.len()), (4, 4 + unchanged));
    for record in told.iter().filter(|record| record["unchanged"] == true) {
        assert_eq!(record["reason"], "unchanged: answered from the cache", "{record}");
        // That is what the plugin got, whole.
        assert_eq!(record["status"], 200, "{record}");
        assert!(record["received"].as_u64().unwrap() > 100, "{record}");
    }
    let said = seawall.command(&["audit", "probe"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains(&format!("({unchanged} unchanged)")), "{said}");
    let metrics = seawall.request(Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let mut lines = metrics.lines().filter(|line| line.contains("egress_unchanged"));
    assert!(lines.any(|line| line.ends_with(&format!(" {unchanged}"))), "{metrics}");
}

/// GitHub refuses with 403 and GitLab with 429, both with headers of their own: the pass waits, and nobody takes it for a refused
/// credential.
#[tokio::test]
async fn a_quota_that_is_used_up_is_waited_for_and_is_no_refused_credential() {
    let seawall = prepared(&["github", "gitlab"]).await;
    for (name, status, prefix) in [("github", 403, "x-ratelimit"), ("gitlab", 429, "ratelimit")] {
        let tool = Tool::start(50).await;
        tool.fill(10);
        let end = jiff::Timestamp::now().as_second() + 2;
        let headers = vec![
            (format!("{prefix}-remaining"), "0".to_owned()),
            (format!("{prefix}-reset"), end.to_string()),
        ];
        tool.answer(vec![Answer::Headers(status, headers)]);
        integrate(&seawall, name, &tool, name).await;
        let view = seawall.settled(name).await;
        assert_eq!(view["passes"][0]["state"], "succeeded", "{name}: {view}");
        assert_eq!((tool.requests(), &view["problem"]), (2, &Value::Null), "{name}: {view}");
        assert!(
            jiff::Timestamp::now().as_second() >= end,
            "{name}: it came before the quota's end"
        );
        let records = records(&seawall, name, 2).await;
        assert_eq!(records[0]["status"], status, "{name}: {}", records[0]);
        let reason = records[0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("the tool's quota is used up"), "{name}: {}", records[0]);
        assert_eq!(records[1]["status"], 200, "{name}: {}", records[1]);
    }
}

#[tokio::test]
async fn a_refusal_while_something_is_left_of_a_quota_is_a_refused_credential() {
    let seawall = prepared(&["github"]).await;
    let tool = Tool::start(50).await;
    let end = (jiff::Timestamp::now().as_second() + 600).to_string();
    let headers = vec![
        ("x-ratelimit-remaining".to_owned(), "12".to_owned()),
        ("x-ratelimit-reset".to_owned(), end),
    ];
    tool.answer(vec![Answer::Headers(403, headers)]);
    integrate(&seawall, "probe", &tool, "github").await;
    eventually("it to stop", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        (view["state"] == "stopped" && view["problem"].as_str()?.contains("refused the credential")).then_some(())
    })
    .await;
    assert_eq!(tool.requests(), 1);
}

/// The same with a plugin of this repository, in another language.
#[tokio::test]
async fn unleash_waits_for_a_quota_too() {
    async fn projects(State(asked): State<Arc<AtomicUsize>>) -> axum::response::Response {
        if asked.fetch_add(1, Ordering::Relaxed) > 0 {
            return Json(json!({"projects": []})).into_response();
        }
        let end = (jiff::Timestamp::now().as_second() + 1).to_string();
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &end)];
        (StatusCode::FORBIDDEN, headers, "API rate limit exceeded").into_response()
    }
    let asked = Arc::<AtomicUsize>::default();
    let router = Router::new()
        .route("/api/admin/projects", get(projects))
        .route(
            "/api/admin/environments",
            get(|| async { Json(json!({"environments": []})) }),
        )
        .with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let seawall = prepared(&["unleash-token"]).await;
    seawall.install(&component("plugins/unleash")).await;
    let definition = json!({
        "name": "unleash", "plugin": "unleash", "config": {"base_url": address}, "every_seconds": 1,
        "credentials": {"token": "unleash-token"},
    });
    seawall.integrate(definition).await;
    eventually("the projects to be listed", || async {
        let view = seawall.get("/api/v1/integrations/unleash").await;
        assert_ne!(view["state"], "stopped", "{view}");
        let passes = seawall.passes("unleash").await;
        let listed = |kind: &str| {
            passes
                .iter()
                .any(|pass| pass["kind"] == kind && pass["state"] == "succeeded")
        };
        (asked.load(Ordering::Relaxed) > 1 && listed("project")).then_some(())
    })
    .await;
}

/// A pause that a tool asks for holds for all that use the credential, and for nobody else.
#[tokio::test]
async fn integrations_that_share_a_credential_share_its_quota() {
    let seawall = prepared(&["shared", "own"]).await;
    let [one, two, other] = [Tool::start(50).await, Tool::start(50).await, Tool::start(50).await];
    for tool in [&one, &two, &other] {
        tool.fill(10);
    }
    one.answer(vec![Answer::Status(429, Some(600))]);
    integrate(&seawall, "one", &one, "shared").await;
    records(&seawall, "one", 1).await;
    integrate(&seawall, "two", &two, "shared").await;
    integrate(&seawall, "other", &other, "own").await;
    let view = seawall.settled("other").await;
    assert_eq!(view["passes"][0]["state"], "succeeded", "{view}");
    let record = records(&seawall, "two", 1).await.remove(0);
    assert_eq!(record["status"], 429, "{record}");
    assert_eq!(
        record["reason"], "answered by the host: the credential's rate is used up",
        "{record}"
    );
    // The host has answered for the tool, which was asked nothing; the one that asked for the pause got it.
    assert_eq!((one.requests(), two.requests(), other.requests()), (1, 0, 1));
    for name in ["one", "two"] {
        let view = seawall.get(&format!("/api/v1/integrations/{name}")).await;
        assert_ne!(view["state"], "stopped", "{view}");
        assert_eq!(seawall.passes(name).await[0]["state"], "running", "{name} waits");
    }
    assert_eq!(seawall.entities("thing").await.len(), 10);
}
