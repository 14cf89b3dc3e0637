//! Several servers on one PostgreSQL: they share the work, follow each other, and lose nothing with any of them.

use crate::{essence, events::keep, integration};
use reqwest::{Method, StatusCode};
use seawall_tests::{Postgres, Seawall, Tool, component, eventually};
use serde_json::{Value, json};
use std::collections::HashMap;

const SECRET: &str = "webhook-s3cret";
/// Short, so that others need not wait long for what one has left.
const LEASE: [&str; 2] = ["--lease-seconds", "2"];

async fn first(postgres: &Postgres) -> Seawall {
    Seawall::on_with(Some(postgres.url()), &LEASE, &[]).await
}

async fn second(first: &Seawall) -> Seawall {
    first.replica(&[]).await
}

fn named(tool: &Tool, name: &str, config: Value) -> Value {
    let mut wanted = integration(tool, config);
    wanted["name"] = name.into();
    wanted
}

/// A credential for deliveries, and an integration that takes them.
async fn take_deliveries(seawall: &Seawall, tool: &Tool, name: &str, config: Value) {
    let body = json!({"source": "sealed", "secret": SECRET});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/hook", &body).await;
    assert!(status.is_success(), "{answer}");
    let mut wanted = named(tool, name, config);
    wanted["webhook"] = json!({"scheme": "token", "secret": "hook", "id_header": "X-Id"});
    seawall.integrate(wanted).await;
}

/// Delivers to a server; false where it is not there.
async fn deliver(seawall: &Seawall, name: &str, id: &str, body: &Value) -> bool {
    let request = reqwest::Client::new().post(format!("{}/hooks/{name}", seawall.address()));
    let sent = request.header("X-Id", id).bearer_auth(SECRET).json(body).send().await;
    sent.is_ok_and(|answer| answer.status().is_success())
}

async fn ended(seawall: &Seawall, name: &str) {
    eventually("the passes to end", || async {
        let passes = seawall.passes(name).await;
        (!passes.is_empty() && passes.iter().all(|pass| pass["state"] == "succeeded")).then_some(())
    })
    .await;
}

async fn entity(seawall: &Seawall, id: &str) -> Option<Value> {
    let (status, entity) = seawall
        .try_get(&format!("/api/v1/blueprints/thing/entities/{id}"))
        .await;
    (status == StatusCode::OK).then_some(entity)
}

/// What the catalog came to: each entity with how often it changed.
async fn outcome(seawall: &Seawall) -> Vec<(Value, usize)> {
    let mut out = Vec::new();
    for entity in essence(seawall.entities("thing").await) {
        let id = entity["identifier"].as_str().unwrap().to_owned();
        let history = seawall
            .get(&format!("/api/v1/blueprints/thing/entities/{id}/history"))
            .await;
        out.push((entity, history["items"].as_array().unwrap().len()));
    }
    out
}

