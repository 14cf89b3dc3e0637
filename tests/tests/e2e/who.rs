//! Who changed what: definitions, and entities behind them.

use crate::{
    folders::{applied, folder, said},
    probed,
};
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

async fn changes(seawall: &Seawall, query: &str) -> Vec<Value> {
    let page = seawall.get(&format!("/api/v1/definition-changes{query}")).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_definition_is_kept_with_who_why_and_what() {
    let seawall = Seawall::start().await;
    let blueprint = |title: &str| json!({"identifier": "service", "title": title, "schema": {"properties": {}}});
    let path = "/api/v1/blueprints/service";
    seawall
        .send(Method::PUT, &format!("{path}?by=ann&reason=SEC-1"), &blueprint("One"))
        .await;
    seawall
        .send(Method::PUT, &format!("{path}?by=bob"), &blueprint("Two"))
        .await;
    // What changes nothing, and what is refused, is none.
    seawall
        .send(Method::PUT, &format!("{path}?by=carl"), &blueprint("Two"))
        .await;
    let (status, problem) = seawall.send(Method::PUT, &format!("{path}?by="), &blueprint("x")).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &problem["type"]),
        "{problem}"
    );
    seawall
        .send(Method::PUT, &format!("{path}?by=carl"), &json!({"identifier": "other"}))
        .await;
    let output = seawall.command(&["blueprint", "delete", "service", "--by", "dora"]);
    assert!(output.status.success(), "{}", said(&output));
    let all = changes(&seawall, "?kind=Blueprint&name=service").await;
    let shown: Vec<_> = all
        .iter()
        .map(|c| (c["change"].as_str().unwrap(), c["by"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("deleted", "dora"), ("updated", "bob"), ("created", "ann")]);
    assert_eq!(
        all[1]["fields"],
        json!([{"field": "title", "before": "One", "after": "Two"}])
    );
    assert_eq!(all[2]["reason"], "SEC-1");
    assert_eq!(changes(&seawall, "?by=bob").await.len(), 1);
    let first = seawall.get("/api/v1/definition-changes?limit=2").await;
    let cursor = first["next"].as_str().unwrap();
    assert_eq!(changes(&seawall, &format!("?limit=2&cursor={cursor}")).await.len(), 1);
    let people = said(&seawall.command(&["history", "Blueprint", "service"]));
    assert!(
        people.contains("title: One → Two") && people.contains("SEC-1") && people.contains("dora"),
        "{people}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_definition_is_in_the_history_and_no_secret_is() {
    let seawall = Seawall::start().await;
    let by = |seawall: &Seawall, arguments: &[&str]| {
        let output = seawall.command(&[arguments, &["--by", "ann"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    };
    let sealed = |secret: &str| json!({"source": "sealed", "secret": secret});
    for secret in ["hush-one", "hush-two"] {
        let (status, problem) = seawall
            .send(Method::PUT, "/api/v1/credentials/c?by=ann", &sealed(secret))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    }
    by(&seawall, &["view", "save", "v", "--text", "x"]);
    by(&seawall, &["view", "delete", "v"]);
    by(
        &seawall,
        &[
            "subscription",
            "add",
            "s",
            "https://x.example.invalid/",
            "--header",
            "Authorization=hush-three",
        ],
    );
    by(&seawall, &["subscription", "pause", "s"]);
    by(&seawall, &["subscription", "rotate", "s"]);
    by(&seawall, &["admin", "retention", "--days", "30"]);
    by(&seawall, &["admin", "setting", "definitions.locked", "false"]);
    let (status, _) = seawall
        .send(Method::PUT, "/api/v1/policy?by=ann&reason=why", &json!({"max_days": 9}))
        .await;
    assert_eq!(status, StatusCode::OK);
    let dir = folder(&[("a.yaml", "kind: Action\nidentifier: go\ntrigger: {}\n")]);
    applied(&seawall, dir.path(), &["--by", "ann", "--reason", "release 7"]);

    let all = changes(&seawall, "").await;
    let shown: Vec<_> = all
        .iter()
        .rev()
        .map(|c| {
            format!(
                "{} {} {}",
                c["change"].as_str().unwrap(),
                c["kind"].as_str().unwrap(),
                c["by"].as_str().unwrap_or("nobody")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "created Credential ann",
            "resealed Credential ann",
            "created View ann",
            "deleted View ann",
            "created Subscription ann",
            "updated Subscription ann",
            "resealed Subscription ann",
            "updated Settings ann",
            "updated Settings ann",
            "created Policy ann",
            "created Action ann",
        ]
    );
    let (action, policy) = (&all[0], &all[1]);
    assert_eq!(
        (&action["source"], &action["file"], &action["reason"]),
        (&json!("git:platform"), &json!("a.yaml"), &json!("release 7"))
    );
    assert_eq!(
        (&policy["reason"], &policy["fields"][0]["field"]),
        (&json!("why"), &json!("max_days"))
    );
    let text = Value::from(all.clone()).to_string();
    assert!(!text.contains("hush") && !text.contains("whsec"), "{text}");
}

#[tokio::test]
async fn what_follows_for_entities_says_whose_change_it_was() {
    let (seawall, _tool) = probed(5).await;
    let entity = "/api/v1/blueprints/thing/entities";
    let history = async |name: &str| seawall.get(&format!("{entity}/{name}/history")).await["items"].clone();
    let first = history("item-00001").await[0].clone();
    assert!(first["cause"].as_str().unwrap().starts_with("pass:"), "{first}");
    assert_eq!((&first["integration"], &first["by"]), (&json!("probe"), &Value::Null));
    let people = said(&seawall.command(&["catalog", "history", "thing", "item-00001"]));
    assert!(
        people.contains(&format!("{} of probe", first["cause"].as_str().unwrap())),
        "{people}"
    );
    let log = seawall.get("/api/v1/changes?cause=pass&limit=1").await;
    assert_eq!(log["items"][0]["integration"], "probe", "{log}");

    let mine = json!({"properties": {"size": 3, "tier": "gold"}});
    seawall.send(Method::PUT, &format!("{entity}/mine"), &mine).await;
    let mut narrow = seawall.get("/api/v1/blueprints/thing").await;
    narrow["schema"]["properties"]["tier"] = json!({"type": "string", "enum": ["silver"]});
    let (status, problem) = seawall
        .send(Method::PUT, "/api/v1/blueprints/thing?by=ann", &narrow)
        .await;
    assert_eq!(status, StatusCode::OK, "{problem}");
    for (name, cause) in [("mine", "blueprint:thing"), ("item-00000", "mapping:probe")] {
        let (change, _) = eventually("the change that follows", || async {
            let newest = history(name).await[0].clone();
            (newest["cause"] == cause).then_some(newest)
        })
        .await;
        assert_eq!(change["by"], "ann", "{change}");
    }
    let people = said(&seawall.command(&["events"]));
    assert!(
        people.contains("blueprint:thing by ann") && people.contains("mapping:probe by ann"),
        "{people}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_between_a_change_and_its_note_loses_neither() {
    let mut seawall = Seawall::start().await;
    let database = rusqlite::Connection::open(seawall.data().join("seawall.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    // The history cannot be written, as if the host were gone there.
    database
        .execute_batch("CREATE TRIGGER gone BEFORE INSERT ON definition_change BEGIN SELECT RAISE(ABORT, 'gone'); END")
        .unwrap();
    let path = "/api/v1/views/v?by=ann&reason=why";
    let (status, answer) = seawall.send(Method::PUT, path, &json!({"filter": "$title = a"})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
    let blueprint = json!({"identifier": "service", "schema": {"properties": {}}});
    let (status, answer) = seawall
        .send(Method::PUT, "/api/v1/blueprints/service", &blueprint)
        .await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
    database.execute_batch("DROP TRIGGER gone").unwrap();
    // A blueprint comes with its note or not at all; the view is there, and its note comes with the next start.
    let (status, _) = seawall.try_get("/api/v1/blueprints/service").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    seawall.get("/api/v1/views/v").await;
    assert_eq!(changes(&seawall, "").await, Vec::<Value>::new());
    seawall.kill();
    seawall.boot().await;
    let (all, _) = eventually("the note", || async {
        let all = changes(&seawall, "").await;
        (!all.is_empty()).then_some(all)
    })
    .await;
    assert_eq!(all.len(), 1, "{all:?}");
    let of = |field: &str| all[0][field].clone();
    assert_eq!(
        (of("change"), of("kind"), of("name"), of("by"), of("reason")),
        (json!("created"), json!("View"), json!("v"), json!("ann"), json!("why"))
    );
    // Once: the next start finds nothing to note.
    seawall.kill();
    seawall.boot().await;
    assert_eq!(changes(&seawall, "").await.len(), 1);
}
