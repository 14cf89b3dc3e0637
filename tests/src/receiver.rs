//! A receiver of webhooks: keeps what comes, and answers as a test decides.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
    /// The status that it was answered with; none while it is held.
    pub status: Option<u16>,
}

impl Received {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Its body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The entity that it tells of.
    pub fn entity(&self) -> String {
        self.json()["data"]["identifier"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// An answer: a status and a header.
pub type Decided = (u16, Option<(&'static str, String)>);

struct Inner {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Decided>>,
    /// Messages of these entities are answered with 500.
    refused: Mutex<Vec<String>>,
    held: watch::Sender<bool>,
}

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Receiver {
    inner: Arc<Inner>,
    address: String,
}

impl Receiver {
    /// Starts one that takes everything.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            received: Mutex::default(),
            answers: Mutex::default(),
            refused: Mutex::default(),
            held: watch::Sender::new(false),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/hook", post(take)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    /// Where it takes messages.
    pub fn url(&self) -> &str {
        &self.address
    }

    /// All that came, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inner.received).clone()
    }

    /// The messages that it took with 2xx, in order.
    pub fn taken(&self) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|message| message.status.is_some_and(|status| status < 300));
        all
    }

    /// How it answers the next messages; afterwards well.
    pub fn answer(&self, answers: impl IntoIterator<Item = Decided>) {
        lock(&self.inner.answers).extend(answers);
    }

    /// Answers messages of these entities with 500 from now on.
    pub fn refuse(&self, entities: &[&str]) {
        *lock(&self.inner.refused) = entities.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Answers nobody until it is told otherwise.
    pub fn hold(&self, hold: bool) {
        self.inner.held.send_replace(hold);
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let message = Received {
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
    };
    let entity = message.entity();
    let at = {
        let mut received = lock(&inner.received);
        received.push(message);
        received.len() - 1
    };
    let mut held = inner.held.subscribe();
    if held.wait_for(|held| !*held).await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let decided = lock(&inner.answers).pop_front();
    let (status, header) = match decided {
        Some(decided) => decided,
        None if lock(&inner.refused).contains(&entity) => (500, None),
        None => (204, None),
    };
    lock(&inner.received)[at].status = Some(status);
    let mut response = StatusCode::from_u16(status).unwrap_or_default().into_response();
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
