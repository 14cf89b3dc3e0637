//! From names to what they stand for, and whether a test makes sense there.

use super::{
    error::or_nearest,
    field::{Field, Hop, META, Operand},
    moment::moment,
    node::{Range, Test},
    shape::{Fields, Shape},
};
use crate::{BlueprintId, text::cut};
use serde_json::Value;

/// Which blueprints a question is about, and what they have. Without a shape nothing is checked, and the first part of a
/// dotted name is the property.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    shape: Option<&'a Shape>,
    blueprints: Vec<BlueprintId>,
}

impl<'a> Scope<'a> {
    /// Nothing is known.
    pub fn unchecked() -> Self {
        Self {
            shape: None,
            blueprints: Vec::new(),
        }
    }

    /// Some blueprints; all of the shape where none are named. A field has to be one of at least one of them.
    pub fn of(shape: &'a Shape, blueprints: &[BlueprintId]) -> Self {
        Self {
            shape: Some(shape),
            blueprints: blueprints.to_vec(),
        }
    }

    /// The same, but where it is about all blueprints, about these.
    pub(super) fn narrowed(&self, to: Option<Vec<BlueprintId>>) -> Self {
        let mut narrowed = self.clone();
        if let (true, Some(shape), Some(mut to)) = (self.blueprints.is_empty(), self.shape, to) {
            to.retain(|blueprint| shape.blueprints.contains_key(blueprint));
            narrowed.blueprints = to;
        }
        narrowed
    }

    pub(super) fn is_checked(&self) -> bool {
        self.shape.is_some()
    }

    /// What a dotted name stands for: a meta property, `properties.` and a property with a path into its value, `relations.` and a
    /// relation with a field of its targets, or either without that word. A property may have dots in its name.
    ///
    /// # Errors
    /// What is wrong with it, with the nearest name that exists.
    pub fn operand(&self, name: &str) -> Result<Operand, String> {
        let segments: Vec<String> = name.split('.').map(str::to_owned).collect();
        self.segments(&segments)
    }

    /// As [`Scope::operand`], for a name whose dots were read already.
    pub(super) fn segments(&self, segments: &[String]) -> Result<Operand, String> {
        let (first, rest) = segments.split_first().ok_or("a field has a name")?;
        if segments.iter().any(String::is_empty) {
            return Err(format!("`{}` has an empty part", segments.join(".")));
        }
        match (first.as_str(), rest.is_empty()) {
            ("properties", false) => self.property(rest),
            ("relations", false) => self.relation(rest),
            // As lists have always read them.
            ("identifier" | "title" | "team", true) => Field::parse(first).map(Operand::of),
            (name, true) if name.starts_with('$') => Field::meta(name).map(Operand::of),
            (name, false) if name.starts_with('$') => {
                Field::meta(name)?;
                Err(format!(
                    "`{name}` is no object, so there is no `{}` in it",
                    rest.join(".")
                ))
            }
            _ => self.either(segments),
        }
    }

