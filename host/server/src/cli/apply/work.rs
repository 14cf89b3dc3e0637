//! Doing what a plan says, one step after another; what fails is said, and the rest goes on.

use crate::cli::{
    blueprint::warn,
    client::{Body, Client},
    error::{CliError, Result},
    follow::style,
};
use indicatif::ProgressBar;
use reqwest::Method;
use seawall_domain::definition::{Change, Definition, Kind, State, Step, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most entities that go in one request, and the most bytes.
const MOST: usize = 1_000;
const MOST_BYTES: usize = 1 << 20;

/// What did not work.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) why: String,
}

/// What steps are done with.
pub(crate) struct Work<'a> {
    pub(crate) client: &'a Client,
    pub(crate) source: &'a str,
    pub(crate) wanted: &'a BTreeMap<(Kind, String), Definition>,
    pub(crate) state: &'a State,
    pub(crate) reason: Option<&'a str>,
}

impl Work<'_> {
    /// Does all steps that change something or claim it.
    ///
    /// # Errors
    /// Where the server is gone, or does not take the token; everything else is among the failures.
    pub(crate) async fn all(&self, steps: &[Step]) -> Result<Vec<Failure>> {
        let claims = |step: &Step| step.change == Change::Unchanged { claim: true };
        let todo: Vec<&Step> = steps.iter().filter(|step| step.changes() || claims(step)).collect();
        let bar = ProgressBar::new(todo.len() as u64).with_style(style("{bar:30} {pos}/{len} {msg}"));
        let mut failures = Vec::new();
        let mut batch: Batch = Batch::default();
        let leaving: Vec<&str> = steps
            .iter()
            .filter(|step| step.kind == Kind::Blueprint && step.change == Change::Delete)
            .map(|step| step.name.as_str())
            .collect();
        let mut used = Vec::new();
        let blueprints = todo
            .iter()
            .filter(|step| step.kind == Kind::Blueprint && step.change != Change::Delete);
        let blueprints: Vec<&Step> = blueprints.filter(|step| step.changes()).copied().collect();
        for step in todo {
            if !puts_blueprint(step) {
                self.again(std::mem::take(&mut used), &leaving, &mut failures).await?;
            }
            bar.set_message(format!(
                "{} {}",
                step.kind.word(),
                seawall_domain::text::cut(&step.name, 40)
            ));
            if step.kind == Kind::Entity && step.change != Change::Delete {
                let Some(definition) = self.wanted.get(&(step.kind, step.name.clone())) else {
                    continue;
                };
                if batch.is_full(&definition.value) {
                    bar.inc(batch.steps.len() as u64);
                    self.send(&mut batch, &mut failures).await?;
                }
                batch.add(step, &definition.value);
                continue;
            }
            bar.inc(batch.steps.len() as u64);
            self.send(&mut batch, &mut failures).await?;
            bar.inc(1);
            match self.one(step, &leaving).await {
                // What still uses that which it loses may be put behind it.
                Err(error) if puts_blueprint(step) && error.is_conflict() => used.push(step),
                done => failed(step, done, &mut failures)?,
            }
        }
        self.again(used, &leaving, &mut failures).await?;
        self.send(&mut batch, &mut failures).await?;
        bar.finish_and_clear();
        // Only now: what one leads to may have come behind it.
        for step in blueprints {
            if let Ok(blueprint) = self.client.get(&["blueprints", &step.name]).await {
                warn(&step.name, &blueprint);
            }
        }
        Ok(failures)
    }

    /// Puts blueprints once more that were refused since others used what they lose, as long as that helps.
    async fn again(&self, mut used: Vec<&Step>, leaving: &[&str], failures: &mut Vec<Failure>) -> Result {
        while !used.is_empty() {
            let before = used.len();
            let mut refused = Vec::new();
            for step in used {
                match self.one(step, leaving).await {
                    Err(error) if error.is_conflict() => refused.push((step, error)),
                    done => failed(step, done, failures)?,
                }
            }
            used = refused.iter().map(|(step, _)| *step).collect();
            if used.len() == before {
                for (step, error) in refused {
                    failed(step, Err(error), failures)?;
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Who speaks, as parameters of a request.
    fn speaker(&self, step: &Step) -> Vec<(&'static str, String)> {
        let mut query = vec![("source", self.source.to_owned())];
        if !step.file.is_empty() {
            query.push(("file", step.file.clone()));
        }
        if let Some(digest) = self.digest(step) {
            query.push(("digest", digest));
        }
        query
    }

    fn digest(&self, step: &Step) -> Option<String> {
        let key = (step.kind, step.name.clone());
        let value = self
            .state
            .compared
            .get(&key)
            .or_else(|| self.wanted.get(&key).map(|wanted| &wanted.value))?;
        Some(digest(value))
    }

    /// Does one step. What blueprints use that are `leaving` counts for nothing.
    async fn one(&self, step: &Step, leaving: &[&str]) -> Result {
        let name = step.name.as_str();
        let mut query = self.speaker(step);
        let along: Vec<&str> = leaving.iter().filter(|other| **other != name).copied().collect();
        if step.kind == Kind::Blueprint && !along.is_empty() && !matches!(step.change, Change::Unchanged { .. }) {
            query.push(("along", along.join(",")));
        }
        let key = (step.kind, step.name.clone());
        let said = self
            .state
            .now
            .get(&key)
            .or_else(|| self.wanted.get(&key).map(|wanted| &wanted.value));
        let field = |field: &str| said.and_then(|said| said[field].as_str()).unwrap_or_default();
        let path: Vec<&str> = match step.kind {
            Kind::Policy => vec!["policy"],
            Kind::Settings => vec!["settings"],
            Kind::View => vec!["views", name],
            Kind::Subscription => vec!["subscriptions", name],
            Kind::Blueprint => vec!["blueprints", name],
            Kind::Credential => vec!["credentials", name],
            Kind::Grant => vec!["plugins", name, "grant"],
            Kind::Integration => vec!["integrations", name],
            Kind::Entity => vec!["blueprints", field("blueprint"), "entities", field("identifier")],
            kind => vec!["definitions", kind.name(), name],
        };
        if step.change == Change::Delete {
            if step.kind == Kind::Entity {
                query.retain(|(parameter, _)| *parameter == "source");
                query.extend(self.client.by().map(|by| ("by", by.to_owned())));
            }
            let gone = self.client.send(Method::DELETE, &path, &query, Body::Nothing).await;
            return match gone {
                // Somebody was faster.
                Err(error) if error.is_not_found() => Ok(()),
                other => other.map(drop),
            };
        }
        if matches!(step.change, Change::Unchanged { .. }) {
            let said: serde_json::Map<String, Value> = query
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            let path = ["definition-owners", step.kind.name(), name];
            return self.client.put(&path, Value::Object(said)).await.map(drop);
        }
        let Some(definition) = self.wanted.get(&(step.kind, step.name.clone())) else {
            return Ok(());
        };
        let by = || self.client.by().map(str::to_owned);
        let mut body = definition.value.clone();
        match step.kind {
            Kind::Credential => {
                body = json!({"source": body["source"], "exchange": body["exchange"]});
            }
            Kind::Grant => {
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("plugin");
                    fields.extend(by().map(|by| ("by".to_owned(), by.into())));
                    if !fields.contains_key("reason") {
                        fields.extend(self.reason.map(|reason| ("reason".to_owned(), reason.into())));
                    }
                }
            }
            Kind::View => without(&mut body, &["name"]),
            Kind::Subscription => {
                // Those that it has are kept; a document can only take them away.
                let none = body["headers"].as_array().is_some_and(Vec::is_empty);
                without(&mut body, &["name", "headers"]);
                if none {
                    body["headers"] = json!({});
                }
            }
            _ => {}
        }
        query.extend(
            self.reason
                .filter(|_| step.kind != Kind::Grant)
                .map(|reason| ("reason", reason.to_owned())),
        );
        let put = self.client.send(Method::PUT, &path, &query, Body::Json(body)).await;
        put.map(drop)
    }

    /// Sends the entities that have gathered.
    async fn send(&self, batch: &mut Batch, failures: &mut Vec<Failure>) -> Result {
        if batch.steps.is_empty() {
            return Ok(());
        }
        let Batch { steps, bodies, .. } = std::mem::take(batch);
        let body = json!({"entities": bodies, "createMissingRelatedEntities": true, "merge": false});
        let mut query = vec![("source", self.source.to_owned())];
        query.extend(self.client.by().map(|by| ("by", by.to_owned())));
        let sent = self
            .client
            .send(Method::POST, &["entities", "bulk"], &query, Body::Json(body))
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                let why = error.to_string();
                let first = steps.first().map(|step| failed(step, Err(error), failures));
                first.transpose()?;
                failures.extend(steps.iter().skip(1).map(|step| failure(step, why.clone())));
                return Ok(());
            }
        };
        let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
        for (step, result) in steps.iter().zip(results) {
            if result["status"] == "rejected" {
                failures.push(failure(step, reasons(result)));
            }
        }
        if results.len() < steps.len() {
            let missing = &steps[results.len()..];
            failures.extend(
                missing
                    .iter()
                    .map(|step| failure(step, "the server did not say what became of it".into())),
            );
        }
        Ok(())
    }
}

