//! `/blueprints`.

use super::{
    App,
    extract::{Json, Path, Query},
    listing::Page,
    owned::Speaker,
    problem::Problem,
};
use axum::{Extension, Json as Answer, extract::State, http::StatusCode};
use seawall_domain::{
    Blueprint, BlueprintId,
    definition::blueprint::{ADDED, BOOKKEEPING, KEEP_FAULTS, OWN, PORT},
};
use seawall_engine::{EngineError, ModelChange, Recompute, Removal};
use seawall_store::BlueprintRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::IntoParams;

/// What is said of blueprints beside their definition.
struct Beside {
    counts: HashMap<BlueprintId, u64>,
    recomputes: BTreeMap<BlueprintId, Recompute>,
}

impl Beside {
    async fn of(app: &App) -> Result<Self, Problem> {
        Ok(Self {
            counts: app.engine.counts().into_iter().collect(),
            recomputes: app.engine.recomputes().await?,
        })
    }

    /// In Port's shape, with how many entities there are, whose it is, and what is still done for it.
    fn show(&self, blueprint: &Blueprint, source: &str) -> Result<Value, Problem> {
        let name = &blueprint.identifier;
        let mut value = json(blueprint)?;
        value["entities"] = self.counts.get(name).copied().unwrap_or(0).into();
        value["source"] = source.into();
        if let Some(recompute) = self.recomputes.get(name) {
            value["recompute"] = json(recompute)?;
        }
        Ok(value)
    }
}

fn json(value: &impl Serialize) -> Result<Value, Problem> {
    Ok(serde_json::to_value(value).map_err(|e| EngineError::Internal(e.to_string()))?)
}

/// All blueprints, with how many entities each has. While entities are still checked against one, merged or computed anew,
/// `recompute` says how far that is.
#[utoipa::path(get, path = "/blueprints", tag = "catalog", responses((status = 200, body = Page<Value>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Answer<Page<Value>>, Problem> {
    let beside = Beside::of(&app).await?;
    let rows = app.engine.blueprints().await?;
    let show = |row: BlueprintRow| beside.show(&row.blueprint, &row.source);
    Ok(Answer(Page {
        items: rows.into_iter().map(show).collect::<Result<_, _>>()?,
        next: None,
    }))
}

/// One blueprint, as the list shows it. `warnings` names what is probably a mistake in it, as the other blueprints are now.
#[utoipa::path(get, path = "/blueprints/{blueprint}", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier")),
    responses((status = 200, description = "The blueprint in Port's shape", body = Value), (status = 404, body = Problem)))]
pub(super) async fn get(State(app): State<App>, Path(blueprint): Path<String>) -> Result<Answer<Value>, Problem> {
    let rows = app.engine.blueprints().await?;
    let names: Vec<_> = rows.iter().map(|r| r.blueprint.identifier.to_string()).collect();
    let found = rows
        .into_iter()
        .find(|r| r.blueprint.identifier.as_str() == blueprint)
        .ok_or_else(|| {
            let near = seawall_domain::text::nearest(&blueprint, names.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            Problem::not_found(format!("blueprint `{blueprint}` does not exist{hint}"))
        })?;
    let shown = Beside::of(&app).await?.show(&found.blueprint, &found.source)?;
    Ok(Answer(with_warnings(shown, &app, &found.blueprint)))
}

/// Whether it is only looked at, and what may go with it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PutQuery {
    /// `true`: answers what it would do to the entities that are there, and changes nothing.
    dry_run: Option<bool>,
    /// `true`: what uses properties and relations that the blueprint no longer has is taken out of other blueprints, of its own
    /// computed properties, and of views. Without, it is refused where there is any.
    dependants: Option<bool>,
    /// Identifiers, with commas between, of blueprints that are about to be removed: what they use does not count.
    along: Option<String>,
}

/// What goes with it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveQuery {
    /// `true`: its entities go with it. Without, it is refused where there are any.
    entities: Option<bool>,
    /// `true`: what uses it is taken out of other blueprints and of views. Without, it is refused where there is any.
    dependants: Option<bool>,
    /// Identifiers, with commas between, of blueprints that are about to be removed too: what they use does not count.
    along: Option<String>,
    /// `true`: also where mappings of integrations give entities of it, all of which are rejected from then on.
    force: Option<bool>,
}

