//! `seawall serve` on a real PostgreSQL, and databases that are copied, saved and brought back by command.

use crate::{essence, integration};
use reqwest::{Method, StatusCode};
use seawall_tests::{PASSWORD, Postgres, Seawall, Tool, component, eventually, run, seawall_binary};
use serde_json::json;
use std::process::{Command, Output};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn ended(seawall: &Seawall) {
    eventually("the pass to end", || async {
        (seawall.passes("probe").await.first()?["state"] == "succeeded").then_some(())
    })
    .await;
}

async fn started(database: Option<String>, items: usize, config: serde_json::Value) -> (Seawall, Tool) {
    let tool = Tool::start(10).await;
    tool.fill(items);
    tool.slow(5);
    let seawall = Seawall::on(database).await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, config)).await;
    (seawall, tool)
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_a_server_on_postgresql_loses_nothing_and_doubles_nothing() {
    let Some(postgres) = Postgres::start() else { return };
    let (undisturbed, _tool) = started(None, 200, json!({})).await;
    ended(&undisturbed).await;
    let expected = essence(undisturbed.entities("thing").await);
    let (mut seawall, tool) = started(Some(postgres.url()), 200, json!({})).await;
    for kill in 1..=4 {
        eventually("some further pages", || async {
            (tool.requests() >= kill * 4).then_some(())
        })
        .await;
        seawall.kill();
        seawall.boot().await;
    }
    ended(&seawall).await;
    assert_eq!(essence(seawall.entities("thing").await), expected);
    let passes = seawall.passes("probe").await;
    assert_eq!(
        passes.len(),
        1,
        "the pass was gone on with, not started anew: {passes:?}"
    );
    let history = seawall
        .get("/api/v1/blueprints/thing/entities/item-00007/history")
        .await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
    assert!(!seawall.log().contains("sea:w@") && !seawall.log().contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_and_comes_back_is_said_and_waited_for() {
    let Some(postgres) = Postgres::start() else { return };
    let (seawall, tool) = started(Some(postgres.url()), 300, json!({})).await;
    eventually("some pages", || async { (tool.requests() >= 4).then_some(()) }).await;
    postgres.stop();
    let (status, problem) = seawall.try_get("/api/v1/passes").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(problem["type"].as_str().unwrap().ends_with("/database"), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("does not answer"),
        "{problem}"
    );
    let (status, problem) = seawall.try_get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &json!({}))
        .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    postgres.start_again();
    eventually("the server to be ready again", || async {
        (seawall.try_get("/readyz").await.0 == StatusCode::OK).then_some(())
    })
    .await;
    eventually("all items to be there", || async {
        (seawall.entities("thing").await.len() == 300).then_some(())
    })
    .await;
    ended(&seawall).await;
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] == "succeeded"), "{passes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_said_without_its_password() {
    let data = tempfile::tempdir().unwrap();
    let serve = |url: &str| {
        run(Command::new(seawall_binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("SEAWALL_DATABASE", url))
    };
    for (url, code, part) in [
        ("mysql://ann:s3cret@db/portal", 2, "sqlite:FILE or as postgres://"),
        (
            "postgres://ann:s3cret@127.0.0.1:1/portal",
            1,
            "nothing listens at postgres://ann@127.0.0.1:1/portal",
        ),
        ("postgres://ann:s3cret@db:x/portal", 2, "invalid port number"),
    ] {
        let output = serve(url);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(part) && !text.contains("s3cret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_moves_to_postgresql_and_back_by_command() {
    let Some(postgres) = Postgres::start() else { return };
    let (mut seawall, _tool) = started(None, 120, json!({})).await;
    ended(&seawall).await;
    let before = seawall.entities("thing").await;
    let file = format!("sqlite:{}", seawall.data().join("seawall.db").display());
    let output = seawall.command(&["admin", "copy", "--from", &file, "--to", &postgres.url(), "-o", "json"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains(PASSWORD), "{}", said(&output));
    let tables: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let entities = tables["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["table"] == "entity")
        .unwrap();
    assert_eq!(entities["rows"], before.len() as u64);
    // The same data folder, on the other database.
    seawall.kill();
    seawall.move_to(Some(postgres.url()));
    seawall.boot().await;
    assert_eq!(seawall.entities("thing").await, before);
    // Saved while the server answers, and brought back into a new file.
    let saved = seawall.data().join("saved.db");
    let output = run(Command::new(seawall_binary())
        .args(["admin", "backup"])
        .arg(&saved)
        .env("SEAWALL_DATABASE", postgres.url()));
    assert!(output.status.success(), "{}", said(&output));
    seawall.kill();
    let restored = format!("sqlite:{}", seawall.data().join("restored.db").display());
    let output = run(Command::new(seawall_binary())
        .args(["admin", "restore"])
        .arg(&saved)
        .env("SEAWALL_DATABASE", &restored));
    assert!(output.status.success(), "{}", said(&output));
    seawall.move_to(Some(restored));
    seawall.boot().await;
    assert_eq!(seawall.entities("thing").await, before);
    let again = run(Command::new(seawall_binary())
        .args(["admin", "backup"])
        .arg(&saved)
        .env("SEAWALL_DATABASE", postgres.url()));
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("is there already"), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_on_postgresql_is_changed_by_command_while_no_server_runs() {
    let Some(postgres) = Postgres::start() else { return };
    let mut seawall = Seawall::on(Some(postgres.url())).await;
    let sealed = json!({"source": "sealed", "secret": "sealed-secret-1"});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/token", &sealed).await;
    assert!(status.is_success(), "{answer}");
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/master-key/rotate", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("seawall admin change-master-key"),
        "{problem}"
    );
    seawall.kill();
    let (old, new) = (seawall.data().join("master.key"), seawall.data().join("next.key"));
    let output = run(Command::new(seawall_binary())
        .args(["admin", "change-master-key", "--new-key"])
        .arg(&new)
        .arg("--data")
        .arg(seawall.data())
        .env("SEAWALL_DATABASE", postgres.url()));
    assert!(output.status.success(), "{}", said(&output));
    // The old key opens nothing any more, and a server says so instead of starting.
    let output = run(Command::new(seawall_binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(seawall.data())
        .env("SEAWALL_DATABASE", postgres.url()));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("the master key is not the one"),
        "{}",
        said(&output)
    );
    std::fs::rename(&new, &old).unwrap();
    seawall.boot().await;
    let (status, checked) = seawall
        .send(Method::POST, "/api/v1/credentials/token/check", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_not_dated_after_its_answer_where_the_database_was_slow() {
    let Some(postgres) = Postgres::start() else { return };
    let seawall = Seawall::on(Some(postgres.url())).await;
    let blueprint = json!({"identifier": "service", "schema": {"properties": {}}});
    let (status, answer) = seawall
        .send(Method::PUT, "/api/v1/blueprints/service", &blueprint)
        .await;
    assert!(status.is_success(), "{answer}");
    for n in 0..4 {
        // Whoever looks at the database's clock is kept waiting before it is read.
        let slow = "BEGIN; LOCK TABLE configured IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.45); COMMIT";
        let output = run(Command::new("psql").args([&postgres.url(), "-AtXc", slow]));
        assert!(output.status.success(), "{}", said(&output));
        let path = format!("/api/v1/blueprints/service/entities/e{n}");
        let (status, answer) = seawall.send(Method::PUT, &path, &json!({})).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let (status, found) = seawall.try_get(&format!("{path}?at={}", jiff::Timestamp::now())).await;
        assert_eq!(status, StatusCode::OK, "written at {}: {found}", answer["updatedAt"]);
    }
}
