//! A part of what is asked is granted, or a grant is made as narrow as what was used of it.

use crate::{
    integration, probed,
    versions::{asking, greedy, install, roaming},
};
use reqwest::{Method, StatusCode};
use seawall_tests::{Dns, Seawall, Tool, component, eventually};
use serde_json::{Value, json};

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
    let unused = json!([
        {"capability": "network", "rule": 0, "to": "{base_url}", "methods": ["GET"], "paths": ["/partitions", "/echo"], "whole": false},
        {"capability": "network", "rule": 1, "to": "{base_url}", "methods": ["POST"], "paths": ["/things/*"], "whole": true},
        {"capability": "network", "rule": 2, "to": "{base_url}", "methods": ["GET"], "paths": ["/", "/api/**"], "whole": true},
    ]);
    assert_eq!(would["unused"], unused);
    let network = |view: &Value| view["granted"]["capabilities"]["network"].as_array().map(Vec::len);
    assert_eq!(network(&would["grant"]), Some(3), "nothing changes: {would}");
    let shown = seawall.command(&["grant", "tighten", "probe", "--reason", "reads only"]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("POST"), "{shown:?}");
    let view = seawall.get("/api/v1/plugins/probe/grant").await;
    assert_eq!(network(&view), Some(1), "{view}");
    assert_eq!(
        view["granted"]["capabilities"]["network"][0]["paths"],
        json!(["/items"])
    );
    assert_eq!(view["decisions"][1]["reason"], "reads only");
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    let granted: Vec<_> = audit["items"][0]["network"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["granted"])
        .collect();
    assert_eq!(granted, [true, false, false]);
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
        problem["detail"].as_str().unwrap().contains("has used nothing yet"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_part_of_a_rule_can_be_granted() {
    let (seawall, _tool) = probed(5).await;
    let put = |rules: Value| {
        let seawall = &seawall;
        let body = json!({"rules": rules, "private_ranges": ["127.0.0.0/8"]});
        async move { seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &body).await }
    };
    let (status, view) = put(json!([{"rule": 0, "paths": ["/items"]}])).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(
        view["granted"]["capabilities"]["network"][0]["paths"],
        json!(["/items"])
    );
    for (rules, pointer, says) in [
        (
            json!([7]),
            "/rules/0",
            "there is no rule 7; the manifest asks for 3 (0 to 2)",
        ),
        (
            json!([0, {"rule": 0, "paths": ["/secret"]}]),
            "/rules/1/paths",
            "found `/secret`",
        ),
        (
            json!([{"rule": 1, "methods": ["GET"]}]),
            "/rules/0/methods",
            "expected some of what the rule asks, POST",
        ),
        (json!([{"rule": 0, "methods": []}]), "/rules/0/methods", "found none"),
        (
            json!([{"rule": 0, "path": ["/items"]}]),
            "/rules/0",
            "the number of a rule, or an object",
        ),
    ] {
        let (status, problem) = put(rules.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{rules}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().contains(says),
            "{problem}"
        );
    }
    let shown = seawall.command(&[
        "grant",
        "approve",
        "probe",
        "--private",
        "127.0.0.0/8",
        "--rule",
        "0:GET:/items,/echo",
    ]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("GET /items /echo"), "{shown:?}");
}

