//! What a security team lays down, and the questions that it asks.

use crate::{
    integration, probed,
    versions::{asking, roaming},
};
use reqwest::{Method, StatusCode, header};
use seawall_tests::{Dns, Seawall, Tool, component, eventually};
use serde_json::{Value, json};

pub(crate) async fn set(seawall: &Seawall, by: &str, policy: &Value) -> (StatusCode, Value) {
    seawall
        .send(Method::PUT, &format!("/api/v1/policy?by={by}"), policy)
        .await
}

/// Installs the probe as `by`, and grants nothing.
async fn install(seawall: &Seawall, by: &str) {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let request = seawall
        .request(Method::POST, &format!("/api/v1/plugins?by={by}"))
        .header(header::CONTENT_TYPE, "application/wasm");
    let answer = request.body(bytes).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

async fn approve(seawall: &Seawall, body: Value) -> (StatusCode, Value) {
    seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &body).await
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test]
async fn a_wrong_policy_is_refused_with_each_field_and_its_line() {
    let seawall = Seawall::start().await;
    let wrong = json!({"never": {"hosts": ["*", "https://a.example.com"], "methods": ["delete"]}, "max_days": 0});
    let (status, problem) = set(&seawall, "ann", &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let expected = ["/never/hosts/0", "/never/hosts/1", "/never/methods/0", "/max_days"];
    assert_eq!(pointers(&problem), expected);
    let (status, problem) = set(&seawall, "ann", &json!({"never": {"host": []}})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem.to_string().contains("`hosts`"), "{problem}");
    let file = seawall.data().join("policy.yaml");
    std::fs::write(
        &file,
        "never:\n  methods: [GET]\n  hosts:\n    - \"*.internal.example.com\"\n    - a/b\n",
    )
    .unwrap();
    let output = seawall.command(&["policy", "set", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("policy.yaml:5:7: never.hosts[1]: expected a host"),
        "{said}"
    );
    assert_eq!(seawall.get("/api/v1/policy").await["history"], json!([]));
}

#[tokio::test]
async fn a_grant_contains_nothing_that_is_never_allowed() {
    let (seawall, tool) = (Seawall::start().await, Tool::start(50).await);
    tool.fill(3);
    install(&seawall, "ann").await;
    let (status, view) = set(
        &seawall,
        "ann",
        &json!({"never": {"methods": ["POST"], "private_ranges": ["10.0.0.0/8"]}, "max_days": 30}),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let (status, problem) = approve(&seawall, json!({"private_ranges": ["10.9.0.0/16"]})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(pointers(&problem), ["/rules", "/private_ranges/0", "/expires_at"]);
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    let part = json!({
        "rules": [0], "private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true, "expires_at": soon.to_string(),
    });
    let (status, view) = approve(&seawall, part).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let end = jiff::Timestamp::from_millisecond(soon.as_millisecond())
        .unwrap()
        .to_string();
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    for shown in [
        &view["granted"],
        &view["decisions"][0]["grant"],
        &audit["items"][0]["decisions"][0]["grant"],
    ] {
        assert_eq!(shown["expires_at"], end, "{shown}");
    }
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    assert_eq!(seawall.entities("thing").await.len(), 3);
}

#[tokio::test]
async fn a_policy_that_would_not_hold_says_what_to_write() {
    let seawall = Seawall::start().await;
    for (policy, pointer, why) in [
        (
            json!({"trust": {"registries": []}}),
            "/trust/registries",
            "leave `registries` out",
        ),
        (
            json!({"never": {"private_ranges": ["8.8.8.0/24"]}}),
            "/never/private_ranges/0",
            "would never hold",
        ),
        (
            json!({"never": {"private_ranges": ["10.1.0.0/16", "localhost"]}}),
            "/never/private_ranges/1",
            "such as `10.1.0.0/16`",
        ),
        (
            json!({"max_days": 4_294_967_296_u64}),
            "/max_days",
            "from 1 to 4294967295",
        ),
        (json!({"max_days": -1}), "/max_days", "from 1 to 4294967295, found `-1`"),
        (
            json!({"max_days": 1.5}),
            "/max_days",
            "from 1 to 4294967295, found `1.5`",
        ),
        (json!({"max_days": 0}), "/max_days", "expected at least 1, found 0"),
    ] {
        let (status, problem) = set(&seawall, "ann", &policy).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(pointers(&problem), [pointer], "{problem}");
        assert!(problem.to_string().contains(why), "{problem}");
    }
    // One that was set reads again, and so does the history.
    let (status, view) = set(&seawall, "ann", &json!({"trust": {"require_signature": false}})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(seawall.get("/api/v1/policy").await["policy"], view["policy"]);
}

#[tokio::test]
async fn a_policy_holds_for_what_was_granted_before_it() {
    let (seawall, tool) = probed(5).await;
    let ban = json!({"never": {"hosts": ["127.0.0.1"], "methods": ["POST"]}});
    let (status, would) = seawall.send(Method::PUT, "/api/v1/policy?dry_run=true", &ban).await;
    assert_eq!(status, StatusCode::OK, "{would}");
    assert_eq!(would["violations"][0]["plugin"], "probe", "{would}");
    assert_eq!(
        seawall.get("/api/v1/policy").await["history"],
        json!([]),
        "a dry run changes nothing"
    );
    let (status, view) = set(&seawall, "ann", &ban).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let before = tool.requests();
    seawall.hindered("probe", "which the policy never allows").await;
    assert_eq!(tool.requests(), before);
    // A rule that names its host itself is refused at the door, and the rest goes on.
    let (status, _) = set(&seawall, "ann", &json!({"never": {"methods": ["GET"]}})).await;
    assert_eq!(status, StatusCode::OK);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the refusal", || async {
        let page = seawall.get("/api/v1/egress?integration=probe&allowed=false").await;
        let reason = page["items"][0]["reason"].as_str()?;
        reason.contains("the policy never allows the method GET").then_some(())
    })
    .await;
    assert_eq!(tool.requests(), before);
    // What ends the pass is the policy, and says so before the plugin does, which knows of its manifest alone.
    let (error, _) = eventually("the pass to fail", || async {
        let passes = seawall.passes("probe").await;
        passes[0]["error"].as_str().map(str::to_owned)
    })
    .await;
    let begins = "the host refused a request: the policy never allows the method GET; the plugin said: ";
    assert!(error.starts_with(begins), "{error}");
    assert_eq!(seawall.entities("thing").await.len(), 5, "what it brought stays");
    let history = seawall.get("/api/v1/policy").await["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(2), "{history}");
    assert_eq!(history[0]["by"], "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_upgrade_that_the_policy_is_against_says_so() {
    let (seawall, _tool) = probed(3).await;
    let (status, view) = set(&seawall, "ann", &json!({"max_days": 9})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let narrower = crate::versions::next_version(|manifest| manifest.capabilities.network.truncate(1));
    let file = seawall.data().join("narrower.wasm");
    std::fs::write(&file, narrower).unwrap();
    let installed = seawall.command(&["plugin", "install", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&installed.stdout).into_owned();
    assert!(installed.status.success(), "{installed:?}");
    assert!(
        said.contains("asks for no more") && said.contains("no grant last longer than 9 days"),
        "{said}"
    );
    assert!(!said.contains("asks for more"), "{said}");
}

/// Asks for a pass, and waits for the newest refusal to say this.
async fn refused(seawall: &Seawall, integration: &str, part: &str) {
    let sync = format!("/api/v1/integrations/{integration}/sync");
    seawall.send(Method::POST, &sync, &json!({})).await;
    let path = format!("/api/v1/egress?integration={integration}&allowed=false&limit=1");
    eventually(part, || async {
        let page = seawall.get(&path).await;
        page["items"][0]["reason"].as_str()?.contains(part).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_against_every_host_holds_for_what_was_granted_before_it() {
    let (dns, tool) = (Dns::start().await, Tool::start(5).await);
    for name in ["anything.test", "a.corp.test"] {
        dns.says(name, &[&["127.0.0.1"]]);
    }
    let seawall = Seawall::start_with(&["--dns-server", &dns.address()], &[]).await;
    crate::versions::install(&seawall, roaming(tool.address())).await;
    let terms = json!({"private_ranges": ["127.0.0.0/8"], "any_host": true});
    let (status, view) = approve(&seawall, terms).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    for (name, host) in [("any", "anything.test"), ("below", "a.corp.test")] {
        seawall.integrate(asking(name, host, tool.address())).await;
    }
    seawall.settled("below").await;
    refused(&seawall, "any", "leads to public addresses alone").await;
    let places = async || {
        let reach = seawall.get("/api/v1/audit/reach").await;
        let items = reach["items"].as_array().unwrap().clone();
        items
            .iter()
            .filter(|item| item["place"].as_str().unwrap().contains("//*:"))
            .count()
    };
    assert_eq!(places().await, 2, "of each integration");
    let (status, view) = set(&seawall, "ann", &json!({"never": {"any_host": true}})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(view["violations"][0]["plugin"], "probe", "{view}");
    refused(&seawall, "any", "the policy never allows every host").await;
    assert_eq!(places().await, 0, "what the policy forbids reaches nothing");
    // A rule that says which hosts goes on.
    let before = tool.requests();
    seawall
        .send(Method::POST, "/api/v1/integrations/below/sync", &json!({}))
        .await;
    eventually("another request", || async { (tool.requests() > before).then_some(()) }).await;
}

#[tokio::test]
async fn limits_stay_within_what_the_policy_allows() {
    let (seawall, tool) = probed(5).await;
    let (status, view) = set(&seawall, "ann", &json!({"max_limits": {"timeout_ms": 1500}})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let mut wanted = integration(&tool, json!({}));
    wanted["limits"] = json!({"timeout_ms": 60_000});
    let (status, problem) = seawall.send(Method::PUT, "/api/v1/integrations/probe", &wanted).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(pointers(&problem), ["/limits/timeout_ms"]);
    // The plugin's own manifest asks for more, and gets no more.
    let mut spinning = integration(&tool, json!({"mode": "spin"}));
    spinning["name"] = "spinning".into();
    seawall.integrate(spinning).await;
    let (pass, _) = eventually("its call to be ended", || async {
        let passes = seawall.passes("spinning").await;
        passes.into_iter().find(|pass| pass["state"] == "failed")
    })
    .await;
    assert!(
        pass["error"].as_str().unwrap().contains("`timeout_ms` of 1500 ms"),
        "{pass}"
    );
}

#[tokio::test]
async fn who_decides_is_the_policys_to_say() {
    let seawall = Seawall::start().await;
    install(&seawall, "ann").await;
    let (status, view) = set(
        &seawall,
        "ann",
        &json!({"approvers": ["ann", "bob"], "two_people": true}),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    for (by, why) in [
        ("eve", "`eve` is none of them"),
        ("ann", "`ann` installed this version"),
    ] {
        let (status, problem) = approve(&seawall, json!({"by": by})).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    let (status, view) = approve(&seawall, json!({"by": "bob", "reason": "SEC-7"})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let (status, problem) = set(&seawall, "eve", &json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    let (status, _) = set(&seawall, "bob", &json!({})).await;
    assert_eq!(status, StatusCode::OK);
}
