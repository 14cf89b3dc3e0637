//! How things stand on the server, in the form in which definitions are compared.

use crate::cli::{
    client::Client,
    error::{CliError, Result},
    output::items,
};
use seawall_domain::{
    definition::{
        Definition, GrantDefinition, Kind, LOCKED, Owner, State, blueprint, canonical, granted, of_grant, pointed,
    },
    grant::Grant,
    import::{Note, Severity},
    manifest::Capabilities,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a plugin asks, and what it was granted.
pub(crate) struct Granted {
    pub(crate) asked: Capabilities,
    pub(crate) grant: Option<Grant>,
}

/// Reads all that is needed to compare `wanted`, and what `source` made before.
pub(crate) async fn read(client: &Client, wanted: &[Definition], source: &str) -> Result<State> {
    let mut state = State {
        locked: client.get(&["settings", LOCKED]).await?["value"] != false,
        ..State::default()
    };
    for owner in items(&client.all(&["definition-owners"], &[]).await?) {
        let owner: Owner = parsed(owner)?;
        state.owners.insert((owner.kind, owner.name.clone()), owner);
    }
    let owned = state.owners.values().filter(|owner| owner.source == source);
    let names: BTreeSet<(Kind, String)> = owned
        .map(|owner| (owner.kind, owner.name.clone()))
        .chain(wanted.iter().map(Definition::key))
        .collect();
    let has = |kind: Kind| names.iter().any(|(of, _)| *of == kind);
    // Entities need them too: they say what relations point to.
    if has(Kind::Blueprint) || has(Kind::Entity) {
        now(&mut state, Kind::Blueprint, blueprints(client).await?);
    }
    if has(Kind::Credential) {
        now(&mut state, Kind::Credential, credentials(client).await?);
    }
    if has(Kind::Policy) {
        now(
            &mut state,
            Kind::Policy,
            vec![("policy".to_owned(), policy(client).await?)],
        );
    }
    if has(Kind::Settings) {
        now(&mut state, Kind::Settings, vec![settings(client).await?]);
    }
    if has(Kind::View) {
        now(&mut state, Kind::View, views(client).await?);
    }
    if has(Kind::Subscription) {
        now(&mut state, Kind::Subscription, subscriptions(client).await?);
        sealed_headers(&mut state, wanted);
    }
    if names.iter().any(|(kind, _)| kind.is_kept()) {
        kept(client, &mut state).await?;
    }
    for (kind, name) in &names {
        match kind {
            Kind::Integration => {
                if let Some(value) = integration(client, name).await? {
                    now(&mut state, Kind::Integration, vec![(name.clone(), value)]);
                }
            }
            Kind::Grant => {
                let document = wanted.iter().find(|one| one.kind == Kind::Grant && one.name == *name);
                grant(client, &mut state, name, document).await?;
            }
            _ => {}
        }
    }
    now(&mut state, Kind::Entity, entities(client, source).await?);
    Ok(state)
}

fn now(state: &mut State, kind: Kind, all: impl IntoIterator<Item = (String, Value)>) {
    state
        .now
        .extend(all.into_iter().map(|(name, value)| ((kind, name), value)));
}

pub(crate) fn parsed<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    serde_json::from_value(value.clone()).map_err(|error| {
        CliError::Failed(format!(
            "the server answered something unknown: {error}; is it of this version?"
        ))
    })
}

/// All blueprints by identifier.
pub(crate) async fn blueprints(client: &Client) -> Result<Vec<(String, Value)>> {
    let all = client.all(&["blueprints"], &[]).await?;
    let read = items(&all).iter().map(|value| {
        let name = value["identifier"].as_str().unwrap_or_default().to_owned();
        // One that an older version let in may be none today; then it differs from every other.
        let value = blueprint::read(value).value.unwrap_or_else(|_| value.clone());
        (name, value)
    });
    Ok(read.collect())
}

/// All credentials by name, without secrets.
pub(crate) async fn credentials(client: &Client) -> Result<Vec<(String, Value)>> {
    let all = client.all(&["credentials"], &[]).await?;
    items(&all)
        .iter()
        .map(|value| {
            let mut document = json!({"name": value["name"], "source": value["source"]});
            if !value["exchange"].is_null() {
                document["exchange"] = value["exchange"].clone();
            }
            again(Kind::Credential, &document)
        })
        .collect()
}

