//! `seawall catalog set|put|delete`.

use super::get;
use crate::cli::{
    Global,
    args::{self, Pair},
    client::{Body, Client},
    error::{CliError, Result},
    follow::style,
    output::{Column, at},
};
use indicatif::ProgressBar;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

/// Entities of one request, and about how many bytes they may have together.
const PIECE: usize = 500;
const PIECE_BYTES: usize = 4 << 20;

/// Who speaks.
#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// Under which name it is said: `people`, or a kind and a name such as `ci:deploy`
    #[arg(long, default_value = "people")]
    source: String,
    /// Who does it, for the history
    #[arg(long, env = "SEAWALL_BY")]
    by: Option<String>,
}

impl Who {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("source", self.source.clone())];
        query.extend(self.by.clone().map(|by| ("by", by)));
        query
    }
}

/// Creates an entity, or changes what people say of it. What integrations bring stays; where both say something, what people
/// say counts, unless the blueprint's `precedence` says otherwise
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog set service payments tier=gold stars=4 --relation owner=core
  seawall catalog set service payments tier=null            # takes the value back
  seawall catalog set service payments --title Payments --team core --source ci:deploy")]
pub(crate) struct Set {
    /// Its blueprint
    blueprint: String,
    /// Its identifier
    identifier: String,
    /// Properties; a value is JSON, or else a text
    #[arg(value_name = "PROPERTY=VALUE")]
    properties: Vec<Pair>,
    /// A relation and its target; several times for several targets
    #[arg(long, value_name = "RELATION=IDENTIFIER")]
    relation: Vec<Pair>,
    /// What people call it
    #[arg(long)]
    title: Option<String>,
    /// A team that owns it; several times for several teams
    #[arg(long)]
    team: Vec<String>,
    /// Create targets of relations that do not exist
    #[arg(long)]
    create_missing: bool,
    #[command(flatten)]
    who: Who,
}

impl Set {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let definition = client.get(&["blueprints", &self.blueprint]).await?;
        let mut relations = Map::new();
        for Pair { name, value } in &self.relation {
            let many = definition["relations"][name]["many"] == true;
            match relations.get_mut(name) {
                Some(Value::Array(all)) => all.push(value.clone().into()),
                Some(one) => *one = json!([one.take(), value]),
                None if value == "null" => drop(relations.insert(name.clone(), Value::Null)),
                None if many => drop(relations.insert(name.clone(), json!([value]))),
                None => drop(relations.insert(name.clone(), value.clone().into())),
            }
        }
        let mut entity = json!({"blueprint": self.blueprint, "identifier": self.identifier});
        if !self.properties.is_empty() {
            entity["properties"] = args::object(&self.properties, Some(&definition["schema"]));
            // `null` takes a value back, of a text too.
            for pair in self.properties.iter().filter(|pair| pair.value == "null") {
                entity["properties"][&pair.name] = Value::Null;
            }
        }
        if !relations.is_empty() {
            entity["relations"] = relations.into();
        }
        if let Some(title) = self.title {
            entity["title"] = title.into();
        }
        if !self.team.is_empty() {
            entity["team"] = self.team.into();
        }
        let body = json!({"entities": [entity], "merge": true, "createMissingRelatedEntities": self.create_missing});
        let answer = client
            .send(Method::POST, &["entities", "bulk"], &self.who.query(), Body::Json(body))
            .await?;
        let result = &answer["results"][0];
        if result["status"] == "rejected" {
            let faults: Vec<_> = faults(result)
                .iter()
                .map(|fault| format!("{}: {}", at(fault, "/pointer"), at(fault, "/reason")))
                .collect();
            return Err(CliError::Usage(faults.join("\n")));
        }
        if let Some(fields) = result["shadowed"].as_array().filter(|fields| !fields.is_empty()) {
            let fields: Vec<_> = fields.iter().filter_map(Value::as_str).collect();
            eprintln!(
                "not seen, since another source's word counts: {}. The blueprint's `precedence` decides",
                fields.join(", ")
            );
        }
        let path = ["blueprints", &self.blueprint, "entities", &self.identifier];
        let entity = client.get(&path).await?;
        global.output().one(&entity, get::people)
    }
}

