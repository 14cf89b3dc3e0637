//! Settings, saved views and subscriptions as definitions, and what is kept though it is wrong.

use crate::folders::{applied, diff, exported, folder, run, said, steps};
use reqwest::{Method, StatusCode};
use seawall_tests::Seawall;
use serde_json::{Value, json};

const BESIDE: &[(&str, &str)] = &[
    (
        "model.yaml",
        "kind: Blueprint\nidentifier: service\nschema: {properties: {tier: {type: string}}}\n",
    ),
    (
        "settings.yaml",
        "kind: Settings\nretention: {days: 30, pendingDays: 60}\n",
    ),
    (
        "views.yaml",
        "kind: View\nname: gold\ntitle: Gold\nblueprints: [service]\nfilter: tier = gold\ncolumns: [tier]\n",
    ),
    (
        "bot.yaml",
        "kind: Subscription\nname: bot\nurl: https://bot.example.invalid/hook\nblueprints: [service]\nkinds: [updated]\nretry: {tries: 3}\n",
    ),
];

async fn put(seawall: &Seawall, path: &str, body: Value) -> (StatusCode, Value) {
    seawall.send(Method::PUT, path, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_views_and_subscriptions_are_applied_pruned_and_kept_in_git() {
    let seawall = Seawall::start().await;
    let dir = folder(BESIDE);
    let output = run(&seawall, "apply", dir.path(), &["--yes"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        !said(&output).contains("whsec_") && said(&output).contains("seawall subscription rotate bot"),
        "{}",
        said(&output)
    );
    assert_eq!(diff(&seawall, dir.path(), &["--prune"]).0, 0);
    let kept = json!({"days": 30, "rows": 100_000, "pendingDays": 60});
    assert_eq!(seawall.get("/api/v1/retention").await, kept);
    assert_eq!(seawall.get("/api/v1/views/gold").await["filter"], "tier = gold");
    let bot = seawall.get("/api/v1/subscriptions/bot").await;
    assert_eq!(
        (&bot["retry"]["tries"], &bot["kinds"]),
        (&json!(3), &json!(["updated"]))
    );

    // They are changed in git.
    for (path, body) in [
        ("/api/v1/views/gold", json!({"title": "By hand"})),
        (
            "/api/v1/subscriptions/bot",
            json!({"url": "https://x.example.invalid/"}),
        ),
        ("/api/v1/retention", kept.clone()),
        ("/api/v1/settings", json!({})),
    ] {
        let (status, problem) = put(&seawall, path, body).await;
        assert_eq!(status, StatusCode::CONFLICT, "{path}: {problem}");
    }
    // A subscription can be stopped in an emergency, and the lock be opened; both are drift.
    let paused = seawall.command(&["subscription", "pause", "bot"]);
    assert!(paused.status.success(), "{}", said(&paused));
    let (status, _) = put(&seawall, "/api/v1/settings/definitions.locked", json!({"value": false})).await;
    assert_eq!(status, StatusCode::OK);
    let (code, plan) = diff(&seawall, dir.path(), &[]);
    let drift = ["change Settings settings", "change Subscription bot"];
    assert_eq!((code, steps(&plan)), (1, drift.map(str::to_owned).to_vec()));
    applied(&seawall, dir.path(), &[]);
    assert_eq!(seawall.get("/api/v1/subscriptions/bot").await["paused"], false);

    for (file, _) in &BESIDE[1..] {
        std::fs::remove_file(dir.path().join(file)).unwrap();
    }
    let plan = applied(&seawall, dir.path(), &["--prune"]);
    let gone = ["delete Subscription bot", "delete View gold", "stays Settings settings"];
    assert_eq!(steps(&plan), gone);
    assert_eq!(seawall.try_get("/api/v1/views/gold").await.0, StatusCode::NOT_FOUND);
    assert_eq!(seawall.get("/api/v1/retention").await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_no_secret_of_a_subscription_and_apply_keeps_it() {
    let seawall = Seawall::start().await;
    let add = [
        "subscription",
        "add",
        "bot",
        "https://bot.example.invalid/hook",
        "--header",
    ];
    let output = seawall.command(&[&add[..], &["Authorization=Bearer hush-hush"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let (status, _) = put(&seawall, "/api/v1/views/all", json!({"q": "x", "sort": "$identifier"})).await;
    assert_eq!(status, StatusCode::CREATED);
    let dir = exported(&seawall, &[]);
    let text = std::fs::read_to_string(dir.path().join("subscriptions/bot.yaml")).unwrap();
    assert!(
        text.contains("Authorization") && !text.contains("hush") && !text.contains("whsec"),
        "{text}"
    );
    for file in ["settings.yaml", "views/all.yaml"] {
        assert!(dir.path().join(file).is_file(), "{file}");
    }
    let (code, plan) = diff(&seawall, dir.path(), &["--prune"]);
    assert_eq!((code, steps(&plan)), (0, Vec::new()), "{plan}");
    applied(&seawall, dir.path(), &[]);
    // Changed by the folder, it keeps its headers.
    std::fs::write(
        dir.path().join("subscriptions/bot.yaml"),
        format!("{text}\n").replace("thin: false", "thin: true"),
    )
    .unwrap();
    applied(&seawall, dir.path(), &[]);
    let bot = seawall.get("/api/v1/subscriptions/bot").await;
    assert_eq!(
        (&bot["thin"], &bot["headers"]),
        (&json!(true), &json!(["Authorization"]))
    );

    // Elsewhere their values are not known.
    let other = Seawall::start().await;
    let output = run(&other, "apply", dir.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("--header Authorization=…"), "{}", said(&output));
    other.get("/api/v1/views/all").await;
    assert_eq!(
        other.try_get("/api/v1/subscriptions/bot").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_blueprint_of_an_import_is_exported_and_taken_again() {
    let seawall = Seawall::start().await;
    let faulty = json!({
        "identifier": "service",
        "schema": {"properties": {}},
        "relations": {"team": {"target": "team", "many": false}},
        "mirrorProperties": {"a": {"path": "team.$nothing"}},
        "ownership": {"type": "Nobody's"},
    });
    let (status, problem) = put(&seawall, "/api/v1/blueprints/service", faulty.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let team = json!({"identifier": "team", "schema": {"properties": {}}});
    let dir = folder(&[("blueprints.json", &json!([faulty, team]).to_string())]);
    let output = seawall.command(&["import", "port", dir.path().to_str().unwrap(), "--yes"]);
    assert!(output.status.success(), "{}", said(&output));

    let out = exported(&seawall, &[]);
    let (code, plan) = diff(&seawall, out.path(), &["--prune"]);
    assert_eq!((code, steps(&plan)), (0, Vec::new()), "{plan}");
    let notes = plan["notes"].to_string();
    assert!(
        notes.contains("/mirrorProperties/a") && notes.contains("keepFaults"),
        "{notes}"
    );
    applied(&seawall, out.path(), &[]);
    assert_eq!(diff(&seawall, out.path(), &[]).0, 0);
    // As it is on another server too.
    let other = Seawall::start().await;
    applied(&other, out.path(), &[]);
    assert_eq!(diff(&other, out.path(), &["--prune"]).0, 0);
    // By hand, a mistake stays one.
    let file = out.path().join("blueprints/service.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("keepFaults: true\n", "")).unwrap();
    let output = run(&other, "diff", out.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("mirrorProperties.a"), "{}", said(&output));
}

/// An object of so many levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({"a": inner}))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_of_nested_objects_is_exported_and_read_back() {
    let seawall = Seawall::start().await;
    let blueprint = json!({"identifier": "doc", "schema": {"properties": {"body": {"type": "object"}}}});
    put(&seawall, "/api/v1/blueprints/doc", blueprint).await;
    // The entity and its `properties` are two more.
    let body = |levels| json!({"properties": {"body": nested(levels)}});
    let (status, problem) = put(&seawall, "/api/v1/blueprints/doc/entities/a", body(98)).await;
    assert_eq!(status, StatusCode::CREATED, "{problem}");
    let (status, problem) = put(&seawall, "/api/v1/blueprints/doc/entities/b", body(99)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("nested deeper than 100 levels"), "{detail}");
    let dir = exported(&seawall, &["--kind", "Entity", "--kind", "Blueprint"]);
    applied(&seawall, dir.path(), &[]);
    assert_eq!(diff(&seawall, dir.path(), &[]).0, 0);
    let entity = seawall.get("/api/v1/blueprints/doc/entities/a").await;
    assert_eq!(entity["properties"]["body"], nested(98));

    let deep = json!({"kind": "Entity", "blueprint": "doc", "identifier": "b", "properties": {"body": nested(99)}});
    let other = folder(&[("b.json", &deep.to_string())]);
    let output = run(&seawall, "diff", other.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("b.json:1:") && said(&output).contains("nested deeper than 100 levels"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_which_entities_cannot_be_stored_and_where() {
    let seawall = Seawall::start().await;
    let dir = folder(&[
        (
            "model.yaml",
            "kind: Blueprint\nidentifier: service\nschema: {properties: {tier: {type: string, enum: [gold]}, size: {type: number}}, required: [tier]}\n",
        ),
        (
            "entities.yaml",
            "kind: Entity\nblueprint: service\nidentifier: good\nproperties: {tier: gold, size: '7'}\n---\n\
             kind: Entity\nblueprint: service\nidentifier: bad\nproperties: {tier: iron, sise: 1}\n---\n\
             kind: Entity\nblueprint: servce\nidentifier: lost\n---\n\
             kind: Entity\nblueprint: service\nidentifier: lacking\nproperties: {size: 1}\n",
        ),
    ]);
    let (code, plan) = diff(&seawall, dir.path(), &[]);
    assert_eq!(code, 1);
    let step = |name: &str| {
        let steps = plan["steps"].as_array().unwrap().iter();
        steps.into_iter().find(|step| step["name"] == name).unwrap().clone()
    };
    for (name, line, words) in [
        ("service/bad", 6, &["properties.tier", "properties.sise"][..]),
        ("servce/lost", 11, &["did you mean `service`?"]),
        ("service/lacking", 15, &["properties.tier", "requires it"]),
    ] {
        let step = step(name);
        assert_eq!(
            (&step["change"], &step["file"], &step["line"]),
            (&json!("hindered"), &json!("entities.yaml"), &json!(line)),
            "{step}"
        );
        let why = step["why"].as_str().unwrap();
        assert!(words.iter().all(|word| why.contains(word)), "{why}");
    }
    assert_eq!(step("service/good")["change"], "create");
    let output = run(&seawall, "apply", dir.path(), &["--yes", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["failures"], json!([]), "nothing was begun that could not be done");
    assert_eq!(seawall.entities("service").await.len(), 1);

    // What another source says counts, and what was said before the blueprint changed stays as it is.
    let lacking = "/api/v1/blueprints/service/entities/lacking";
    put(&seawall, lacking, json!({"properties": {"tier": "gold"}})).await;
    let (_, plan) = diff(&seawall, dir.path(), &[]);
    assert!(
        steps(&plan).contains(&"create Entity service/lacking".to_owned()),
        "{plan}"
    );
    let narrow = json!({"identifier": "service", "schema": {"properties": {"size": {"type": "number"}}}});
    put(&seawall, "/api/v1/blueprints/service?override=true", narrow).await;
    let out = exported(
        &seawall,
        &["--kind", "Entity", "--kind", "Blueprint", "--source", "git:platform"],
    );
    let (code, plan) = diff(&seawall, out.path(), &[]);
    assert_eq!((code, steps(&plan)), (0, Vec::new()), "{plan}");
}