/// The policy in force.
pub(crate) async fn policy(client: &Client) -> Result<Value> {
    let answer = client.get(&["policy"]).await?;
    Ok(again(Kind::Policy, &answer["policy"])?.1)
}

/// What holds for the whole server.
pub(crate) async fn settings(client: &Client) -> Result<(String, Value)> {
    again(Kind::Settings, &client.get(&["settings"]).await?)
}

/// All saved views by name.
pub(crate) async fn views(client: &Client) -> Result<Vec<(String, Value)>> {
    let all = client.get(&["views"]).await?;
    items(&all).iter().map(|value| again(Kind::View, value)).collect()
}

/// All subscriptions by name, without what is secret.
pub(crate) async fn subscriptions(client: &Client) -> Result<Vec<(String, Value)>> {
    const FIELDS: [&str; 11] = [
        "name",
        "url",
        "blueprints",
        "kinds",
        "fields",
        "privateRanges",
        "ca",
        "retry",
        "thin",
        "paused",
        "headers",
    ];
    let all = client.get(&["subscriptions"]).await?;
    let document = |value: &Value| {
        let fields = FIELDS.map(|field| (field.to_owned(), value[field].clone()));
        again(Kind::Subscription, &Value::Object(fields.into_iter().collect()))
    };
    items(&all).iter().map(document).collect()
}

/// The values of headers are nowhere but in the server's database: documents can keep those that are there, and take them away.
fn sealed_headers(state: &mut State, wanted: &[Definition]) {
    let named = |value: &Value| value["headers"].as_array().cloned().unwrap_or_default();
    for one in wanted.iter().filter(|one| one.kind == Kind::Subscription) {
        let headers = named(&one.value);
        let there = state.now.get(&one.key()).map(named).unwrap_or_default();
        if headers.is_empty() || headers == there {
            continue;
        }
        let names: Vec<_> = headers.iter().filter_map(Value::as_str).collect();
        let given: Vec<_> = names.iter().map(|name| format!("--header {name}=…")).collect();
        let why = format!(
            "the values of its headers ({}) are sealed and in no document; give them with `seawall subscription add {} {} {}`, then \
             apply again",
            names.join(", "),
            one.name,
            one.value["url"].as_str().unwrap_or_default(),
            given.join(" ")
        );
        state.hindered.insert(one.key(), why);
    }
}

