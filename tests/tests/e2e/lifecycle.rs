//! A plugin's versions, from the first to the last, while passes and deliveries go on.

use crate::integration;
use reqwest::{Method, StatusCode, header};
use seawall_domain::bundle::Bundle;
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::{Value, json};

/// The probe as another version.
fn version(number: &str) -> Vec<u8> {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.version = number.parse().unwrap();
    bundle.embed(&bytes).unwrap()
}

async fn install(seawall: &Seawall, bytes: Vec<u8>) -> Value {
    let request = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header(header::CONTENT_TYPE, "application/wasm");
    request.body(bytes).send().await.unwrap().json().await.unwrap()
}

/// The component that sent an integration's newest request.
async fn sent_by(seawall: &Seawall, integration: &str) -> Value {
    let path = format!("/api/v1/egress?integration={integration}&limit=1");
    let (record, _) = eventually("a record", || async {
        seawall.get(&path).await["items"].get(0).cloned()
    })
    .await;
    record["digest"].clone()
}

#[tokio::test]
async fn two_versions_run_side_by_side_and_one_goes_when_nobody_runs_it() {
    let (seawall, tool) = crate::probed(20).await;
    let old = seawall.get("/api/v1/plugins/probe").await["digest"].clone();
    let new = install(&seawall, version("0.2.0")).await["digest"].clone();
    let mut pinned = integration(&tool, json!({}));
    pinned["name"] = "pinned".into();
    pinned["digest"] = old.clone();
    seawall.integrate(pinned.clone()).await;
    seawall.settled("pinned").await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the other one on the new version", || async {
        (sent_by(&seawall, "probe").await == new).then_some(())
    })
    .await;
    assert_eq!(sent_by(&seawall, "pinned").await, old);
    // Neither goes while it is run.
    for (reference, user) in [("probe@0.1.0", "`pinned`"), ("probe@0.2.0", "`probe`")] {
        let path = format!("/api/v1/plugins/{reference}");
        let (status, answer) = seawall.send(Method::DELETE, &path, &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
        assert!(answer.to_string().contains(user), "{reference}: {answer}");
        let advice = if user == "`pinned`" {
            "`digest` of its document"
        } else {
            "seawall plugin rollback probe"
        };
        assert!(answer.to_string().contains(advice), "{reference}: {answer}");
    }
    pinned["digest"] = Value::Null;
    pinned.as_object_mut().unwrap().remove("digest");
    seawall.integrate(pinned).await;
    let gone = seawall.command(&["plugin", "remove", "probe@0.1.0", "--reason", "nobody runs it"]);
    assert!(gone.status.success(), "{gone:?}");
    let (status, _) = seawall.try_get("/api/v1/plugins/probe@0.1.0").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let left = std::fs::read_dir(seawall.data().join("plugins")).unwrap().count();
    assert_eq!(left, 1, "its bytes are gone");
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
}

/// A pass goes on with the version that it began on, and no longer than that one's grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_removed_sends_nothing_more_for_a_pass_in_flight() {
    let (seawall, tool) = crate::probed(1_000).await;
    let old = seawall.get("/api/v1/plugins/probe").await["digest"].clone();
    let before = tool.requests();
    tool.slow(1_000);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("a pass to be under way", || async {
        (tool.requests() > before).then_some(())
    })
    .await;
    install(&seawall, version("0.2.0")).await;
    let gone = seawall.command(&["plugin", "remove", "probe@0.1.0", "--reason", "faulty"]);
    assert!(gone.status.success(), "{gone:?}");
    let removed = jiff::Timestamp::now();
    eventually("the pass to end", || async {
        let passes = seawall.passes("probe").await;
        let ended = |pass: &Value| {
            let error = pass["error"].as_str();
            error.is_some_and(|error| error.contains("the grant was revoked"))
        };
        passes.iter().any(ended).then_some(())
    })
    .await;
    let records = seawall.get("/api/v1/egress?integration=probe&limit=100").await;
    let of_old = |record: &&Value| record["digest"] == old;
    let mut sent = records["items"].as_array().unwrap().iter().filter(of_old);
    let late = sent.find(|record| {
        let at: jiff::Timestamp = record["at"].as_str().unwrap().parse().unwrap();
        record["allowed"] == true && at > removed
    });
    assert_eq!(late, None, "it was sent after the version was removed");
}