/// Takes fields off that the address says, or no document.
fn without(body: &mut Value, fields: &[&str]) {
    if let Some(body) = body.as_object_mut() {
        body.retain(|field, _| !fields.contains(&field.as_str()));
    }
}

/// All that is wrong with an entity, in one line.
fn reasons(result: &Value) -> String {
    let errors = result["errors"].as_array().into_iter().flatten();
    let each = errors.filter_map(|error| {
        let detail = error["detail"].as_str()?;
        match error["pointer"].as_str() {
            None | Some("") => Some(detail.to_owned()),
            Some(pointer) => Some(format!("{pointer}: {detail}")),
        }
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() {
        "the server gave no reason".to_owned()
    } else {
        each.join("; ")
    }
}

/// Entities that go in one request.
#[derive(Default)]
struct Batch {
    steps: Vec<Step>,
    bodies: Vec<Value>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self, next: &Value) -> bool {
        let full = self.steps.len() >= MOST || self.bytes + next.to_string().len() > MOST_BYTES;
        full && !self.steps.is_empty()
    }

    fn add(&mut self, step: &Step, value: &Value) {
        self.bytes += value.to_string().len() + 1;
        self.steps.push(step.clone());
        self.bodies.push(value.clone());
    }
}

fn puts_blueprint(step: &Step) -> bool {
    step.kind == Kind::Blueprint && step.change != Change::Delete
}

fn failure(step: &Step, why: String) -> Failure {
    Failure {
        kind: step.kind,
        name: step.name.clone(),
        file: step.file.clone(),
        line: step.line,
        why,
    }
}

/// Notes what failed. A server that is gone, or does not take the token, ends everything.
fn failed(step: &Step, done: Result, failures: &mut Vec<Failure>) -> Result {
    match done {
        Ok(()) => Ok(()),
        Err(CliError::Refused(problem)) if problem.status != 401 => {
            let hint = problem
                .hint
                .as_ref()
                .map(|hint| format!("; {hint}"))
                .unwrap_or_default();
            failures.push(failure(step, format!("{}{hint}", problem.detail)));
            Ok(())
        }
        Err(error) => Err(error),
    }
}
