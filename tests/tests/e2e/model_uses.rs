//! What uses a property, a relation or a blueprint: named where that would go, and gone with it where that is asked for.

use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

fn system() -> Value {
    json!({"identifier": "system", "schema": {"properties": {"tier": {"type": "string"}, "cost": {"type": "number"}}},
        "relations": {"runs": {"target": "service", "many": true}}})
}

fn service() -> Value {
    let spec = json!({"calculationBy": "property", "func": "sum", "property": "cost"});
    json!({"identifier": "service", "schema": {"properties": {"own": {"type": "string"}}},
        "relations": {"system": {"target": "system"}},
        "mirrorProperties": {"tier": {"path": "system.tier"}, "name": {"path": "system.$title"}},
        "calculationProperties": {"label": {"type": "string", "calculation": ".identifier + \"/\" + (.properties.tier // \"none\")"}},
        "aggregationProperties": {"cost": {"target": "system", "calculationSpec": spec}},
        "ownership": {"type": "Inherited", "path": "system"}})
}

async fn put(seawall: &Seawall, path: &str, body: &Value) -> Value {
    let (status, answer) = seawall.send(Method::PUT, &format!("/api/v1/{path}"), body).await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

/// Two blueprints that lead to each other, an entity of each, and views.
async fn modelled() -> Seawall {
    let seawall = Seawall::start().await;
    put(&seawall, "blueprints/system", &system()).await;
    put(&seawall, "blueprints/service", &service()).await;
    put(
        &seawall,
        "blueprints/system/entities/pay",
        &json!({"title": "Pay", "properties": {"tier": "gold", "cost": 3}}),
    )
    .await;
    put(
        &seawall,
        "blueprints/service/entities/api",
        &json!({"relations": {"system": "pay"}}),
    )
    .await;
    put(
        &seawall,
        "views/golden",
        &json!({"blueprints": ["system"], "filter": "tier = \"gold\""}),
    )
    .await;
    put(
        &seawall,
        "views/costs",
        &json!({"blueprints": ["system"], "columns": ["$title", "tier", "cost"]}),
    )
    .await;
    seawall
}

async fn refused(seawall: &Seawall, method: Method, path: &str, body: &Value, parts: &[&str]) {
    let (status, problem) = seawall.send(method, &format!("/api/v1/{path}"), body).await;
    assert_eq!(status, StatusCode::CONFLICT, "{path}: {problem}");
    let detail = problem["detail"].as_str().unwrap();
    for part in parts.iter().chain(&["dependants=true"]) {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

fn command(seawall: &Seawall, arguments: &[&str]) -> (Option<i32>, String) {
    let output = seawall.command(arguments);
    let (out, err) = (&output.stdout, &output.stderr);
    let words = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    (output.status.code(), words)
}

fn file(value: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), value.to_string()).unwrap();
    file
}

#[tokio::test]
async fn a_property_in_use_stays_or_goes_with_all_that_reads_it() {
    let seawall = modelled().await;
    let mut less = system();
    less["schema"]["properties"].as_object_mut().unwrap().remove("tier");
    let users = [
        "mirror `tier` of `service` (needs `system.tier`)",
        "calculation `label` of `service` (needs `service.tier`)",
        "view `golden`",
        "view `costs` (needs the column `tier`)",
    ];
    refused(&seawall, Method::PUT, "blueprints/system", &less, &users).await;
    assert!(seawall.get("/api/v1/blueprints/system").await["schema"]["properties"]["tier"].is_object());
    let path = file(&less);
    let path = path.path().to_str().unwrap();
    let (code, words) = command(&seawall, &["blueprint", "put", path]);
    assert!(
        code == Some(1) && words.contains("mirror `tier` of `service`"),
        "{words}"
    );
    let (code, words) = command(&seawall, &["blueprint", "put", path, "--dry-run"]);
    assert!(
        code == Some(1) && words.contains("mirror tier of service (needs system.tier) would lose"),
        "{words}"
    );
    let (_, effect) = seawall
        .send(Method::PUT, "/api/v1/blueprints/system?dryRun=true", &less)
        .await;
    assert_eq!(effect["dependants"].as_array().unwrap().len(), 4, "{effect}");
    assert_eq!(
        effect["dependants"][0],
        json!({"blueprint": "service", "what": "mirror", "name": "tier", "needs": "system.tier"})
    );

    let (code, words) = command(&seawall, &["blueprint", "put", path, "--dependants"]);
    assert!(code == Some(0) && words.contains("view golden (needs "), "{words}");
    let service = seawall.get("/api/v1/blueprints/service").await;
    assert_eq!(service["mirrorProperties"], json!({"name": {"path": "system.$title"}}));
    assert!(service["calculationProperties"].is_null(), "{service}");
    assert_eq!(service["ownership"]["path"], "system");
    eventually("no more of it", || async {
        let api = seawall.get("/api/v1/blueprints/service/entities/api").await;
        (api["properties"] == json!({"name": "Pay", "cost": 3})).then_some(())
    })
    .await;
    assert_eq!(seawall.try_get("/api/v1/views/golden").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        seawall.get("/api/v1/views/costs").await["columns"],
        json!(["$title", "cost"])
    );

    // What is used nowhere goes without a word.
    let mut service = service;
    service["schema"]["properties"] = json!({});
    put(&seawall, "blueprints/service", &service).await;
}

#[tokio::test]
async fn a_relation_in_use_stays_or_goes_with_all_ways_over_it() {
    let seawall = modelled().await;
    let team = json!({"identifier": "team", "schema": {"properties": {}}, "relations": {"owns": {"target": "service"}},
        "mirrorProperties": {"tier": {"path": "owns.system.tier"}}, "ownership": {"type": "Inherited", "path": "owns.system"}});
    put(&seawall, "blueprints/team", &team).await;
    let mut less = service();
    for own in ["mirrorProperties", "ownership", "relations"] {
        less.as_object_mut().unwrap().remove(own);
    }
    let users = [
        "mirror `tier` of `team` (needs `service.system`)",
        "inherited ownership of `team` (needs `service.system`)",
        "calculation `label` of `service` (needs `service.tier`)",
    ];
    refused(&seawall, Method::PUT, "blueprints/service", &less, &users).await;
    // Its own properties along the relation go too, although the document has them still.
    let mut less = service();
    less["relations"] = json!({});
    let (status, problem) = seawall.send(Method::PUT, "/api/v1/blueprints/service", &less).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let answer = put(&seawall, "blueprints/service?dependants=true", &less).await;
    for own in ["mirrorProperties", "calculationProperties", "ownership"] {
        assert!(answer[own].is_null(), "{answer}");
    }
    let team = seawall.get("/api/v1/blueprints/team").await;
    assert!(
        team["mirrorProperties"].is_null() && team["ownership"].is_null(),
        "{team}"
    );
    assert_eq!(team["relations"]["owns"]["target"], "service");
}

#[tokio::test]
async fn blueprints_that_lead_to_each_other_go_together_or_one_with_what_uses_it() {
    let seawall = modelled().await;
    let users = [
        "relation `system` of `service`",
        "aggregation `cost` of `service`",
        "view `costs`",
    ];
    refused(
        &seawall,
        Method::DELETE,
        "blueprints/system?entities=true",
        &Value::Null,
        &users,
    )
    .await;
    for view in ["golden", "costs"] {
        seawall
            .send(Method::DELETE, &format!("/api/v1/views/{view}"), &Value::Null)
            .await;
    }
    let (code, words) = command(&seawall, &["blueprint", "delete", "system", "service", "--entities"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(seawall.get("/api/v1/blueprints").await["items"], json!([]));

    let seawall = modelled().await;
    let (code, words) = command(
        &seawall,
        &["blueprint", "delete", "system", "--entities", "--dependants"],
    );
    assert_eq!(code, Some(0), "{words}");
    let service = seawall.get("/api/v1/blueprints/service").await;
    assert_eq!(
        (&service["relations"], &service["mirrorProperties"]),
        (&json!({}), &Value::Null),
        "{service}"
    );
    eventually("an entity without it", || async {
        let api = seawall.get("/api/v1/blueprints/service/entities/api").await;
        (api["relations"] == json!({}) && api["properties"] == json!({})).then_some(())
    })
    .await;
    // What is not there to be removed is no reason to change what others keep in git.
    put(&seawall, "blueprints/system", &system()).await;
    put(&seawall, "blueprints/service?source=git:platform", &self::service()).await;
    let (status, problem) = seawall
        .send(
            Method::DELETE,
            "/api/v1/blueprints/system?entities=true&dependants=true",
            &Value::Null,
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("git:platform"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_take_away_what_it_no_longer_uses_in_any_order() {
    let seawall = Seawall::start().await;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| std::fs::write(dir.path().join(name), value.to_string()).unwrap();
    let apply = |more: &[&str]| {
        let folder = dir.path().to_str().unwrap();
        command(
            &seawall,
            &[&["apply", folder, "--yes", "--source", "git:platform"], more].concat(),
        )
    };
    write("system.json", &system());
    write("service.json", &service());
    let (code, words) = apply(&[]);
    assert_eq!(code, Some(0), "{words}");
    // The target of its relations is put first, while the other one still mirrors what goes.
    let (mut less, mut user) = (system(), service());
    less["schema"]["properties"].as_object_mut().unwrap().remove("tier");
    write("system.json", &less);
    let (code, words) = apply(&[]);
    assert!(
        code == Some(1) && words.contains("mirror `tier` of `service`"),
        "{words}"
    );
    for own in ["mirrorProperties", "calculationProperties"] {
        user.as_object_mut().unwrap().remove(own);
    }
    write("service.json", &user);
    let (code, words) = apply(&[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(seawall.get("/api/v1/blueprints/system").await["schema"]["properties"]["tier"].is_null());

    // Both go, although each leads to the other.
    for name in ["system.json", "service.json"] {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    let (code, words) = apply(&["--prune"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(seawall.get("/api/v1/blueprints").await["items"], json!([]));
}