/// Creates and replaces entities from a YAML or JSON file that holds one or a list of them, in Port's shape, and says what
/// became of each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog put services.yaml
  jq '.entities' export.json | seawall catalog put - --create-missing --source import:port

Exit code 1 where an entity is rejected; the others are stored.")]
pub(crate) struct Put {
    /// The file; `-` reads stdin
    file: PathBuf,
    /// Merge into what the source says already, instead of replacing that
    #[arg(long)]
    merge: bool,
    /// Create targets of relations that do not exist
    #[arg(long)]
    create_missing: bool,
    #[command(flatten)]
    who: Who,
}

const RESULTS: &[Column] = &[
    ("ENTITY", |v| {
        format!("{}/{}", at(v, "/blueprint"), at(v, "/identifier"))
    }),
    ("STATUS", |v| at(v, "/status")),
    ("WHERE", |v| at(v, "/pointer")),
    ("WHY", |v| at(v, "/reason")),
];

impl Put {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let document = args::data(&self.file)?;
        let all = match document.value().clone() {
            Value::Array(all) => all,
            one => vec![one],
        };
        let line = |at: usize| document.position(&format!("/{at}")).map(|position| position.line);
        let (entities, mut twice) = once(all, line);
        let bar =
            ProgressBar::new(entities.len() as u64).with_style(style("{pos} of {len} entities {bar:30} {per_sec}"));
        let mut results: Vec<Value> = Vec::new();
        for piece in pieces(&entities) {
            let body = json!({
                "entities": piece, "merge": self.merge, "createMissingRelatedEntities": self.create_missing
            });
            let mut answer = client
                .send(Method::POST, &["entities", "bulk"], &self.who.query(), Body::Json(body))
                .await?;
            if let Value::Array(more) = answer["results"].take() {
                results.extend(more);
            }
            bar.inc(piece.len() as u64);
        }
        bar.finish_and_clear();
        if !twice.is_empty() {
            let mut sent = std::mem::take(&mut results).into_iter();
            for at in 0..entities.len() + twice.len() {
                results.extend(twice.remove(&at).or_else(|| sent.next()));
            }
        }
        let rejected = results.iter().filter(|result| result["status"] == "rejected").count();
        let output = global.output();
        if output.is_table() {
            let count = |status: &str| results.iter().filter(|result| result["status"] == status).count();
            output.text(&format!(
                "{} created, {} updated, {} unchanged, {rejected} rejected",
                count("created"),
                count("updated"),
                count("unchanged")
            ))?;
            let wrong: Vec<_> = results
                .into_iter()
                .filter(|result| result["status"] == "rejected")
                .flat_map(|result| faults(&result))
                .collect();
            if !wrong.is_empty() {
                output.text(&crate::cli::output::table(&wrong, RESULTS))?;
            }
        } else {
            output.data(&json!({"results": results}))?;
        }
        if rejected > 0 { Err(CliError::Unwell) } else { Ok(()) }
    }
}

/// A row for each thing that is wrong with an entity.
fn faults(result: &Value) -> Vec<Value> {
    let row = |pointer: &Value, reason: &Value| {
        json!({"blueprint": result["blueprint"], "identifier": result["identifier"], "status": result["status"],
               "pointer": pointer, "reason": reason})
    };
    match result["errors"].as_array() {
        Some(all) => all.iter().map(|one| row(&one["pointer"], &one["detail"])).collect(),
        None => vec![row(&result["pointer"], &result["reason"])],
    }
}