    /// A field without a path, as lists are sorted and counted by.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn field(&self, name: &str) -> Result<Field, String> {
        let operand = self.operand(name)?;
        match operand.plain() {
            Some(field) => Ok(field.clone()),
            None => Err(format!(
                "`{name}` lies inside of a value or in another entity; take a property, a relation or a meta property of the entity itself"
            )),
        }
    }

    fn fields(&self) -> impl Iterator<Item = &'a Fields> {
        let shape = self.shape;
        let named = self
            .blueprints
            .iter()
            .filter_map(move |blueprint| shape?.blueprints.get(blueprint));
        let all = shape.filter(|_| self.blueprints.is_empty());
        named.chain(all.into_iter().flat_map(|shape| shape.blueprints.values()))
    }

    /// The longest leading part that `is` one, and the rest.
    fn longest(segments: &[String], is: impl Fn(&str) -> bool) -> Option<(String, &[String])> {
        (1..=segments.len()).rev().find_map(|end| {
            let name = segments[..end].join(".");
            is(&name).then(|| (name, &segments[end..]))
        })
    }

    fn property(&self, segments: &[String]) -> Result<Operand, String> {
        match self.known_property(segments) {
            Some(operand) => Ok(operand),
            None => Err(self.unknown("property", &segments.join("."), false)),
        }
    }

    fn known_property(&self, segments: &[String]) -> Option<Operand> {
        let found = if self.is_checked() {
            Self::longest(segments, |name| self.fields().any(|f| f.properties.contains_key(name)))
        } else {
            segments.split_first().map(|(first, rest)| (first.clone(), rest))
        };
        found.map(|(name, path)| Operand {
            via: Vec::new(),
            field: Field::Property(name),
            path: path.to_vec(),
        })
    }

    fn relation(&self, segments: &[String]) -> Result<Operand, String> {
        match self.known_relation(segments) {
            Some(operand) => operand,
            None => Err(self.unknown("relation", &segments.join("."), true)),
        }
    }

    fn known_relation(&self, segments: &[String]) -> Option<Result<Operand, String>> {
        let (name, rest) = if self.is_checked() {
            Self::longest(segments, |name| self.fields().any(|f| f.relations.contains_key(name)))?
        } else {
            let (first, rest) = segments.split_first()?;
            (first.clone(), rest)
        };
        if rest.is_empty() {
            return Some(Ok(Operand::of(Field::Relation(name))));
        }
        Some(self.beyond(&name).segments(rest).map(|mut operand| {
            let hop = Hop {
                relation: name.clone(),
                most: 1,
            };
            operand.via.insert(0, hop);
            operand
        }))
    }

    /// What the relation leads to.
    pub(super) fn beyond(&self, relation: &str) -> Self {
        let mut blueprints: Vec<BlueprintId> = self
            .fields()
            .filter_map(|fields| Some(fields.relations.get(relation)?.target.clone()))
            .collect();
        blueprints.sort_unstable();
        blueprints.dedup();
        Self {
            shape: self.shape,
            blueprints,
        }
    }

    /// Whether a relation is one of those that there are.
    pub(super) fn check_relation(&self, relation: &str) -> Result<(), String> {
        if !self.is_checked() || self.fields().any(|fields| fields.relations.contains_key(relation)) {
            return Ok(());
        }
        Err(self.unknown("relation", relation, true))
    }

    fn either(&self, segments: &[String]) -> Result<Operand, String> {
        if let Some(operand) = self.known_property(segments) {
            return Ok(operand);
        }
        match self.known_relation(segments) {
            Some(operand) => operand,
            None => {
                let name = segments.join(".");
                let known = self.names(true, true);
                let all = known.iter().map(String::as_str).chain(META);
                let hint = or_nearest(&name, all);
                Err(format!(
                    "{} no property or relation `{}`{hint}",
                    self.who(),
                    cut(&name, 100)
                ))
            }
        }
    }

    fn names(&self, properties: bool, relations: bool) -> Vec<String> {
        let mut names = Vec::new();
        for fields in self.fields() {
            if properties {
                names.extend(fields.properties.keys().cloned());
            }
            if relations {
                names.extend(fields.relations.keys().cloned());
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn unknown(&self, what: &str, name: &str, relations: bool) -> String {
        let known = self.names(!relations, relations);
        let hint = or_nearest(name, known.iter().map(String::as_str));
        format!("{} no {what} `{}`{hint}", self.who(), cut(name, 100))
    }

    /// The beginning of a sentence that goes on with `no property …`.
    fn who(&self) -> String {
        match self.blueprints.as_slice() {
            [] => "among all blueprints there is".to_owned(),
            [one] => format!("`{one}` has"),
            several => {
                let names: Vec<String> = several.iter().take(5).map(|name| format!("`{name}`")).collect();
                format!("among {} there is", names.join(", "))
            }
        }
    }

    // ---- types

    /// The JSON Schema type of what is looked at, if it has one and no path leads on.
    pub(super) fn kind(&self, operand: &Operand) -> Option<String> {
        let mut scope = self.clone();
        for hop in &operand.via {
            scope = scope.beyond(&hop.relation);
        }
        let Field::Property(name) = &operand.field else {
            return match operand.field {
                Field::CreatedAt | Field::UpdatedAt => None,
                _ => Some("string".to_owned()),
            };
        };
        if !operand.path.is_empty() {
            return None;
        }
        let mut kinds = scope.fields().filter_map(|fields| fields.properties.get(name));
        let first = kinds.next()?;
        if kinds.any(|other| other.kind != first.kind) {
            return None;
        }
        match first.kind.as_deref() {
            Some("array") => first.entries.clone().map(|of| format!("list of {of}")),
            kind => kind.map(str::to_owned),
        }
    }

    /// Whether the test can hold of such a value.
    pub(super) fn check(&self, operand: &Operand, test: &Test) -> Result<(), String> {
        if !self.is_checked() {
            return Ok(());
        }
        let values: Vec<&Value> = match test {
            Test::Equal(value) | Test::Compare(_, value) => vec![value],
            Test::OneOf(values) | Test::Contains(values) => values.iter().collect(),
            Test::Between(Range::Bounds { from, to }) => from.iter().chain(to).collect(),
            Test::Between(Range::Preset(_)) | Test::Expired | Test::Begins(_) | Test::Ends(_) => Vec::new(),
            Test::Present | Test::There => Vec::new(),
        };
        if matches!(operand.field, Field::CreatedAt | Field::UpdatedAt) {
            let wrong = values.iter().find(|value| {
                !(value.is_number() || value.is_null() || value.as_str().is_some_and(|t| moment(t).is_some()))
            });
            return wrong.map_or(Ok(()), |wrong| {
                Err(format!(
                    "`{}` is a time, and {wrong} is none; write one such as \"2027-01-31T12:00:00Z\"",
                    operand.field.name()
                ))
            });
        }
        let Some(kind) = self.kind(operand) else {
            return Ok(());
        };
        // What a list is asked for may be the whole list or one of its entries.
        let (list, kind) = kind
            .strip_prefix("list of ")
            .map_or((false, kind.as_str()), |of| (true, of));
        let fits = |value: &Value| match (kind, value) {
            (_, Value::Null) => true,
            (_, Value::Array(_)) if list => true,
            ("string", value) => value.is_string() || (value.is_array() && operand.field == Field::Team),
            ("number" | "integer", value) => value.is_number(),
            ("boolean", value) => value.is_boolean(),
            _ => true,
        };
        let Some(wrong) = values.into_iter().find(|value| !fits(value)) else {
            return Ok(());
        };
        let shown = wrong.to_string();
        let advice = match (kind, wrong) {
            ("string", Value::Number(_) | Value::Bool(_)) => format!("; write \"{shown}\" in quotes"),
            ("number" | "integer" | "boolean", Value::String(text)) if serde_json::from_str::<Value>(text).is_ok() => {
                format!("; write {text} without quotes")
            }
            _ => String::new(),
        };
        Err(format!(
            "`{}` is of type {kind}, and {} is not{advice}",
            operand.field.name(),
            cut(&shown, 60)
        ))
    }
}
