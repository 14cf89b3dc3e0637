//! `/events`: the same changes as a stream of server-sent events, and passes and runs as they move.
//!
//! Changes are read from the log as fast as the client takes them, and nothing is held for it in between: a slow client loses
//! nothing. The format is that of <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use super::{
    App,
    changes::{Asked, ChangeEntry, position},
    problem::Problem,
    time,
};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::stream;
use seawall_domain::subscription::ChangeFilter;
use seawall_engine::{EngineError, Live};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};
use utoipa::IntoParams;

/// Connections that may wait for events at once, each of which costs a task and a socket.
const FOLLOWERS: usize = 512;
/// How often something is sent at least, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes read at once.
const PAGE: usize = 100;
/// Where nothing fits, the place is sent after so many changes, so that a client that comes back need not go through them again.
const FAR: i64 = 20_000;

/// Counts those who wait for events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followers(Arc<AtomicUsize>);

/// One of them, as long as it lives.
pub(crate) struct Follower(Followers);

impl Followers {
    pub(super) fn enter(&self) -> Result<Follower, Problem> {
        let follower = Follower(self.clone());
        if self.0.fetch_add(1, Ordering::Relaxed) < FOLLOWERS {
            return Ok(follower);
        }
        let detail =
            format!("{FOLLOWERS} connections wait for events already; ask `/changes` now and then, without `wait`");
        let title = "Too many follow";
        Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-followers",
            title,
            detail,
        ))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is followed. All but `after` may come several times, and one of the values must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters, as those of `/changes`")]
pub(crate) struct EventsParams {
    /// The position that is known already. The header `Last-Event-ID` goes before it; without both the stream begins with what
    /// comes next.
    after: Option<i64>,
    /// `change` (where absent), `pass`, `run`; also with commas between. Passes and runs are told as this process moves them, are
    /// not kept, and have no id.
    #[param(rename = "type")]
    types: Option<Vec<String>>,
    /// Only changes of this blueprint.
    blueprint: Option<Vec<String>>,
    /// Only `created`, `updated` or `deleted` ones.
    kind: Option<Vec<String>>,
    /// Only changes of the entity with this identifier.
    identifier: Option<String>,
    /// Of updates only those that change this field.
    field: Option<Vec<String>>,
    /// Only changes whose cause begins so.
    cause: Option<String>,
}

/// A stream of server-sent events. A change has its position as `id`, its kind as `event`, and as `data` what `/changes` answers.
#[utoipa::path(get, path = "/events", tag = "events", params(EventsParams),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 410, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn follow(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = Asked::read(query.as_deref(), &["type"])?;
    asked.check(&app.engine)?;
    let wanted = Wanted::read(&asked.types)?;
    let last = headers.get(HeaderName::from_static("last-event-id"));
    let last = last.map(|value| position("Last-Event-ID", &String::from_utf8_lossy(value.as_bytes())));
    let follower = app.followers.enter()?;
    // Before the position is read, so that nothing falls between.
    let live = (wanted.passes || wanted.runs).then(|| app.engine.live());
    let cursor = last
        .transpose()?
        .or(asked.after)
        .unwrap_or_else(|| app.engine.position());
    if wanted.changes {
        // A cursor that is of no use is a problem and no stream.
        app.engine.changes(&asked.filter, Some(cursor), 1).await?;
    }
    let following = Following {
        app,
        wanted,
        filter: asked.filter,
        cursor,
        told: cursor,
        ready: VecDeque::from([place(cursor)]),
        live,
        beat: Instant::now() + HEARTBEAT,
        over: false,
        _follower: follower,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    let mut response = Sse::new(events).into_response();
    // Proxies that gather answers before they pass them on (nginx) are asked not to.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

/// Which events.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    changes: bool,
    passes: bool,
    runs: bool,
}

impl Wanted {
    fn read(types: &[String]) -> Result<Self, Problem> {
        for name in types {
            if !["change", "pass", "run"].contains(&name.as_str()) {
                let found = seawall_domain::text::cut(name, 80);
                return Err(Problem::invalid(
                    "type",
                    format!("expected `change`, `pass` or `run`, found `{found}`"),
                ));
            }
        }
        let has = |name: &str| types.iter().any(|own| own == name);
        Ok(Self {
            changes: types.is_empty() || has("change"),
            passes: has("pass"),
            runs: has("run"),
        })
    }
}

