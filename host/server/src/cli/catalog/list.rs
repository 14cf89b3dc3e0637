//! `seawall catalog list|count`.

use super::{filters, more};
use crate::cli::{
    Global,
    args::Pair,
    client::Client,
    error::{CliError, Result},
    output::{self, Column, at, grid, items, plain},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Lists a page of a blueprint's entities; without a blueprint, the blueprints and how many entities each has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall catalog list
  seawall catalog list service
  seawall catalog list service --filter tier=1 --filter relations.owner=payments --sort -$updatedAt
  seawall catalog list service --where 'tier < 3 AND language:go AND owner.name = \"Payments\"'
  seawall catalog list service --where 'between($updatedAt, lastWeek) -isEmpty(relations.owner)'
  seawall catalog list service --limit 1000 -o json | jq -r '.items[].identifier'

A field is a property with a path into its value, relations.NAME with a field of its targets, $identifier, $title, $team, $icon,
$createdAt, $updatedAt, $createdBy or $updatedBy. A value is JSON where it parses as such (true, 3, null), a text otherwise; write '\"3\"' for the text 3.
--where takes a filter of AIP-160: = != < <= > >=, : for contains, AND, OR, NOT or -, parentheses, and functions: in, between,
contains, beginsWith, endsWith, isEmpty, isExpired and relatedTo(BLUEPRINT, IDENTIFIER, upstream|downstream, DEPTH).")]
pub(crate) struct List {
    /// Whose entities
    blueprint: Option<String>,
    /// Only entities whose field has this value; repeatable, all must hold
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    filters: Vec<Pair>,
    /// Only entities that pass an AIP-160 filter
    #[arg(long = "where", value_name = "FILTER", allow_hyphen_values = true)]
    wanted: Option<String>,
    /// The field to sort by; a `-` before it sorts from high to low
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// Counts a blueprint's entities
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  seawall catalog count service\n  seawall catalog count service --filter tier=1\n  seawall catalog count service --where 'tier > 1 AND isEmpty(relations.owner)'"
)]
pub(crate) struct Count {
    /// Whose entities
    blueprint: String,
    /// Only entities whose field has this value; repeatable, all must hold
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    filters: Vec<Pair>,
    /// Only entities that pass an AIP-160 filter
    #[arg(long = "where", value_name = "FILTER", allow_hyphen_values = true)]
    wanted: Option<String>,
}

/// The columns of blueprints.
pub(crate) const BLUEPRINTS: &[Column] = &[
    ("BLUEPRINT", |v| at(v, "/identifier")),
    ("TITLE", |v| at(v, "/title")),
    ("ENTITIES", |v| at(v, "/entities")),
    ("FROM", |v| at(v, "/source")),
    ("UNDER WAY", crate::cli::blueprint::under_way),
];

/// Properties that get a column of their own.
const PROPERTIES: usize = 4;
/// Cells are cut to so many characters.
const CELL: usize = 40;

impl List {
    pub(super) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let Some(blueprint) = self.blueprint else {
            if !self.filters.is_empty() || self.wanted.is_some() || self.sort.is_some() {
                return Err(CliError::Usage(
                    "--filter, --where and --sort need a blueprint: `seawall catalog list service --filter tier=1`"
                        .into(),
                ));
            }
            let all = client.all(&["blueprints"], &[]).await?;
            return global.output().list(
                &all,
                BLUEPRINTS,
                "there are none yet; plugins bring them with their integrations",
            );
        };
        let mut query = filters(&self.filters, self.wanted);
        query.push(("limit", self.limit.to_string()));
        query.extend(self.sort.map(|sort| ("sort", sort)));
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
        let page = client.get_with(&["blueprints", &blueprint, "entities"], &query).await?;
        print(global, &page)
    }
}

impl Count {
    pub(super) async fn run(self, global: &Global) -> Result {
        let answer = Client::new(global)?
            .get_with(
                &["blueprints", &self.blueprint, "count"],
                &filters(&self.filters, self.wanted),
            )
            .await?;
        global.output().one(&answer, |answer| at(answer, "/count"))
    }
}

/// Prints a page of entities with the properties that most of them have.
pub(crate) fn print(global: &Global, page: &Value) -> Result {
    let output = global.output();
    if !output.is_table() {
        return output.data(page);
    }
    if items(page).is_empty() {
        eprintln!("there are none");
        return Ok(());
    }
    output.text(&entities(items(page)))?;
    more(global, page);
    Ok(())
}

/// Prints entities of several blueprints.
pub(crate) fn found(global: &Global, page: &Value) -> Result {
    with_columns(global, page, &[])
}

/// Prints entities of several blueprints with some of their fields.
pub(crate) fn with_columns(global: &Global, page: &Value, fields: &[String]) -> Result {
    if items(page).is_empty() {
        eprintln!("there are none");
        return Ok(());
    }
    let mut headings = vec!["BLUEPRINT".to_owned(), "IDENTIFIER".to_owned(), "TITLE".to_owned()];
    headings.extend(fields.iter().map(|field| field.to_uppercase()));
    let rows = items(page).iter().map(|entity| {
        let mut row = vec![
            at(entity, "/blueprint"),
            at(entity, "/identifier"),
            short(at(entity, "/title")),
        ];
        row.extend(fields.iter().map(|field| short(cell(entity, field))));
        row
    });
    global.output().text(&output::visible(&grid(headings, rows)))
}

/// What an entity has in a field, as the API names it.
fn cell(entity: &Value, field: &str) -> String {
    let value = match field.split_once('.') {
        _ if field.starts_with('$') => &entity[&field[1..]],
        Some((group @ ("properties" | "relations"), name)) => &entity[group][name],
        _ => match &entity["properties"][field] {
            Value::Null => &entity["relations"][field],
            value => value,
        },
    };
    plain(value)
}

fn short(text: String) -> String {
    seawall_domain::text::cut(&text.replace(['\n', '\r'], " "), CELL).into_owned()
}

/// Entities as a table.
pub(crate) fn entities(entities: &[Value]) -> String {
    let columns = columns(entities);
    let mut headings = vec!["IDENTIFIER".to_owned(), "TITLE".to_owned()];
    headings.extend(columns.iter().map(|column| column.to_uppercase()));
    let rows = entities.iter().map(|entity| {
        let mut row = vec![at(entity, "/identifier"), short(at(entity, "/title"))];
        row.extend(
            columns
                .iter()
                .map(|column| short(plain(&entity["properties"][column.as_str()]))),
        );
        row
    });
    output::visible(&grid(headings, rows))
}

/// The properties that most entities have, objects and long texts aside; equal ones by name.
fn columns(entities: &[Value]) -> Vec<String> {
    let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
    for (name, value) in entities
        .iter()
        .filter_map(|entity| entity["properties"].as_object())
        .flatten()
    {
        if !value.is_null() && !value.is_object() && plain(value).len() <= 200 {
            *seen.entry(name).or_default() += 1;
        }
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    seen.into_iter()
        .take(PROPERTIES)
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shows_the_properties_that_most_entities_have() {
        let entity = |id: &str, properties: Value| json!({"identifier": id, "properties": properties});
        let all = [
            entity("a", json!({"tier": 1, "deep": {"x": 1}, "on": true})),
            entity("b", json!({"tier": 2, "note": "x".repeat(300)})),
        ];
        assert_eq!(columns(&all), ["tier", "on"]);
    }
}
