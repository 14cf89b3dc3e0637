//! What is told of what plugins asked for, were granted and did.

use crate::{
    policy::set,
    probed,
    versions::{install, next_version},
};
use reqwest::{Method, StatusCode};
use seawall_tests::{Dns, Seawall, component, eventually};
use serde_json::{Value, json};

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
async fn who_approved_is_told_through_what_rests_on_the_approval() {
    let (seawall, _tool) = probed(3).await;
    let terms =
        json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true, "by": "ann", "reason": "SEC-1"});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &terms).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    set(&seawall, "ann", &json!({"approvers": ["ann", "bob"]})).await;
    eventually("its requests to be counted", || async {
        let audit = seawall.get("/api/v1/audit?plugin=probe").await;
        (audit["items"][0]["network"][0]["used"] != json!([])).then_some(())
    })
    .await;
    let well = |arguments: &[&str]| {
        let output = seawall.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let approved = async |version: &str| {
        let reach = seawall.get("/api/v1/audit/reach").await;
        let first = &reach["items"][0];
        assert_eq!(
            (&first["version"], &first["approvedBy"], &first["reason"]),
            (&json!(version), &json!("ann"), &json!("SEC-1")),
            "{reach}"
        );
    };
    well(&["grant", "tighten", "probe", "--by", "carl"]);
    approved("0.1.0").await;
    // What asks for no more goes on from there by itself.
    let new = install(
        &seawall,
        next_version(|manifest| manifest.capabilities.network.truncate(1)),
    )
    .await;
    assert_eq!(new["inForce"], true, "{new}");
    approved("0.2.0").await;
    well(&["plugin", "rollback", "probe", "--by", "bob"]);
    approved("0.1.0").await;
    // Each is kept as what it is, by whom it was.
    let decided = async |plugin: &str| {
        let audit = seawall.get(&format!("/api/v1/audit?plugin={plugin}")).await;
        let all = audit["items"][0]["decisions"].as_array().unwrap().clone();
        let line = |d: &Value| {
            let on = d["rests_on"]["by"].as_str().unwrap_or("nobody");
            format!("{} {} {on}", d["verdict"].as_str().unwrap(), d["by"].as_str().unwrap())
        };
        all.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        decided("probe@0.1.0").await[1..],
        ["approved ann nobody", "tightened carl ann", "rolled-back bob ann"]
    );
    assert_eq!(decided("probe@0.2.0").await, ["carried-over seawall ann"]);
    let people = well(&["audit", "probe"]);
    assert!(people.contains("rolled back") && people.contains("by ann "), "{people}");
    assert!(well(&["audit", "reach"]).contains("by ann "));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_reach_what_is_answered_with_who_approved_it() {
    let (seawall, _tool) = probed(5).await;
    let reach = |arguments: &[&str]| {
        let output = seawall.command(&[&["audit", "reach", "-o", "json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["items"].clone()
    };
    let all = reach(&["--host", "127.0.0.1"]);
    assert_eq!(all.as_array().map(Vec::len), Some(3), "{all}");
    assert_eq!(
        (&all[0]["method"], &all[0]["credential"]),
        (&json!("GET"), &json!("token")),
        "{all}"
    );
    assert!(all[0]["used"].as_u64().is_some_and(|used| used > 0), "{all}");
    assert_eq!(
        (&all[0]["approvedBy"], &all[0]["reason"]),
        (&json!("token"), &json!("test")),
        "{all}"
    );
    let writes = reach(&["--writes"]);
    assert_eq!(writes.as_array().map(Vec::len), Some(1), "{writes}");
    assert_eq!(
        (&writes[0]["method"], &writes[0]["used"]),
        (&json!("POST"), &json!(0)),
        "{writes}"
    );
    assert_eq!(reach(&["--host", "127.0.0.2"]), json!([]));
    set(&seawall, "ann", &json!({"never": {"private_ranges": ["127.0.0.0/8"]}})).await;
    assert_eq!(reach(&[]), json!([]), "what the policy closes is not reached");
    seawall
        .hindered("probe", "127.0.0.1 (loopback), which the policy never allows")
        .await;
    set(&seawall, "ann", &json!({"never": {"methods": ["POST"]}})).await;
    assert_eq!(
        reach(&["--writes"]),
        json!([]),
        "what the policy forbids reaches nothing"
    );
    let output = seawall.command(&["audit", "reach", "--host", "https://a"]);
    assert_eq!(output.status.code(), Some(2));
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains("`https://` is no part of a host"), "{why}");
    // What was sent when.
    let list = |arguments: &[&str]| {
        let output = seawall.command(&[&["egress", "list", "--plugin", "probe", "-o", "json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page: Value = serde_json::from_slice(&output.stdout).unwrap();
        page["items"].as_array().map(Vec::len)
    };
    let now = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let hour_ago = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string();
    // The one that was sent, and the one that was refused.
    assert_eq!(list(&["--until", &now, "--since", &hour_ago]), Some(2));
    assert_eq!(list(&["--until", &hour_ago]), Some(0));
    for (wrong, why) in [
        (["--since", &now, "--until", &hour_ago], "expected a time after `since`"),
        (["--host", "*", "--limit", "1"], "expected a host or an address"),
        (
            ["--host", "127.0.0.1:17801", "--limit", "1"],
            "a port is no part of a host",
        ),
        (
            ["--host", "http://127.0.0.1/", "--limit", "1"],
            "`http://` is no part of a host",
        ),
        (["--host", "10.0.0.0/8", "--limit", "1"], "write a host alone"),
        (["--host", "user@127.0.0.1", "--limit", "1"], "write a host alone"),
        (["--host", "two words", "--limit", "1"], "write a host alone"),
        (["--host", "fe80::1%eth0", "--limit", "1"], "write a host alone"),
    ] {
        let output = seawall.command(&[&["egress", "list"][..], &wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{said}");
    }
}

/// A grant that lets the probe of `base_url` go to these ranges.
async fn grant(seawall: &Seawall, ranges: &[&str]) {
    let terms = json!({"private_ranges": ranges, "plaintext_to_loopback": true});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &terms).await;
    assert_eq!(status, StatusCode::OK, "{view}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_address_is_asked_for_with_brackets_and_without() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let refused = json!({"name": "refused", "plugin": "probe", "config": {"base_url": "http://[::1]:1"}});
    seawall.integrate(refused).await;
    let asked = |command: &[&str], host: &str| {
        let output = seawall.command(&[command, &["--host", host, "-o", "json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page: Value = serde_json::from_slice(&output.stdout).unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let list = &["egress", "list", "--refused"][..];
    eventually("the refusal to be on record", || async {
        (!asked(list, "[::1]").is_empty()).then_some(())
    })
    .await;
    for host in ["::1", "0:0:0:0:0:0:0:1"] {
        let found = asked(list, host);
        assert!(!found.is_empty(), "{host}");
        assert!(found.iter().all(|one| one["host"] == "[::1]"), "{found:?}");
    }
    grant(&seawall, &["::1/128"]).await;
    let reach = &["audit", "reach"][..];
    let with = asked(reach, "[::1]");
    assert!(!with.is_empty());
    assert_eq!(with.len(), asked(reach, "::1").len());
}

/// Of a rule that holds for many hosts, what went to one is told by that one. A request that reached nobody needed the rule all the
/// same.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_many_hosts_was_used_for_those_that_were_asked_for() {
    let dns = Dns::start().await;
    let seawall = Seawall::start_with(&["--dns-server", &dns.address()], &[]).await;
    let wildcard = next_version(|manifest| {
        let rule = json!({"network": [{"to": "http://*.corp.test", "methods": ["GET"], "paths": ["/items"]}]});
        manifest.capabilities = serde_json::from_value(rule).unwrap();
        manifest.credentials.clear();
    });
    install(&seawall, wildcard).await;
    grant(&seawall, &[]).await;
    for name in ["a", "b"] {
        let config =
            json!({"base_url": "http://unused.test", "mode": "fetch", "url": format!("http://{name}.corp.test/items")});
        seawall
            .integrate(json!({"name": name, "plugin": "probe", "config": config, "every_seconds": 3600}))
            .await;
    }
    let used = async |query: &str| {
        let reach = seawall.get(&format!("/api/v1/audit/reach{query}")).await;
        let items = reach["items"].as_array().cloned().unwrap_or_default();
        let of = |name: &str| {
            let one = items.iter().find(|item| item["integration"] == name);
            one.map(|one| one["used"].as_u64().unwrap() > 0 && one["lastUsedAt"].is_string())
        };
        (of("a"), of("b"))
    };
    eventually("both to have asked", || async {
        (used("").await == (Some(true), Some(true))).then_some(())
    })
    .await;
    assert_eq!(used("?host=a.corp.test").await, (Some(true), Some(false)));
    assert_eq!(used("?host=b.corp.test").await, (Some(false), Some(true)));
    assert_eq!(used("?host=c.corp.test").await, (Some(false), Some(false)));
    let sent = seawall.get("/api/v1/egress?host=a.corp.test&limit=1").await;
    assert!(
        sent["items"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("the name does not resolve"),
        "{sent}"
    );
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    let used = audit["items"][0]["network"][0]["used"].as_array().unwrap().clone();
    let mut hosts: Vec<_> = used.iter().map(|used| used["host"].as_str().unwrap()).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, ["a.corp.test", "b.corp.test"], "{audit}");
}
