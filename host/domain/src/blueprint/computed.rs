//! What a blueprint computes: mirrored, calculated and aggregated properties, and inherited ownership, in Port's shape.
//!
//! ```json
//! {"mirrorProperties": {"tier": {"path": "system.tier"}, "lead": {"path": "system.domain.$title"}},
//!  "calculationProperties": {"url": {"type": "string", "format": "url", "calculation": "\"https://x/\" + .identifier"}},
//!  "aggregationProperties": {"open": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"},
//!    "query": {"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "OPEN"}]}}},
//!  "ownership": {"type": "Inherited", "path": "system"}}
//! ```
//!
//! - A **mirror**'s path goes along relations and ends with a property of the last blueprint, which may be computed itself, or
//!   one of the meta properties ([`META`]). Along single relations it is that value, along a `many` relation the list
//!   of values, without those that are absent.
//! - A **calculation** is a jq expression over the entity as the API shows it (`.identifier`, `.blueprint`, `.title`, `.icon`, `.team`,
//!   `.properties`, `.relations`, `.createdAt`, `.createdBy`, `.updatedAt`, `.updatedBy`), with mirrors, aggregations and the calculations that it does not itself lead to. What does not fit its type
//!   is absent. It cannot ask for the time.
//! - An **aggregation** is over the entities of `target` that are related to this one: whose relation, of any name, points to
//!   it, or to which one of its own points. `pathFilter` names the relations instead: `[{"path": ["repo", "issues"]}]` goes from here
//!   to the target, and with `"fromBlueprint"` that is the target from there to here, as Port's page on aggregations has it.
//!   Without, a path that begins with no relation of this blueprint can only be meant from the target.
//! - **Ownership** that is inherited gives an entity that names no team those of the entity at the end of the path.

use crate::{BlueprintId, document::escaped, text::nearest};
use seawall_jq::{Compiler, Expr, Members};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// The relations of one path, and of a calculation the bytes, may not be more.
const MAX_STEPS: usize = 16;
/// Fields of an entity that mirrors may end with.
pub const META: [&str; 9] = [
    "$identifier",
    "$title",
    "$icon",
    "$team",
    "$blueprint",
    "$createdAt",
    "$updatedAt",
    "$createdBy",
    "$updatedBy",
];

/// All that a blueprint computes.
#[derive(Debug, Default)]
pub struct Computed {
    /// By property.
    pub mirrors: BTreeMap<String, Mirror>,
    /// By property, in an order in which each comes after those that it reads.
    pub calculations: Vec<(String, Calculation)>,
    /// By property.
    pub aggregations: BTreeMap<String, Aggregation>,
    /// Relations to the entity whose teams own this one too.
    pub inherits: Option<Vec<String>>,
}

/// A value of a related entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Relations, from this blueprint on; at least one.
    pub relations: Vec<String>,
    /// The property of the last, or one of [`META`].
    pub property: String,
}

/// A value that jq makes of the entity.
#[derive(Debug)]
pub struct Calculation {
    /// The expression.
    pub code: String,
    expr: Expr,
    /// The property's JSON Schema.
    pub schema: Value,
    members: Members,
    relations: Members,
    /// Other calculations that come before it.
    before: BTreeSet<String>,
}

/// A value over related entities.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation {
    /// The blueprint of those that are counted.
    pub target: BlueprintId,
    /// What is made of them.
    pub func: Func,
    /// Which of them count, in Port's rules.
    pub query: Option<Value>,
    /// How they are related; none: along any relations of one direction, either.
    pub paths: Option<Vec<PathFilter>>,
}

/// A way from the aggregated blueprint to this one, or back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathFilter {
    /// Relations, in the order of the way.
    pub relations: Vec<String>,
    /// Whether the way begins here and leads to the target.
    pub from_here: bool,
}

