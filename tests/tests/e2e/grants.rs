//! Nothing runs before a grant, and nothing after it was taken back.

use crate::{integration, probed};
use reqwest::{Method, StatusCode, header};
use seawall_domain::{bundle::Bundle, manifest::Manifest};
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

#[test]
fn what_a_version_asks_beyond_another_is_an_exit_code() {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.wasm");
    std::fs::write(&old, &bytes).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.capabilities.network.remove(1);
    let narrow = folder.path().join("narrow.wasm");
    std::fs::write(&narrow, bundle.embed(&bytes).unwrap()).unwrap();
    let diff = |from: &Path, to: &Path| {
        run(Command::new(seawall_binary())
            .args(["plugin", "diff", "-o", "json"])
            .args([from, to]))
    };
    let same = diff(&old, &old);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    // A folder stands for what was built in it; what a registry has is pulled first.
    let dist = folder.path().join("shelf/dist");
    std::fs::create_dir_all(&dist).unwrap();
    let empty = diff(&old, &folder.path().join("shelf"));
    assert_eq!(empty.status.code(), Some(2), "{empty:?}");
    assert!(
        String::from_utf8_lossy(&empty.stderr).contains("seawall plugin build"),
        "{empty:?}"
    );
    std::fs::copy(&old, dist.join("shelf.wasm")).unwrap();
    let built = diff(&old, &folder.path().join("shelf"));
    assert_eq!(built.status.code(), Some(0), "{built:?}");
    let remote = diff(&old, Path::new("ghcr.io/acme/unleash:1.2.0"));
    assert_eq!(remote.status.code(), Some(2), "{remote:?}");
    assert!(
        String::from_utf8_lossy(&remote.stderr).contains("seawall plugin pull ghcr.io/acme/unleash:1.2.0"),
        "{remote:?}"
    );
    let narrower = diff(&old, &narrow);
    assert_eq!(narrower.status.code(), Some(0), "{narrower:?}");
    let wider = diff(&narrow, &old);
    assert_eq!(wider.status.code(), Some(1), "{wider:?}");
    let answer: Value = serde_json::from_slice(&wider.stdout).unwrap();
    let expected = json!([{"effect": "wider", "what": "network", "detail": "POST {base_url} /things/*"}]);
    assert_eq!(answer["differences"], expected);
}

/// The probe as version 0.2.0, with another manifest.
fn next_version(change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.version = "0.2.0".parse().unwrap();
    change(&mut bundle.manifest);
    bundle.embed(&bytes).unwrap()
}

