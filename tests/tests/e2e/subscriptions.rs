//! Outgoing webhooks: signed, in order, tried again, and given to a person where they are not taken.

use crate::events::{SERVICES, empty, keep, put, remove};
use reqwest::{Method, StatusCode};
use seawall_tests::{Received, Receiver, Seawall, eventually, run};
use serde_json::{Value, json};
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Retries without long pauses.
fn quick() -> Value {
    json!({"tries": 3, "firstSeconds": 0.1, "mostSeconds": 0.2})
}

async fn subscribe(seawall: &Seawall, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({"url": receiver.url(), "privateRanges": ["127.0.0.0/8"], "retry": quick()});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/subscriptions/bot", &body).await;
    assert!(status.is_success(), "{answer}");
    answer
}

async fn show(seawall: &Seawall) -> Value {
    seawall.get("/api/v1/subscriptions/bot").await
}

/// Waits until the receiver took so many.
async fn taken(receiver: &Receiver, n: usize) -> Vec<Received> {
    let what = format!("{n} messages");
    let (taken, _) = eventually(&what, || async {
        let taken = receiver.taken();
        (taken.len() >= n).then_some(taken)
    })
    .await;
    assert_eq!(taken.len(), n);
    taken
}

async fn until(seawall: &Seawall, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    eventually(what, || async { Some(show(seawall).await).filter(|view| holds(view)) })
        .await
        .0
}

/// What each message tells: kind, entity and the value of `n`.
fn told(messages: &[Received]) -> Vec<String> {
    let tell = |message: &Received| {
        let body = message.json();
        let n = &body["data"]["entity"]["properties"]["n"];
        format!("{} {} {n}", body["type"].as_str().unwrap(), message.entity())
    };
    messages.iter().map(tell).collect()
}

