//! Imports of Port's and Backstage's folders by command.

use crate::folders::{applied, diff, exported, said, steps};
use reqwest::StatusCode;
use seawall_tests::{Seawall, component, repository};
use serde_json::{Value, json};
use std::path::Path;

fn import(seawall: &Seawall, portal: &str, dir: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["import", portal, dir.to_str().unwrap(), "--yes", "-o", "json"], more].concat();
    let output = seawall.command(&arguments);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    (output.status.code(), report)
}

fn changes(report: &Value) -> usize {
    let steps = report["steps"].as_array().unwrap().iter();
    steps.filter(|step| step["change"] != "unchanged").count()
}

const CATALOG: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web, annotations: {backstage.io/techdocs-ref: 'dir:.'}}
spec: {type: service, lifecycle: production, owner: team, providesApis: [shop], custom: {em: ann}}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop}
spec: {type: openapi, lifecycle: production, owner: team, definition: {$text: ./api.yaml}}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team}
spec: {type: team, children: [], members: [ann]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ann}
spec: {profile: {email: ann@example.com}}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: elsewhere}
spec: {target: 'https://example.com/catalog-info.yaml'}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_of_backstages_becomes_blueprints_and_entities() {
    let seawall = Seawall::start().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("catalog-info.yaml"), CATALOG).unwrap();
    std::fs::write(
        dir.path().join("api.yaml"),
        "openapi: 3.0.0\ninfo: {title: Shop, version: '1'}\npaths: {/a: {get: {}}}\n",
    )
    .unwrap();
    let (code, report) = import(&seawall, "backstage", dir.path(), &["--dry-run"]);
    assert_eq!((code, report["applied"].clone()), (Some(0), json!(false)));
    assert_eq!(seawall.get("/api/v1/blueprints").await["items"], json!([]));
    let (code, report) = import(&seawall, "backstage", dir.path(), &[]);
    assert_eq!((code, report["failures"].clone()), (Some(0), json!([])), "{report}");
    assert_eq!(report["notes"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["notes"][0]["severity"], "not-carried");

    let web = seawall.get("/api/v1/blueprints/component/entities/web").await;
    assert_eq!(web["relations"], json!({"owner": "team", "providesApis": ["shop"]}));
    assert_eq!(web["properties"]["spec"], json!({"custom": {"em": "ann"}}));
    let api = seawall.get("/api/v1/blueprints/api/entities/shop").await;
    assert_eq!(api["properties"]["operations"][0]["name"], "GET /a");
    // The other side of a pair is who refers to it.
    let referrers = api["referrers"].as_array().unwrap();
    assert!(
        referrers
            .iter()
            .any(|one| one["relation"] == "providesApis" && one["identifier"] == "web"),
        "{api}"
    );
    assert_eq!(
        seawall.get("/api/v1/blueprints/user/entities/ann").await["relations"],
        json!({"memberOf": ["team"]})
    );

    // Under its own name, beside what others say.
    let sources = seawall.get("/api/v1/sources").await;
    assert_eq!(sources["items"], json!([{"name": "import:backstage", "entities": 5}]));
    let said = seawall.get("/api/v1/sources/import%3Abackstage/entities?limit=2").await;
    assert!(
        said["items"].as_array().unwrap().len() == 2 && said["next"].is_string(),
        "{said}"
    );
    let (status, problem) = seawall
        .send(reqwest::Method::DELETE, "/api/v1/blueprints/user", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");

    // Again changes nothing; what left the folder goes with --prune alone.
    assert_eq!(changes(&import(&seawall, "backstage", dir.path(), &["--prune"]).1), 0);
    std::fs::write(
        dir.path().join("catalog-info.yaml"),
        CATALOG.replace("name: ann}\nspec: {p", "name: bob}\nspec: {p"),
    )
    .unwrap();
    let (_, report) = import(&seawall, "backstage", dir.path(), &[]);
    assert!(
        report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["change"] == "stays"),
        "{report}"
    );
    seawall.get("/api/v1/blueprints/user/entities/ann").await;
    import(&seawall, "backstage", dir.path(), &["--prune"]);
    assert_eq!(
        seawall.try_get("/api/v1/blueprints/user/entities/ann").await.0,
        StatusCode::NOT_FOUND
    );
    seawall.get("/api/v1/blueprints/user/entities/bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_folder_are_exit_code_2_and_remove_nothing() {
    let seawall = Seawall::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("catalog-info.yaml");
    std::fs::write(&file, CATALOG.replace("{$text: ./api.yaml}", "x")).unwrap();
    import(&seawall, "backstage", dir.path(), &[]);
    let broken = CATALOG
        .replace("{$text: ./api.yaml}", "{$text: ../../etc/passwd}")
        .replace("metadata: {name: ann}", "metadata: {name: [ann}");
    std::fs::write(&file, broken).unwrap();
    let (code, report) = import(&seawall, "backstage", dir.path(), &["--prune"]);
    assert_eq!(code, Some(2), "{report}");
    let wrong: Vec<_> = report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|note| note["severity"] == "wrong")
        .collect();
    assert_eq!(wrong.len(), 2, "{report}");
    assert!(wrong.iter().all(|note| note["line"].is_u64()), "{report}");
    seawall.get("/api/v1/blueprints/user/entities/ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_of_somebody_else_is_not_touched() {
    let seawall = Seawall::start().await;
    let own = json!({"identifier": "user", "title": "Ours", "schema": {"properties": {}}});
    seawall
        .send(reqwest::Method::PUT, "/api/v1/blueprints/user", &own)
        .await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("catalog-info.yaml"),
        CATALOG.replace("{$text: ./api.yaml}", "x"),
    )
    .unwrap();
    let (code, report) = import(&seawall, "backstage", dir.path(), &["--dry-run"]);
    assert_eq!(code, Some(1));
    let user = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == "user")
        .unwrap();
    assert!(user["why"].as_str().unwrap().contains("--prefix"), "{user}");
    let (code, report) = import(&seawall, "backstage", dir.path(), &["--prefix", "backstage"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(seawall.get("/api/v1/blueprints/user").await["title"], "Ours");
    seawall.get("/api/v1/blueprints/backstageUser/entities/ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_ports_is_taken_over_with_its_mapping() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let tool = seawall_tests::Tool::start(50).await;
    seawall.integrate(crate::integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("probe/resources")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
    write(
        "blueprints.json",
        r#"[{"identifier": "a", "schema": {"properties": {}}, "relations": {"b": {"target": "b"}}}, {"identifier": "b", "schema": {"properties": {}}, "relations": {"a": {"target": "a"}}}]"#,
    );
    write(
        "entities.json",
        r#"{"entities": [{"identifier": "1", "blueprint": "a", "properties": {}, "relations": {"b": "2"}}, {"identifier": "2", "blueprint": "b", "properties": {}, "relations": {"a": "1"}}]}"#,
    );
    write(
        "actions.json",
        r#"[{"identifier": "go", "trigger": {"type": "self-service"}}]"#,
    );
    write("pages.json", r#"[{"identifier": "p", "widgets": []}]"#);
    write(
        "probe/resources/port-app-config.yml",
        "resources:\n- kind: thing\n  selector: {query: 'true'}\n  port: {entity: {mappings: {identifier: .id, blueprint: '\"a\"'}}}\n",
    );
    let (code, report) = import(&seawall, "port", dir.path(), &[]);
    assert_eq!((code, report["failures"].clone()), (Some(0), json!([])), "{report}");
    let probe = seawall.get("/api/v1/integrations/probe").await;
    assert_eq!(probe["definition"]["mapping"]["resources"][0]["kind"], "thing");
    seawall.get("/api/v1/definitions/Mapping/probe").await;
    seawall.get("/api/v1/definitions/Action/go").await;
    assert_eq!(
        seawall.get("/api/v1/blueprints/a/entities/1").await["relations"],
        json!({"b": "2"})
    );
    assert_eq!(changes(&import(&seawall, "port", dir.path(), &["--prune"]).1), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_of_ports_with_no_more_than_its_names_is_taken() {
    let seawall = Seawall::start().await;
    let dir = tempfile::tempdir().unwrap();
    let text = r#"[{"identifier": "service", "schema": {"properties": {}}, "relations": {}},
                   {"identifier": "pay", "blueprint": "service"}, {"identifier": "web", "blueprint": "sevice"}]"#;
    std::fs::write(dir.path().join("all.json"), text).unwrap();
    let (code, report) = import(&seawall, "port", dir.path(), &[]);
    assert_eq!((code, report["notes"].clone()), (Some(1), json!([])), "{report}");
    let web = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == "sevice/web");
    let why = web.unwrap()["why"].as_str().unwrap();
    assert!(
        why.contains("has the blueprint `sevice`; did you mean `service`?"),
        "{report}"
    );
    seawall.get("/api/v1/blueprints/service/entities/pay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_imported_is_exported_and_applied_elsewhere_at_once() {
    let seawall = Seawall::start().await;
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
    // Nobody describes `ann` and `bob`, and a person has to have a mail address.
    write(
        "blueprints.json",
        r#"[{"identifier": "person", "schema": {"properties": {"mail": {"type": "string"}}, "required": ["mail"]}, "relations": {}},
            {"identifier": "app", "schema": {"properties": {}}, "relations": {"by": {"target": "person", "many": true}, "in": {"target": "app"}}}]"#,
    );
    write(
        "entities.json",
        r#"[{"identifier": "shop", "blueprint": "app", "properties": {}, "relations": {"by": ["ann", "bob"], "in": "mall"}},
            {"identifier": "carl", "blueprint": "person", "properties": {"mail": "c@example.com"}}]"#,
    );
    let (code, report) = import(&seawall, "port", dir.path(), &[]);
    assert_eq!((code, report["failures"].clone()), (Some(0), json!([])), "{report}");
    let export =
        |of: &Seawall, source: &str| exported(of, &["--kind", "Blueprint", "--kind", "Entity", "--source", source]);
    let first = export(&seawall, "import:port");
    let other = Seawall::start().await;
    applied(&other, first.path(), &[]);
    for person in ["ann", "bob", "carl"] {
        other.get(&format!("/api/v1/blueprints/person/entities/{person}")).await;
    }
    other.get("/api/v1/blueprints/app/entities/mall").await;
    assert_eq!(diff(&other, first.path(), &["--prune"]).0, 0);
    let second = export(&other, "git:platform");
    assert_eq!(texts(first.path()), texts(second.path()));
    assert_eq!(texts(first.path()).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholders_that_nobody_points_to_any_more_do_not_hinder_an_export() {
    let seawall = Seawall::start().await;
    let person =
        json!({"identifier": "person", "schema": {"properties": {"mail": {"type": "string"}}, "required": ["mail"]}});
    let app = json!({"identifier": "app", "relations": {"by": {"target": "person"}}});
    for blueprint in [person, app] {
        let path = format!("/api/v1/blueprints/{}", blueprint["identifier"].as_str().unwrap());
        let (status, answer) = seawall.send(reqwest::Method::PUT, &path, &blueprint).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    let shop = "/api/v1/blueprints/app/entities/shop?source=git:platform&createMissingRelatedEntities=true";
    for relations in [json!({"by": "ann"}), json!({})] {
        let body = json!({"title": "Shop", "relations": relations});
        let (status, answer) = seawall.send(reqwest::Method::PUT, shop, &body).await;
        assert!(status.is_success(), "{answer}");
    }
    let ann = "/api/v1/blueprints/person/entities/ann";
    seawall.get(ann).await;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let of = ["--kind", "Blueprint", "--kind", "Entity", "--source", "git:platform"];
    let output = seawall.command(&[&["export", path][..], &of].concat());
    assert!(
        output.status.success()
            && said(&output).contains("1 entities are left out: `git:platform` says nothing of them"),
        "{}",
        said(&output)
    );
    let other = Seawall::start().await;
    applied(&other, dir.path(), &[]);
    assert_eq!(diff(&other, dir.path(), &["--prune"]).0, 0);
    // Where it is, the folder that cannot hold it does not take it away, unless it is told to.
    let (code, plan) = diff(&seawall, dir.path(), &["--prune"]);
    assert_eq!((code, steps(&plan)), (0, Vec::new()), "{plan}");
    let all = ["--prune", "--prune-entities=true"];
    assert_eq!(
        steps(&applied(&seawall, dir.path(), &all)),
        ["delete Entity person/ann"]
    );
    assert_eq!(seawall.try_get(ann).await.0, StatusCode::NOT_FOUND);
}

/// All files below a folder, with their texts.
fn texts(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, String> {
    let mut out = std::collections::BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).unwrap().to_owned();
            out.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_the_sample_data_imports_without_an_error() {
    let beside = repository().join("../shared/data");
    let data = std::env::var_os("SEAWALL_SAMPLES").map_or(beside, Into::into);
    if !data.is_dir() {
        println!("skipped: the sample data is not beside the repository (../shared/data)");
        return;
    }
    let seawall = Seawall::start().await;
    for (portal, folder) in [
        ("port", "ocean"),
        ("backstage", "backstage"),
        ("backstage", "online-boutique"),
    ] {
        // Each is imported under its own name: what one holds is not missing in another.
        let source = format!("import:{folder}");
        let run = || import(&seawall, portal, &data.join(folder), &["--source", &source]);
        let (code, report) = run();
        assert_eq!(
            (code, report["failures"].clone()),
            (Some(0), json!([])),
            "{folder}: {report}"
        );
        assert_eq!(changes(&run().1), 0, "{folder}");
    }
}