async fn install(seawall: &Seawall, bytes: Vec<u8>) -> Value {
    let request = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header(header::CONTENT_TYPE, "application/wasm");
    let answer = request.body(bytes).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

/// Starts a pass and gives the digest of the component that sent its requests.
async fn synced_by(seawall: &Seawall) -> Value {
    let before = seawall.passes("probe").await.len();
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("a pass to succeed", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() > before && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let newest = eventually("its requests to be recorded", || async {
        let records = seawall.get("/api/v1/egress?integration=probe&limit=1").await;
        records["items"].get(0).cloned()
    })
    .await;
    newest.0["digest"].clone()
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_while_the_old_version_goes_on() {
    let (seawall, _tool) = probed(5).await;
    let old = seawall.get("/api/v1/plugins/probe").await;
    let wider = next_version(|manifest| {
        let mut rule = manifest.capabilities.network[0].clone();
        rule.methods = vec!["DELETE".into()];
        manifest.capabilities.network.push(rule);
    });
    let new = install(&seawall, wider).await;
    assert_eq!(
        (&new["status"], &new["inForce"]),
        (&json!("awaiting-grant"), &json!(false))
    );
    let upgrade = &new["grant"]["upgrade"];
    assert_eq!(
        (&upgrade["from"], &upgrade["digest"]),
        (&json!("0.1.0"), &old["digest"])
    );
    let wider: Vec<_> = upgrade["differences"].as_array().unwrap().iter().collect();
    assert_eq!(wider.len(), 3, "{upgrade}");
    assert!(
        wider
            .iter()
            .all(|d| d["effect"] == "wider" && d["detail"].as_str().unwrap().starts_with("DELETE")),
        "{upgrade}"
    );
    assert_eq!(synced_by(&seawall).await, old["digest"]);
    // Which one a name alone would take a grant back of is the person's to say.
    let revoke = seawall.command(&["grant", "revoke", "probe"]);
    let said = String::from_utf8_lossy(&revoke.stderr).into_owned();
    assert!(!revoke.status.success(), "{said}");
    for part in [
        "0.2.0 (",
        "which waits for a grant",
        "0.1.0 (",
        "which is granted",
        "name one of them",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let refused = seawall.command(&["grant", "refuse", "probe@0.2.0", "--reason", "not yet", "-o", "json"]);
    let refused: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(
        (&refused["version"], &refused["status"]),
        (&json!("0.2.0"), &json!("revoked"))
    );
    assert_eq!(synced_by(&seawall).await, old["digest"]);
    // Once somebody has decided, it is in force without a restart; and the old one is, once that is wanted again.
    let terms = json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true});
    let (status, view) = seawall
        .send(Method::PUT, "/api/v1/plugins/probe@0.2.0/grant", &terms)
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(synced_by(&seawall).await, new["digest"]);
    let back = seawall.command(&["plugin", "rollback", "probe", "--reason", "slower", "-o", "json"]);
    let back: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!((&back["digest"], &back["inForce"]), (&old["digest"], &json!(true)));
    let decisions = back["grant"]["decisions"].as_array().unwrap();
    assert_eq!(decisions.last().unwrap()["reason"], "slower");
    assert_eq!(synced_by(&seawall).await, old["digest"]);
    let list = String::from_utf8(seawall.command(&["plugin", "list"]).stdout).unwrap();
    let in_force: Vec<_> = list.lines().filter(|line| line.contains(" yes ")).collect();
    assert!(in_force.len() == 1 && in_force[0].contains("0.1.0"), "{list}");
    // Where one version alone is granted, its name does.
    assert!(seawall.command(&["grant", "revoke", "probe@0.2.0"]).status.success());
    let revoked = seawall.command(&["grant", "revoke", "probe", "-o", "json"]);
    let revoked: Value = serde_json::from_slice(&revoked.stdout).unwrap();
    assert_eq!(
        (&revoked["digest"], &revoked["status"]),
        (&old["digest"], &json!("revoked"))
    );
}

#[tokio::test]
async fn an_upgrade_that_asks_for_no_more_is_in_force_and_fails_no_call() {
    let (seawall, tool) = probed(200).await;
    let old = seawall.get("/api/v1/plugins/probe").await;
    tool.slow(20);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let before = tool.requests();
    eventually("the second pass to be under way", || async {
        (tool.requests() > before + 1).then_some(())
    })
    .await;
    let new = install(
        &seawall,
        next_version(|manifest| manifest.capabilities.network.truncate(1)),
    )
    .await;
    assert_eq!((&new["status"], &new["inForce"]), (&json!("granted"), &json!(true)));
    let decision = &new["grant"]["decisions"][0];
    assert_eq!(decision["by"], "seawall");
    assert!(
        decision["reason"]
            .as_str()
            .unwrap()
            .starts_with("asks for nothing beyond 0.1.0"),
        "{decision}"
    );
    assert_eq!(
        decision["grant"]["private_ranges"],
        old["grant"]["granted"]["private_ranges"]
    );
    let (end, _) = eventually("the second pass to end", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() == 2 && passes[0]["state"] != "running").then(|| passes[0].clone())
    })
    .await;
    assert_eq!(
        (&end["state"], &end["error"]),
        (&json!("succeeded"), &Value::Null),
        "{end}"
    );
    assert_eq!(synced_by(&seawall).await, new["digest"]);
    // What was carried over is known rule by rule, as what a person approves is.
    let granted = &new["grant"]["granted"]["capabilities"]["network"];
    assert_eq!(*granted, new["grant"]["asked"]["network"]);
    let failed = seawall.get("/api/v1/egress?integration=probe&allowed=false").await;
    assert_eq!(failed["items"], json!([]), "no request was refused");
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

/// A version that asks for directories and for every host besides.
fn greedy(folder: &Path) -> Vec<u8> {
    next_version(|manifest| {
        manifest.version = "0.4.0".parse().unwrap();
        manifest.config["properties"]["folder"] = json!({"type": "string"});
        let capabilities = serde_json::from_value(json!({
            "network": [manifest.capabilities.network[0], {"to": "https://*", "methods": ["GET"]}],
            "files": [{"at": "/given", "from": folder}, {"at": "/absent", "from": "{folder}"}],
        }));
        manifest.capabilities = capabilities.unwrap();
    })
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_version_asked_was_granted_and_did_is_still_told() {
    let (seawall, _tool) = probed(3).await;
    let digest = seawall.get("/api/v1/plugins/probe").await["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    eventually("its requests to be counted", || async {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await;
        (audit["items"][0]["network"][0]["used"] != json!([])).then_some(())
    })
    .await;
    let short = &digest["sha256:".len()..][..12];
    // While it is there, its first digits name it too; too few do not.
    let shown = seawall.command(&["grant", "show", short, "-o", "json"]);
    assert!(shown.status.success(), "{shown:?}");
    let few = seawall.command(&["grant", "show", &short[..6]]);
    assert!(!few.status.success(), "{few:?}");
    for arguments in [
        &["integration", "remove", "probe", "--yes"][..],
        &["plugin", "remove", short, "--reason", "not needed"],
    ] {
        let done = seawall.command(arguments);
        assert!(done.status.success(), "{done:?}");
    }
    for reference in [digest.as_str(), short, "probe", "probe@0.1.0"] {
        let audit = seawall.get(&format!("/api/v1/audit?plugin={reference}")).await;
        let audit = &audit["items"][0];
        assert_eq!(audit["status"], "removed", "{reference}: {audit}");
        assert!(audit["removedAt"].is_string(), "{audit}");
        assert_eq!(audit["network"][0]["used"][0]["integration"], "probe", "{audit}");
        assert_eq!(audit["decisions"][1]["reason"], "not needed");
        let grant = seawall.get(&format!("/api/v1/plugins/{reference}/grant")).await;
        assert_eq!(grant["status"], "removed", "{grant}");
        let sent = seawall.get(&format!("/api/v1/egress?plugin={reference}")).await;
        assert!(!sent["items"].as_array().unwrap().is_empty(), "{reference}");
    }
    assert_eq!(seawall.get("/api/v1/audit").await["items"], json!([]));
    let all = seawall.get("/api/v1/audit?removed=true").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    // Nothing can be decided about it before it is there again.
    let approved = seawall.command(&["grant", "approve", short]);
    let said = String::from_utf8_lossy(&approved.stderr).into_owned();
    assert!(!approved.status.success() && said.contains("it was removed"), "{said}");
    seawall.install(&component("tests/guests/probe")).await;
    assert_eq!(
        seawall.get("/api/v1/audit?plugin=probe").await["items"][0]["status"],
        "granted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_removed_what_nobody_granted_is_kept() {
    let seawall = Seawall::start().await;
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let installed = install(&seawall, bytes).await;
    assert_eq!(installed["status"], "awaiting-grant");
    let removed = seawall.command(&["plugin", "remove", "probe", "--reason", "was a trial", "--by", "ann"]);
    assert!(removed.status.success(), "{removed:?}");
    let audit = seawall.get("/api/v1/audit?removed=true").await;
    let audit = &audit["items"][0];
    assert_eq!(audit["status"], "removed", "{audit}");
    let last = &audit["decisions"][0];
    assert_eq!(
        (&last["verdict"], &last["by"], &last["reason"]),
        (&json!("revoked"), &json!("ann"), &json!("was a trial"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_several_components_names_them() {
    let seawall = Seawall::start().await;
    let first = seawall.install(&component("tests/guests/probe")).await["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let bytes = next_version(|manifest| {
        manifest.version = "0.1.0".parse().unwrap();
        manifest.title = Some("Another".into());
    });
    let second = install(&seawall, bytes).await["digest"].as_str().unwrap().to_owned();
    let shown = seawall.command(&["grant", "show", "probe@0.1.0"]);
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(!shown.status.success(), "{said}");
    for digest in [&first, &second] {
        assert!(said.contains(&digest["sha256:".len()..][..12]), "{said}");
    }
    // By what is installed, without a file.
    let diff = seawall.command(&["plugin", "diff", &first, &second]);
    let said = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(
        diff.status.success() && said.contains("other code, which asks for the same"),
        "{said}"
    );
}

/// What one person took back is nobody else's to bring back by installing it again, whoever asks for how little.
#[tokio::test]
async fn a_version_that_was_taken_back_waits_when_it_is_installed_again() {
    let (seawall, _tool) = probed(5).await;
    let old = seawall.get("/api/v1/plugins/probe").await["digest"].clone();
    let bytes = next_version(|manifest| manifest.capabilities.network.truncate(1));
    let new = install(&seawall, bytes.clone()).await;
    assert_eq!(new["status"], "granted");
    let back = seawall.command(&["plugin", "rollback", "probe"]);
    assert!(back.status.success(), "{back:?}");
    let revoked = seawall.command(&["grant", "revoke", "probe@0.2.0", "--reason", "compromised"]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert!(seawall.command(&["plugin", "remove", "probe@0.2.0"]).status.success());
    let again = install(&seawall, bytes).await;
    assert_eq!(
        (&again["status"], &again["inForce"]),
        (&json!("revoked"), &json!(false))
    );
    assert_eq!(synced_by(&seawall).await, old);
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

/// A name is that of the version that works, and not of one that only waits beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_means_the_version_that_works_where_a_newer_one_waits() {
    let (seawall, _tool) = probed(5).await;
    let folder = tempfile::tempdir().unwrap();
    let asks = |version: &str| {
        next_version(|manifest| {
            manifest.version = version.parse().unwrap();
            let mut rule = manifest.capabilities.network[0].clone();
            rule.methods = vec!["DELETE".into()];
            manifest.capabilities.network.push(rule);
        })
    };
    install(&seawall, asks("0.3.0")).await;
    let file = folder.path().join("next.wasm");
    std::fs::write(&file, asks("0.3.1")).unwrap();
    let diff = seawall.command(&["plugin", "diff", "probe", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert_eq!(diff.status.code(), Some(1), "{said}");
    assert!(
        said.contains("0.1.0 → 0.3.1") || said.contains("0.1.0") && said.contains("DELETE"),
        "{said}"
    );
    eventually("its requests to be on record", || async {
        let listed = seawall.command(&["egress", "list", "--plugin", "probe", "-o", "json"]);
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        (!listed["items"].as_array()?.is_empty()).then_some(())
    })
    .await;
    let tightened = seawall.command(&["grant", "tighten", "probe", "--dry-run", "-o", "json"]);
    let tightened: Value = serde_json::from_slice(&tightened.stdout).unwrap();
    assert_eq!(
        (&tightened["grant"]["version"], &tightened["grant"]["status"]),
        (&json!("0.1.0"), &json!("granted"))
    );
    // What a refusal says to write is about the version that was refused.
    let without = json!({"plaintext_to_loopback": true});
    let (status, view) = seawall
        .send(Method::PUT, "/api/v1/plugins/probe@0.1.0/grant", &without)
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let digest = view["digest"].as_str().unwrap()["sha256:".len()..][..12].to_owned();
    seawall
        .hindered("probe", &format!("`seawall grant approve probe@{digest}`"))
        .await;
    let reach = seawall.get("/api/v1/audit/reach?host=127.0.0.1").await;
    assert_eq!(reach["items"], json!([]), "the grant names no such range");
}
