//! Plugins in real OCI registries: pushed, signed, pulled, installed by reference, and refused with the reason.

use crate::integration;
use reqwest::{Method, StatusCode};
use seawall_tests::{
    Seawall, Tool,
    oci::{Oci, done, refused},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The policy `trust`, in force.
pub(crate) async fn trust(seawall: &Seawall, trust: Value) -> Value {
    let policy = json!({"trust": trust});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/policy?by=ann", &policy).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    view
}

pub(crate) fn pem(file: &str) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

async fn pushed_and_installed(kind: &str) {
    let Some(oci) = Oci::start(kind, None) else { return };
    let seawall = Seawall::start().await;
    let ((key, public), probe) = (oci.keys("acme"), oci.probe(0));
    let pushed = oci.push(
        &probe,
        &oci.at("acme/probe"),
        &["--tag", "1", "--tag", "latest", "--key", &key],
    );
    let pinned = text(&pushed, "/reference").to_owned();
    assert!(pinned.starts_with(&oci.at("acme/probe:1@sha256:")), "{pushed}");
    assert_eq!(pushed["referrers"], json!(kind == "referrers"), "{pushed}");

    // What lies there is what the Wasm community's tools read.
    let url = format!("http://{}/v2/acme/probe", oci.host());
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let get = |path: &str| {
        reqwest::Client::new()
            .get(format!("{url}/{path}"))
            .header("accept", manifest_type)
            .send()
    };
    let answer = get("manifests/latest").await.unwrap();
    assert_eq!(answer.headers()["content-type"], manifest_type);
    let manifest: Value = answer.json().await.unwrap();
    assert_eq!(
        text(&manifest, "/config/mediaType"),
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(text(&manifest, "/layers/0/mediaType"), "application/wasm");
    assert_eq!(
        text(&manifest, "/layers/0/annotations/org.opencontainers.image.title"),
        "probe.wasm"
    );
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
    assert!(
        !manifest["annotations"]["org.opencontainers.image.version"].is_null(),
        "{manifest}"
    );
    let config = format!("blobs/{}", text(&manifest, "/config/digest"));
    let config: Value = get(&config).await.unwrap().json().await.unwrap();
    assert_eq!(
        (&config["architecture"], &config["os"]),
        (&json!("wasm"), &json!("wasip2"))
    );
    assert_eq!(config["layerDigests"], json!([manifest["layers"][0]["digest"]]));
    let exports = config["component"]["exports"].as_array().unwrap();
    assert!(exports.iter().any(|e| e == "seawall:plugin/ingestor@0.1.0"), "{config}");
    let signatures = format!("manifests/{}.sig", text(&pushed, "/manifestDigest").replace(':', "-"));
    let signatures: Value = get(&signatures).await.unwrap().json().await.unwrap();
    assert_eq!(
        text(&signatures, "/layers/0/mediaType"),
        "application/vnd.dev.cosign.simplesigning.v1+json"
    );

    // Pushing the same again changes nothing, and what the key signed already it does not sign again.
    let again = oci.push(&probe, &oci.at("acme/probe:1"), &["--key", &key]);
    assert_eq!(
        (&again["reference"], &again["signatures"]),
        (&pushed["reference"], &json!(1)),
        "{again}"
    );

    trust(
        &seawall,
        json!({"keys": {"acme": pem(&public)}, "require_signature": true}),
    )
    .await;
    let output = oci.command(
        &["plugin", "install", &oci.at("acme/probe:latest"), "-o", "json"],
        Some(&seawall),
        None,
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let plugin = done(&output);
    let latest = pinned.replace(":1@", ":latest@");
    assert!(said.contains(&format!("pulled {latest}: write this down")), "{said}");
    assert_eq!(
        (&plugin["source"], &plugin["signedBy"]),
        (&json!(latest), &json!(["acme"])),
        "{plugin}"
    );
    assert_eq!(
        plugin["provenance"]["manifestDigest"], pushed["manifestDigest"],
        "{plugin}"
    );
    assert_eq!(plugin["status"], "awaiting-grant");
    // Pinned, it is the same.
    let plugin = done(&oci.command(&["plugin", "install", &pinned, "-o", "json"], Some(&seawall), None));
    assert_eq!(
        (&plugin["source"], &plugin["refused"]),
        (&json!(pinned), &Value::Null),
        "{plugin}"
    );
    let list = oci.command(&["plugin", "list"], Some(&seawall), None);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.contains("SIGNED BY") && list.contains(&oci.at("acme/probe:1")),
        "{list}"
    );
    let audit = seawall.get("/api/v1/audit?plugin=probe").await;
    assert_eq!(audit["items"][0]["signedBy"], json!(["acme"]), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_pushed_signed_and_installed_by_reference() {
    pushed_and_installed("distribution").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_referrers_lists_the_signature() {
    pushed_and_installed("referrers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tag_is_refused_with_both_digests() {
    let Some(oci) = Oci::start("distribution", None) else {
        return;
    };
    let seawall = Seawall::start().await;
    let first = oci.push(&oci.probe(0), &oci.at("acme/probe:1"), &[]);
    let second = oci.push(&oci.probe(1), &oci.at("acme/probe:1"), &[]);
    let [old, new] = [&first, &second].map(|pushed| text(pushed, "/manifestDigest").to_owned());
    assert_ne!(old, new);
    let pinned = text(&first, "/reference");
    for arguments in [["plugin", "install", pinned], ["plugin", "pull", pinned]] {
        let said = refused(&oci.command(&arguments, Some(&seawall), None), 1);
        assert!(
            said.contains("was moved") && said.contains(&old) && said.contains(&new),
            "{said}"
        );
    }
    // A digest that never was is no tag that moved.
    let never = format!("sha256:{}", "0".repeat(64));
    let absent = format!("{}@{never}", oci.at("acme/probe:1"));
    let said = refused(&oci.command(&["plugin", "pull", &absent], Some(&seawall), None), 1);
    assert!(
        !said.contains("was moved") && said.contains(&format!("has no `{never}`")) && said.contains(&new),
        "{said}"
    );
    assert_eq!(seawall.get("/api/v1/plugins").await["items"], json!([]));
    // By its digest alone it is still what it was.
    let by_digest = oci.at(&format!("acme/probe@{old}"));
    let plugin = done(&oci.command(&["plugin", "install", &by_digest, "-o", "json"], Some(&seawall), None));
    assert_eq!(
        (&plugin["source"], &plugin["digest"]),
        (&json!(by_digest), &first["digest"]),
        "{plugin}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_does_not_trust_is_not_installed() {
    let Some(oci) = Oci::start("distribution", None) else {
        return;
    };
    let seawall = Seawall::start().await;
    let ((acme, acme_public), (evil, evil_public)) = (oci.keys("acme"), oci.keys("evil"));
    let unsigned = oci.push(&oci.probe(0), &oci.at("acme/probe:unsigned"), &[]);
    oci.push(&oci.probe(1), &oci.at("acme/probe:evil"), &["--key", &evil]);
    oci.push(&oci.probe(2), &oci.at("acme/probe:good"), &["--key", &acme]);
    oci.push(&oci.probe(2), &oci.at("other/probe:good"), &["--key", &acme]);
    let install = |target: &str| oci.command(&["plugin", "install", target], Some(&seawall), None);
    let keys = json!({"acme": pem(&acme_public), "evil": pem(&evil_public)});
    let (pattern, good) = (oci.at("acme/*"), oci.at("acme/probe:good"));

    trust(
        &seawall,
        json!({"keys": {"acme": keys["acme"]}, "require_signature": true, "registries": [pattern]}),
    )
    .await;
    for (target, why) in [
        (
            oci.at("acme/probe:unsigned"),
            "wants a signature by acme, and it is not signed",
        ),
        (
            oci.at("acme/probe:evil"),
            "its signature is by none of the keys that the policy names",
        ),
        (oci.at("other/probe:good"), "`probe` comes from 127.0.0.1"),
        (oci.probe(2), "`probe` comes from a file"),
    ] {
        let said = refused(&install(&target), 1);
        assert!(said.contains(why), "{target}: {said}");
    }
    // Somebody who sends the good one's signature with other bytes gets nowhere.
    let (form, _) = forged(&oci, &good, &oci.probe(1));
    let request = seawall.request(Method::POST, "/api/v1/plugins").multipart(form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = answer.json().await.unwrap();
    let detail = text(&problem, "/detail");
    assert!(
        detail.contains(text(&unsigned, "/digest").get(..7).unwrap()) && detail.contains("was changed"),
        "{problem}"
    );
    assert_eq!(seawall.get("/api/v1/plugins").await["items"], json!([]));

    let publishers = json!({"prob*": ["acme"]});
    trust(
        &seawall,
        json!({"keys": keys, "require_signature": true, "publishers": publishers}),
    )
    .await;
    let said = refused(&install(&oci.at("acme/probe:evil")), 1);
    assert!(
        said.contains("`prob*` to be signed by acme, and it is signed by evil alone"),
        "{said}"
    );
    done(&install(&good));
    // What the command line is told to want holds whatever the server's policy says.
    let wanted = ["plugin", "install", &good, "--key", &evil_public];
    let said = refused(&oci.command(&wanted, Some(&seawall), None), 1);
    assert!(said.contains("evil.pub: its signature is by another key"), "{said}");
}

/// A form with one file's bytes, and what belongs to a reference.
fn forged(oci: &Oci, reference: &str, bytes: &str) -> (reqwest::multipart::Form, Value) {
    let file = oci.file("pulled.wasm");
    done(&oci.seawall(&["plugin", "pull", reference, "--file", &file]));
    let provenance: Value = serde_json::from_str(&pem(&format!("{file}.sig.json"))).unwrap();
    let component = reqwest::multipart::Part::bytes(std::fs::read(bytes).unwrap());
    let form = reqwest::multipart::Form::new().part("component", component);
    (form.text("provenance", provenance.to_string()), provenance)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_holds_for_plugins_that_were_installed_before_it() {
    let Some(oci) = Oci::start("referrers", None) else {
        return;
    };
    let (seawall, tool) = (Seawall::start().await, Tool::start(50).await);
    tool.fill(3);
    let ((acme, public), probe) = (oci.keys("acme"), oci.probe(0));
    seawall.install(Path::new(&probe)).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;

    let keys = json!({"acme": pem(&public)});
    let view = trust(&seawall, json!({"keys": keys, "require_signature": true})).await;
    assert!(
        text(&view, "/violations/0/objections/0").contains("it is not signed"),
        "{view}"
    );
    seawall
        .hindered("probe", "wants a signature by acme, and it is not signed")
        .await;
    let (status, problem) = seawall
        .send(Method::PUT, "/api/v1/plugins/probe/grant", &json!({}))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");

    // A signature for what is installed already sets it free.
    done(&oci.seawall(&["plugin", "sign", &probe, "--key", &acme]));
    let plugin = done(&oci.command(&["plugin", "install", &probe, "-o", "json"], Some(&seawall), None));
    assert_eq!(
        (&plugin["signedBy"], &plugin["status"]),
        (&json!(["acme"]), &json!("granted")),
        "{plugin}"
    );
    let passes = seawall.passes("probe").await.len();
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let _ = seawall_tests::eventually("a further pass", || async {
        (seawall.passes("probe").await.len() > passes).then_some(())
    })
    .await;
    // Installing it once more without does not take the signature away.
    let bytes = std::fs::read(&probe).unwrap();
    let request = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header("content-type", "application/wasm");
    assert_eq!(
        request.body(bytes).send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(seawall.get("/api/v1/plugins/probe").await["signedBy"], json!(["acme"]));

    // A key that is trusted no longer stops what it signed.
    let (_, other) = oci.keys("other");
    trust(
        &seawall,
        json!({"keys": {"other": pem(&other)}, "require_signature": true}),
    )
    .await;
    let why = "it was signed by acme when it was installed, which the policy does not trust any more";
    seawall.hindered("probe", why).await;
    let plugin = seawall.get("/api/v1/plugins/probe").await;
    assert!(text(&plugin, "/refused").contains(why), "{plugin}");
    assert_eq!(plugin["signedBy"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_the_database_is_refused_when_it_is_loaded() {
    let Some(oci) = Oci::start("distribution", None) else {
        return;
    };
    let (mut seawall, tool) = (Seawall::start().await, Tool::start(50).await);
    tool.fill(3);
    let (key, public) = oci.keys("acme");
    oci.push(&oci.probe(0), &oci.at("acme/probe:1"), &["--key", &key]);
    trust(&seawall, json!({"keys": {"acme": pem(&public)}})).await;
    let arguments = [
        "plugin",
        "install",
        &oci.at("acme/probe:1"),
        "--approve",
        "--private",
        "127.0.0.0/8",
        "--plaintext-to-loopback",
    ];
    done(&oci.command(&arguments, Some(&seawall), None));
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;

    // Nothing has to be signed under this policy; what was signed has to stay as it was.
    seawall.kill();
    let database = seawall.data().join("seawall.db");
    let original = body(&database);
    let mut changed: Value = serde_json::from_str(&original).unwrap();
    let signature = text(&changed, "/provenance/signatures/0/signature").replacen("ME", "MF", 1);
    changed["provenance"]["signatures"][0]["signature"] = json!(signature);
    put_body(&database, &changed.to_string());
    seawall.boot().await;
    let why = "the signature by acme that is kept with it was changed since it was installed";
    seawall.hindered("probe", why).await;

    seawall.kill();
    let mut changed: Value = serde_json::from_str(&original).unwrap();
    let manifest = text(&changed, "/provenance/manifest").replace("probe.wasm", "other.wasm");
    changed["provenance"]["manifest"] = json!(manifest);
    put_body(&database, &changed.to_string());
    seawall.boot().await;
    seawall
        .hindered("probe", "what is kept of its installation was changed")
        .await;

    seawall.kill();
    put_body(&database, &original);
    let component = component_file(seawall.data());
    let mut bytes = std::fs::read(&component).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&component, bytes).unwrap();
    seawall.boot().await;
    seawall
        .hindered("probe", "was changed since it was installed: its digest is")
        .await;
}

fn component_file(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data.join("plugins")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files
        .find(|path| path.extension().is_some_and(|end| end == "wasm"))
        .unwrap()
}

/// The newest installation, as it is kept.
fn body(database: &Path) -> String {
    let database = rusqlite::Connection::open(database).unwrap();
    let newest = "SELECT body FROM installation ORDER BY id DESC LIMIT 1";
    database.query_row(newest, [], |row| row.get(0)).unwrap()
}

fn put_body(database: &Path, body: &str) {
    let database = rusqlite::Connection::open(database).unwrap();
    let changed = database.execute("UPDATE installation SET body = ?1", [body]).unwrap();
    assert_eq!(changed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_changed_or_cut_off_in_the_registrys_storage_are_refused() {
    let Some(oci) = Oci::start("distribution", None) else {
        return;
    };
    let seawall = Seawall::start().await;
    let (key, _) = oci.keys("acme");
    let pushed = oci.push(&oci.probe(0), &oci.at("acme/probe:1"), &["--key", &key]);
    let blob = |digest: &str| {
        let hex = digest.trim_start_matches("sha256:");
        oci.storage()
            .join("blobs/sha256")
            .join(&hex[..2])
            .join(hex)
            .join("data")
    };
    let install = || oci.command(&["plugin", "install", &oci.at("acme/probe:1")], Some(&seawall), None);
    let component = blob(text(&pushed, "/digest"));
    let good = std::fs::read(&component).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    for bytes in [&changed[..], &good[..good.len() / 2], &[]] {
        std::fs::write(&component, bytes).unwrap();
        let said = refused(&install(), 1);
        assert!(
            said.contains("they were changed or cut off") && said.contains(text(&pushed, "/digest")),
            "{said}"
        );
    }
    std::fs::write(&component, good).unwrap();
    let manifest = blob(text(&pushed, "/manifestDigest"));
    let text_of = pem(manifest.to_str().unwrap());
    std::fs::write(&manifest, text_of.replace("probe.wasm", "other.wasm")).unwrap();
    // distribution itself looks at what it gives, by its digest; if it did not, we would.
    let output = install();
    assert!(!output.status.success());
    std::fs::write(&manifest, text_of).unwrap();
    done(&install());
    assert_eq!(
        seawall.get("/api/v1/plugins").await["items"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_way_out_installs_what_was_pulled_elsewhere() {
    let Some(oci) = Oci::start("distribution", None) else {
        return;
    };
    let seawall = Seawall::start().await;
    let ((key, public), (_, wrong)) = (oci.keys("acme"), oci.keys("wrong"));
    oci.push(&oci.probe(0), &oci.at("acme/probe:1"), &["--key", &key]);
    let (reference, file) = (oci.at("acme/probe:1"), oci.file("probe.wasm"));
    let said = refused(&oci.seawall(&["plugin", "pull", &reference, "--key", &wrong]), 1);
    assert!(said.contains("its signature is by another key"), "{said}");
    assert!(!Path::new(&file).exists(), "what is refused is not written");
    let pulled = done(&oci.seawall(&["plugin", "pull", &reference, "--key", &public, "-o", "json"]));
    assert_eq!(
        (&pulled["file"], &pulled["signatures"]),
        (&json!("probe.wasm"), &json!(1)),
        "{pulled}"
    );

    let key = pem(&public);
    // From here on nobody answers at the registry's address.
    let signatures = format!("{file}.sig.json");
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to = elsewhere.path().join(to).display().to_string();
        std::fs::copy(from, &to).unwrap();
        to
    };
    let (file, signatures) = (copy(&file, "p.wasm"), copy(&signatures, "p.json"));
    drop(oci);
    trust(
        &seawall,
        json!({"keys": {"acme": key}, "require_signature": true, "registries": ["file"]}),
    )
    .await;
    let said = refused(&seawall.command(&["plugin", "install", &file]), 1);
    assert!(said.contains("it is not signed"), "{said}");
    let changed = elsewhere.path().join("changed.json");
    std::fs::write(&changed, pem(&signatures).replacen("probe.wasm", "other.wasm", 1)).unwrap();
    let with =
        |signatures: &str| seawall.command(&["plugin", "install", &file, "--signature", signatures, "-o", "json"]);
    let said = refused(&with(changed.to_str().unwrap()), 1);
    assert!(said.contains("one of them was changed"), "{said}");
    let plugin = done(&with(&signatures));
    assert_eq!(
        (&plugin["source"], &plugin["signedBy"]),
        (&json!("file"), &json!(["acme"])),
        "{plugin}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_wants_a_password_gets_it_from_docker_or_from_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("htpasswd");
    std::fs::write(
        &users,
        "ann:$2b$04$JyhOyzh3Zxz.MsqNv4C3fukc.WCbRDE0MsyJRRT6BK2Emc2QjzM/S\n",
    )
    .unwrap();
    let Some(oci) = Oci::start("distribution", Some(&users)) else {
        return;
    };
    let (probe, reference) = (oci.probe(0), oci.at("acme/probe:1"));
    let said = refused(&oci.seawall(&["plugin", "push", &probe, &reference]), 4);
    assert!(
        said.contains("nobody is signed in") && said.contains("docker login 127.0.0.1"),
        "{said}"
    );
    let signed_in = [
        "plugin",
        "push",
        &probe,
        &reference,
        "--username",
        "ann",
        "--password-stdin",
    ];
    let said = refused(&oci.command(&signed_in, None, Some("guess\n")), 4);
    assert!(
        said.contains("does not take the name and password") && !said.contains("guess"),
        "{said}"
    );
    done(&oci.command(&signed_in, None, Some("open-sesame\n")));
    // As `docker login` keeps it.
    let config = json!({"auths": {oci.host(): {"auth": "YW5uOm9wZW4tc2VzYW1l"}}});
    std::fs::write(oci.file("config.json"), config.to_string()).unwrap();
    done(&oci.seawall(&["plugin", "pull", &reference]));
    std::fs::write(oci.file("config.json"), "{").unwrap();
    let said = refused(&oci.seawall(&["plugin", "pull", &reference]), 2);
    assert!(said.contains("Docker's configuration"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_no_plugin_is_said_to_be_so() {
    let Some(oci) = Oci::start("referrers", None) else {
        return;
    };
    oci.push(&oci.probe(0), &oci.at("acme/probe:1"), &[]);
    let pull = |reference: &str| oci.seawall(&["plugin", "pull", reference]);
    for missing in ["acme/probe:2", "acme/other:1"] {
        let said = refused(&pull(&oci.at(missing)), 5);
        assert!(said.contains(missing), "{said}");
    }
    let digest = "0".repeat(64);
    refused(&pull(&oci.at(&format!("acme/probe@sha256:{digest}"))), 5);
    for (wrong, why) in [
        ("acme/probe:1".to_owned(), "names no registry"),
        (oci.at("Acme/probe:1"), "the part `Acme`"),
        (oci.at("acme/probe@sha256:abc"), "is no digest"),
        (oci.at("acme/probe"), "neither a tag nor a digest"),
        (format!("http://{}", oci.at("acme/probe:1")), "is a URL"),
    ] {
        let said = refused(&pull(&wrong), 2);
        assert!(said.contains(why), "{wrong}: {said}");
    }
    let said = refused(
        &oci.seawall(&["plugin", "push", &oci.keys("k").1, &oci.at("acme/probe:1")]),
        2,
    );
    assert!(said.contains("expected a WebAssembly component"), "{said}");
    // An artifact of something else.
    let url = format!("http://{}/v2/acme/other/manifests/1", oci.host());
    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2});
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []});
    let request = reqwest::Client::new()
        .put(url)
        .header("content-type", "application/vnd.oci.image.manifest.v1+json");
    assert!(
        request
            .body(manifest.to_string())
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    let said = refused(&pull(&oci.at("acme/other:1")), 1);
    assert!(
        said.contains("is no plugin: expected a layer of the type application/wasm, found nothing"),
        "{said}"
    );
}