fn change(speaker: Speaker, dependants: Option<bool>, along: Option<&str>) -> Result<ModelChange, Problem> {
    let names = along.unwrap_or_default().split(',').filter(|name| !name.is_empty());
    let along: Result<BTreeSet<BlueprintId>, _> = names.map(str::parse).collect();
    Ok(ModelChange {
        dependants: dependants.unwrap_or(false),
        along: along.map_err(|e: seawall_domain::BadId| Problem::invalid("along", e.to_string()))?,
        source: speaker.source,
        overrides: speaker.overrides,
        keep_faults: false,
    })
}

/// Removes a blueprint. It is refused where others use it, where mappings give entities of it, and where it has entities.
#[utoipa::path(delete, path = "/blueprints/{blueprint}", tag = "catalog", params(("blueprint" = String, Path, description = "Its identifier"), RemoveQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(app): State<App>,
    Path(name): Path<BlueprintId>,
    Query(query): Query<RemoveQuery>,
    Extension(speaker): Extension<Speaker>,
) -> Result<StatusCode, Problem> {
    let removal = Removal {
        model: change(speaker, query.dependants, query.along.as_deref())?,
        entities: query.entities.unwrap_or(false),
        force: query.force.unwrap_or(false),
    };
    app.engine.remove_blueprint(&name, &removal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates or replaces a blueprint, in Port's shape. The answer shows it with its `effect`: how many entities lose values or are
/// set aside, which fields, and what goes with it. That is done in the background: `recompute` says how far it is. What is wrong with
/// what it computes is refused, unless `keepFaults` is true: then the rest of it works. What is probably a mistake, and can be put all
/// the same, is told under `warnings`, each with its pointer.
#[utoipa::path(put, path = "/blueprints/{blueprint}", tag = "catalog", request_body = Value, params(("blueprint" = String, Path, description = "Its identifier"), PutQuery),
    responses((status = 200, description = "It was changed, or only looked at", body = Value), (status = 201, description = "It is new", body = Value),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<BlueprintId>,
    Query(query): Query<PutQuery>,
    Extension(speaker): Extension<Speaker>,
    Json(mut blueprint): Json<Blueprint>,
) -> Result<(StatusCode, Answer<Value>), Problem> {
    // What a GET adds may come back with it.
    blueprint.other.retain(|field, _| !ADDED.contains(&field.as_str()));
    let keeps_faults = blueprint.other.remove(KEEP_FAULTS).is_some_and(|keeps| keeps == true);
    let known = OWN.iter().chain(&PORT).chain(&BOOKKEEPING).copied();
    if let Some(field) = blueprint
        .other
        .keys()
        .find(|field| !known.clone().any(|known| known == *field))
    {
        let hint = match seawall_domain::text::nearest(field, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
        };
        return Err(Problem::invalid(
            format!("/{field}"),
            format!("a blueprint has no field `{field}`; {hint}"),
        ));
    }
    if blueprint.identifier != name {
        let detail = format!(
            "the address says `{name}`, the body `{}`; make them the same",
            blueprint.identifier
        );
        return Err(Problem::from(EngineError::Invalid(vec![seawall_engine::Problem::at(
            "/identifier",
            detail,
        )])));
    }
    let source = speaker.source.clone();
    let how = ModelChange {
        keep_faults: keeps_faults,
        ..change(speaker, query.dependants, query.along.as_deref())?
    };
    if query.dry_run == Some(true) {
        let effect = app.engine.preview_blueprint(&blueprint, &how).await?;
        return Ok((StatusCode::OK, Answer(with_warnings(json(&effect)?, &app, &blueprint))));
    }
    let source = source.as_deref().unwrap_or("api");
    let put = app.engine.change_blueprint(&blueprint, source, &how).await?;
    let mut shown = Beside::of(&app).await?.show(&put.blueprint, source)?;
    shown["effect"] = json(&put.effect)?;
    let status = if put.effect.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Answer(with_warnings(shown, &app, &put.blueprint))))
}

/// Adds what is probably a mistake; nothing, where nothing is.
fn with_warnings(mut answer: Value, app: &App, blueprint: &Blueprint) -> Value {
    let warnings = app.engine.blueprint_warnings(blueprint).unwrap_or_default();
    if !warnings.is_empty() {
        let each = warnings
            .into_iter()
            .map(|warning| json!({"pointer": warning.pointer, "detail": warning.detail}));
        answer["warnings"] = each.collect();
    }
    answer
}