#[tokio::test]
async fn a_range_that_is_none_says_what_to_write() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    for (range, why) in [
        ("10.0.0.0/33", "expected a range of addresses, such as `10.1.0.0/16`"),
        ("tool.corp", "found `tool.corp`"),
        ("10.0.0.7", "write `10.0.0.7/32`"),
        ("10.0.0.7/8", "write `10.0.0.0/8`"),
    ] {
        let body = json!({"private_ranges": ["127.0.0.0/8", range]});
        let (status, problem) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/private_ranges/1", "{problem}");
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().contains(why),
            "{problem}"
        );
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn directories_ranges_and_every_host_are_audited_and_tightened() {
    let seawall = Seawall::start().await;
    let tool = Tool::start(3).await;
    let folder = tempfile::tempdir().unwrap();
    let plugin = install(&seawall, greedy(folder.path())).await;
    let grant = format!("/api/v1/plugins/{}/grant", plugin["digest"].as_str().unwrap());
    let ranges = json!(["127.0.0.0/8", "10.0.0.0/8"]);
    let (status, problem) = seawall
        .send(Method::PUT, &grant, &json!({"private_ranges": ranges}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/any_host");
    let why = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(why.contains("`https://*`") && why.contains("--any-host"), "{why}");
    let body = json!({"private_ranges": ranges, "any_host": true, "plaintext_to_loopback": true});
    let (status, given) = seawall.send(Method::PUT, &grant, &body).await;
    assert_eq!(status, StatusCode::OK, "{given}");
    assert_eq!(given["decisions"][0]["grant"]["any_host"], true);
    let reach = seawall.get("/api/v1/audit/reach?host=anything.example.org").await;
    assert_eq!(reach["items"], json!([]), "no integration yet");
    seawall.integrate(integration(&tool, json!({}))).await;
    eventually("a pass to succeed", || async {
        let passes = seawall.passes("probe").await;
        (passes.first()?["state"] == "succeeded").then_some(())
    })
    .await;
    let reach = seawall.get("/api/v1/audit/reach?host=anything.example.org").await;
    assert_eq!(reach["items"][0]["place"], "https://*:443");
    let (audit, _) = eventually("uses to be counted", || async {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await["items"][0].clone();
        (audit["files"][0]["used"] != json!([]) && audit["privateRanges"][0]["used"] != json!([])).then_some(audit)
    })
    .await;
    assert_eq!(
        (&audit["anyHost"], &audit["files"][1]["used"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(audit["files"][0]["used"][0]["integration"], "probe");
    let used = |i: usize| audit["privateRanges"][i]["used"].as_array().map(Vec::len);
    assert_eq!((used(0), used(1)), (Some(1), Some(0)), "{audit}");
    let shown = seawall.command(&["audit", "probe"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("calls by probe") && shown.contains("10.0.0.0/8"),
        "{shown}"
    );
    let records = seawall.get("/api/v1/egress?host=127.0.0.1").await;
    assert_eq!(
        (&records["items"][0]["address"], &records["items"][0]["privateRange"]),
        (&json!("127.0.0.1"), &json!("127.0.0.0/8"))
    );
    // What was never used goes, with the right to reach every host.
    let (status, tightened) = seawall
        .send(Method::POST, "/api/v1/plugins/probe/grant/tighten", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{tightened}");
    let went: Vec<_> = tightened["unused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unused| {
            format!(
                "{} {}",
                unused["capability"].as_str().unwrap(),
                unused["to"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        went[went.len() - 3..],
        ["network https://*", "files {folder}", "private_ranges 10.0.0.0/8"]
    );
    let granted = &tightened["grant"]["granted"];
    assert_eq!(granted["any_host"], Value::Null, "{granted}");
    assert_eq!(granted["private_ranges"], json!(["127.0.0.0/8"]));
    assert_eq!(granted["capabilities"]["files"][0]["at"], "/given");
    assert_eq!(granted["capabilities"]["files"].as_array().unwrap().len(), 1);
}

/// A range is opened to rules that say which hosts.
#[tokio::test(flavor = "multi_thread")]
async fn every_host_is_none_that_is_private_whatever_ranges_are_granted() {
    let (dns, tool) = (Dns::start().await, Tool::start(5).await);
    for name in ["anything.test", "a.corp.test"] {
        dns.says(name, &[&["127.0.0.1"]]);
    }
    let seawall = Seawall::start_with(&["--dns-server", &dns.address()], &[]).await;
    install(&seawall, roaming(tool.address())).await;
    let terms = json!({"private_ranges": ["127.0.0.0/8"], "any_host": true});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &terms).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    for (name, host) in [("named", "anything.test"), ("written", "127.0.0.1")] {
        seawall.integrate(asking(name, host, tool.address())).await;
        let (record, _) = eventually("the refusal", || async {
            let page = seawall.get(&format!("/api/v1/egress?integration={name}&limit=1")).await;
            page["items"].get(0).cloned()
        })
        .await;
        assert_eq!(record["allowed"], false, "{record}");
        let reason = record["reason"].as_str().unwrap();
        assert!(
            reason.contains("127.0.0.1 (loopback), and a rule whose host is `*` leads to public addresses alone"),
            "{reason}"
        );
    }
    assert_eq!(tool.requests(), 0);
    // Those below a name go on as they are.
    seawall.integrate(asking("below", "a.corp.test", tool.address())).await;
    seawall.settled("below").await;
    assert!(tool.requests() > 0);
    let reach = seawall.get("/api/v1/audit/reach?host=127.0.0.1").await;
    assert_eq!(reach["items"], json!([]), "every host is not this one");
    let reach = seawall.get("/api/v1/audit/reach?host=anything.test").await;
    assert_eq!(reach["items"].as_array().map(Vec::len), Some(3), "{reach}");
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_and_every_host_are_granted_in_part_and_a_policy_is_against_them() {
    let seawall = Seawall::start().await;
    let folder = tempfile::tempdir().unwrap();
    let plugin = install(&seawall, greedy(folder.path())).await;
    let grant = format!("/api/v1/plugins/{}/grant", plugin["digest"].as_str().unwrap());
    for (body, pointer) in [
        (json!({"rules": [0], "files": [2]}), "/files/0"),
        (json!({"rules": [0], "catalog": true}), "/catalog"),
        (json!({"rules": [0], "any_host": true}), "/any_host"),
    ] {
        let (status, problem) = seawall.send(Method::PUT, &grant, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let digest = plugin["digest"].as_str().unwrap();
    let shown = seawall.command(&["grant", "approve", digest, "--rule", "0", "--files", "1"]);
    assert!(shown.status.success(), "{shown:?}");
    let view = seawall.get(&grant).await;
    assert_eq!(view["granted"]["capabilities"]["files"][0]["at"], "/absent", "{view}");
    let (status, problem) = seawall
        .send(Method::PUT, "/api/v1/policy", &json!({"never": {"any_host": true}}))
        .await;
    assert_eq!(status, StatusCode::OK, "{problem}");
    let (status, problem) = seawall.send(Method::PUT, &grant, &json!({"any_host": true})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/any_host", "{problem}");
}
