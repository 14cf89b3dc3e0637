//! A small tool: items in pages under `/items`, an echo, and answers that a test decides.

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How the tool answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With its items.
    Well,
    /// With this status, and Retry-After in seconds where given.
    Status(u16, Option<u64>),
    /// With this status and these headers.
    Headers(u16, Vec<(String, String)>),
    /// With something that is no JSON.
    Garbage,
    /// With half a body.
    Half,
    /// Never.
    Never,
}

struct Inner {
    items: Mutex<Vec<Value>>,
    answers: Mutex<Vec<Answer>>,
    partitions: Mutex<Result<Vec<String>, u16>>,
    seen: Mutex<Vec<(String, HeaderMap)>>,
    page: AtomicUsize,
    requests: AtomicUsize,
    delay: AtomicUsize,
    /// Whether pages have ETags; how many were answered whole, and how many as unchanged.
    tags: AtomicBool,
    whole: AtomicUsize,
    unchanged: AtomicUsize,
}

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Tool {
    inner: Arc<Inner>,
    address: String,
}

impl Tool {
    /// Starts one whose pages have `page` items.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start(page: usize) -> Self {
        let inner = Arc::new(Inner {
            items: Mutex::default(),
            answers: Mutex::default(),
            partitions: Mutex::new(Ok(Vec::new())),
            seen: Mutex::default(),
            page: AtomicUsize::new(page),
            requests: AtomicUsize::default(),
            delay: AtomicUsize::default(),
            tags: AtomicBool::default(),
            whole: AtomicUsize::default(),
            unchanged: AtomicUsize::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/items", get(items))
            .route("/partitions", get(partitions))
            .route("/echo", get(echo))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it lists from now on.
    pub fn set(&self, items: Vec<Value>) {
        *lock(&self.inner.items) = items;
    }

    /// What it lists.
    pub fn items(&self) -> Vec<Value> {
        lock(&self.inner.items).clone()
    }

    /// From now on its pages have ETags, and one that the asker has already is answered with 304.
    pub fn tag(&self) {
        self.inner.tags.store(true, Ordering::Relaxed);
    }

    /// How many pages it has answered whole, and how many with 304.
    pub fn answered(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (count(&self.inner.whole), count(&self.inner.unchanged))
    }

    /// `n` ordinary items.
    pub fn fill(&self, n: usize) {
        let item = |i: usize| {
            let parent = (i > 0).then(|| format!("item-{:05}", i / 2));
            json!({"id": format!("item-{i:05}"), "name": format!("Item {i}"), "size": i, "tier": if i.is_multiple_of(2) { "gold" } else { "silver" }, "parent": parent})
        };
        self.set((0..n).map(item).collect());
    }

    /// `n` items in each of these partitions, which it says it has from now on. An item says where it is: `in`.
    pub fn partition(&self, names: &[&str], n: usize) {
        let item = |name: &str, i: usize| json!({"id": format!("{name}-{i:03}"), "name": name, "size": i, "in": name});
        self.set(
            names
                .iter()
                .flat_map(|name| (0..n).map(move |i| item(name, i)))
                .collect(),
        );
        *lock(&self.inner.partitions) = Ok(names.iter().map(|name| (*name).to_owned()).collect());
    }

    /// Answers with this status from now on where it is asked for its partitions.
    pub fn hide_partitions(&self, status: u16) {
        *lock(&self.inner.partitions) = Err(status);
    }

    /// How it answers the next requests; afterwards well.
    pub fn answer(&self, answers: Vec<Answer>) {
        *lock(&self.inner.answers) = answers;
    }

    /// Waits so long before each answer.
    pub fn slow(&self, ms: usize) {
        self.inner.delay.store(ms, Ordering::Relaxed);
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Headers of the requests so far, by path.
    pub fn seen(&self) -> Vec<(String, HeaderMap)> {
        lock(&self.inner.seen).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn partitions(State(tool): State<Arc<Inner>>) -> Response {
    match &*lock(&tool.partitions) {
        Ok(names) => axum::Json(names).into_response(),
        Err(status) => StatusCode::from_u16(*status)
            .unwrap_or(StatusCode::IM_A_TEAPOT)
            .into_response(),
    }
}

#[derive(Deserialize)]
struct Wanted {
    cursor: Option<usize>,
    partition: Option<String>,
    tier: Option<String>,
}

async fn items(State(tool): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, Query(wanted): Query<Wanted>) -> Response {
    tool.requests.fetch_add(1, Ordering::Relaxed);
    lock(&tool.seen).push((uri.to_string(), headers.clone()));
    let delay = tool.delay.load(Ordering::Relaxed);
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay as u64)).await;
    }
    let next = {
        let mut answers = lock(&tool.answers);
        if answers.is_empty() {
            Answer::Well
        } else {
            answers.remove(0)
        }
    };
    match next {
        Answer::Well => {}
        Answer::Status(status, after) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            let after = after.map(|s| [("retry-after", s.to_string())]);
            return (status, after, "no").into_response();
        }
        Answer::Headers(status, headers) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            let pairs = headers.iter().filter_map(|(name, value)| {
                Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
            });
            return (status, pairs.collect::<HeaderMap>(), "no").into_response();
        }
        Answer::Garbage => return "<html>this is no JSON</html>".into_response(),
        Answer::Half => {
            let pieces = [Ok("{\"items\": ["), Err(std::io::Error::other("broken off"))];
            return Body::from_stream(futures::stream::iter(pieces)).into_response();
        }
        Answer::Never => return std::future::pending().await,
    }
    let (from, page) = (wanted.cursor.unwrap_or(0), tool.page.load(Ordering::Relaxed));
    let fits = |wanted: &Option<String>, found: &Value| wanted.is_none() || wanted.as_deref() == found.as_str();
    let mut all = lock(&tool.items).clone();
    all.retain(|item| fits(&wanted.partition, &item["in"]) && fits(&wanted.tier, &item["tier"]));
    let items: Vec<_> = all.iter().skip(from).take(page).cloned().collect();
    let next = (from + page < all.len()).then(|| (from + page).to_string());
    let page = json!({"items": items, "next": next}).to_string();
    let tag = HeaderValue::try_from(format!("\"{}\"", fingerprint(&page)));
    let Some(tag) = tag.ok().filter(|_| tool.tags.load(Ordering::Relaxed)) else {
        tool.whole.fetch_add(1, Ordering::Relaxed);
        return ([(header::CONTENT_TYPE, "application/json")], page).into_response();
    };
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        tool.unchanged.fetch_add(1, Ordering::Relaxed);
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    tool.whole.fetch_add(1, Ordering::Relaxed);
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json), (header::ETAG, tag)], page).into_response()
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Says back what it got: what a tool does that shows a credential to whoever asks.
async fn echo(headers: HeaderMap, uri: Uri) -> Response {
    let headers: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into()))
        .collect();
    axum::Json(json!({"uri": uri.to_string(), "headers": headers})).into_response()
}
