//! `/changes`: what happened to entities, from a cursor on.

use super::{App, listing, problem::Problem, time};
use axum::{
    Json,
    extract::{RawQuery, State},
};
use seawall_domain::{
    BlueprintId,
    cause::Cause,
    subscription::{ChangeFilter, Kind},
};
use seawall_engine::Engine;
use seawall_store::{ChangeKind, ChangeRow};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{str::FromStr, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// What is asked for. All but `after`, `limit` and `wait` may come several times, and one of the values must hold.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; `Asked` reads them, since serde's query reader takes no repeats"
)]
pub(crate) struct ChangesParams {
    /// The position that is known already: `next` of the answer before, or `position` of a list. Where absent, from the oldest that is
    /// kept.
    after: Option<i64>,
    /// Only of this blueprint.
    blueprint: Option<Vec<String>>,
    /// Only `created`, `updated` or `deleted` ones.
    kind: Option<Vec<String>>,
    /// Only of the entity with this identifier.
    identifier: Option<String>,
    /// Of updates only those that change this field: a property, `relations.NAME`, `$title`, `$icon` or `$team`.
    field: Option<Vec<String>>,
    /// Only those whose cause begins so, such as `write:people` or `pass:12`.
    cause: Option<String>,
    /// 1 to 1,000; 50 where absent.
    limit: Option<usize>,
    /// Seconds, up to 60: waits for a change where there is none yet.
    wait: Option<u64>,
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeEntry {
    /// Rises with each change in the catalog; a cursor.
    position: i64,
    /// `created`, `updated` or `deleted`.
    #[schema(value_type = String)]
    kind: ChangeKind,
    /// The entity's blueprint.
    blueprint: String,
    /// The entity's identifier.
    identifier: String,
    /// `{"properties.tier": [old, new]}`: what an update changed, and all that a removed entity had.
    #[schema(value_type = Object)]
    diff: Map<String, Value>,
    /// What did it: `pass:12`, `run:…`, `delivery:7`, `write:people:jane`.
    cause: String,
    /// Whose pass, run, delivery or mapping it was.
    integration: Option<String>,
    /// Who did it, where anybody said so.
    by: Option<String>,
    /// When.
    at: String,
}

impl From<ChangeRow> for ChangeEntry {
    fn from(row: ChangeRow) -> Self {
        let cause = Cause::read(&row.cause);
        Self {
            position: row.position,
            kind: row.kind,
            blueprint: row.blueprint,
            identifier: row.identifier,
            diff: row.diff,
            by: cause.by.map(str::to_owned),
            integration: cause.integration.map(str::to_owned),
            cause: cause.what.to_owned(),
            at: time::show(row.at),
        }
    }
}

/// A piece of the change log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// In the order in which they happened.
    items: Vec<ChangeEntry>,
    /// `after` of the next question; where items are few, all up to here was looked at.
    next: i64,
    /// The newest change position.
    position: i64,
}

/// What happened to entities, oldest first. No change is skipped; where the log no longer reaches back to `after` the answer is 410.
#[utoipa::path(get, path = "/changes", tag = "events", params(ChangesParams),
    responses((status = 200, body = Changes), (status = 410, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Changes>, Problem> {
    let asked = Asked::read(query.as_deref(), &["limit", "wait"])?;
    asked.check(&app.engine)?;
    let limit = listing::limit(asked.limit)?;
    let ready = app.engine.changes(&asked.filter, asked.after, limit);
    let feed = if asked.wait.is_zero() {
        ready.await?
    } else {
        let _one = app.followers.enter()?;
        tokio::select! {
            feed = app.engine.changes_within(&asked.filter, asked.after, limit, asked.wait) => feed?,
            () = app.closing.cancelled() => ready.await?,
        }
    };
    Ok(Json(Changes {
        items: feed.changes.into_iter().map(ChangeEntry::from).collect(),
        next: feed.next,
        position: feed.position,
    }))
}

/// What `/changes` and `/events` are asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) filter: ChangeFilter,
    pub(super) after: Option<i64>,
    pub(super) types: Vec<String>,
    limit: Option<usize>,
    wait: Duration,
}

const SHARED: [&str; 6] = ["after", "blueprint", "kind", "identifier", "field", "cause"];
/// The longest wait, in seconds: proxies cut what is silent for longer.
const LONGEST: u64 = 60;

impl Asked {
    /// Reads a query; `own` are the parameters of this resource alone.
    pub(super) fn read(query: Option<&str>, own: &[&str]) -> Result<Self, Problem> {
        let mut asked = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !SHARED.iter().chain(own).any(|known| *known == name) {
                return Err(unknown(&name, own));
            }
            match &*name {
                "after" => asked.after = Some(position("after", &value)?),
                "blueprint" => {
                    let blueprint =
                        BlueprintId::new(&value).map_err(|e| Problem::invalid("blueprint", e.to_string()))?;
                    asked.filter.blueprints.push(blueprint);
                }
                "kind" => {
                    for kind in value.split(',') {
                        let kind = Kind::from_str(kind.trim()).map_err(|e| Problem::invalid("kind", e))?;
                        asked.filter.kinds.push(kind);
                    }
                }
                "identifier" => asked.filter.identifier = Some(value.into_owned()),
                "field" => asked.filter.fields.push(value.into_owned()),
                "cause" => asked.filter.cause = Some(value.into_owned()),
                "type" => asked.types.extend(value.split(',').map(|name| name.trim().to_owned())),
                "limit" => asked.limit = Some(number("limit", &value)?),
                _ => {
                    let seconds = number("wait", &value)?;
                    if seconds > LONGEST {
                        return Err(Problem::invalid(
                            "wait",
                            format!("expected 0 to {LONGEST} seconds, found {seconds}"),
                        ));
                    }
                    asked.wait = Duration::from_secs(seconds);
                }
            }
        }
        Ok(asked)
    }

    /// Checks that there are such blueprints, and that one of them has each field. Without blueprints, a field may be of one that is gone.
    pub(super) fn check(&self, engine: &Engine) -> Result<(), Problem> {
        let ChangeFilter { blueprints, fields, .. } = &self.filter;
        engine.check_blueprints(blueprints, "blueprint")?;
        if !blueprints.is_empty() {
            for field in fields {
                engine.field(field, blueprints, "field")?;
            }
        }
        Ok(())
    }
}

/// A position in a parameter or a header.
pub(super) fn position(name: &str, text: &str) -> Result<i64, Problem> {
    let number = text.trim().parse().ok().filter(|n: &i64| *n >= 0);
    let found = seawall_domain::text::cut(text, 80);
    number.ok_or_else(|| Problem::invalid(name, format!("expected a position, a number from 0, found `{found}`")))
}

fn number<T: FromStr>(name: &str, text: &str) -> Result<T, Problem> {
    let found = seawall_domain::text::cut(text, 80);
    text.parse()
        .map_err(|_| Problem::invalid(name, format!("expected a number, found `{found}`")))
}

fn unknown(name: &str, own: &[&str]) -> Problem {
    let known: Vec<&str> = SHARED.iter().chain(own).copied().collect();
    let hint = seawall_domain::text::nearest(name, known.iter().copied()).map_or_else(
        || format!("there are: {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    let name = seawall_domain::text::cut(name, 80);
    Problem::invalid(name.clone(), format!("there is no parameter `{name}`; {hint}"))
}