/// What an aggregation makes of the entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Func {
    /// How many.
    Count,
    /// How many in a period, on average since the first of them.
    CountPer {
        /// The period.
        period: Period,
        /// The time that counts: `$createdAt`, `$updatedAt` or a property.
        by: String,
    },
    /// Of a property's numbers.
    Of {
        /// The property.
        property: String,
        /// What of them.
        what: Over,
    },
    /// The sum of a property's numbers in a period, on average since the first of them.
    SumPer {
        /// The property.
        property: String,
        /// The period.
        period: Period,
        /// The time that counts.
        by: String,
    },
}

/// A function over numbers. Of none: 0 for the sum, absent for all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The one in the middle, or half-way between the two.
    Median,
    /// Their sum over their count.
    Average,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Period {
    /// Its length in milliseconds.
    pub fn millis(self) -> i64 {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        };
        hours * 3_600_000
    }
}

/// What is wrong with a computed property, or with what a stored one may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct ComputedError {
    /// JSON pointer into the blueprint.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

fn wrong(pointer: impl Into<String>, message: impl Into<String>) -> ComputedError {
    ComputedError {
        pointer: pointer.into(),
        message: message.into(),
    }
}

static COMPILER: LazyLock<Compiler> = LazyLock::new(Compiler::new);

impl Computed {
    /// Reads and compiles what `other`, the rest of a blueprint, computes. `own` are the names of its stored properties,
    /// `relations` those of its relations. Whether paths lead anywhere is asked of all blueprints together: [`check_paths`].
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(
        other: &Map<String, Value>,
        own: &BTreeMap<String, Value>,
        relations: &BTreeSet<String>,
    ) -> Result<Self, Vec<ComputedError>> {
        let mut errors = Vec::new();
        let mut computed = Self::default();
        let mut names: BTreeMap<String, &str> = own.keys().map(|name| (name.clone(), "schema.properties")).collect();
        let mut calculations = Vec::new();
        for section in ["mirrorProperties", "calculationProperties", "aggregationProperties"] {
            let Some(all) = other.get(section) else { continue };
            let Some(all) = all.as_object() else {
                errors.push(wrong(
                    format!("/{section}"),
                    "expected an object: a definition for each name",
                ));
                continue;
            };
            for (name, definition) in all {
                let pointer = format!("/{section}/{}", escaped(name));
                if let Some(before) = names.insert(name.clone(), section) {
                    errors.push(wrong(
                        &pointer,
                        format!("`{name}` is a property of `{before}` already; choose another name"),
                    ));
                    continue;
                }
                let read = match section {
                    "mirrorProperties" => mirror(definition, &pointer, relations)
                        .map(|mirror| drop(computed.mirrors.insert(name.clone(), mirror))),
                    "calculationProperties" => {
                        calculation(definition, &pointer).map(|one| calculations.push((name.clone(), one)))
                    }
                    _ => aggregation(definition, &pointer, relations)
                        .map(|one| drop(computed.aggregations.insert(name.clone(), one))),
                };
                errors.extend(read.err());
            }
        }
        match ownership(other, relations) {
            Ok(inherits) => computed.inherits = inherits,
            Err(error) => errors.push(error),
        }
        match in_order(calculations) {
            Ok(ordered) => computed.calculations = ordered,
            Err(error) => errors.push(error),
        }
        if errors.is_empty() { Ok(computed) } else { Err(errors) }
    }

    /// Whether it computes nothing.
    pub fn is_empty(&self) -> bool {
        self.mirrors.is_empty()
            && self.calculations.is_empty()
            && self.aggregations.is_empty()
            && self.inherits.is_none()
    }

    /// Names of all computed properties.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mirrors = self.mirrors.keys().map(String::as_str);
        let calculations = self.calculations.iter().map(|(name, _)| name.as_str());
        mirrors
            .chain(calculations)
            .chain(self.aggregations.keys().map(String::as_str))
    }
}

