//! The sample platform: small servers on loopback that answer as real tools do, for one made-up company. They say in every
//! answer that they are a sample. Tokens are checked, too many requests are refused, and a flag can really be switched.

mod alertmanager;
mod alerts;
mod company;
mod directory;
mod files;
mod openbao;
mod prometheus;
mod shared;
mod unleash;

use axum::{
    Router,
    http::{HeaderName, StatusCode, header},
};
use serde_json::{Value, json};
use shared::{Guard, guarded};
use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the tools share.
struct World {
    /// When the sample began, seconds since 1970.
    started: i64,
    flags: Mutex<BTreeMap<String, unleash::Flag>>,
    alerts: Mutex<Vec<alerts::Alert>>,
}

impl World {
    /// A time, as tools write it.
    fn at(&self, seconds: i64) -> String {
        jiff::Timestamp::from_second(seconds)
            .unwrap_or_default()
            .strftime("%Y-%m-%dT%H:%M:%S.000Z")
            .to_string()
    }

    /// So many seconds before the sample began: the same on every call, so that nothing seems to change that does not.
    fn ago(&self, seconds: i64) -> String {
        self.at(self.started - seconds)
    }

    fn now(&self) -> String {
        self.at(jiff::Timestamp::now().as_second())
    }
}

/// The tools' tokens.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) prometheus: String,
    pub(super) unleash: String,
    pub(super) openbao: String,
}

/// Where the tools answer.
#[derive(Debug, Clone)]
pub(super) struct Platform {
    pub(super) tokens: Tokens,
    pub(super) prometheus: String,
    pub(super) alertmanager: String,
    pub(super) unleash: String,
    pub(super) openbao: String,
    pub(super) directory: String,
}

impl Platform {
    /// Starts all tools on free ports of loopback, and writes the checkout into `checkout`. They end with `stop`.
    pub(super) async fn start(tokens: &Tokens, checkout: &Path, stop: &CancellationToken) -> io::Result<Self> {
        files::write(checkout)?;
        let started = jiff::Timestamp::now().as_second();
        let world = Arc::new(World {
            started,
            flags: Mutex::new(unleash::flags()),
            alerts: Mutex::new(alerts::at_start(started)),
        });
        let bearer = || Some((header::AUTHORIZATION, format!("Bearer {}", tokens.prometheus)));
        let unauthorized = json!({"status": "error", "errorType": "unauthorized", "error": "a bearer token is needed"});
        let prometheus = Guard {
            token: bearer(),
            ..guard("Prometheus", StatusCode::UNAUTHORIZED, unauthorized.clone())
        };
        let alertmanager = Guard {
            token: bearer(),
            ..guard("Alertmanager", StatusCode::UNAUTHORIZED, unauthorized)
        };
        let refusal =
            json!({"id": "sample", "name": "AuthenticationRequired", "message": "You must log in to use Unleash."});
        let unleash = Guard {
            token: Some((header::AUTHORIZATION, tokens.unleash.clone())),
            ..guard("Unleash", StatusCode::UNAUTHORIZED, refusal)
        };
        let openbao = Guard {
            token: Some((HeaderName::from_static("x-vault-token"), tokens.openbao.clone())),
            ..guard(
                "OpenBao",
                StatusCode::FORBIDDEN,
                json!({"errors": ["permission denied"]}),
            )
        };
        let directory = Guard {
            rate: (30.0, 5.0),
            ..guard("Service directory", StatusCode::UNAUTHORIZED, Value::Null)
        };
        Ok(Self {
            tokens: tokens.clone(),
            prometheus: serve(guarded(prometheus::router(world.clone()), prometheus), stop).await?,
            alertmanager: serve(guarded(alertmanager::router(world.clone()), alertmanager), stop).await?,
            unleash: serve(guarded(unleash::router(world.clone()), unleash), stop).await?,
            openbao: serve(guarded(openbao::router(world), openbao), stop).await?,
            directory: serve(guarded(directory::router(), directory), stop).await?,
        })
    }
}

fn guard(tool: &'static str, status: StatusCode, body: Value) -> Guard {
    Guard {
        tool,
        token: None,
        refusal: (status, body),
        rate: (1_000.0, 200.0),
    }
}

/// Serves on a free port; answers the address.
async fn serve(router: Router, stop: &CancellationToken) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let stop = stop.clone().cancelled_owned();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
            tracing::error!("a tool of the sample platform ended: {error}");
        }
    });
    Ok(address)
}
