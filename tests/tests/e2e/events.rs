//! The change feed, its streams, positions that answers reflect, and how long the log is kept.

use crate::probed;
use futures::StreamExt;
use reqwest::{Method, Response, StatusCode, header};
use seawall_tests::{Seawall, eventually, run};
use serde_json::{Value, json};
use std::{
    process::Command,
    time::{Duration, Instant},
};

pub(crate) const SERVICES: &str = "/api/v1/blueprints/service/entities";

/// A Seawall with the blueprints `service` and `team`, and nothing in them.
pub(crate) async fn empty() -> Seawall {
    let seawall = Seawall::start().await;
    for name in ["service", "team"] {
        let body = json!({"identifier": name, "schema": {"properties": {"n": {"type": "number"}, "note": {"type": "string"}}}});
        let (status, answer) = seawall
            .send(Method::PUT, &format!("/api/v1/blueprints/{name}"), &body)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    seawall
}

/// Writes a service, and gives the position that the answer says.
pub(crate) async fn put(seawall: &Seawall, name: &str, n: i64) -> i64 {
    let body = json!({"properties": {"n": n}});
    let request = seawall.request(Method::PUT, &format!("{SERVICES}/{name}?by=jane"));
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    position(&answer)
}

pub(crate) async fn remove(seawall: &Seawall, name: &str) {
    let request = seawall.request(Method::DELETE, &format!("{SERVICES}/{name}"));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

fn position(answer: &Response) -> i64 {
    answer.headers()["seawall-position"].to_str().unwrap().parse().unwrap()
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|c| format!("{} {}", c["kind"].as_str().unwrap(), c["identifier"].as_str().unwrap()))
        .collect()
}

/// A stream of events, block by block.
pub(crate) struct Stream {
    answer: Response,
    rest: String,
}

/// The fields of one block.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: Value,
}

impl Stream {
    pub(crate) async fn open(seawall: &Seawall, query: &str, last: Option<&str>) -> Self {
        let mut request = seawall.request(Method::GET, &format!("/api/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(
            answer.headers()[header::CONTENT_TYPE]
                .to_str()
                .unwrap()
                .starts_with("text/event-stream")
        );
        Self {
            answer,
            rest: String::new(),
        }
    }

    /// The next block; none at the end.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let mut read = Block::default();
                for line in block.lines() {
                    match line.split_once(": ").unwrap_or((line, "")) {
                        ("id", value) => read.id = Some(value.to_owned()),
                        ("event", value) => read.event = Some(value.to_owned()),
                        ("data", value) => read.data = serde_json::from_str(value).unwrap(),
                        _ => {}
                    }
                }
                self.rest = rest.to_owned();
                return Some(read);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.answer.chunk());
            let chunk = chunk.await.unwrap().ok().flatten()?;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; places and comments are passed over, as clients do.
    pub(crate) async fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.block().await?;
            if block.event.is_some() {
                return Some(block);
            }
        }
    }
}

