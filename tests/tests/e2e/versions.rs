//! Several versions of a plugin side by side: which one is in force, which one waits, and which one a name means.

use crate::probed;
use reqwest::{Method, StatusCode, header};
use seawall_domain::{bundle::Bundle, manifest::Manifest};
use seawall_tests::{Seawall, component, eventually};
use serde_json::{Value, json};
use std::path::Path;

/// The probe as version 0.2.0, with another manifest.
pub(crate) fn next_version(change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.version = "0.2.0".parse().unwrap();
    change(&mut bundle.manifest);
    bundle.embed(&bytes).unwrap()
}

pub(crate) async fn install(seawall: &Seawall, bytes: Vec<u8>) -> Value {
    let request = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header(header::CONTENT_TYPE, "application/wasm");
    let answer = request.body(bytes).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

/// A version that asks for directories and for every host besides.
pub(crate) fn greedy(folder: &Path) -> Vec<u8> {
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

/// A version that asks for every host and for those below `corp.test`, at the port of a tool.
pub(crate) fn roaming(tool: &str) -> Vec<u8> {
    let port = tool.rsplit(':').next().unwrap();
    next_version(|manifest| {
        let rule = |host: &str| json!({"to": format!("http://{host}:{port}"), "methods": ["GET"]});
        let capabilities = json!({"network": [rule("*"), rule("*.corp.test")]});
        manifest.capabilities = serde_json::from_value(capabilities).unwrap();
        manifest.credentials.clear();
    })
}

/// An integration of [`roaming`] that asks for this host.
pub(crate) fn asking(name: &str, host: &str, tool: &str) -> Value {
    let port = tool.rsplit(':').next().unwrap();
    let url = format!("http://{host}:{port}/items");
    let config = json!({"base_url": "http://unused.test", "mode": "fetch", "url": url});
    json!({"name": name, "plugin": "probe", "config": config, "every_seconds": 3600})
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
        "` (0.2.0), which waits for a grant",
        "` (0.1.0), which is granted",
        "name one of them",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Each is named so that it can be pasted.
    let (before, _) = said.split_once("` (0.2.0)").unwrap();
    let newer = before.rsplit('`').next().unwrap();
    assert!(newer.starts_with("probe@"), "{said}");
    let refused = seawall.command(&["grant", "refuse", newer, "--reason", "not yet", "-o", "json"]);
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

/// A bare name is what is installed; a folder of that name is written as a path, or taken where nothing is so named.
#[tokio::test(flavor = "multi_thread")]
async fn a_diff_takes_what_is_installed_before_a_folder_of_that_name() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["probe", "other"] {
        let dist = folder.path().join(name).join("dist");
        std::fs::create_dir_all(&dist).unwrap();
        let built = next_version(|manifest| manifest.name = name.parse().unwrap());
        std::fs::write(dist.join("built.wasm"), built).unwrap();
    }
    let diff = |old: &str, new: &str| {
        let (token, address) = (seawall.token().to_owned(), seawall.address().to_owned());
        let mut command = std::process::Command::new(seawall_tests::seawall_binary());
        command.args(["plugin", "diff", old, new]).current_dir(folder.path());
        let output = seawall_tests::run(command.env("SEAWALL_SERVER", address).env("SEAWALL_TOKEN", token));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = diff("probe", "./probe");
    assert!(
        said.contains("probe 0.1.0 (installed) → probe 0.2.0 (folder)"),
        "{said}"
    );
    let said = diff("probe/", "probe/dist/built.wasm");
    assert!(said.contains("probe 0.2.0 (folder) → probe 0.2.0 (file)"), "{said}");
    let said = diff("probe", "other");
    assert!(
        said.contains("probe 0.1.0 (installed) → other 0.2.0 (folder)"),
        "{said}"
    );
    assert!(said.contains("`probe` and `other` are two plugins"), "{said}");
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
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    assert_eq!(
        (&audit["items"][0]["version"], &audit["items"][0]["status"]),
        (&json!("0.1.0"), &json!("granted"))
    );
    let audit = seawall.get("/api/v1/audit?plugin=probe@0.3.0").await;
    assert_eq!(audit["items"][0]["status"], "awaiting-grant", "{audit}");
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
