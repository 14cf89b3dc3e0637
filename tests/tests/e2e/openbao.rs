//! plugins/openbao (Python) against a real OpenBao: metadata comes in, and never a secret.

use reqwest::Method;
use seawall_tests::{RealServer, Seawall, component, free_port};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_a_real_openbao_is_in_the_catalog_and_no_secret_is() {
    let port = free_port();
    let _server = RealServer::start("openbao", &[&port.to_string()], &[]);
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/openbao")).await;
    let secret = json!({"source": "sealed", "secret": "root"});
    assert!(
        seawall
            .send(Method::PUT, "/api/v1/credentials/bao-token", &secret)
            .await
            .0
            .is_success()
    );
    seawall
        .integrate(json!({
            "name": "openbao", "plugin": "openbao", "config": {"base_url": format!("http://127.0.0.1:{port}")},
            "credentials": {"token": "bao-token"}, "every_seconds": 3600
        }))
        .await;
    let view = seawall.settled("openbao").await;
    assert!(
        view["passes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["state"] == "succeeded"),
        "{view}"
    );
    let names = |entities: Vec<Value>| {
        entities
            .iter()
            .map(|e| e["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let policies = names(seawall.entities("openbaoPolicy").await);
    assert!(
        policies.contains(&"payments-read".to_owned()) && policies.contains(&"platform-admin".to_owned()),
        "{policies:?}"
    );
    let roles = names(seawall.entities("openbaoAuthRole").await);
    assert!(
        roles.contains(&"payments".to_owned()) && roles.contains(&"deployer".to_owned()),
        "{roles:?}"
    );
    let engines = names(seawall.entities("openbaoSecretEngine").await);
    assert!(engines.iter().any(|e| e.starts_with("pki")), "{engines:?}");
    for file in std::fs::read_dir(seawall.data())
        .unwrap()
        .flatten()
        .filter(|f| f.path().is_file())
    {
        let bytes = std::fs::read(file.path()).unwrap();
        let never = b"never-show-this-value";
        assert!(
            !bytes.windows(never.len()).any(|w| w == never),
            "{} holds a secret",
            file.path().display()
        );
    }
    let egress = seawall.get("/api/v1/egress?integration=openbao&limit=1000").await;
    let paths: Vec<_> = egress["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["path"].as_str().unwrap())
        .collect();
    assert!(
        !paths.is_empty() && paths.iter().all(|p| !p.contains("/data/")),
        "no value is even asked for: {paths:?}"
    );
}
