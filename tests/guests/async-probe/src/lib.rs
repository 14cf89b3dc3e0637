//! Lists items page by page from a small API, or misbehaves in the way that its config names: all through WASI 0.3, with
//! functions that wait for many requests at once.

mod client;

wit_bindgen::generate!({ path: "wit", world: "async-probe", generate_all });

use client::{Answer, send};
use exports::seawall::plugin::ingestor::{Change, Failure, Guest, Next, Page, Scope};
use futures::future::join_all;
use seawall::plugin::{
    log,
    types::{Item, ItemKey},
};
use serde::Deserialize;
use serde_json::{Value, json};
use wasi::{
    clocks::{monotonic_clock, system_clock},
    random::random,
};

struct AsyncProbe;

#[derive(Deserialize)]
struct Config {
    base_url: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Value>,
    next: Option<String>,
}

impl Guest for AsyncProbe {
    async fn partitions(_: Scope) -> Result<Vec<String>, Failure> {
        Ok(vec!["all".into()])
    }

    async fn pull(scope: Scope, _: String, cursor: Option<String>) -> Result<Page, Failure> {
        let config: Config =
            serde_json::from_slice(&scope.config).map_err(|e| Failure::InvalidConfig(e.to_string()))?;
        match config.mode.as_str() {
            "" => list(&scope.kind, &config.base_url, cursor).await,
            "spin" => loop {
                std::hint::black_box(0);
            },
            "sleep" => {
                monotonic_clock::wait_for(3_600_000_000_000).await;
                one(&scope.kind, &json!({"id": "slept"}))
            }
            "memory" => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1; 1 << 20]));
                }
            }
            // What the host keeps for each is no memory of the guest's.
            "streams" => {
                let mut all = Vec::new();
                loop {
                    all.push(wit_stream::new::<u8>());
                }
            }
            "log-flood" => loop {
                log::write(log::Level::Info, "and on and on");
            },
            "flood" => {
                let answers = join_all((0..20).map(|_| send(&config.url, None))).await;
                one(&scope.kind, &json!({"id": "flood", "size": answers.len()}))
            }
            "four" => {
                let answers = join_all((0..4).map(|_| send(&config.url, None))).await;
                let good = answers
                    .iter()
                    .filter(|answer| answer.as_ref().is_ok_and(Answer::is_good));
                one(&scope.kind, &json!({"id": "four", "size": good.count()}))
            }
            // Until the host says that it is enough.
            "send" => {
                let answer = send(&config.url, Some(16 << 20)).await?;
                one(&scope.kind, &json!({"id": "sent", "size": answer.status}))
            }
            "fetch" => {
                let answer = send(&config.url, None).await?;
                let note = String::from_utf8_lossy(&answer.body).into_owned();
                let now = system_clock::now().seconds;
                let name = format!("{now} {}", random::get_random_u64());
                one(
                    &scope.kind,
                    &json!({"id": "answer", "name": name, "size": answer.status, "note": note}),
                )
            }
            other => Err(Failure::InvalidConfig(format!("no such mode: {other}"))),
        }
    }
}

async fn list(kind: &str, base_url: &str, cursor: Option<String>) -> Result<Page, Failure> {
    let cursor = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    let answer = send(&format!("{base_url}/items{cursor}"), None).await?;
    if !answer.is_good() {
        return Err(Failure::Unavailable(format!("the API answered {}", answer.status)));
    }
    let listing: Listing = serde_json::from_slice(&answer.body).map_err(|e| Failure::Failed(e.to_string()))?;
    Ok(Page {
        changes: listing.items.iter().map(|item| upsert(kind, item)).collect(),
        next: listing.next.map_or(Next::SnapshotComplete(None), Next::More),
    })
}

fn one(kind: &str, item: &Value) -> Result<Page, Failure> {
    Ok(Page {
        changes: vec![upsert(kind, item)],
        next: Next::SnapshotComplete(None),
    })
}

fn upsert(kind: &str, item: &Value) -> Change {
    Change::Upsert(Item {
        id: ItemKey {
            kind: kind.into(),
            key: item["id"].as_str().unwrap_or_default().into(),
        },
        value: item.to_string().into_bytes(),
    })
}

export!(AsyncProbe);