/// What entities lack that their blueprints require, where nobody else says it.
pub(crate) async fn lacking(
    client: &Client,
    lacking: BTreeMap<(Kind, String), Vec<String>>,
    state: &State,
) -> Result<BTreeMap<(Kind, String), String>> {
    let mut wrong = BTreeMap::new();
    // What this source says already is as it is; of more than so many the server says it when they are sent.
    let asked = lacking.into_iter().filter(|(key, _)| !state.now.contains_key(key));
    for (key, fields) in asked.take(ASKED) {
        let (blueprint, identifier) = key.1.split_once('/').unwrap_or((key.1.as_str(), ""));
        let entity = found(client.get(&["blueprints", blueprint, "entities", identifier]).await)?;
        let is_missing = |field: &String| {
            let (part, name) = field.split_once('.').unwrap_or((field.as_str(), ""));
            entity.as_ref().is_none_or(|entity| entity[part][name].is_null())
        };
        let missing: Vec<_> = fields.into_iter().filter(is_missing).collect();
        if !missing.is_empty() {
            let why = missing
                .iter()
                .map(|field| format!("{field}: the blueprint `{blueprint}` requires it"));
            wrong.insert(key.clone(), why.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(wrong)
}

/// An integration's definition.
pub(crate) async fn integration(client: &Client, name: &str) -> Result<Option<Value>> {
    let view = found(client.get(&["integrations", name]).await)?;
    view.map(|view| Ok(again(Kind::Integration, &view["definition"])?.1))
        .transpose()
}

/// What a plugin asks and was granted; none where it is not installed.
pub(crate) async fn of_plugin(client: &Client, plugin: &str) -> Result<Option<Granted>> {
    let Some(view) = found(client.get(&["plugins", plugin, "grant"]).await)? else {
        return Ok(None);
    };
    if view["status"] == "removed" {
        return Ok(None);
    }
    let grant = match &view["granted"] {
        Value::Null => None,
        grant => Some(parsed(&with_end(grant))?),
    };
    let mut asked = view["asked"].clone();
    // Beside the capabilities, what they are of.
    if let Some(asked) = asked.as_object_mut() {
        asked.remove("credentials");
    }
    let asked = parsed(&asked)?;
    Ok(Some(Granted { asked, grant }))
}

/// A grant as it is stored: answers have its end as a text, as all times.
fn with_end(grant: &Value) -> Value {
    let mut grant = grant.clone();
    let end = grant["expires_at"].as_str().map(str::parse::<jiff::Timestamp>);
    if let Some(Ok(end)) = end {
        grant["expires_at"] = end.as_millisecond().into();
    }
    grant
}

async fn grant(client: &Client, state: &mut State, plugin: &str, wanted: Option<&Definition>) -> Result {
    let key = (Kind::Grant, plugin.to_owned());
    let Some(Granted { asked, grant }) = of_plugin(client, plugin).await? else {
        let why = format!("the plugin `{plugin}` is not installed; install it first, with `seawall plugin install`");
        state.hindered.insert(key, why);
        return Ok(());
    };
    if let Some(grant) = grant {
        state.now.insert(key.clone(), of_grant(plugin, &grant));
    }
    if let Some(wanted) = wanted {
        let document: GrantDefinition = parsed(&wanted.value)?;
        state.compared.insert(key, granted(&document, &asked));
    }
    Ok(())
}

async fn kept(client: &Client, state: &mut State) -> Result {
    for one in items(&client.get(&["definitions"]).await?) {
        let kind: Kind = parsed(&one["kind"])?;
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        now(state, kind, vec![(name, one["definition"].clone())]);
    }
    Ok(())
}

/// What a source says of entities, and no other does.
pub(crate) async fn entities(client: &Client, source: &str) -> Result<Vec<(String, Value)>> {
    let Some(all) = found(client.all(&["sources", source, "entities"], &[]).await)? else {
        return Ok(Vec::new());
    };
    items(&all).iter().map(|value| again(Kind::Entity, value)).collect()
}

/// So many entities are asked for one by one; of more it is not said whether they exist.
const ASKED: usize = 1_000;

/// A note for each entity that would be made because others point to it.
pub(crate) async fn placeholders(client: &Client, wanted: &[Definition], state: &State) -> Result<Vec<Note>> {
    let described: BTreeSet<&str> = wanted
        .iter()
        .filter(|one| one.kind == Kind::Entity)
        .map(|one| one.name.as_str())
        .collect();
    let mut notes = Vec::new();
    let missing = pointed(wanted, &state.now).into_iter().filter(|(name, _)| {
        !described.contains(name.as_str()) && !state.now.contains_key(&(Kind::Entity, name.clone()))
    });
    for (asked, (name, by)) in missing.enumerate() {
        let (blueprint, identifier) = name.split_once('/').unwrap_or((name.as_str(), ""));
        let path = ["blueprints", blueprint, "entities", identifier];
        if asked < ASKED && found(client.get(&path).await)?.is_some() {
            continue;
        }
        notes.push(Note {
            file: by.origin.file,
            line: by.origin.line,
            severity: Severity::Placeholder,
            what: format!("{blueprint} `{identifier}`"),
            why: format!(
                "nobody describes it, and {} points to it (`{}`): it is made with its identifier alone",
                by.entity, by.relation
            ),
        });
    }
    Ok(notes)
}

fn again(kind: Kind, value: &Value) -> Result<(String, Value)> {
    canonical(kind, value).map_err(|problems| {
        let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
        CliError::Failed(format!(
            "the server answered a {} that this version cannot read: {}",
            kind.word(),
            words.join("; ")
        ))
    })
}

fn found(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
