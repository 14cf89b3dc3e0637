//! cosign itself: it accepts what Seawall signs, and Seawall what it signs. Building it takes minutes of two cores, so this runs
//! where SEAWALL_TEST_COSIGN=1 asks for it or it was built before; signatures that it made are checked always, in
//! `seawall-domain` `signature::tests`.

use crate::registry::{pem, trust};
use seawall_tests::{
    Seawall,
    oci::{Oci, done, refused},
    repository, run,
};
use serde_json::json;
use std::{path::PathBuf, process::Command};

fn cosign() -> Option<PathBuf> {
    let cache = std::env::var_os("SEAWALL_TEST_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/seawall-tests")))?;
    let is_built = std::fs::read_dir(cache.join("go"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| file.file_name().to_string_lossy().starts_with("cosign-"));
    if !is_built && std::env::var_os("SEAWALL_TEST_COSIGN").is_none() {
        println!("skipped: cosign is not built; SEAWALL_TEST_COSIGN=1 builds it");
        return None;
    }
    let output = run(Command::new("sh")
        .arg(repository().join("tests/servers/go-tool.sh"))
        .arg("cosign"));
    if output.status.code() == Some(77) {
        println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).trim().into())
}

async fn both_ways(kind: &str) {
    let Some(program) = cosign() else { return };
    let Some(oci) = Oci::start(kind, None) else { return };
    let cosign = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .env("COSIGN_PASSWORD", "")
            .env("HOME", oci.file(""));
        run(&mut command)
    };
    let verify =
        |key: &str, reference: &str| cosign(&["verify", "--key", key, "--insecure-ignore-tlog=true", reference]);
    let seawall = Seawall::start().await;

    // Ours, for cosign.
    let ((key, public), (_, wrong)) = (oci.keys("acme"), oci.keys("wrong"));
    let ours = oci.push(&oci.probe(0), &oci.at("acme/probe:ours"), &["--key", &key]);
    let digest = ours["manifestDigest"].as_str().unwrap();
    let reference = oci.at(&format!("acme/probe@{digest}"));
    let output = verify(&public, &reference);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains(digest));
    assert!(!verify(&wrong, &reference).status.success());
    let unsigned = oci.push(&oci.probe(1), &oci.at("acme/probe:theirs"), &[]);

    // Theirs, for us: the bundle that cosign 3 makes, and what those before it made.
    let output = cosign(&["generate-key-pair", "--output-key-prefix", &oci.file("cosign")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (cosign_key, cosign_public) = (oci.file("cosign.key"), oci.file("cosign.pub"));
    let digest = unsigned["manifestDigest"].as_str().unwrap();
    let theirs = oci.at(&format!("acme/probe@{digest}"));
    refused(&oci.seawall(&["plugin", "verify", &theirs, "--key", &cosign_public]), 1);
    let sign = [
        "sign",
        "--key",
        &cosign_key,
        "--use-signing-config=false",
        "--tlog-upload=false",
        "--yes",
    ];
    let output = cosign(&[&sign[..], &[&theirs]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verified = done(&oci.seawall(&["plugin", "verify", &theirs, "--key", &cosign_public, "-o", "json"]));
    assert_eq!(verified["signedBy"], json!([cosign_public]), "{verified}");
    refused(&oci.seawall(&["plugin", "verify", &theirs, "--key", &wrong]), 1);
    let older = oci.push(&oci.probe(2), &oci.at("acme/probe:older"), &[]);
    let older = oci.at(&format!("acme/probe@{}", older["manifestDigest"].as_str().unwrap()));
    let output = cosign(&[&sign[..], &["--new-bundle-format=false", &older]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    done(&oci.seawall(&["plugin", "verify", &older, "--key", &cosign_public]));

    // One that both signed carries both, and the server takes it.
    done(&oci.seawall(&["plugin", "sign", &older, "--key", &key]));
    let output = verify(&cosign_public, &older);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keys = json!({"acme": pem(&public), "cosign": pem(&cosign_public)});
    trust(&seawall, json!({"keys": keys, "require_signature": true})).await;
    for (reference, by) in [(&theirs, json!(["cosign"])), (&older, json!(["acme", "cosign"]))] {
        let plugin = done(&oci.command(&["plugin", "install", reference, "-o", "json"], Some(&seawall), None));
        assert_eq!(plugin["signedBy"], by, "{plugin}");
    }
    // cosign's own private key is encrypted.
    let said = refused(&oci.seawall(&["plugin", "sign", &older, "--key", &cosign_key]), 2);
    assert!(said.contains("is encrypted"), "{said}");
    // An attestation by the same key is no signature.
    let attested = oci.push(&oci.probe(3), &oci.at("acme/probe:attested"), &[]);
    let attested = oci.at(&format!("acme/probe@{}", attested["manifestDigest"].as_str().unwrap()));
    let predicate = oci.file("predicate.json");
    std::fs::write(&predicate, r#"{"result":"the scan failed"}"#).unwrap();
    let attest = [
        "attest",
        "--key",
        &cosign_key,
        "--use-signing-config=false",
        "--tlog-upload=false",
        "--yes",
    ];
    let output = cosign(&[&attest[..], &["--type", "custom", "--predicate", &predicate, &attested]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = refused(
        &oci.seawall(&["plugin", "verify", &attested, "--key", &cosign_public]),
        1,
    );
    assert!(said.contains("it is not signed at all"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cosign_and_seawall_accept_each_others_signatures() {
    both_ways("distribution").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cosign_and_seawall_accept_each_others_signatures_by_referrers() {
    both_ways("referrers").await;
}
