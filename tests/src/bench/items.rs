//! Repositories of 1.2 KB, and a tool that lists them in pages that were made beforehand: it has almost nothing to do.

use axum::{
    Router,
    extract::{Query, State},
    http::header,
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Words of descriptions, so that they compress as text does.
const WORDS: [&str; 40] = [
    "account",
    "answer",
    "archive",
    "batch",
    "billing",
    "booking",
    "cache",
    "carrier",
    "charge",
    "checkout",
    "claim",
    "customer",
    "deliver",
    "discount",
    "event",
    "export",
    "gateway",
    "import",
    "invoice",
    "keeps",
    "ledger",
    "limits",
    "market",
    "order",
    "parcel",
    "payment",
    "price",
    "quota",
    "refund",
    "report",
    "retry",
    "sends",
    "search",
    "settle",
    "stock",
    "stores",
    "tenant",
    "ticket",
    "track",
    "warehouse",
];
const LANGUAGES: [&str; 8] = ["Rust", "Go", "Java", "Python", "TypeScript", "C", "Ruby", "Kotlin"];
const TIERS: [&str; 3] = ["gold", "silver", "bronze"];
/// Bytes of an item.
const SIZE: usize = 1_200;

/// The splitmix64 finaliser, <https://prng.di.unimi.it/splitmix64.c>: the same numbers in every run, in no order.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The item of this number in this version. Its key, `full_name`, is the same in all versions; what else differs
/// between two versions are `stargazers_count`, `updated_at` and the description.
pub fn item(n: u64, version: u64) -> Value {
    let r = mix(n);
    let name = format!("service-{r:016x}");
    let mut item = json!({
        "id": n, "full_name": format!("acme/{name}"), "name": name,
        "html_url": format!("https://git.example.com/acme/{name}"),
        "language": LANGUAGES[(r % 8) as usize],
        "stargazers_count": (r >> 8) % 5_000 + version, "archived": (r >> 20).is_multiple_of(10),
        "topics": [format!("topic-{}", (r >> 24) % 30), "x-core", "pci"],
        "created_at": format!("20{:02}-{:02}-28T09:15:22Z", 10 + r % 14, 1 + (r >> 4) % 12),
        "updated_at": format!("2024-01-02T03:04:{:02}Z", version % 60),
        "license": {"spdx_id": "Apache-2.0"},
        "owner": {"login": format!("team-{}", (r >> 12) % 50), "id": (r >> 12) % 50, "url": "https://git.example.com/acme", "admin": false},
        "custom": {"tier": TIERS[((r >> 32) % 3) as usize], "system": format!("system-{}", (r >> 40) % 200), "cost": 12.5},
        "default_branch": "main", "size": (r >> 16) % 100_000,
        "permissions": {"pull": true, "push": true, "admin": false}, "forks": 3, "open_issues": 12, "description": ""
    });
    pad(&mut item, r ^ version);
    item
}

/// Fills `description` with words until the item has the usual size.
pub(crate) fn pad(item: &mut Value, seed: u64) {
    item["description"] = "".into();
    let room = SIZE.saturating_sub(item.to_string().len());
    item["description"] = words(seed, room).into();
}

/// Words of descriptions, so many bytes of them.
pub(crate) fn words(seed: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 10);
    let mut seed = mix(seed);
    while text.len() < bytes {
        text.push_str(WORDS[(seed % 40) as usize]);
        text.push(' ');
        seed = mix(seed);
    }
    text.truncate(bytes);
    text
}

/// One version of all items, in pages as the tool answers them.
#[derive(Clone)]
pub struct Items {
    pages: Arc<HashMap<u64, Bytes>>,
}

impl Items {
    /// The items from 0 to `count` in pages of `page`.
    pub fn make(count: u64, page: u64, version: u64) -> Self {
        Self::of(count, page, |n| item(n, version))
    }

    /// The same of other items, each with its key in `full_name`.
    pub fn of(count: u64, page: u64, item: impl Fn(u64) -> Value) -> Self {
        // A tool without items has a page too, an empty one.
        let made = (0..count.max(1)).step_by(page.max(1) as usize).map(|from| {
            let to = (from + page).min(count);
            let items: Vec<_> = (from..to).map(&item).collect();
            let next = (to < count).then(|| to.to_string());
            let body = json!({"items": items, "next": next}).to_string();
            // Without the room that the text grew into: there may be hundreds of thousands of items.
            (from, Bytes::from(body.into_boxed_str().into_boxed_bytes()))
        });
        Self {
            pages: Arc::new(made.collect()),
        }
    }
}

/// A running tool with one version of the items; it ends with the process.
pub struct Source {
    address: String,
    items: Arc<Mutex<Items>>,
}

#[derive(Deserialize)]
struct Cursor {
    cursor: Option<u64>,
}

impl Source {
    /// Starts one on loopback, on a thread of its own.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn start(items: Items) -> anyhow::Result<Self> {
        let items = Arc::new(Mutex::new(items));
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/repositories", get(list))
            .with_state(items.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("tool".into()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        })?;
        Ok(Self { address, items })
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it lists from now on.
    pub fn set(&self, items: Items) {
        *self.items.lock().unwrap_or_else(PoisonError::into_inner) = items;
    }
}

async fn list(State(items): State<Arc<Mutex<Items>>>, Query(query): Query<Cursor>) -> impl IntoResponse {
    let items = items.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let page = items.pages.get(&query.cursor.unwrap_or(0)).cloned();
    ([(header::CONTENT_TYPE, "application/json")], page.unwrap_or_default())
}
