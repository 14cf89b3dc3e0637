//! A tool that lets in whom a test says, over plain HTTP or TLS, and remembers who came.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use http_body_util::BodyExt;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::json;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

type Judge = dyn Fn(&HeaderMap) -> bool + Send + Sync;

/// What came behind the headers of a request.
#[derive(Debug, Clone)]
pub struct Behind {
    /// `HTTP/2.0`.
    pub version: String,
    /// The body.
    pub body: String,
    /// Headers that came behind it.
    pub trailers: Option<HeaderMap>,
}

struct Inner {
    judge: Box<Judge>,
    bodies: Mutex<Vec<Behind>>,
    seen: Mutex<Vec<String>>,
    refused: Mutex<usize>,
    shows: AtomicBool,
}

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Guarded {
    inner: Arc<Inner>,
    address: String,
}

impl Guarded {
    /// Lets in those of whose headers `judge` says so; the others get 401.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start(
        tls: Option<Arc<ServerConfig>>,
        judge: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let inner = Arc::new(Inner {
            judge: Box::new(judge),
            bodies: Mutex::default(),
            seen: Mutex::default(),
            refused: Mutex::default(),
            shows: AtomicBool::default(),
        });
        let router = Router::new().fallback(any(answer)).with_state(inner.clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let acceptor = tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (router, acceptor) = (router.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let service = TowerToHyperService::new(router);
                    let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                    // A client that breaks off, or is not let in, is what some tests are about.
                    match acceptor {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                drop(server.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                });
            }
        });
        Self {
            inner,
            address: format!("{scheme}://127.0.0.1:{port}"),
        }
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The `Authorization` headers of those that it let in, in order, each once.
    pub fn seen(&self) -> Vec<String> {
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came behind the headers of those that it let in, in order.
    pub fn bodies(&self) -> Vec<Behind> {
        self.inner.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it shows everybody the `Authorization` headers of those who came before.
    pub fn show_who_came(&self) {
        self.inner.shows.store(true, Ordering::Relaxed);
    }

    /// How many it did not let in.
    pub fn refused(&self) -> usize {
        *self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(tool): State<Arc<Inner>>, request: Request) -> Response {
    let version = format!("{:?}", request.version());
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    if !(tool.judge)(headers) {
        *tool.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    let who = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if let Ok(body) = body.collect().await {
        let trailers = body.trailers().cloned();
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let mut bodies = tool.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.push(Behind {
            version,
            body,
            trailers,
        });
    }
    let mut seen = tool.seen.lock().unwrap_or_else(PoisonError::into_inner);
    if !who.is_empty() && !seen.iter().any(|known| known == who) {
        seen.push(who.to_owned());
    }
    let note = tool.shows.load(Ordering::Relaxed).then(|| seen.join(", "));
    let one = json!({"id": "one", "name": "One", "size": 1, "tier": "gold", "parent": null, "note": note});
    axum::Json(json!({"items": [one], "next": null})).into_response()
}