#[tokio::test]
async fn the_feed_goes_on_from_a_cursor_and_filters() {
    let seawall = empty().await;
    let start = put(&seawall, "a", 1).await;
    put(&seawall, "b", 1).await;
    put(&seawall, "a", 2).await;
    let team = json!({"properties": {"note": "x"}});
    seawall
        .send(
            Method::PUT,
            "/api/v1/blueprints/team/entities/a?source=ci:deploy&by=bob",
            &team,
        )
        .await;
    remove(&seawall, "b").await;
    let all = seawall.get("/api/v1/changes").await;
    assert_eq!(
        names(&all),
        ["created a", "created b", "updated a", "created a", "deleted b"]
    );
    assert_eq!(all["next"], all["position"]);
    let first = &all["items"][0];
    assert_eq!(
        (&first["by"], &first["cause"]),
        (&json!("jane"), &json!("write:people:jane"))
    );
    assert_eq!(all["items"][2]["diff"], json!({"properties.n": [1, 2]}));
    assert_eq!(all["items"][3]["by"], "bob");
    assert_eq!(all["items"][4]["diff"]["properties.n"], json!([1, null]));
    for (query, expect) in [
        (format!("after={start}&limit=2"), vec!["created b", "updated a"]),
        ("blueprint=team".to_owned(), vec!["created a"]),
        (
            "blueprint=team&blueprint=service&kind=deleted,updated".to_owned(),
            vec!["updated a", "deleted b"],
        ),
        ("kind=updated&field=n".to_owned(), vec!["updated a"]),
        ("kind=updated&field=note".to_owned(), vec![]),
        ("identifier=b".to_owned(), vec!["created b", "deleted b"]),
        ("cause=write:ci".to_owned(), vec!["created a"]),
    ] {
        let page = seawall.get(&format!("/api/v1/changes?{query}")).await;
        assert_eq!(names(&page), expect, "{query}");
    }
    // A misspelt field is no empty answer, where it is said of which blueprint it is.
    for query in [
        "blueprint=service&field=nosuch",
        "blueprint=service&field=relations.nosuch",
    ] {
        let (status, problem) = seawall.try_get(&format!("/api/v1/changes?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "field", "{problem}");
    }
    assert_eq!(
        names(
            &seawall
                .get("/api/v1/changes?blueprint=service&kind=updated&field=n")
                .await
        ),
        ["updated a"]
    );
    assert_eq!(
        names(&seawall.get("/api/v1/changes?kind=updated&field=nosuch").await),
        [""; 0]
    );
    let mut after = 0;
    let mut walked = Vec::new();
    loop {
        let page = seawall
            .get(&format!("/api/v1/changes?after={after}&limit=1&blueprint=service"))
            .await;
        let found = names(&page);
        if found.is_empty() {
            break;
        }
        walked.extend(found);
        after = page["next"].as_i64().unwrap();
    }
    assert_eq!(walked, ["created a", "created b", "updated a", "deleted b"]);
    for (query, part) in [
        ("blueprint=servce", "did you mean `service`?"),
        ("kind=gone", "`deleted`"),
        ("afer=1", "did you mean `after`?"),
        ("after=-1", "a number from 0"),
        ("limit=0", "1 to 1000"),
        ("wait=61", "0 to 60"),
    ] {
        let (status, problem) = seawall.try_get(&format!("/api/v1/changes?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
    let (status, problem) = seawall.try_get("/api/v1/changes?after=99999").await;
    assert_eq!(status, StatusCode::GONE);
    assert!(problem["detail"].as_str().unwrap().contains("list anew"), "{problem}");
    let history = seawall.get(&format!("{SERVICES}/a/history")).await;
    assert_eq!(
        (&history["items"][0]["by"], &history["cutOff"]),
        (&json!("jane"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_when_something_happens() {
    let seawall = empty().await;
    let start = put(&seawall, "a", 1).await;
    let path = format!("/api/v1/changes?after={start}&wait=60&identifier=c");
    let waits = seawall.get(&path);
    let writes = async {
        put(&seawall, "b", 1).await;
        put(&seawall, "c", 1).await;
    };
    let began = Instant::now();
    let (page, ()) = tokio::join!(waits, writes);
    assert_eq!(names(&page), ["created c"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let began = Instant::now();
    let page = seawall
        .get(&format!("/api/v1/changes?after={}&wait=1", page["next"]))
        .await;
    assert!(
        names(&page).is_empty() && began.elapsed() >= Duration::from_millis(900),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_no_change_of_many_writers() {
    const WRITERS: usize = 8;
    const EACH: i64 = 25;
    let seawall = empty().await;
    let write = async |writer: usize| {
        for n in 0..EACH {
            put(&seawall, &format!("w{writer}"), n).await;
        }
    };
    let writers = futures::stream::iter(0..WRITERS).for_each_concurrent(WRITERS, write);
    let reader = async {
        let (mut after, mut seen) = (0, Vec::new());
        while seen.len() < WRITERS * EACH as usize {
            let page = seawall
                .get(&format!("/api/v1/changes?after={after}&limit=7&wait=20"))
                .await;
            for change in page["items"].as_array().unwrap() {
                seen.push(change["position"].as_i64().unwrap());
            }
            after = page["next"].as_i64().unwrap();
        }
        seen
    };
    let ((), seen) = tokio::join!(writers, reader);
    let first = seen[0];
    let expect: Vec<i64> = (first..first + seen.len() as i64).collect();
    assert_eq!(seen, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_its_client_was() {
    let mut seawall = empty().await;
    let start = put(&seawall, "a", 1).await;
    let mut stream = Stream::open(&seawall, "?blueprint=service", None).await;
    let place = stream.block().await.unwrap();
    assert_eq!((place.id, place.event), (Some(start.to_string()), None));
    put(&seawall, "a", 2).await;
    let updated = stream.event().await.unwrap();
    assert_eq!(updated.event.as_deref(), Some("updated"));
    assert_eq!(updated.data["diff"], json!({"properties.n": [1, 2]}));
    assert_eq!(
        updated.id.as_deref(),
        Some(updated.data["position"].to_string().as_str())
    );
    // A host that dies ends the stream; what happened meanwhile is told at the next start.
    let last = updated.id.clone().unwrap();
    put(&seawall, "b", 1).await;
    seawall.kill();
    seawall.boot().await;
    put(&seawall, "c", 1).await;
    // The header goes before the address, which a browser sends as it was.
    let mut stream = Stream::open(&seawall, "?after=0", Some(&last)).await;
    let next = [stream.event().await.unwrap(), stream.event().await.unwrap()];
    assert_eq!(next.map(|e| e.data["identifier"].clone()), [json!("b"), json!("c")]);
    for (query, part) in [
        ("?type=change,pas", "`pass`"),
        ("?wait=1", "no parameter `wait`"),
        ("?after=x", "a number"),
    ] {
        let (status, problem) = seawall.try_get(&format!("/api/v1/events{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_those_who_follow() {
    let seawall = empty().await;
    let mut stream = Stream::open(&seawall, "", None).await;
    stream.block().await.unwrap();
    let waits = seawall.get("/api/v1/changes?after=0&wait=60");
    let stop = async {
        eventually("both to follow", || async {
            let metrics = seawall
                .request(Method::GET, "/metrics")
                .send()
                .await
                .ok()?
                .text()
                .await
                .ok()?;
            metrics.contains("seawall_followers 2").then_some(())
        })
        .await;
        let pid = seawall.pid().unwrap().to_string();
        assert!(run(Command::new("kill").args(["-TERM", &pid])).status.success());
    };
    let began = Instant::now();
    let (page, ()) = tokio::join!(waits, stop);
    assert!(names(&page).is_empty());
    assert_eq!(stream.event().await, None);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_gets_everything_in_order() {
    const MANY: i64 = 3_000;
    let seawall = empty().await;
    let note = "x".repeat(2_000);
    let mut stream = Stream::open(&seawall, "", None).await;
    for from in (0..MANY).step_by(500) {
        let entities: Vec<_> = (from..from + 500)
            .map(|n| json!({"blueprint": "service", "identifier": format!("s{n:05}"), "properties": {"n": n, "note": note}}))
            .collect();
        let (status, _) = seawall
            .send(Method::POST, "/api/v1/entities/bulk", &json!({"entities": entities}))
            .await;
        assert_eq!(status, StatusCode::OK);
    }
    for n in 0..MANY {
        let event = stream.event().await.unwrap();
        assert_eq!(event.data["identifier"], format!("s{n:05}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_are_events_too() {
    let (seawall, tool) = probed(3).await;
    let mut stream = Stream::open(&seawall, "?type=pass,change", None).await;
    stream.block().await.unwrap();
    tool.fill(4);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let (mut states, mut created) = (Vec::new(), Vec::new());
    while states.last() != Some(&json!("succeeded")) || created.is_empty() {
        let event = stream.event().await.unwrap();
        match event.event.as_deref() {
            Some("pass") => {
                assert_eq!((&event.data["integration"], &event.id), (&json!("probe"), &None));
                states.push(event.data["state"].clone());
            }
            Some("created") => created.push(event.data["identifier"].clone()),
            other => panic!("{other:?}: {event:?}"),
        }
    }
    assert_eq!(states, ["running", "succeeded"]);
    assert_eq!(created, ["item-00003"]);
}

#[tokio::test]
async fn a_read_waits_for_the_position_of_a_write() {
    let seawall = empty().await;
    let written = put(&seawall, "a", 1).await;
    let list = seawall.request(Method::GET, &format!("{SERVICES}?position={written}&filter=n=1"));
    let answer = list.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(position(&answer) >= written);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["items"][0]["identifier"], "a");
    let one = seawall
        .request(Method::GET, &format!("{SERVICES}/a"))
        .header("Seawall-Position", written.to_string());
    assert_eq!(one.send().await.unwrap().status(), StatusCode::OK);
    // Where it does not come, that is said, and nothing stale is answered.
    let (status, problem) = seawall.try_get(&format!("{SERVICES}/a?position={}", written + 1)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        problem["detail"].as_str().unwrap().contains(&format!("{written} is")),
        "{problem}"
    );
    let late = async {
        let (status, _) = seawall.try_get(&format!("{SERVICES}?position={}", written + 1)).await;
        assert_eq!(status, StatusCode::OK);
    };
    let writes = async { put(&seawall, "b", 1).await };
    tokio::join!(late, writes);
    let (status, problem) = seawall.try_get(&format!("{SERVICES}?position=soon")).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("position"))
    );
}

pub(crate) async fn keep(seawall: &Seawall, days: u32, rows: u64, pending: u32) {
    let body = json!({"days": days, "rows": rows, "pendingDays": pending});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/retention", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_is_said_to_be_gone() {
    let seawall = empty().await;
    for n in 1..=6 {
        put(&seawall, "a", n).await;
    }
    let before = seawall.get("/api/v1/changes").await;
    let (first, at) = (
        before["items"][0]["position"].as_i64().unwrap(),
        before["items"][1]["at"].clone(),
    );
    let kept = seawall.get("/api/v1/retention").await;
    assert_eq!(kept, json!({"days": 90, "rows": 100_000, "pendingDays": 120}));
    keep(&seawall, 0, 2, 0).await;
    let (page, _) = eventually("the log to be cut", || async {
        let page = seawall.get("/api/v1/changes").await;
        (page["items"].as_array()?.len() == 2).then_some(page)
    })
    .await;
    assert_eq!(page["items"][1]["diff"], json!({"properties.n": [5, 6]}));
    for path in [
        format!("/api/v1/changes?after={first}"),
        format!("/api/v1/events?after={first}"),
    ] {
        let (status, problem) = seawall.try_get(&path).await;
        assert_eq!(status, StatusCode::GONE, "{problem}");
        assert_eq!(problem["type"], "https://seawall.dev/problems/gone");
        assert!(problem["detail"].as_str().unwrap().contains("list anew"), "{problem}");
    }
    let edge = page["items"][0]["position"].as_i64().unwrap() - 1;
    seawall.get(&format!("/api/v1/changes?after={edge}")).await;
    let history = seawall.get(&format!("{SERVICES}/a/history")).await;
    assert_eq!(
        (history["items"].as_array().unwrap().len(), &history["cutOff"]),
        (2, &json!(true))
    );
    let (status, problem) = seawall
        .try_get(&format!("{SERVICES}/a?at={}", at.as_str().unwrap()))
        .await;
    assert_eq!(status, StatusCode::GONE, "{problem}");
    // Nothing is left at all, and what stands is there all the same.
    keep(&seawall, 0, 0, 0).await;
    eventually("the log to be empty", || async {
        let page = seawall.get("/api/v1/changes").await;
        page["items"].as_array()?.is_empty().then_some(())
    })
    .await;
    let history = seawall.get(&format!("{SERVICES}/a/history")).await;
    assert_eq!((&history["items"], &history["cutOff"]), (&json!([]), &json!(true)));
    assert_eq!(seawall.get(&format!("{SERVICES}/a")).await["properties"]["n"], 6);
    put(&seawall, "a", 7).await;
    let shown = seawall.command(&["admin", "retention", "--days", "30", "--pending-days", "40"]);
    assert!(shown.status.success(), "{shown:?}");
    assert_eq!(
        seawall.get("/api/v1/retention").await,
        json!({"days": 30, "rows": 0, "pendingDays": 40})
    );
    let body = json!({"days": 9, "rows": 1, "pendingDays": 8});
    let (status, problem) = seawall.send(Method::PUT, "/api/v1/retention", &body).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/pendingDays"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_and_follows() {
    let seawall = empty().await;
    put(&seawall, "a", 1).await;
    put(&seawall, "a", 2).await;
    let shown = seawall.command(&["events", "--kind", "updated"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.status.success() && text.contains("properties.n: 1 → 2") && !text.contains("created"),
        "{text}"
    );
    let data = seawall.command(&["events", "--after", "0", "-o", "json"]);
    let data: Value = serde_json::from_slice(&data.stdout).unwrap();
    assert_eq!(names(&data), ["created a", "updated a"]);
    // A follower writes each change as a line of its own.
    let out = seawall.data().join("followed");
    let mut follower = Command::new(seawall_tests::seawall_binary())
        .args([
            "events",
            "--follow",
            "--after",
            "0",
            "--blueprint",
            "service",
            "-o",
            "json",
        ])
        .env("SEAWALL_SERVER", seawall.address())
        .env("SEAWALL_TOKEN", seawall.token())
        .stdout(std::fs::File::create(&out).unwrap())
        .spawn()
        .unwrap();
    put(&seawall, "b", 1).await;
    let (lines, _) = eventually("three lines", || async {
        let text = std::fs::read_to_string(&out).ok()?;
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        (lines.len() == 3).then_some(lines)
    })
    .await;
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(
        (&lines[2]["identifier"], &lines[2]["kind"]),
        (&json!("b"), &json!("created"))
    );
    assert_eq!(
        seawall.command(&["events", "--blueprint", "nothing"]).status.code(),
        Some(2)
    );
}