#[tokio::test]
async fn which_version_was_put_in_force_and_which_was_removed_is_in_the_history() {
    let (seawall, _tool) = crate::probed(1).await;
    install(&seawall, version("0.2.0")).await;
    let well = |arguments: &[&str]| {
        let output = seawall.command(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let newest = async |name: &str| {
        let path = format!("/api/v1/definition-changes?kind=Grant&name={name}&limit=1");
        seawall.get(&path).await["items"][0].clone()
    };
    let version_of = |change: &Value| {
        let fields = change["fields"].as_array().unwrap();
        let version = fields.iter().find(|field| field["field"] == "version").unwrap();
        (version["before"].clone(), version["after"].clone())
    };
    // It asks for no more than the one before, and so took its place by itself.
    let change = newest("probe").await;
    assert_eq!(version_of(&change), (json!("0.1.0"), json!("0.2.0")), "{change}");
    assert_eq!(change["by"], "seawall");

    well(&[
        "plugin",
        "rollback",
        "probe",
        "--reason",
        "flags went missing",
        "--by",
        "ann",
    ]);
    let change = newest("probe").await;
    assert_eq!(version_of(&change), (json!("0.2.0"), json!("0.1.0")), "{change}");
    assert_eq!(
        (&change["by"], &change["reason"]),
        (&json!("ann"), &json!("flags went missing"))
    );
    let people = well(&["history", "Grant", "probe"]);
    assert!(
        people.contains("flags went missing") && people.contains("0.2.0 → 0.1.0"),
        "{people}"
    );
    // The audit has the decision too.
    let audit = well(&["audit", "probe@0.1.0", "-o", "json"]);
    assert!(audit.contains("flags went missing"), "{audit}");

    well(&["plugin", "remove", "probe@0.2.0", "--reason", "faulty", "--by", "bob"]);
    let change = newest("probe").await;
    assert_eq!(
        (&change["change"], &change["by"], &change["reason"]),
        (&json!("deleted"), &json!("bob"), &json!("faulty"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_decision_is_one_entry_under_the_plugins_name_however_it_was_named() {
    let (seawall, _tool) = crate::probed(1).await;
    eventually("its requests to be counted", || async {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await;
        (audit["items"][0]["network"][0]["used"] != json!([])).then_some(())
    })
    .await;
    let well = |arguments: &[&str]| {
        let output = seawall.command(&[arguments, &["--by", "ann"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let wider = crate::versions::next_version(|manifest| {
        let mut rule = manifest.capabilities.network[0].clone();
        rule.methods = vec!["DELETE".into()];
        manifest.capabilities.network.push(rule);
    });
    let digest = install(&seawall, wider).await["digest"].as_str().unwrap().to_owned();
    let short = &digest["sha256:".len()..][..12];
    // Two versions are installed, and the name is that of the one that works.
    well(&["grant", "tighten", "probe"]);
    well(&["grant", "refuse", short, "--reason", "not yet"]);
    let private = ["--private", "127.0.0.0/8", "--plaintext-to-loopback"];
    for reference in [digest.as_str(), short, "probe@0.2.0"] {
        let end = ["grant", "approve", reference, "--expires", "2999-01-01T00:00:00Z"];
        well(&[&end[..], &private].concat());
    }
    well(&["plugin", "rollback", "probe"]);
    well(&["grant", "revoke", short]);
    well(&["plugin", "remove", "probe@0.2.0"]);
    let page = seawall.get("/api/v1/definition-changes?kind=Grant").await;
    let all = page["items"].as_array().unwrap();
    let told: Vec<_> = all
        .iter()
        .rev()
        .map(|change| {
            assert_eq!(change["name"], "probe", "{change}");
            let decided = &change["decided"];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            assert!(text(&decided["digest"]).starts_with("sha256:"), "{change}");
            let words = [&decided["decision"], &decided["version"], &change["change"]].map(text);
            words.join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "approved 0.1.0 created",
            "tightened 0.1.0 updated",
            "revoked 0.2.0 deleted",
            // It takes the place of the other one.
            "approved 0.2.0 updated",
            "approved 0.2.0 updated",
            "approved 0.2.0 updated",
            "rolled-back 0.1.0 updated",
            "revoked 0.2.0 deleted",
            "removed 0.2.0 deleted",
        ]
    );
    let people = well(&["history", "Grant", "probe"]);
    assert!(people.contains(&format!("0.2.0 ({short}) approved")), "{people}");
    // Times are texts.
    let first = &all[5]["fields"];
    let end = first
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["field"] == "expires_at");
    assert_eq!(end.unwrap()["after"], "2999-01-01T00:00:00Z", "{first}");
    assert!(
        people.contains("expires_at: nothing → 2999-01-01T00:00:00Z"),
        "{people}"
    );
}

/// Passes and deliveries come all the time, while versions change eight times: none of them fails.
#[tokio::test(flavor = "multi_thread")]
async fn upgrades_and_rollbacks_fail_no_pass_and_lose_no_delivery() {
    let tool = Tool::start(20).await;
    tool.fill(100);
    tool.slow(2);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let secret = json!({"source": "sealed", "secret": "hook-secret"});
    seawall.send(Method::PUT, "/api/v1/credentials/hook", &secret).await;
    let mut wanted = integration(&tool, json!({}));
    wanted["every_seconds"] = 1.into();
    wanted["webhook"] = json!({"scheme": "token", "secret": "hook", "id_header": "X-Id"});
    seawall.integrate(wanted).await;
    seawall.settled("probe").await;
    let first = seawall.get("/api/v1/plugins/probe").await["digest"].clone();
    let mut digests = vec![first];
    let mut sent = 0;
    for round in 0..8 {
        let digest = match round % 2 {
            0 => install(&seawall, version(&format!("0.{}.0", round + 2))).await["digest"].clone(),
            _ => {
                let back = seawall.command(&["plugin", "rollback", "probe", "-o", "json"]);
                assert!(back.status.success(), "{back:?}");
                serde_json::from_slice::<Value>(&back.stdout).unwrap()["digest"].clone()
            }
        };
        digests.push(digest.clone());
        for _ in 0..5 {
            let body = json!({"upsert": {"id": format!("delivered-{sent}"), "name": "Delivered", "size": sent}});
            let request = reqwest::Client::new()
                .post(format!("{}/hooks/probe", seawall.address()))
                .bearer_auth("hook-secret")
                .header("X-Id", sent.to_string());
            let answer = request.json(&body).send().await.unwrap();
            assert_eq!(
                answer.status(),
                StatusCode::ACCEPTED,
                "{}",
                answer.text().await.unwrap()
            );
            sent += 1;
        }
        seawall
            .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
            .await;
        eventually("requests of the version in force", || async {
            (sent_by(&seawall, "probe").await == digest).then_some(())
        })
        .await;
    }
    eventually("all deliveries to be given", || async {
        let waiting = seawall.get("/api/v1/deliveries?state=waiting&limit=1").await;
        (waiting["items"] == json!([])).then_some(())
    })
    .await;
    let done = seawall.get("/api/v1/deliveries?state=done&limit=1000").await;
    assert_eq!(done["items"].as_array().unwrap().len(), sent, "{done}");
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
    let refused = seawall.get("/api/v1/egress?integration=probe&allowed=false").await;
    assert_eq!(refused["items"], json!([]));
}
