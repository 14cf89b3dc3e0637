//! What tools send by webhook: proven, stored, answered, and given to the plugin in order.

use crate::integration;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use seawall_tests::{Answer, Seawall, Tool, component, eventually};
use serde_json::{Value, json};

const SECRET: &str = "webhook-s3cret";

/// As GitHub signs: the body, and neither the delivery's id nor the event.
fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_replay_is_known_whatever_id_it_is_given() {
    let (seawall, tool) = prepared().await;
    let mut wanted = integration(&tool, json!({}));
    wanted["webhook"] = json!({"scheme": "github", "secret": "hook"});
    seawall.integrate(wanted).await;
    let send = |id: &'static str, event: &'static str, n: u32| {
        let body = json!({"id": "item-00001", "size": 77, "n": n}).to_string().into_bytes();
        let request = reqwest::Client::new()
            .post(format!("{}/hooks/probe", seawall.address()))
            .header("X-Hub-Signature-256", signed(&body))
            .header("X-GitHub-Delivery", id)
            .header("X-GitHub-Event", event)
            .body(body);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        }
    };
    assert_eq!(send("1", "push", 1).await.0, StatusCode::ACCEPTED);
    for (id, event) in [("1", "push"), ("2", "push"), ("3", "delete")] {
        assert_eq!(send(id, event, 1).await, (StatusCode::OK, json!({"duplicate": true})));
    }
    assert_eq!(send("4", "push", 2).await.0, StatusCode::ACCEPTED);
    let all = seawall.get("/api/v1/deliveries?integration=probe").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
}

/// A Seawall whose probe takes deliveries under a token, with five items of its tool.
async fn prepared() -> (Seawall, Tool) {
    let tool = Tool::start(50).await;
    tool.fill(5);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let body = json!({"source": "sealed", "secret": SECRET});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/hook", &body).await;
    assert!(status.is_success(), "{answer}");
    let mut wanted = integration(&tool, json!({}));
    wanted["webhook"] = json!({"scheme": "token", "secret": "hook", "id_header": "X-Id"});
    seawall.integrate(wanted).await;
    seawall.settled("probe").await;
    (seawall, tool)
}

/// Delivers without the API's token.
fn post(seawall: &Seawall, secret: &str, id: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = reqwest::Client::new().post(format!("{}/hooks/probe", seawall.address()));
    let request = request.header("X-Id", id).header("Cookie", "session=1");
    request.bearer_auth(secret).json(body)
}