/// Verifies as the specification says, with another implementation than the host's: Node's crypto.
fn verified(secret: &str, message: &Received) -> bool {
    const VERIFY: &str = "
        const { createHmac, timingSafeEqual } = require('node:crypto');
        const [secret, id, time, given, body] = process.argv.slice(1);
        const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
        const wanted = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest();
        const fits = given.split(' ').some((one) => {
            const [version, signature] = one.split(',');
            const bytes = Buffer.from(signature, 'base64');
            return version === 'v1' && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
        });
        const fresh = Math.abs(Date.now() / 1000 - Number(time)) < 300;
        process.exit(fits && fresh ? 0 : 1);
    ";
    let mut node = Command::new("node");
    node.args(["-e", VERIFY, "--", secret]);
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        node.arg(message.header(header));
    }
    node.arg(&message.body);
    run(&mut node).status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_signed_and_say_what_happened() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    put(&seawall, "before", 1).await;
    let more = json!({"headers": {"Authorization": "Bearer hush"}, "blueprints": ["service"]});
    let made = subscribe(&seawall, &receiver, more).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{made}");
    let team = json!({"properties": {"note": "x"}});
    seawall
        .send(Method::PUT, "/api/v1/blueprints/team/entities/a", &team)
        .await;
    let first = put(&seawall, "a", 1).await;
    put(&seawall, "a", 2).await;
    remove(&seawall, "a").await;
    let messages = taken(&receiver, 3).await;
    assert_eq!(
        told(&messages),
        ["entity.created a 1", "entity.updated a 2", "entity.deleted a null"]
    );
    for message in &messages {
        assert!(verified(&secret, message), "{message:?}");
        assert!(!message.header("webhook-id").contains('.'));
        assert_eq!(message.header("authorization"), "Bearer hush");
        assert_eq!(message.header("content-type"), "application/json");
        assert!(message.header("user-agent").starts_with("seawall/"));
    }
    let bent = Received {
        body: messages[0].body.replace("created", "updated"),
        ..messages[0].clone()
    };
    assert!(!verified(&secret, &bent));
    let data = &messages[0].json()["data"];
    assert_eq!((&data["position"], &data["by"]), (&json!(first), &json!("jane")));
    assert_eq!(messages[1].json()["data"]["diff"], json!({"properties.n": [1, 2]}));
    let history = seawall.get(&format!("{SERVICES}/a/history")).await;
    assert_eq!(messages[2].json()["timestamp"], history["items"][0]["at"]);
    // What is secret is not shown, neither by the API nor in the log.
    let view = show(&seawall).await;
    assert_eq!(
        (&view["headers"], &view["secret"]),
        (&json!(["Authorization"]), &Value::Null)
    );
    let all = seawall.get("/api/v1/subscriptions").await.to_string();
    let bare = secret.trim_start_matches("whsec_");
    assert!(
        !all.contains("hush")
            && !all.contains(bare)
            && !seawall.log().contains(bare)
            && !seawall.log().contains("hush")
    );
    let view = until(&seawall, "all to be told", |view| view["behind"] == 0).await;
    assert_eq!(
        (&view["sent"], &view["failed"], &view["waiting"]),
        (&json!(3), &json!(0), &json!(0))
    );
    let metrics = seawall
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        metrics.contains("seawall_subscription_sent_total{subscription=\"bot\"} 3"),
        "{metrics}"
    );
    // Put again, it keeps secret, headers and place; a thin one leaves the entity out.
    let again = subscribe(&seawall, &receiver, json!({"thin": true, "kinds": ["created"]})).await;
    assert_eq!(again["secret"], Value::Null);
    put(&seawall, "b", 1).await;
    put(&seawall, "b", 2).await;
    put(&seawall, "c", 1).await;
    let messages = taken(&receiver, 5).await;
    // Different entities are told of side by side.
    let mut thin = told(&messages[3..]);
    thin.sort_unstable();
    assert_eq!(thin, ["entity.created b null", "entity.created c null"]);
    assert!(verified(&secret, &messages[4]) && messages[4].header("authorization") == "Bearer hush");
    assert!(messages[4].json()["data"].get("entity").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_signs_beside_the_old_one() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    let old = subscribe(&seawall, &receiver, json!({})).await["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, turned) = seawall
        .send(Method::POST, "/api/v1/subscriptions/bot/rotate", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{turned}");
    let new = turned["secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    assert!(show(&seawall).await["previousSecretUntil"].is_string());
    // The secrets are sealed: a new master key opens them too.
    assert!(seawall.command(&["admin", "rotate-master-key"]).status.success());
    put(&seawall, "a", 1).await;
    let message = taken(&receiver, 1).await.remove(0);
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    assert!(verified(&old, &message) && verified(&new, &message));
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(!verified(other, &message));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_sent_again_under_the_same_id() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    let secret = subscribe(
        &seawall,
        &receiver,
        json!({"retry": {"tries": 5, "firstSeconds": 0.1, "mostSeconds": 0.2}}),
    )
    .await["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    receiver.answer([
        (500, None),
        (503, Some(("retry-after", "2".to_owned()))),
        (302, Some(("location", "https://elsewhere.example/".to_owned()))),
    ]);
    let began = Instant::now();
    put(&seawall, "a", 1).await;
    taken(&receiver, 1).await;
    // The second answer asked for two seconds.
    assert!(began.elapsed() >= Duration::from_millis(1_900), "{:?}", began.elapsed());
    let all = receiver.received();
    assert_eq!(all.len(), 4);
    for message in &all {
        assert_eq!(message.header("webhook-id"), all[0].header("webhook-id"));
        assert_eq!(message.body, all[0].body);
        assert!(verified(&secret, message));
    }
    let view = until(&seawall, "it to be marked", |view| view["sent"] == 1).await;
    assert_eq!(
        (&view["failed"], &view["waiting"], &view["dead"]),
        (&json!(3), &json!(0), &json!(0))
    );
    until(&seawall, "the problem to be over", |view| view["problem"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_entity_waits_in_order_while_the_others_go_on() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    subscribe(
        &seawall,
        &receiver,
        json!({"retry": {"tries": 50, "firstSeconds": 0.1, "mostSeconds": 0.1}}),
    )
    .await;
    receiver.refuse(&["a"]);
    put(&seawall, "a", 1).await;
    put(&seawall, "b", 1).await;
    put(&seawall, "a", 2).await;
    put(&seawall, "b", 2).await;
    remove(&seawall, "a").await;
    put(&seawall, "a", 3).await;
    put(&seawall, "c", 1).await;
    let others = taken(&receiver, 3).await;
    let (b, c): (Vec<_>, Vec<_>) = others.into_iter().partition(|message| message.entity() == "b");
    assert_eq!(told(&b), ["entity.created b 1", "entity.updated b 2"]);
    assert_eq!(told(&c), ["entity.created c 1"]);
    let view = until(&seawall, "all of the one to wait", |view| view["waiting"] == 4).await;
    assert!(
        view["problem"].is_null() || view["problem"].as_str().unwrap().contains("500"),
        "{view}"
    );
    receiver.refuse(&[]);
    let all = taken(&receiver, 7).await;
    let ones: Vec<_> = all.into_iter().filter(|message| message.entity() == "a").collect();
    // Each tells what the entity was then, and not what it has become.
    assert_eq!(
        told(&ones),
        [
            "entity.created a 1",
            "entity.updated a 2",
            "entity.deleted a null",
            "entity.created a 3"
        ]
    );
    until(&seawall, "nothing to wait", |view| {
        view["waiting"] == 0 && view["sent"] == 7
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_waits_for_a_person_and_the_next_goes_on() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    subscribe(&seawall, &receiver, json!({})).await;
    receiver.answer([(500, None), (500, None), (404, None)]);
    put(&seawall, "a", 1).await;
    put(&seawall, "a", 2).await;
    let next = taken(&receiver, 1).await;
    assert_eq!(told(&next), ["entity.updated a 2"]);
    let view = until(&seawall, "one dead message", |view| {
        view["dead"] == 1 && view["sent"] == 1
    })
    .await;
    assert_eq!((&view["sent"], &view["failed"]), (&json!(1), &json!(3)));
    let listed = seawall.get("/api/v1/subscriptions/bot/letters?state=dead").await;
    let letter = &listed["items"][0];
    assert_eq!(
        (&letter["attempts"], &letter["status"], &letter["entity"]),
        (&json!(3), &json!(404), &json!("service/a"))
    );
    assert!(letter["error"].as_str().unwrap().contains("404"), "{letter}");
    let id = letter["id"].to_string();
    let shown = seawall.command(&["subscription", "dead", "bot", &id]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("entity.created"),
        "{shown:?}"
    );
    let retried = seawall.command(&["subscription", "retry", "bot", "--all"]);
    assert!(retried.status.success(), "{retried:?}");
    let both = taken(&receiver, 2).await;
    assert_eq!(told(&both[1..]), ["entity.created a 1"]);
    assert_eq!(
        both[1].header("webhook-id"),
        receiver.received()[0].header("webhook-id")
    );
    until(&seawall, "no dead message", |view| {
        view["dead"] == 0 && view["waiting"] == 0
    })
    .await;
    // Another one is dropped by hand; what is not dead is not decided about.
    receiver.answer([(500, None), (500, None), (500, None)]);
    put(&seawall, "b", 1).await;
    until(&seawall, "another dead message", |view| view["dead"] == 1).await;
    let listed = seawall.get("/api/v1/subscriptions/bot/letters").await;
    let id = listed["items"][0]["id"].to_string();
    assert!(seawall.command(&["subscription", "drop", "bot", &id]).status.success());
    assert_eq!(
        seawall.command(&["subscription", "drop", "bot", &id]).status.code(),
        Some(5)
    );
    assert_eq!(show(&seawall).await["dead"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_between_sending_and_marking_sends_again_under_the_same_id() {
    let (mut seawall, receiver) = (empty().await, Receiver::start().await);
    subscribe(&seawall, &receiver, json!({})).await;
    receiver.hold(true);
    put(&seawall, "a", 1).await;
    eventually("the message to be on its way", || async {
        (receiver.received().len() == 1).then_some(())
    })
    .await;
    seawall.kill();
    receiver.hold(false);
    seawall.boot().await;
    let again = eventually("it to come again", || async {
        let all = receiver.received();
        (all.len() == 2).then_some(all)
    })
    .await
    .0;
    assert_eq!(again[0].header("webhook-id"), again[1].header("webhook-id"));
    assert_eq!(again[0].body, again[1].body);
    put(&seawall, "b", 1).await;
    let view = until(&seawall, "both to be marked", |view| view["sent"] == 2).await;
    assert_eq!(view["waiting"], 0);
    assert_eq!(receiver.received().len(), 3);
    // One that waits for its next try is not forgotten either.
    receiver.refuse(&["c"]);
    put(&seawall, "c", 1).await;
    until(&seawall, "a letter", |view| view["waiting"] == 1 || view["dead"] == 1).await;
    seawall.kill();
    receiver.refuse(&[]);
    seawall.boot().await;
    seawall.command(&["subscription", "retry", "bot", "--all"]);
    until(&seawall, "all to be taken", |view| view["sent"] == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_pauses_it_and_nothing_is_lost() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    subscribe(&seawall, &receiver, json!({})).await;
    receiver.answer([(410, None)]);
    put(&seawall, "a", 1).await;
    let view = until(&seawall, "it to be paused", |view| view["paused"] == true).await;
    assert!(view["problem"].as_str().unwrap().contains("410"), "{view}");
    put(&seawall, "b", 1).await;
    assert_eq!(receiver.received().len(), 1);
    let resumed = seawall.command(&["subscription", "resume", "bot"]);
    assert!(resumed.status.success(), "{resumed:?}");
    let both = taken(&receiver, 2).await;
    let mut both = told(&both);
    both.sort();
    assert_eq!(both, ["entity.created a 1", "entity.created b 1"]);
    until(&seawall, "all to be well", |view| {
        view["waiting"] == 0 && view["problem"].is_null()
    })
    .await;
    // A person pauses it: what happens meanwhile is told afterwards.
    assert!(seawall.command(&["subscription", "pause", "bot"]).status.success());
    put(&seawall, "c", 1).await;
    assert_eq!(receiver.received().len(), 3);
    assert!(seawall.command(&["subscription", "resume", "bot"]).status.success());
    taken(&receiver, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_answer_is_asked_again_when_it_does() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    let port = seawall_tests::free_port();
    let url = format!("http://127.0.0.1:{port}/hook");
    subscribe(
        &seawall,
        &receiver,
        json!({"url": url, "retry": {"tries": 50, "firstSeconds": 0.1, "mostSeconds": 0.1}}),
    )
    .await;
    for n in 1..=5 {
        put(&seawall, &format!("s{n}"), n).await;
    }
    let view = until(&seawall, "a problem", |view| view["problem"].is_string()).await;
    assert!(view["problem"].as_str().unwrap().contains("refused"), "{view}");
    // The address is set right, and all is told.
    subscribe(&seawall, &receiver, json!({})).await;
    taken(&receiver, 5).await;
    until(&seawall, "all to be well", |view| {
        view["waiting"] == 0 && view["problem"].is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_to_public_addresses_or_to_those_that_are_named() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    let put_one = async |body: Value| seawall.send(Method::PUT, "/api/v1/subscriptions/bot", &body).await;
    for (body, pointer, part) in [
        (json!({"url": receiver.url()}), "/url", "`privateRanges`"),
        (json!({"url": "https://127.0.0.1/"}), "/url", "loopback"),
        (json!({"url": "https://10.1.2.3/"}), "/url", "private"),
        (
            json!({"url": "https://169.254.169.254/", "privateRanges": ["169.254.0.0/16"]}),
            "/url",
            "metadata",
        ),
        (json!({"url": "nowhere"}), "/url", "such as https://"),
        (
            json!({"url": "https://example.com", "blueprints": ["servce"]}),
            "/blueprints/0",
            "`service`",
        ),
        (
            json!({"url": "https://example.com", "headers": {"webhook-id": "x"}}),
            "/headers/webhook-id",
            "own",
        ),
        (json!({"url": "https://example.com", "ca": "nonsense"}), "/ca", "PEM"),
        (
            json!({"url": "https://example.com", "retry": {"tries": 0}}),
            "/retry/tries",
            "1 to 50",
        ),
        (
            json!({"url": "https://example.com", "kinds": ["moved"]}),
            "/kinds/0",
            "created",
        ),
        (json!({}), "/url", "missing"),
    ] {
        let (status, problem) = put_one(body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], pointer, "{body}: {problem}");
        assert!(error["detail"].as_str().unwrap().contains(part), "{body}: {problem}");
    }
    let (status, _) = put_one(json!({"url": "https://example.com", "after": 99_999})).await;
    assert_eq!(status, StatusCode::GONE);
    assert_eq!(seawall.get("/api/v1/subscriptions").await["items"], json!([]));
    // A name that leads to loopback is refused where it is connected to, whatever it says.
    let named = receiver
        .url()
        .replace("127.0.0.1", "localhost")
        .replace("http:", "https:");
    let (status, answer) = put_one(json!({"url": named, "retry": quick()})).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    put(&seawall, "a", 1).await;
    let view = until(&seawall, "a problem", |view| view["problem"].is_string()).await;
    assert!(view["problem"].as_str().unwrap().contains("loopback"), "{view}");
    assert!(receiver.received().is_empty());
    // The policy closes what a subscription names.
    let policy = json!({"never": {"private_ranges": ["127.0.0.0/8"]}});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/policy", &policy).await;
    assert!(status.is_success(), "{answer}");
    let (status, problem) = put_one(json!({"url": receiver.url(), "privateRanges": ["127.0.0.0/8"]})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_spares_what_a_subscription_waits_for_but_not_for_ever() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    put(&seawall, "a", 1).await;
    subscribe(&seawall, &receiver, json!({"paused": true})).await;
    let from = show(&seawall).await["position"].as_i64().unwrap();
    for n in 2..=4 {
        put(&seawall, "a", n).await;
    }
    keep(&seawall, 0, 0, 30).await;
    eventually("what it knows to go", || async {
        // What is being cut off at this moment is gone for a moment.
        let (_, page) = seawall.try_get("/api/v1/changes").await;
        (page["items"][0]["position"].as_i64()? == from + 1).then_some(())
    })
    .await;
    seawall.command(&["subscription", "resume", "bot"]);
    assert_eq!(
        told(&taken(&receiver, 3).await),
        ["entity.updated a 2", "entity.updated a 3", "entity.updated a 4"]
    );
    // One that is too far behind is not waited for, and says what it lost.
    seawall.command(&["subscription", "pause", "bot"]);
    for n in 5..=7 {
        put(&seawall, "a", n).await;
    }
    keep(&seawall, 0, 0, 0).await;
    eventually("all to go", || async {
        // What is being cut off at this moment is gone for a moment.
        let (_, page) = seawall.try_get("/api/v1/changes").await;
        page["items"].as_array()?.is_empty().then_some(())
    })
    .await;
    seawall.command(&["subscription", "resume", "bot"]);
    let view = until(&seawall, "the loss to be noted", |view| view["lost"] == 3).await;
    assert_eq!((&view["sent"], &view["behind"]), (&json!(3), &json!(0)));
    keep(&seawall, 1, 0, 1).await;
    put(&seawall, "a", 8).await;
    assert_eq!(told(&taken(&receiver, 4).await[3..]), ["entity.updated a 8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_looked_after_by_the_command_line() {
    let (seawall, receiver) = (empty().await, Receiver::start().await);
    let after = put(&seawall, "a", 1).await;
    put(&seawall, "b", 1).await;
    let after = after.to_string();
    let add = [
        "subscription",
        "add",
        "bot",
        receiver.url(),
        "--private-range",
        "127.0.0.1",
        "--blueprint",
        "service",
    ];
    let more = [
        "--after",
        after.as_str(),
        "--header",
        "X-Team=core",
        "--kind",
        "created",
        "-o",
        "json",
    ];
    let made = seawall.command(&[&add[..], &more[..]].concat());
    assert!(made.status.success(), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let message = taken(&receiver, 1).await.remove(0);
    assert_eq!((message.entity().as_str(), message.header("x-team")), ("b", "core"));
    assert!(verified(made["secret"].as_str().unwrap(), &message));
    let list = seawall.command(&["subscription", "list"]);
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(text.contains("bot") && text.contains("sending"), "{text}");
    let turned = seawall.command(&["subscription", "rotate", "bot"]);
    assert!(String::from_utf8_lossy(&turned.stdout).contains("whsec_"), "{turned:?}");
    let shown = seawall.command(&["subscription", "show", "bot"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("old secret until") && !text.contains("whsec_"), "{text}");
    assert!(seawall.command(&["subscription", "remove", "bot"]).status.success());
    assert_eq!(seawall.command(&["subscription", "show", "bot"]).status.code(), Some(5));
    put(&seawall, "c", 1).await;
    // A later one of the same name begins anew, under other ids.
    subscribe(&seawall, &receiver, json!({})).await;
    put(&seawall, "d", 1).await;
    let messages = taken(&receiver, 2).await;
    assert_eq!(messages[1].entity(), "d");
    let family = |message: &Received| message.header("webhook-id").rsplit_once('_').unwrap().0.to_owned();
    assert_ne!(family(&messages[0]), family(&messages[1]));
}