/// What changes as time passes is one server's to compute, and another's when that one is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_the_clock_is_taken_over() {
    let Some(postgres) = Postgres::start() else { return };
    let mut one = first(&postgres).await;
    let two = second(&one).await;
    let over = |operator: &str| {
        let rule = json!({"property": "due", "operator": operator});
        json!({"target": "task", "calculationSpec": {"calculationBy": "entities", "func": "count"},
            "query": {"combinator": "and", "rules": [rule]}})
    };
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(10);
    for (path, body) in [
        (
            "list",
            json!({"identifier": "list", "schema": {"properties": {}},
                "aggregationProperties": {"late": over("isExpired"), "open": over("isNotExpired")}}),
        ),
        (
            "task",
            json!({"identifier": "task", "schema": {"properties": {"due": {"type": "string", "format": "date-time"}}},
                "relations": {"list": {"target": "list"}}}),
        ),
        ("list/entities/mine", json!({})),
        (
            "task/entities/t",
            json!({"properties": {"due": due.to_string()}, "relations": {"list": "mine"}}),
        ),
    ] {
        let (status, answer) = one
            .send(Method::PUT, &format!("/api/v1/blueprints/{path}"), &body)
            .await;
        assert!(status.is_success(), "{path}: {answer}");
    }
    let counts = || async {
        let (status, list) = two.try_get("/api/v1/blueprints/list/entities/mine").await;
        let of = |name: &str| list["properties"][name].as_i64();
        (status == StatusCode::OK).then(|| (of("late"), of("open")))
    };
    eventually("the task to be open", || async {
        (counts().await? == (Some(0), Some(1))).then_some(())
    })
    .await;
    one.kill();
    eventually("the task to be late", || async {
        (counts().await? == (Some(1), Some(0))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_is_told_the_others_know() {
    let Some(postgres) = Postgres::start() else { return };
    let tool = Tool::start(10).await;
    tool.fill(30);
    let one = first(&postgres).await;
    let two = second(&one).await;
    // A plugin that one installed is run by either: its bytes are in the database.
    one.install(&component("tests/guests/probe")).await;
    take_deliveries(&two, &tool, "probe", json!({})).await;
    ended(&one, "probe").await;
    // Either ran the pass; each follows what the other stored.
    let (left, _) = eventually("one to have all", || async {
        let all = one.entities("thing").await;
        (all.len() == 30).then_some(all)
    })
    .await;
    eventually("the other to follow", || async {
        (two.entities("thing").await == left).then_some(())
    })
    .await;
    // What a client wrote by way of one is read by way of the other, from that position on.
    let path = "/api/v1/blueprints/thing/entities/mine";
    let body = json!({"title": "Mine", "properties": {"size": 4}});
    let answer = one.request(Method::PUT, path).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let position = answer.headers()["seawall-position"].to_str().unwrap().to_owned();
    let there = two.get(&format!("{path}?position={position}")).await;
    assert_eq!(there["title"], "Mine");
    let listed = two
        .get(&format!(
            "/api/v1/blueprints/thing/entities?filter=title%20%3D%20%22Mine%22&position={position}"
        ))
        .await;
    assert_eq!(listed["items"][0]["identifier"], "mine", "{listed}");
    let (status, _) = two.send(Method::DELETE, path, &json!({})).await;
    assert!(status.is_success());
    eventually("one to see that it went", || async {
        entity(&one, "mine").await.is_none().then_some(())
    })
    .await;
    // A delivery goes to any of them, and is given on by the one whose turn it is.
    for n in 0..6 {
        let to = if n % 2 == 0 { &one } else { &two };
        let body = json!({"upsert": {"id": "told", "name": "Told", "size": n}});
        assert!(deliver(to, "probe", &format!("d{n}"), &body).await);
    }
    for seawall in [&one, &two] {
        eventually("the last delivery", || async {
            (entity(seawall, "told").await?["properties"]["size"] == 5).then_some(())
        })
        .await;
    }
    let history = one.get("/api/v1/blueprints/thing/entities/told/history").await;
    assert_eq!(
        history["items"].as_array().unwrap().len(),
        6,
        "in their order: {history}"
    );
    // A blueprint that one was given is the other's too, and what it computes is computed by either.
    let mut thing = one.get("/api/v1/blueprints/thing").await;
    thing["calculationProperties"] =
        json!({"double": {"title": "Double", "type": "number", "calculation": ".properties.size * 2"}});
    let (status, answer) = two.send(Method::PUT, "/api/v1/blueprints/thing", &thing).await;
    assert!(status.is_success(), "{answer}");
    for seawall in [&one, &two] {
        eventually("the computed value", || async {
            (entity(seawall, "item-00007").await?["properties"]["double"] == 14).then_some(())
        })
        .await;
    }
    // A grant that one takes back is gone for the other at once.
    let (status, answer) = one
        .send(Method::DELETE, "/api/v1/plugins/probe/grant?by=ann", &json!({}))
        .await;
    assert!(status.is_success(), "{answer}");
    two.hindered("probe", "the grant of `probe` 0.1.0 was taken back").await;
    let (status, _) = two.send(Method::DELETE, "/api/v1/integrations/probe", &json!({})).await;
    assert!(status.is_success());
    eventually("nothing of it to be left", || async {
        one.entities("thing").await.is_empty().then_some(())
    })
    .await;
}

/// Picks numbers below `n`, the same ones each time for a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// Three partitioned integrations and one that takes deliveries.
async fn work(seawall: &Seawall, tools: &HashMap<&str, Tool>) {
    seawall.install(&component("tests/guests/probe")).await;
    for (name, tool) in tools {
        let config = json!({"partitioned": *name != "hooked"});
        if *name == "hooked" {
            take_deliveries(seawall, tool, name, config).await;
        } else {
            seawall.integrate(named(tool, name, config)).await;
        }
    }
}

async fn tools() -> HashMap<&'static str, Tool> {
    let mut out = HashMap::new();
    for name in ["north", "south", "hooked"] {
        let tool = Tool::start(5).await;
        tool.slow(if name == "hooked" { 5 } else { 100 });
        let names: Vec<String> = (0..3).map(|n| format!("{name}{n}")).collect();
        match name {
            "hooked" => tool.fill(20),
            _ => tool.partition(&names.iter().map(String::as_str).collect::<Vec<_>>(), 60),
        }
        out.insert(name, tool);
    }
    out
}

fn delivery(n: usize) -> Value {
    json!({"upsert": {"id": format!("told-{:02}", n % 7), "name": "Told", "size": n}})
}

const DELIVERIES: usize = 70;

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_any_of_three_servers_loses_nothing_and_doubles_nothing() {
    let Some(postgres) = Postgres::start() else { return };
    let expected = {
        let tools = tools().await;
        let alone = Seawall::start().await;
        work(&alone, &tools).await;
        ended(&alone, "hooked").await;
        for n in 0..DELIVERIES {
            assert!(deliver(&alone, "hooked", &format!("{n}"), &delivery(n)).await);
        }
        told(&alone).await;
        for name in tools.keys() {
            ended(&alone, name).await;
        }
        outcome(&alone).await
    };
    let tools = tools().await;
    let one = first(&postgres).await;
    let mut servers = vec![second(&one).await, second(&one).await, one];
    work(&servers[2], &tools).await;
    // What is delivered before its pass has ended is gone with it, since the tool does not list it.
    ended(&servers[2], "hooked").await;
    let seed = std::env::var("SEAWALL_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
    println!("SEAWALL_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let mut kills = 0;
    for n in 0..DELIVERIES {
        // As a tool does: again, until somebody has taken it.
        let mut at = dice.below(3);
        while !deliver(&servers[at % 3], "hooked", &format!("{n}"), &delivery(n)).await {
            at += 1;
        }
        if n % 5 == 4 {
            let victim = dice.below(3);
            servers[victim].kill();
            kills += 1;
            servers[victim].boot().await;
        }
    }
    for name in tools.keys() {
        ended(&servers[0], name).await;
    }
    told(&servers[1]).await;
    println!("{kills} kills");
    for seawall in &servers {
        eventually("all that the undisturbed one has", || async {
            (seawall.entities("thing").await.len() == expected.len()).then_some(())
        })
        .await;
        let found = outcome(seawall).await;
        let differ: Vec<_> = found.iter().zip(&expected).filter(|(a, b)| a != b).collect();
        assert!(differ.is_empty(), "SEAWALL_TEST_SEED={seed}: {differ:?}");
    }
    // Each partition's pass was gone on with, and none begun anew.
    for (name, partitions) in [("north", 3), ("south", 3), ("hooked", 1)] {
        let passes = servers[0].passes(name).await;
        assert_eq!(passes.len(), partitions, "{name}: {passes:?}");
    }
}

/// Waits until all deliveries are done.
async fn told(seawall: &Seawall) {
    eventually("all deliveries to be done", || async {
        let waiting = seawall.get("/api/v1/deliveries?state=waiting").await;
        let dead = seawall.get("/api/v1/deliveries?state=dead").await;
        assert_eq!(dead["items"], json!([]), "{dead}");
        let page = seawall.get("/api/v1/deliveries?state=done&limit=200").await;
        (waiting["items"] == json!([]) && page["items"].as_array().unwrap().len() == DELIVERIES).then_some(())
    })
    .await;
}

fn signal(seawall: &Seawall, signal: &str) {
    let pid = seawall.pid().unwrap().to_string();
    let status = std::process::Command::new("kill")
        .args([signal, &pid])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_paused_past_its_lease_is_fenced_off() {
    let Some(postgres) = Postgres::start() else { return };
    let tool = Tool::start(5).await;
    tool.fill(100);
    tool.slow(40);
    let one = first(&postgres).await;
    one.install(&component("tests/guests/probe")).await;
    one.integrate(named(&tool, "probe", json!({}))).await;
    eventually("some pages", || async { (tool.requests() >= 5).then_some(()) }).await;
    signal(&one, "-STOP");
    let two = second(&one).await;
    ended(&two, "probe").await;
    assert_eq!(two.entities("thing").await.len(), 100);
    // The tool moves on; the other one has the next pass, in which an item is gone and another is new.
    tool.slow(0);
    tool.set(vec![json!({"id": "late", "name": "Late", "size": 1})]);
    let (status, answer) = two
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    assert!(status.is_success(), "{answer}");
    let held = eventually("the pass that would remove nearly all", || async {
        let passes = two.passes("probe").await;
        passes.iter().find(|pass| pass["state"] == "held").cloned()
    });
    let (held, _) = held.await;
    let path = format!("/api/v1/integrations/probe/passes/{}/release", held["id"]);
    let (status, answer) = two.send(Method::POST, &path, &json!({"remove": true})).await;
    assert!(status.is_success(), "{answer}");
    eventually("only the new one", || async {
        (two.entities("thing").await.len() == 1).then_some(())
    })
    .await;
    let passes = two.passes("probe").await;
    signal(&one, "-CONT");
    // It wakes in the middle of a page of long ago, and what it makes of it is refused.
    eventually("the one that slept to see what there is", || async {
        (one.entities("thing").await.len() == 1).then_some(())
    })
    .await;
    let (status, answer) = one
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    assert!(status.is_success(), "{answer}");
    eventually("one pass more", || async {
        let now = one.passes("probe").await;
        (now.len() == passes.len() + 1 && now[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let now = two.passes("probe").await;
    assert_eq!(now[1..], passes[..], "the passes of meanwhile are as they were");
    assert_eq!(two.entities("thing").await.len(), 1);
}

/// What was cut from the log cannot be followed: a server that slept through it reads all entities anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_slept_while_the_log_was_cut_sees_what_stands() {
    let Some(postgres) = Postgres::start() else { return };
    let one = first(&postgres).await;
    let (status, answer) = one
        .send(
            Method::PUT,
            "/api/v1/blueprints/thing",
            &json!({"identifier": "thing", "schema": {"properties": {"n": {"type": "number"}}}}),
        )
        .await;
    assert!(status.is_success(), "{answer}");
    let put = async |seawall: &Seawall, id: &str, n: u32| {
        let path = format!("/api/v1/blueprints/thing/entities/{id}");
        let (status, answer) = seawall.send(Method::PUT, &path, &json!({"properties": {"n": n}})).await;
        assert!(status.is_success(), "{answer}");
    };
    for id in ["stays", "goes", "changes"] {
        put(&one, id, 1).await;
    }
    let two = second(&one).await;
    assert_eq!(two.entities("thing").await.len(), 3);
    signal(&two, "-STOP");
    put(&one, "changes", 2).await;
    put(&one, "comes", 3).await;
    let (status, _) = one
        .send(Method::DELETE, "/api/v1/blueprints/thing/entities/goes", &json!({}))
        .await;
    assert!(status.is_success());
    keep(&one, 0, 1, 0).await;
    eventually("the log to be cut", || async {
        let page = one.get("/api/v1/changes").await;
        (page["items"].as_array()?.len() == 1).then_some(())
    })
    .await;
    signal(&two, "-CONT");
    let expected = one.entities("thing").await;
    eventually("the one that slept to see what stands", || async {
        (two.entities("thing").await == expected).then_some(())
    })
    .await;
    let found = two
        .get("/api/v1/blueprints/thing/entities?filter=n%20%3E%201&sort=n")
        .await;
    let found: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["identifier"])
        .collect();
    assert_eq!(found, ["changes", "comes"]);
    assert!(two.log().contains("all entities are read again"), "{}", two.log());
    // And it follows on from there.
    put(&one, "later", 4).await;
    eventually("what came later", || async { entity(&two, "later").await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_by_minutes_are_survived() {
    let Some(postgres) = Postgres::start() else { return };
    let Some(library) = seawall_tests::faketime() else {
        return;
    };
    let tool = Tool::start(10).await;
    tool.fill(40);
    let one = first(&postgres).await;
    let late = one
        .replica(&[
            ("LD_PRELOAD", &library),
            ("FAKETIME", "-7m"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ])
        .await;
    let early = one
        .replica(&[
            ("LD_PRELOAD", &library),
            ("FAKETIME", "+7m"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ])
        .await;
    for seawall in [&late, &early] {
        assert!(
            seawall.log().contains("clock is not the database's"),
            "it was told another time: {}",
            seawall.log()
        );
    }
    one.install(&component("tests/guests/probe")).await;
    let mut wanted = named(&tool, "probe", json!({}));
    wanted["every_seconds"] = json!(5);
    early.integrate(wanted).await;
    ended(&late, "probe").await;
    // By way of each, one after another: no time is off by minutes.
    for (n, seawall) in [&early, &late, &one].into_iter().enumerate() {
        let path = "/api/v1/blueprints/thing/entities/timed";
        let body = json!({"title": format!("Write {n}"), "properties": {}});
        let (status, answer) = seawall.send(Method::PUT, path, &body).await;
        assert!(status.is_success(), "{answer}");
    }
    let history = one.get("/api/v1/blueprints/thing/entities/timed/history").await;
    let times: Vec<jiff::Timestamp> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(times.len(), 3, "{history}");
    for pair in times.windows(2) {
        let apart = pair[0].duration_since(pair[1]).as_secs_f64();
        assert!((-1.0..60.0).contains(&apart), "{history}");
    }
    let now = jiff::Timestamp::now();
    assert!(now.duration_since(times[0]).as_secs_f64().abs() < 60.0, "{history}");
    // Passes follow each other by the schedule, whoever has them: none at once, none after minutes.
    eventually("three passes", || async {
        let passes = one.passes("probe").await;
        (passes.len() >= 3 && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let passes = one.passes("probe").await;
    let started: Vec<jiff::Timestamp> = passes
        .iter()
        .map(|pass| pass["startedAt"].as_str().unwrap().parse().unwrap())
        .collect();
    for pair in started.windows(2) {
        let apart = pair[0].duration_since(pair[1]).as_secs_f64();
        assert!((3.0..30.0).contains(&apart), "{passes:?}");
    }
}