async fn deliver(seawall: &Seawall, id: &str, body: &Value) -> (StatusCode, Value) {
    let answer = post(seawall, SECRET, id, body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn size(seawall: &Seawall, id: &str) -> Option<i64> {
    let (status, entity) = seawall
        .try_get(&format!("/api/v1/blueprints/thing/entities/{id}"))
        .await;
    (status == StatusCode::OK).then(|| entity["properties"]["size"].as_i64().unwrap_or(-1))
}

async fn listed(seawall: &Seawall, state: &str) -> Vec<Value> {
    let page = seawall
        .get(&format!("/api/v1/deliveries?integration=probe&state={state}"))
        .await;
    page["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_delivery_changes_the_catalog_and_a_second_one_of_the_same_changes_nothing() {
    let (seawall, _tool) = prepared().await;
    let (status, answer) = deliver(
        &seawall,
        "1",
        &json!({"upsert": {"id": "new", "name": "New", "size": 7}}),
    )
    .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    eventually("the new entity", || async {
        size(&seawall, "new").await.filter(|size| *size == 7)
    })
    .await;
    let note = seawall.get("/api/v1/blueprints/thing/entities/new").await["properties"]["note"].clone();
    let note = note.as_str().unwrap();
    assert!(
        note.contains("x-id") && !note.contains("authorization") && !note.contains("cookie"),
        "{note}"
    );
    let large = json!({"upsert": {"id": "large", "name": "Large", "size": 1, "text": "x".repeat(5 << 20)}});
    assert_eq!(deliver(&seawall, "large", &large).await.0, StatusCode::ACCEPTED);
    eventually("the large one", || async { size(&seawall, "large").await }).await;
    let (status, answer) = deliver(
        &seawall,
        "1",
        &json!({"upsert": {"id": "new", "name": "New", "size": 8}}),
    )
    .await;
    assert_eq!((status, &answer["duplicate"]), (StatusCode::OK, &json!(true)));
    deliver(&seawall, "2", &json!({"delete": "item-00001"})).await;
    eventually("the other to be gone", || async {
        size(&seawall, "item-00001").await.is_none().then_some(())
    })
    .await;
    assert_eq!(size(&seawall, "new").await, Some(7));
    let done = listed(&seawall, "done").await;
    assert_eq!(done.len(), 3, "{done:?}");
    let history = seawall.get("/api/v1/blueprints/thing/entities/new/history").await;
    assert!(history.to_string().contains("delivery:1"), "{history}");
}

#[tokio::test]
async fn what_is_not_proven_is_refused_before_anything_is_stored() {
    let (seawall, _tool) = prepared().await;
    let body = json!({"upsert": {"id": "forged", "name": "Forged"}});
    for (secret, id) in [("wrong", "1"), ("", "2"), ("webhook-s3cre", "3")] {
        let answer = post(&seawall, secret, id, &body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let problem: Value = answer.json().await.unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("`authorization`") && !detail.contains(SECRET),
            "{problem}"
        );
    }
    let bare = reqwest::Client::new().post(format!("{}/hooks/probe", seawall.address()));
    assert_eq!(
        bare.json(&body).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let nobody = reqwest::Client::new().post(format!("{}/hooks/nobody", seawall.address()));
    assert_eq!(nobody.json(&body).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let huge = post(&seawall, SECRET, "4", &json!({"upsert": {"id": "x".repeat(26 << 20)}}));
    assert_eq!(huge.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let all = seawall.get("/api/v1/deliveries").await;
    assert_eq!(all["items"], json!([]));
    assert_eq!(size(&seawall, "forged").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_delivery_waits_for_a_person() {
    let (seawall, tool) = prepared().await;
    deliver(&seawall, "1", &json!({"ask": "late"})).await;
    deliver(
        &seawall,
        "2",
        &json!({"upsert": {"id": "behind", "name": "Behind", "size": 1}}),
    )
    .await;
    eventually("the one behind it", || async { size(&seawall, "behind").await }).await;
    // What one gives is stored before how the ones of its batch ended.
    let (dead, _) = eventually("the dead one", || async {
        Some(listed(&seawall, "dead").await).filter(|dead| !dead.is_empty())
    })
    .await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(
        dead[0]["error"].as_str().unwrap().contains("the API does not list it"),
        "{dead:?}"
    );
    let id = dead[0]["id"].to_string();
    let shown = seawall.command(&["delivery", "show", &id]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("{\"ask\":\"late\"}"),
        "{shown:?}"
    );
    tool.set(vec![json!({"id": "late", "name": "Late", "size": 3})]);
    let retried = seawall.command(&["delivery", "retry", &id]);
    assert!(retried.status.success(), "{retried:?}");
    assert!(
        !String::from_utf8_lossy(&retried.stdout).contains("1970"),
        "{retried:?}"
    );
    eventually("the late one", || async { size(&seawall, "late").await }).await;
    assert!(listed(&seawall, "dead").await.is_empty());
    // What is over is not tried again; another dead one is dropped.
    assert_eq!(seawall.command(&["delivery", "retry", &id]).status.code(), Some(1));
    deliver(&seawall, "3", &json!({"nonsense": 1})).await;
    eventually("it to be dead", || async {
        (listed(&seawall, "dead").await.len() == 1).then_some(())
    })
    .await;
    let dead = listed(&seawall, "dead").await.remove(0);
    let id = dead["id"].to_string();
    assert!(seawall.command(&["delivery", "drop", &id]).status.success());
    let dropped = listed(&seawall, "dropped").await;
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0]["attempts"], dead["attempts"], "how often it was tried stays");
    assert_eq!(seawall.command(&["delivery", "show", "999"]).status.code(), Some(5));
}

#[tokio::test]
async fn a_tool_that_is_down_holds_up_what_came_later_about_the_same() {
    let (seawall, tool) = prepared().await;
    tool.set(vec![json!({"id": "one", "name": "One", "size": 1})]);
    tool.answer(vec![Answer::Status(503, None)]);
    deliver(&seawall, "1", &json!({"ask": "one"})).await;
    deliver(
        &seawall,
        "2",
        &json!({"upsert": {"id": "one", "name": "One", "size": 2}}),
    )
    .await;
    eventually("both to be done", || async {
        (listed(&seawall, "done").await.len() == 2).then_some(())
    })
    .await;
    let done = listed(&seawall, "done").await;
    assert_eq!(
        (&done[1]["attempts"], &done[0]["attempts"]),
        (&json!(2), &json!(1)),
        "{done:?}"
    );
    assert_eq!(size(&seawall, "one").await, Some(2), "the later one stands");
}

#[tokio::test]
async fn a_paused_integration_keeps_what_comes_and_takes_it_when_it_goes_on() {
    let (seawall, _tool) = prepared().await;
    let pause = |verb: &'static str| {
        seawall
            .request(Method::POST, &format!("/api/v1/integrations/probe/{verb}"))
            .send()
    };
    pause("pause").await.unwrap();
    let (status, _) = deliver(
        &seawall,
        "1",
        &json!({"upsert": {"id": "new", "name": "New", "size": 7}}),
    )
    .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(listed(&seawall, "waiting").await.len(), 1);
    pause("resume").await.unwrap();
    eventually("the new entity", || async { size(&seawall, "new").await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_a_kill_loses_nothing_that_was_answered() {
    let (mut seawall, _tool) = prepared().await;
    let client = reqwest::Client::new();
    let url = format!("{}/hooks/probe", seawall.address());
    let send = |worker: usize| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let mut taken = Vec::new();
            for n in 0..500 {
                let id = format!("burst-{worker}-{n}");
                let body = json!({"upsert": {"id": id, "name": "Burst", "size": n}});
                let request = client.post(&url).header("X-Id", &id).bearer_auth(SECRET).json(&body);
                match request.send().await {
                    Ok(answer) if answer.status() == StatusCode::ACCEPTED => taken.push(id),
                    _ => break,
                }
            }
            taken
        }
    };
    let senders: Vec<_> = (0..8).map(|worker| tokio::spawn(send(worker))).collect();
    eventually("the burst to be under way", || async {
        (seawall.get("/api/v1/deliveries?limit=500").await["items"]
            .as_array()?
            .len()
            >= 300)
            .then_some(())
    })
    .await;
    seawall.kill();
    let mut taken = Vec::new();
    for sender in senders {
        taken.extend(sender.await.unwrap());
    }
    assert!(!taken.is_empty());
    seawall.boot().await;
    eventually("all to be given on", || async {
        listed(&seawall, "waiting").await.is_empty().then_some(())
    })
    .await;
    let there: std::collections::HashSet<_> = seawall
        .entities("thing")
        .await
        .iter()
        .filter_map(|entity| entity["identifier"].as_str().map(str::to_owned))
        .collect();
    let lost: Vec<_> = taken.iter().filter(|id| !there.contains(*id)).collect();
    assert!(lost.is_empty(), "{} of {} were lost: {lost:?}", lost.len(), taken.len());
}

#[tokio::test]
async fn a_wrong_webhook_is_refused_with_what_to_write() {
    let (seawall, tool) = prepared().await;
    let mut wanted = integration(&tool, json!({}));
    let mut wrong = async |webhook: Value| {
        wanted["webhook"] = webhook;
        let (status, problem) = seawall.send(Method::PUT, "/api/v1/integrations/probe", &wanted).await;
        assert!(status.is_client_error(), "{problem}");
        problem.to_string()
    };
    assert!(
        wrong(json!({"scheme": "hmac", "secret": "hook"}))
            .await
            .contains("/webhook/header")
    );
    assert!(
        wrong(json!({"scheme": "github", "secret": "hook", "prefix": "x"}))
            .await
            .contains("/webhook/prefix")
    );
    assert!(
        wrong(json!({"scheme": "github", "secret": "nobodys"}))
            .await
            .contains("seawall credential set nobodys")
    );
    assert!(
        wrong(json!({"scheme": "carrier-pigeon", "secret": "hook"}))
            .await
            .contains("scheme")
    );
}
