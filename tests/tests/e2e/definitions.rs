//! Definitions as code: diff, apply, prune, export, whose a definition is, and drift.

use crate::folders::{applied, diff, folder, run, said, steps};
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, component};
use serde_json::{Value, json};

const PLATFORM: &[(&str, &str)] = &[
    (
        "model.yaml",
        "kind: Blueprint\nidentifier: service\ntitle: Service\nschema: {properties: {tier: {type: string}}}\nrelations: {team: {target: team}}\n\
         ---\nkind: Blueprint\nidentifier: team\nrelations: {main: {target: service}}\n",
    ),
    (
        "credentials/token.yaml",
        "kind: Credential\nname: token\nsource: {env: TOKEN}\n",
    ),
    (
        "actions.json",
        r#"{"kind": "Action", "identifier": "deploy", "trigger": {"type": "self-service"}, "invocationMethod": {"type": "WEBHOOK", "url": "https://ci.example.com"}}"#,
    ),
    (
        "score.yaml",
        "kind: Scorecard\nidentifier: ready\nblueprint: service\nrules: [{identifier: a, level: Basic}]\n",
    ),
    ("policy.yaml", "kind: Policy\nnever: {methods: [DELETE]}\n"),
    (
        "port.json",
        r#"[{"identifier": "plain", "schema": {"properties": {}}}]"#,
    ),
    ("k8s.yaml", "apiVersion: v1\nkind: Service\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_applied_once_and_then_changes_nothing() {
    let seawall = Seawall::start().await;
    let dir = folder(PLATFORM);
    let (code, plan) = diff(&seawall, dir.path(), &[]);
    assert_eq!(code, 1);
    let wanted = [
        "change Policy policy",
        "create Blueprint plain",
        "create Blueprint team",
        "create Blueprint service",
        "create Credential token",
        "create Action deploy",
        "create Scorecard service/ready",
    ];
    let mut found = steps(&plan);
    found.sort();
    let mut sorted = wanted.to_vec();
    sorted.sort_unstable();
    assert_eq!(found, sorted);
    assert_eq!(plan["passedOver"], json!(["k8s.yaml"]));
    // Only to look changes nothing.
    assert!(run(&seawall, "apply", dir.path(), &["--dry-run"]).status.success());
    assert_eq!(seawall.get("/api/v1/blueprints").await["items"], json!([]));
    // There is nobody to ask here.
    let unasked = run(&seawall, "apply", dir.path(), &[]);
    assert_eq!(unasked.status.code(), Some(2), "{}", said(&unasked));

    let plan = applied(&seawall, dir.path(), &[]);
    assert_eq!(
        (plan["applied"].clone(), plan["failures"].clone()),
        (json!(true), json!([]))
    );
    assert_eq!(diff(&seawall, dir.path(), &["--prune"]), {
        let (_, plan) = diff(&seawall, dir.path(), &["--prune"]);
        (0, plan)
    });
    assert_eq!(steps(&applied(&seawall, dir.path(), &["--prune"])), [""; 0]);
    assert_eq!(
        seawall.get("/api/v1/policy").await["policy"]["never"]["methods"],
        json!(["DELETE"])
    );
    let action = seawall.get("/api/v1/definitions/Action/deploy").await;
    assert_eq!(
        action["definition"]["invocationMethod"]["url"],
        "https://ci.example.com"
    );
    seawall.get("/api/v1/definitions/Scorecard/service%2Fready").await;
    // For people too: everything on stderr is about the plan.
    let people = run(&seawall, "apply", dir.path(), &["--yes"]);
    assert!(
        people.status.success() && said(&people).contains("unchanged"),
        "{}",
        said(&people)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_git_is_read_only_elsewhere_and_drift_is_shown() {
    let seawall = Seawall::start().await;
    let dir = folder(PLATFORM);
    applied(&seawall, dir.path(), &[]);
    let service = json!({"identifier": "service", "title": "By hand", "schema": {"properties": {}}});
    let put = |path: &'static str, body: Value| {
        let seawall = &seawall;
        async move { seawall.send(Method::PUT, path, &body).await }
    };
    let (status, problem) = put("/api/v1/blueprints/service", service.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("git:platform") && detail.contains("model.yaml"),
        "{detail}"
    );
    assert_eq!(problem["type"], "https://seawall.dev/problems/owned");
    for (method, path, body) in [
        (
            Method::PUT,
            "/api/v1/credentials/token",
            json!({"source": {"env": "OTHER"}}),
        ),
        (Method::DELETE, "/api/v1/credentials/token", json!({})),
        (Method::PUT, "/api/v1/policy", json!({})),
        (
            Method::PUT,
            "/api/v1/definitions/Action/deploy?source=git:other",
            json!({"identifier": "deploy", "trigger": {}}),
        ),
        (
            Method::DELETE,
            "/api/v1/definitions/Scorecard/service%2Fready",
            json!({}),
        ),
    ] {
        let (status, problem) = seawall.send(method, path, &body).await;
        assert_eq!(status, StatusCode::CONFLICT, "{path}: {problem}");
    }
    // Another folder cannot take it either.
    let other = folder(&[("a.yaml", "kind: Blueprint\nidentifier: service\n")]);
    let output = seawall.command(&[
        "apply",
        other.path().to_str().unwrap(),
        "--source",
        "git:other",
        "--yes",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("it comes from git:platform (model.yaml)"),
        "{}",
        said(&output)
    );
    assert_eq!(diff(&seawall, dir.path(), &[]).0, 0);

    // Once, for an emergency; and with the lock off.
    let (status, _) = put("/api/v1/blueprints/service?override=true", service.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let unlocked = seawall.command(&["admin", "setting", "definitions.locked", "false"]);
    assert!(unlocked.status.success(), "{}", said(&unlocked));
    let (status, _) = put("/api/v1/credentials/token", json!({"source": {"env": "OTHER"}})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (code, plan) = diff(&seawall, dir.path(), &[]);
    assert_eq!(
        (code, steps(&plan)),
        (
            1,
            vec![
                "change Blueprint service".to_owned(),
                "change Credential token".to_owned()
            ]
        )
    );
    let drifted: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["drift"] == true)
        .collect();
    assert_eq!(drifted.len(), 2, "{plan}");
    assert_eq!(
        drifted[1]["fields"][0],
        json!({"field": "source.env", "before": "OTHER", "after": "TOKEN"})
    );
    applied(&seawall, dir.path(), &[]);
    assert_eq!(seawall.get("/api/v1/blueprints/service").await["title"], "Service");
    assert_eq!(diff(&seawall, dir.path(), &[]).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_takes_what_this_source_made_and_nothing_else() {
    let seawall = Seawall::start().await;
    let dir = folder(PLATFORM);
    applied(&seawall, dir.path(), &[]);
    let own = json!({"source": {"env": "MINE"}});
    assert_eq!(
        seawall.send(Method::PUT, "/api/v1/credentials/mine", &own).await.0,
        StatusCode::NO_CONTENT
    );
    for file in ["credentials/token.yaml", "actions.json", "policy.yaml"] {
        std::fs::remove_file(dir.path().join(file)).unwrap();
    }
    let (code, plan) = diff(&seawall, dir.path(), &[]);
    let stays = ["stays Action deploy", "stays Credential token", "stays Policy policy"];
    assert_eq!((code, steps(&plan)), (0, stays.map(str::to_owned).to_vec()));
    let plan = applied(&seawall, dir.path(), &["--prune"]);
    assert_eq!(
        steps(&plan),
        ["delete Action deploy", "delete Credential token", "stays Policy policy"]
    );
    let credentials = seawall.get("/api/v1/credentials").await;
    let names: Vec<_> = credentials["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["mine"]);
    assert_eq!(
        seawall.try_get("/api/v1/definitions/Action/deploy").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        seawall.get("/api/v1/policy").await["policy"]["never"]["methods"],
        json!(["DELETE"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_leaves_entities_where_the_folder_describes_none_or_where_it_is_told_to() {
    let seawall = Seawall::start().await;
    const MODEL: (&str, &str) = ("model.yaml", "kind: Blueprint\nidentifier: team\n");
    const VIEW: (&str, &str) = ("view.yaml", "kind: View\nname: all\nblueprints: [team]\n");
    const ENTITIES: (&str, &str) = (
        "teams.yaml",
        "kind: Entity\nblueprint: team\nidentifier: a\n---\nkind: Entity\nblueprint: team\nidentifier: b\n",
    );
    applied(&seawall, folder(&[MODEL, VIEW, ENTITIES]).path(), &[]);
    // The entities have moved to a folder of their own.
    let rest = folder(&[MODEL]);
    let planned = |dir: &std::path::Path, more: &[&str]| steps(&diff(&seawall, dir, &[&["--prune"], more].concat()).1);
    let stay = ["stays Entity team/b", "stays Entity team/a", "delete View all"];
    let go = ["delete Entity team/b", "delete Entity team/a", "delete View all"];
    assert_eq!(planned(rest.path(), &[]), stay);
    assert_eq!(planned(rest.path(), &["--prune-entities=false"]), stay);
    assert_eq!(planned(rest.path(), &["--prune-entities=true"]), go);
    let one = folder(&[
        MODEL,
        VIEW,
        ("a.yaml", "kind: Entity\nblueprint: team\nidentifier: a\n"),
    ]);
    assert_eq!(planned(one.path(), &[]), ["delete Entity team/b"]);
    assert_eq!(
        planned(one.path(), &["--prune-entities=false"]),
        ["stays Entity team/b"]
    );
    // It says nothing without --prune.
    let output = run(&seawall, "diff", one.path(), &["--prune-entities=true"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--prune"), "{}", said(&output));

    applied(&seawall, rest.path(), &["--prune"]);
    assert_eq!(seawall.get("/api/v1/blueprints/team/count").await["count"], 2);
    applied(&seawall, rest.path(), &["--prune", "--prune-entities=true"]);
    assert_eq!(seawall.get("/api/v1/blueprints/team/count").await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_said_all_at_once_and_nothing_is_applied() {
    let seawall = Seawall::start().await;
    let dir = folder(&[
        ("good.yaml", "kind: Blueprint\nidentifier: service\n"),
        (
            "bad.yaml",
            "kind: Blueprint\nidentifier: x\nschema: {properties: {a: {type: strin}}}\n---\nkind: Credental\nname: a\n",
        ),
        ("worse.yaml", "kind: Policy\n\tnever: {}\n"),
    ]);
    let output = run(&seawall, "apply", dir.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    for words in [
        "3 problems",
        "bad.yaml:1:",
        "bad.yaml:5:7: kind: expected one of",
        "did you mean `Credential`?",
        "worse.yaml:",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert_eq!(seawall.get("/api/v1/blueprints").await["items"], json!([]));
    // A folder without anything is a mistake rather than the wish to remove everything.
    let empty = folder(&[("readme.md", "x")]);
    let output = run(&seawall, "apply", empty.path(), &["--yes", "--prune"]);
    assert_eq!(output.status.code(), Some(2), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_and_the_rest_is_done() {
    let seawall = Seawall::start().await;
    let dir = folder(&[
        ("grant.yaml", "kind: Grant\nplugin: probe\n"),
        ("sealed.yaml", "kind: Credential\nname: sealed\nsource: sealed\n"),
        ("ok.yaml", "kind: Credential\nname: token\nsource: {env: TOKEN}\n"),
    ]);
    let output = run(&seawall, "apply", dir.path(), &["--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let words = said(&output);
    assert!(
        words.contains("`probe` is not installed") && words.contains("sealed"),
        "{words}"
    );
    assert_eq!(steps(&diff(&seawall, dir.path(), &[]).1).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_found_unchanged_and_holds_no_secret() {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let tool = seawall_tests::Tool::start(50).await;
    seawall.integrate(crate::integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    applied(&seawall, folder(PLATFORM).path(), &[]);
    let sealed = json!({"source": "sealed", "secret": "hush-hush"});
    assert_eq!(
        seawall.send(Method::PUT, "/api/v1/credentials/sealed", &sealed).await.0,
        StatusCode::NO_CONTENT
    );

    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("platform");
    let export = |more: &[&str]| seawall.command(&[&["export", out.to_str().unwrap()], more].concat());
    let output = export(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        export(&[]).status.code(),
        Some(2),
        "a folder with files is not written into"
    );
    assert!(export(&["--force"]).status.success());
    for file in [
        "policy.yaml",
        "blueprints/service.yaml",
        "grants/probe.yaml",
        "integrations/probe.yaml",
        "scorecards/service/ready.yaml",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let (code, plan) = diff(&seawall, &out, &["--prune"]);
    assert_eq!((code, steps(&plan)), (0, Vec::new()), "{plan}");
    let all = seawall.command(&["export"]);
    assert!(
        !said(&all).contains("hush-hush") && said(&all).contains("kind: Integration"),
        "{}",
        said(&all)
    );
    // Taken over by git, nothing is done to the integration.
    let before = seawall.get("/api/v1/integrations/probe").await["updatedAt"].clone();
    applied(&seawall, &out, &[]);
    assert_eq!(seawall.get("/api/v1/integrations/probe").await["updatedAt"], before);
    // A grant can be taken back, whoever gave it.
    let (status, _) = seawall
        .send(Method::DELETE, "/api/v1/plugins/probe/grant", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK);
    let (_, plan) = diff(&seawall, &out, &[]);
    assert_eq!(steps(&plan), ["create Grant probe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_documents_are_checked_by_their_schema() {
    let seawall = Seawall::start().await;
    let put = |path: &'static str, body: Value| {
        let seawall = &seawall;
        async move { seawall.send(Method::PUT, path, &body).await }
    };
    let (status, problem) = put("/api/v1/definitions/Scorecard/a%2Fb", json!({"identifier": "b"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let scorecard = json!({"identifier": "b", "blueprint": "a", "rules": []});
    assert_eq!(
        put("/api/v1/definitions/Scorecard/b", scorecard.clone()).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        put("/api/v1/definitions/Scorecard/a%2Fb", scorecard.clone()).await.0,
        StatusCode::CREATED
    );
    assert_eq!(
        put("/api/v1/definitions/Scorecard/a%2Fb", scorecard).await.0,
        StatusCode::OK
    );
    let (status, problem) = put("/api/v1/definitions/Scorecad/x", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `Scorecard`?"),
        "{problem}"
    );
    assert_eq!(
        put("/api/v1/definitions/Policy/policy", json!({})).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(
        put("/api/v1/settings/definitions.locked", json!({"value": "no"}))
            .await
            .0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        put("/api/v1/settings/nothing", json!({"value": true})).await.0,
        StatusCode::NOT_FOUND
    );
}