/// One stream.
struct Following {
    app: App,
    wanted: Wanted,
    filter: ChangeFilter,
    /// The log was looked through up to here.
    cursor: i64,
    /// The place that the client knows.
    told: i64,
    ready: VecDeque<Event>,
    live: Option<Receiver<Live>>,
    /// When something has to be sent.
    beat: Instant,
    over: bool,
    _follower: Follower,
}

impl Following {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.beat = Instant::now() + HEARTBEAT;
                return Some(event);
            }
            if self.over || self.app.closing.is_cancelled() {
                return None;
            }
            if !self.wanted.changes || self.read().await {
                self.wait().await;
            }
        }
    }

    /// Reads what comes next of the log; true where there is nothing yet.
    async fn read(&mut self) -> bool {
        let feed = match self.app.engine.changes(&self.filter, Some(self.cursor), PAGE).await {
            Ok(feed) => feed,
            Err(error) => {
                self.over = true;
                self.ready.extend(ended(error));
                return false;
            }
        };
        let all_read = feed.next >= feed.position;
        self.cursor = feed.next;
        for change in feed.changes {
            self.told = change.position;
            let (id, kind) = (change.position, change.kind);
            let entry = ChangeEntry::from(change);
            let data = serde_json::to_value(&entry).unwrap_or_default();
            let name = serde_json::to_value(kind).unwrap_or_default();
            let event = named(name.as_str().unwrap_or("change"), &data);
            self.ready.push_back(event.id(id.to_string()));
        }
        if self.ready.is_empty() && self.cursor - self.told >= FAR {
            self.tell_place();
        }
        self.ready.is_empty() && all_read
    }

    /// Waits until there is something to read or to send.
    async fn wait(&mut self) {
        let Self {
            app,
            wanted,
            cursor,
            live,
            beat,
            ..
        } = self;
        let moved = async {
            match live {
                Some(live) => live.recv().await,
                None => pending().await,
            }
        };
        let changed = async {
            match wanted.changes {
                true => app.engine.moved_past(*cursor).await,
                false => pending().await,
            }
        };
        tokio::select! {
            () = app.closing.cancelled() => self.over = true,
            () = changed => {}
            moved = moved => match moved {
                Ok(live) => self.ready.extend(self.wanted.event(live)),
                // What was missed is at `/passes` and `/runs`.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => self.over = true,
            },
            () = sleep_until(*beat) => self.tell_place(),
        }
    }

    /// A comment, with the place where that is new.
    fn tell_place(&mut self) {
        let event = match self.cursor > self.told {
            true => place(self.cursor),
            false => Event::default().comment(""),
        };
        self.told = self.cursor;
        self.ready.push_back(event);
    }
}

/// An id without data: the client keeps it for its return, and hands on no event.
fn place(position: i64) -> Event {
    Event::default().id(position.to_string()).comment("")
}

fn named(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

impl Wanted {
    fn event(self, live: Live) -> Option<Event> {
        match live {
            Live::Pass(pass) if self.passes => Some(named(
                "pass",
                &json!({
                    "id": pass.id, "integration": pass.integration, "kind": pass.kind, "partition": pass.partition,
                    "state": pass.state, "error": pass.error, "at": time::show(pass.at),
                }),
            )),
            Live::Run(run) if self.runs => {
                let target = run
                    .target
                    .map(|(blueprint, identifier)| json!({"blueprint": blueprint, "identifier": identifier}));
                Some(named(
                    "run",
                    &json!({
                        "id": run.id, "integration": run.integration, "operation": run.operation, "target": target,
                        "state": run.state, "label": run.label, "at": time::show(run.at),
                    }),
                ))
            }
            _ => None,
        }
    }
}

/// Why a stream ends; a fault of the host is no reason for the client to begin anew.
fn ended(error: EngineError) -> Option<Event> {
    let is_gone = matches!(error, EngineError::Gone(_));
    let problem = Problem::from(error);
    let data = serde_json::to_value(&problem).unwrap_or_default();
    is_gone.then(|| named("gone", &data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_follow_at_once() {
        let followers = Followers::default();
        let mut all: Vec<_> = (0..FOLLOWERS).filter_map(|_| followers.enter().ok()).collect();
        assert_eq!(all.len(), FOLLOWERS);
        assert!(followers.enter().is_err());
        all.pop();
        assert!(followers.enter().is_ok());
        drop(all);
        assert_eq!(followers.count(), 0);
    }
}
