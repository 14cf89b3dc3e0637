//! What people write by way of several servers on one PostgreSQL at once.

use reqwest::{Method, StatusCode, header};
use seawall_tests::{Postgres, Seawall, eventually};
use serde_json::{Value, json};

async fn both(postgres: &Postgres) -> (Seawall, Seawall) {
    let one = Seawall::on_with(Some(postgres.url()), &[], &[]).await;
    let two = one.replica(&[]).await;
    (one, two)
}

async fn put(seawall: &Seawall, path: &str, body: &Value) -> (StatusCode, Value) {
    seawall
        .send(Method::PUT, &format!("/api/v1/blueprints/{path}"), body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_and_went_on_one_server_holds_up_no_computed_value() {
    let Some(postgres) = Postgres::start() else { return };
    let (one, two) = both(&postgres).await;
    let blueprint = json!({"identifier": "sum", "schema": {"properties": {"x": {"type": "number"}}},
        "calculationProperties": {"more": {"type": "number", "calculation": ".properties.x + 1"}}});
    let (status, answer) = put(&one, "sum", &blueprint).await;
    assert!(status.is_success(), "{answer}");
    for n in 1..=8 {
        // Whichever of them computes, the other is faster than it looks.
        for seawall in [&one, &two] {
            let short = format!("sum/entities/short-{n}");
            let (status, answer) = put(seawall, &short, &json!({"properties": {"x": n}})).await;
            assert!(status.is_success(), "{answer}");
            let (status, answer) = seawall
                .send(Method::DELETE, &format!("/api/v1/blueprints/{short}"), &json!({}))
                .await;
            assert!(status.is_success(), "{answer}");
        }
        let stays = format!("sum/entities/stays-{n}");
        let (status, answer) = put(&two, &stays, &json!({"properties": {"x": n}})).await;
        assert!(status.is_success(), "{answer}");
        for seawall in [&one, &two] {
            eventually("the value of one that stays", || async {
                let entity = seawall.get(&format!("/api/v1/blueprints/{stays}")).await;
                (entity["properties"]["more"] == n + 1).then_some(())
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_that_was_put_is_there_for_the_next_request() {
    let Some(postgres) = Postgres::start() else { return };
    let (one, two) = both(&postgres).await;
    let write = async |seawall: &Seawall, other: &Seawall, who: &str| {
        for n in 0..25 {
            let name = format!("{who}-{n}");
            let (status, answer) = put(
                seawall,
                &name,
                &json!({"identifier": name, "schema": {"properties": {}}}),
            )
            .await;
            assert!(status.is_success(), "{name}: {answer}");
            // For a read by way of the other, that brings what the answer said.
            let again = seawall
                .request(Method::PUT, &format!("/api/v1/blueprints/{name}"))
                .json(&json!({"identifier": name, "schema": {"properties": {"size": {"type": "number"}}}}));
            let answer = again.send().await.unwrap();
            let position = answer.headers()["seawall-position"].to_str().unwrap().to_owned();
            let path = format!("/api/v1/blueprints/{name}/entities?filter=size%20%3E%201&position={position}");
            let (status, answer) = other.try_get(&path).await;
            assert_eq!(status, StatusCode::OK, "{name}: {answer}");
            // By way of the same server, and of the other.
            for (entity, seawall) in [("first", seawall), ("second", other)] {
                let (status, answer) = put(seawall, &format!("{name}/entities/{entity}"), &json!({})).await;
                assert_eq!(status, StatusCode::CREATED, "{name}/{entity}: {answer}");
            }
        }
    };
    tokio::join!(write(&one, &two, "one"), write(&two, &one, "two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_read_the_same_version_one_writes() {
    const TIMES: usize = 12;
    let Some(postgres) = Postgres::start() else { return };
    let (one, two) = both(&postgres).await;
    let blueprint = json!({"identifier": "counter", "schema": {"properties": {"x": {"type": "number"}}}});
    let (status, answer) = put(&one, "counter", &blueprint).await;
    assert!(status.is_success(), "{answer}");
    let path = "/api/v1/blueprints/counter/entities/c";
    let (status, answer) = put(&one, "counter/entities/c", &json!({"properties": {"x": 0}})).await;
    assert!(status.is_success(), "{answer}");
    let count = async |seawall: &Seawall| {
        let mut counted = 0;
        while counted < TIMES {
            let read = seawall.request(Method::GET, path).send().await.unwrap();
            let etag = read.headers()[header::ETAG].clone();
            let x = read.json::<Value>().await.unwrap()["properties"]["x"].as_u64().unwrap();
            let write = seawall
                .request(Method::PATCH, path)
                .header(header::IF_MATCH, etag)
                .json(&json!({"properties": {"x": x + 1}}));
            match write.send().await.unwrap().status() {
                StatusCode::OK => counted += 1,
                status => assert_eq!(status, StatusCode::PRECONDITION_FAILED),
            }
        }
    };
    tokio::join!(count(&one), count(&two), count(&one), count(&two));
    let counted = one.get(path).await;
    assert_eq!(counted["properties"]["x"], 4 * TIMES, "{counted}");
}
