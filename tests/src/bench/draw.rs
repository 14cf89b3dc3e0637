//! What questions are made of: drawn from the catalog, so that they find something.

use super::{
    catalog::{Catalog, text},
    load::Ask,
    shape::mix,
};
use serde_json::{Value, json};

/// The path of an entity.
pub(super) fn reference(entity: &Value) -> Ask {
    of_blueprint(entity, &format!("entities/{}", text(&entity["identifier"])), &[])
}

/// A list of an entity's blueprint.
pub(super) fn list(entity: &Value, filter: &str, sort: &str, limit: usize) -> Ask {
    let limit = limit.to_string();
    let mut parameters = vec![("sort", sort), ("limit", limit.as_str())];
    if !filter.is_empty() {
        parameters.push(("filter", filter));
    }
    of_blueprint(entity, "entities", &parameters)
}

/// Something of an entity's blueprint.
pub(super) fn of_blueprint(entity: &Value, what: &str, parameters: &[(&str, &str)]) -> Ask {
    let path = format!("/api/v1/blueprints/{}/{what}", text(&entity["blueprint"]));
    if parameters.is_empty() {
        return Ask::Get(path);
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    Ask::Get(format!("{path}?{query}"))
}

/// Draws what questions are made of, the same in every run.
pub(super) struct Draw<'c> {
    catalog: &'c Catalog,
    drawn: usize,
}

impl<'c> Draw<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        Self { catalog, drawn: 0 }
    }

    pub(super) fn number(&mut self, below: usize) -> usize {
        self.drawn += 1;
        // Entities are made of the lowest numbers' mixes.
        mix(usize::MAX - self.drawn) % below.max(1)
    }

    pub(super) fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.number(of.len())]
    }

    /// Of a blueprint the more often the more entities it has.
    pub(super) fn entity(&mut self) -> Value {
        let number = self.number(self.catalog.entities());
        self.catalog.entity(number)
    }

    pub(super) fn owner(&mut self) -> String {
        format!("group-{}", self.number(self.catalog.owners()))
    }

    /// A list of some blueprint.
    pub(super) fn list(&mut self, filter: &str, sort: &str) -> Ask {
        let entity = self.entity();
        list(&entity, filter, sort, 20 + self.number(10))
    }

    /// What can be sorted by.
    pub(super) fn sort(&mut self) -> String {
        let field = self.one(&[
            "$title",
            "$identifier",
            "$updatedAt",
            "lifecycle",
            "tier",
            "system",
            "language",
            "url",
            "score",
            "healthy",
        ]);
        format!("{}{field}", self.one(&["", "-"]))
    }

    /// Any property there is, and the title.
    pub(super) fn any_sort(&mut self) -> String {
        let names = self.catalog.property_names();
        let number = self.number(names.len() + 1);
        let name = names.get(number).map_or("$title", String::as_str);
        format!("{}{name}", self.one(&["", "-"]))
    }

    /// What can be counted by value.
    pub(super) fn field(&mut self) -> &'static str {
        self.one(&[
            "lifecycle",
            "tier",
            "system",
            "language",
            "tags",
            "healthy",
            "$team",
            "relations.owner",
        ])
    }

    /// One condition, which one in two to one in two hundred entities meet.
    pub(super) fn filter(&mut self) -> String {
        let entity = self.entity();
        let of = &entity["properties"];
        match self.number(6) {
            0 => format!("lifecycle = {}", text(&of["lifecycle"])),
            1 => format!("tier = {}", of["tier"]),
            2 => format!("system = {}", text(&of["system"])),
            3 => format!("language = {}", text(&of["language"])),
            4 => format!("tags:{}", text(&of["tags"][0])),
            _ => format!("score >= {}", self.number(100)),
        }
    }

    /// Several conditions of different sorts.
    pub(super) fn long_filter(&mut self) -> String {
        let entity = self.entity();
        let of = &entity["properties"];
        let (system, language, tag) = (text(&of["system"]), text(&of["language"]), text(&of["tags"][0]));
        let (lifecycle, tier, score) = (text(&of["lifecycle"]), &of["tier"], self.number(90));
        match self.number(5) {
            0 => format!("(system = {system} OR language = {language} OR tier = {tier}) AND score > {score}"),
            1 => format!("-lifecycle = {lifecycle} AND -tags:{tag} AND healthy = true"),
            2 => format!("between(score, {score}, {}) AND language = {language}", score + 10),
            3 => format!("language = ({language} OR Rust) AND -system = {system} AND url:\"{score}\""),
            _ => format!("endsWith(url, \"-{score}\") AND lifecycle = {lifecycle}"),
        }
    }

    /// One of three conditions, by title.
    pub(super) fn ordered_or(&mut self) -> Value {
        let entity = self.entity();
        let of = &entity["properties"];
        let rule = |name: &str| json!({"property": name, "operator": "=", "value": of[name]});
        let rules = ["system", "language", "tier"].map(rule);
        let limit = 20 + self.number(10);
        json!({"combinator": "or", "rules": rules, "sort": "$title", "limit": limit})
    }

    /// A word of an entity's title, and the beginning of its number.
    pub(super) fn words(&mut self, entity: &Value) -> String {
        let title = text(&entity["title"]);
        let (word, number) = (title.split(' ').next(), title.rsplit(' ').next());
        let number = number.unwrap_or_default();
        let begun = number.get(..4 + self.number(3)).unwrap_or(number);
        format!("{} {begun}", word.unwrap_or_default())
    }
}