/// The entities, each name once, and by place in the file the results of those whose name stands before them. The server refuses these
/// in one request; whether they are in one must not matter. `line` is that of a place.
fn once(all: Vec<Value>, line: impl Fn(usize) -> Option<u32>) -> (Vec<Value>, BTreeMap<usize, Value>) {
    let mut first: HashMap<(String, String), usize> = HashMap::new();
    let (mut kept, mut twice) = (Vec::new(), BTreeMap::new());
    let place = |at: usize| match line(at) {
        Some(line) => format!("entity {} (line {line})", at + 1),
        None => format!("entity {}", at + 1),
    };
    for (at, entity) in all.into_iter().enumerate() {
        let name = |field: &str| entity[field].as_str().map(str::to_owned);
        // What has no name is the server's to refuse.
        let name = name("blueprint").zip(name("identifier"));
        match name.as_ref().and_then(|name| first.get(name)) {
            Some(before) => {
                let reason = format!(
                    "{} of the file has the name of {}, which is the one that counts; name each entity once",
                    place(at),
                    place(*before)
                );
                let result = json!({
                    "blueprint": entity["blueprint"], "identifier": entity["identifier"], "status": "rejected",
                    "pointer": "/identifier", "reason": reason
                });
                twice.insert(at, result);
            }
            None => {
                first.extend(name.map(|name| (name, at)));
                kept.push(entity);
            }
        }
    }
    (kept, twice)
}

/// The entities in as many requests as they need.
fn pieces(mut entities: &[Value]) -> Vec<&[Value]> {
    let mut out = Vec::new();
    while !entities.is_empty() {
        let mut bytes = 0;
        let fitting = entities.iter().take(PIECE).take_while(|entity| {
            bytes += entity.to_string().len() + 1;
            bytes <= PIECE_BYTES
        });
        // One that is too large alone is the server's to refuse.
        let (piece, rest) = entities.split_at(fitting.count().max(1));
        out.push(piece);
        entities = rest;
    }
    out
}

/// Takes back what people, or another source of clients, say of an entity. It is gone when nobody else speaks of it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall catalog delete service payments\n  seawall catalog delete service payments --source ci:deploy"
)]
pub(crate) struct Delete {
    /// Its blueprint
    blueprint: String,
    /// Its identifier
    identifier: String,
    #[command(flatten)]
    who: Who,
}

impl Delete {
    pub(super) async fn run(self, global: &Global) -> Result {
        let path = ["blueprints", &self.blueprint, "entities", &self.identifier];
        let answer = Client::new(global)?
            .send(Method::DELETE, &path, &self.who.query(), Body::Nothing)
            .await?;
        global.output().one(&answer, |answer| {
            let name = format!("{}/{}", self.blueprint, self.identifier);
            if answer["deleted"] == true {
                format!("{name} is gone")
            } else {
                format!(
                    "what `{}` said of {name} is gone; it stays, since others speak of it: {}",
                    self.who.source,
                    at(answer, "/sources")
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_once_wherever_it_stands_in_the_file() {
        let of = |blueprint: &str, identifier: &str| json!({"blueprint": blueprint, "identifier": identifier});
        let mut all = vec![of("a", "x"), of("a", "x"), of("b", "x"), json!({}), json!({})];
        all.extend((0..PIECE).map(|i| of("c", &i.to_string())));
        all.push(of("a", "x"));
        let last = all.len() - 1;
        let (kept, twice) = once(all, |at| u32::try_from(at + 10).ok());
        assert_eq!(kept.len(), last - 1);
        let reason = |at: usize| twice[&at]["reason"].as_str().unwrap_or_default();
        assert_eq!(twice.len(), 2);
        assert!(
            reason(1).starts_with("entity 2 (line 11) of the file has the name of entity 1 (line 10)"),
            "{}",
            reason(1)
        );
        assert!(
            reason(last).contains("the name of entity 1 (line 10)"),
            "{}",
            reason(last)
        );
    }

    #[test]
    fn requests_are_bounded_by_their_number_and_their_size() {
        let sizes = |entities: &[Value]| pieces(entities).iter().map(|piece| piece.len()).collect::<Vec<_>>();
        let small = vec![json!({"identifier": "a"}); PIECE * 2 + 1];
        assert_eq!(sizes(&small), [PIECE, PIECE, 1]);
        let large = vec![json!({"identifier": "a".repeat(PIECE_BYTES / 3)}); 5];
        assert_eq!(sizes(&large), [2, 2, 1]);
        let huge = vec![json!({"identifier": "a".repeat(PIECE_BYTES * 2)}); 2];
        assert_eq!(sizes(&huge), [1, 1]);
        assert!(sizes(&[]).is_empty());
    }
}