fn text<'v>(value: &'v Value, field: &str, pointer: &str, example: &str) -> Result<&'v str, ComputedError> {
    value[field].as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
        wrong(
            format!("{pointer}/{field}"),
            format!("expected a text such as {example}"),
        )
    })
}

/// The steps of a path, whose first must be a relation of this blueprint.
fn steps(path: &str, pointer: &str, relations: &BTreeSet<String>) -> Result<Vec<String>, ComputedError> {
    let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
    if steps.iter().any(String::is_empty) || steps.len() > MAX_STEPS {
        let message = format!(
            "expected 1 to {MAX_STEPS} names with dots between, found `{}`",
            crate::text::cut(path, 80)
        );
        return Err(wrong(pointer, message));
    }
    if let Some(first) = steps.first().filter(|first| !relations.contains(*first)) {
        return Err(wrong(pointer, no_relation(first, relations)));
    }
    Ok(steps)
}

fn no_relation(name: &str, relations: &BTreeSet<String>) -> String {
    let near = nearest(name, relations.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if relations.is_empty() => "it has none".to_owned(),
        None => format!(
            "it has: {}",
            relations.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("the blueprint has no relation `{name}`; {hint}")
}

fn mirror(definition: &Value, pointer: &str, relations: &BTreeSet<String>) -> Result<Mirror, ComputedError> {
    let path = text(definition, "path", pointer, "`system.tier`")?;
    let at = format!("{pointer}/path");
    let mut steps = steps(path, &at, relations)?;
    let property = steps.pop().filter(|_| !steps.is_empty());
    let property = property.ok_or_else(|| {
        wrong(
            &at,
            format!("`{path}` names a relation alone; write a property behind it: `{path}.$title`"),
        )
    })?;
    if property.starts_with('$') && !META.contains(&property.as_str()) {
        return Err(wrong(
            &at,
            format!("there is no `{property}`; there are: {}", META.join(", ")),
        ));
    }
    Ok(Mirror {
        relations: steps,
        property,
    })
}

fn calculation(definition: &Value, pointer: &str) -> Result<Calculation, ComputedError> {
    let code = text(definition, "calculation", pointer, "`.properties.a + .properties.b`")?;
    let expr = COMPILER.compile(code).map_err(|fault| {
        let place = fault
            .at
            .map(|spot| format!(" (line {}, character {})", spot.line, spot.column))
            .unwrap_or_default();
        wrong(format!("{pointer}/calculation"), format!("{}{place}", fault.message))
    })?;
    let mut schema = definition.clone();
    if let Value::Object(schema) = &mut schema {
        schema.remove("calculation");
        schema.remove("colors");
        schema.remove("colorized");
    }
    super::property::Property::new(&schema).map_err(|wrong_| {
        let at = if wrong_.field.is_empty() {
            pointer.to_owned()
        } else {
            format!("{pointer}/{}", wrong_.field)
        };
        wrong(at, wrong_.reason)
    })?;
    Ok(Calculation {
        code: code.to_owned(),
        expr,
        members: Members::of("properties", code),
        relations: Members::of("relations", code),
        schema,
        before: BTreeSet::new(),
    })
}

fn aggregation(definition: &Value, pointer: &str, relations: &BTreeSet<String>) -> Result<Aggregation, ComputedError> {
    let target = text(definition, "target", pointer, "`issue`")?;
    let target = BlueprintId::new(target).map_err(|e| wrong(format!("{pointer}/target"), e.to_string()))?;
    let spec = &definition["calculationSpec"];
    let at = format!("{pointer}/calculationSpec");
    if !spec.is_object() {
        return Err(wrong(
            at,
            "expected an object such as {\"calculationBy\": \"entities\", \"func\": \"count\"}",
        ));
    }
    let func = func(spec, &at)?;
    let query = match &definition["query"] {
        Value::Null => None,
        query @ Value::Object(_) => Some(query.clone()),
        _ => {
            return Err(wrong(
                format!("{pointer}/query"),
                "expected an object with `combinator` and `rules`",
            ));
        }
    };
    let paths = match &definition["pathFilter"] {
        Value::Null => None,
        Value::Array(all) if !all.is_empty() => {
            let mut paths = Vec::new();
            for (i, one) in all.iter().enumerate() {
                paths.push(path_filter(
                    one,
                    &format!("{pointer}/pathFilter/{i}"),
                    &target,
                    relations,
                )?);
            }
            Some(paths)
        }
        _ => {
            let message = "expected a list such as [{\"path\": [\"repository\", \"service\"]}]";
            return Err(wrong(format!("{pointer}/pathFilter"), message));
        }
    };
    Ok(Aggregation {
        target,
        func,
        query,
        paths,
    })
}

fn path_filter(
    one: &Value,
    pointer: &str,
    target: &BlueprintId,
    relations: &BTreeSet<String>,
) -> Result<PathFilter, ComputedError> {
    let names = one["path"].as_array().and_then(|all| {
        all.iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    let names = names
        .filter(|names| (1..=MAX_STEPS).contains(&names.len()))
        .ok_or_else(|| {
            wrong(
                format!("{pointer}/path"),
                format!("expected a list of 1 to {MAX_STEPS} names of relations"),
            )
        })?;
    let from_here = match one["fromBlueprint"].as_str() {
        Some(from) => from != target.as_str(),
        None => names.first().is_some_and(|first| relations.contains(first)),
    };
    if let Some(first) = names.first().filter(|first| from_here && !relations.contains(*first)) {
        return Err(wrong(format!("{pointer}/path/0"), no_relation(first, relations)));
    }
    Ok(PathFilter {
        relations: names,
        from_here,
    })
}

fn func(spec: &Value, pointer: &str) -> Result<Func, ComputedError> {
    let func = text(spec, "func", pointer, "`count`")?;
    let per = || -> Result<Option<(Period, String)>, ComputedError> {
        let at = format!("{pointer}/averageOf");
        let period = match spec["averageOf"].as_str() {
            None | Some("total") => return Ok(None),
            Some("hour") => Period::Hour,
            Some("day") => Period::Day,
            Some("week") => Period::Week,
            Some("month") => Period::Month,
            Some(other) => {
                let message = format!("expected hour, day, week, month or total, found `{other}`");
                return Err(wrong(at, message));
            }
        };
        Ok(Some((
            period,
            spec["measureTimeBy"].as_str().unwrap_or("$createdAt").to_owned(),
        )))
    };
    match spec["calculationBy"].as_str() {
        Some("entities") => match func {
            "count" => Ok(Func::Count),
            "average" => match per()? {
                Some((period, by)) => Ok(Func::CountPer { period, by }),
                None => Err(wrong(
                    format!("{pointer}/averageOf"),
                    "an average of entities is over hours, days, weeks or months: write one",
                )),
            },
            other => Err(wrong(
                format!("{pointer}/func"),
                format!(
                    "over entities there are count and average, found `{other}`; with `calculationBy: property` there are more"
                ),
            )),
        },
        Some("property") => {
            let property = text(spec, "property", pointer, "`storyPoints`")?.to_owned();
            let what = serde_json::from_value(func.into()).map_err(|_| {
                let message = format!("expected sum, average, min, max or median, found `{func}`");
                wrong(format!("{pointer}/func"), message)
            })?;
            match per()? {
                Some((period, by)) if what == Over::Average => Ok(Func::SumPer { property, period, by }),
                _ => Ok(Func::Of { property, what }),
            }
        }
        _ => Err(wrong(
            format!("{pointer}/calculationBy"),
            "expected `entities` or `property`",
        )),
    }
}

fn ownership(other: &Map<String, Value>, relations: &BTreeSet<String>) -> Result<Option<Vec<String>>, ComputedError> {
    // Older definitions of Port's say only `teamInheritance: {path}`.
    if let Some(inheritance) = other.get("teamInheritance").filter(|value| !value.is_null()) {
        let path = text(inheritance, "path", "/teamInheritance", "`system`")?;
        return steps(path, "/teamInheritance/path", relations).map(Some);
    }
    match other.get("ownership") {
        None | Some(Value::Null) => Ok(None),
        Some(ownership) => match ownership["type"].as_str() {
            Some("Direct") => Ok(None),
            Some("Inherited") => {
                let path = text(ownership, "path", "/ownership", "`system`")?;
                steps(path, "/ownership/path", relations).map(Some)
            }
            _ => Err(wrong("/ownership/type", "expected `Direct` or `Inherited`")),
        },
    }
}

/// Calculations so that each comes after those that it reads.
fn in_order(mut all: Vec<(String, Calculation)>) -> Result<Vec<(String, Calculation)>, ComputedError> {
    let names: BTreeSet<String> = all.iter().map(|(name, _)| name.clone()).collect();
    for (own, one) in &mut all {
        // Its own name may stand in it by chance, where it looks at the properties as a whole.
        let reads = |name: &&String| one.members.names(name) || (*name != own && one.reads(name));
        one.before = names.iter().filter(reads).cloned().collect();
    }
    let mut out: Vec<(String, Calculation)> = Vec::new();
    while !all.is_empty() {
        let ready =
            |one: &(String, Calculation)| one.1.before.iter().all(|name| out.iter().any(|(done, _)| done == name));
        let Some(at) = all.iter().position(ready) else {
            let cycle: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
            return Err(wrong(
                format!("/calculationProperties/{}", escaped(cycle[0])),
                format!(
                    "these calculations read each other in a circle: {}; take one of them out of another",
                    cycle.join(", ")
                ),
            ));
        };
        out.push(all.remove(at));
    }
    Ok(out)
}

impl Aggregation {
    /// The properties of its target that it reads, as its definition names them.
    pub fn reads(&self) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        match &self.func {
            Func::Count => {}
            Func::CountPer { by, .. } => out.extend([by.clone()]),
            Func::Of { property, .. } => out.extend([property.clone()]),
            Func::SumPer { property, by, .. } => out.extend([property.clone(), by.clone()]),
        }
        if let Some(query) = &self.query {
            asked(query, &mut out);
        }
        out
    }
}

/// The properties that rules name.
fn asked(rules: &Value, out: &mut BTreeSet<String>) {
    match rules {
        Value::Array(all) => all.iter().for_each(|one| asked(one, out)),
        Value::Object(all) => {
            if let Some(name) = all.get("property").and_then(Value::as_str) {
                out.insert(name.to_owned());
            }
            all.values().for_each(|one| asked(one, out));
        }
        _ => {}
    }
}

impl Calculation {
    /// Whether the expression may read a property.
    pub fn reads(&self, name: &str) -> bool {
        self.members.may_read(name)
    }

    /// Whether the expression may read a relation.
    pub fn reads_relation(&self, name: &str) -> bool {
        self.relations.may_read(name)
    }

    /// Runs it over an entity's JSON. None: it gives nothing that fits its type, or it broke a bound; why, where it failed.
    ///
    /// # Errors
    /// What jq says.
    pub fn run(&self, entity: &Value) -> Result<Option<Value>, String> {
        let text = entity.to_string();
        let input = seawall_jq::parse(text.as_bytes()).map_err(|e| e.to_string())?;
        let budget = seawall_jq::Budget::new(text.len(), None);
        let mut value = self.expr.json(&input, &budget)?;
        if value.is_null() {
            return Ok(None);
        }
        let property = super::property::Property::new(&self.schema).map_err(|wrong| wrong.reason)?;
        match property.fit(&mut value) {
            Ok(_) => Ok(Some(value)),
            Err(misfit) => Err(format!("its result {}", misfit.why)),
        }
    }
}

#[cfg(test)]
mod tests;
