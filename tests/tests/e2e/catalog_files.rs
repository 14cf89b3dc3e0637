//! plugins/catalog-files (Rust): Backstage's catalog-info files and Kubernetes manifests from a read-only directory.

use reqwest::Method;
use seawall_tests::{Seawall, component, repository};
use serde_json::{Value, json};
use std::path::Path;

const CATALOG_INFO: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: payments
  title: Payments
  description: Takes money.
spec: {type: service, lifecycle: production, owner: team-a, system: shop, dependsOn: ['component:ledger']}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-a}
spec: {type: team, children: []}
";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: payments, namespace: shop, labels: {app: payments}}
spec:
  replicas: 3
  selector: {matchLabels: {app: payments}}
  template:
    metadata: {labels: {app: payments}}
    spec: {containers: [{name: server, image: 'registry.example.com/payments:1.2.3'}]}
";

async fn read(directory: &Path) -> (Seawall, Value) {
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/catalog-files")).await;
    seawall
        .integrate(json!({
            "name": "files", "plugin": "catalog-files", "config": {"directory": directory}, "every_seconds": 3600
        }))
        .await;
    let view = seawall.settled("files").await;
    assert!(
        view["passes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["state"] == "succeeded"),
        "{view}"
    );
    (seawall, view)
}

async fn identifiers(seawall: &Seawall) -> Vec<String> {
    let mut all = Vec::new();
    for blueprint in seawall.get("/api/v1/blueprints").await["items"].as_array().unwrap() {
        let name = blueprint["identifier"].as_str().unwrap();
        all.extend(
            seawall
                .entities(name)
                .await
                .iter()
                .map(|e| format!("{name} {}", e["identifier"].as_str().unwrap())),
        );
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn files_become_entities_and_what_leaves_the_directory_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(
        outside.path().join("catalog-info.yaml"),
        CATALOG_INFO.replace("payments", "stolen"),
    )
    .unwrap();
    std::fs::create_dir_all(folder.path().join("payments/k8s")).unwrap();
    std::fs::write(folder.path().join("payments/catalog-info.yaml"), CATALOG_INFO).unwrap();
    std::fs::write(folder.path().join("payments/k8s/deployment.yaml"), DEPLOYMENT).unwrap();
    std::fs::create_dir_all(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/catalog-info.yaml"), "kind: [unclosed").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("elsewhere")).unwrap();
    let (seawall, _) = read(folder.path()).await;
    let all = identifiers(&seawall).await;
    assert!(all.iter().any(|i| i.ends_with("component:default/payments")), "{all:?}");
    assert!(all.iter().any(|i| i.ends_with("group:default/team-a")), "{all:?}");
    assert!(
        all.iter()
            .any(|i| i.contains("payments") && i.to_lowercase().contains("kubernetes")),
        "{all:?}"
    );
    assert!(
        !all.iter().any(|i| i.contains("stolen")),
        "a symbolic link out of the directory was followed: {all:?}"
    );
    assert!(
        seawall.log().contains("broken/catalog-info.yaml"),
        "what could not be read is in the log"
    );
    // While a file cannot be read, nothing is removed: what it held may still be there. Afterwards a file that is gone takes
    // its entities along.
    std::fs::remove_dir_all(folder.path().join("broken")).unwrap();
    std::fs::remove_file(folder.path().join("payments/catalog-info.yaml")).unwrap();
    seawall
        .send(Method::POST, "/api/v1/integrations/files/sync", &json!({}))
        .await;
    seawall_tests::eventually("the component to go", || async {
        (!identifiers(&seawall)
            .await
            .iter()
            .any(|i| i.contains("component:default/payments")))
        .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn published_files_are_read_whole() {
    let data = repository().join("../shared/data");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let (seawall, view) = read(&data.canonicalize().unwrap().join("backstage")).await;
    assert!(view["items"].as_u64().unwrap() >= 5, "{view}");
    assert!(!identifiers(&seawall).await.is_empty());
    let (seawall, _) = read(&data.canonicalize().unwrap().join("online-boutique")).await;
    let all = identifiers(&seawall).await;
    for service in ["cartservice", "checkoutservice", "frontend"] {
        assert!(all.iter().any(|i| i.contains(service)), "{service} is missing: {all:?}");
    }
}
