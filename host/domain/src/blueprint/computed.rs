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
//!   one of `$identifier`, `$title`, `$icon`, `$team`. Along single relations it is that value, along a `many` relation the list
//!   of values, without those that are absent.
//! - A **calculation** is a jq expression over the entity as the API shows it (`.identifier`, `.title`, `.team`, `.properties`,
//!   `.relations`), with mirrors, aggregations and the calculations that it does not itself lead to. What does not fit its type
//!   is absent. It cannot ask for the time.
//! - An **aggregation** is over the entities of `target` that are related to this one: whose relation, of any name, points to
//!   it, or to which one of its own points. `pathFilter` names the relations instead: `[{"path": ["repo", "service"]}]` goes from the
//!   target to this blueprint, and with `"fromBlueprint"` that is this blueprint itself from here to the target.
//! - **Ownership** that is inherited gives an entity that names no team those of the entity at the end of the path.

use crate::{BlueprintId, text::nearest};
use seawall_jq::{Compiler, Expr};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// The relations of one path, and of a calculation the bytes, may not be more.
const MAX_STEPS: usize = 16;
/// Fields of an entity that mirrors may end with.
pub const META: [&str; 4] = ["$identifier", "$title", "$icon", "$team"];

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
    /// Other computed properties that the expression may read.
    pub reads: BTreeSet<String>,
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

/// What is wrong with a computed property.
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
        schema,
        reads: BTreeSet::new(),
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
                paths.push(path_filter(one, &format!("{pointer}/pathFilter/{i}"), relations)?);
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

fn path_filter(one: &Value, pointer: &str, relations: &BTreeSet<String>) -> Result<PathFilter, ComputedError> {
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
    let from_here = one["fromBlueprint"].is_string();
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
    for (_, one) in &mut all {
        one.reads = names.iter().filter(|name| mentions(&one.code, name)).cloned().collect();
    }
    let mut out: Vec<(String, Calculation)> = Vec::new();
    while !all.is_empty() {
        let ready =
            |one: &(String, Calculation)| one.1.reads.iter().all(|name| out.iter().any(|(done, _)| done == name));
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

/// Whether an expression names a property. A name that stands in it by chance costs nothing but order.
fn mentions(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

/// How an expression goes on behind `.properties` or `.relations`.
enum Behind {
    /// With the name of a member.
    Member(String),
    /// With anything else: it may look at all of them.
    Whole,
}

fn behind(rest: &str) -> Behind {
    let rest = rest.trim_start_matches('?');
    let dotted = rest.strip_prefix('.');
    let plain: String = dotted
        .unwrap_or_default()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if !plain.is_empty() {
        return Behind::Member(plain);
    }
    let opened = dotted.unwrap_or(rest);
    let quoted = opened
        .strip_prefix('[')
        .unwrap_or(opened)
        .trim_start()
        .strip_prefix('"');
    match quoted.and_then(|quoted| quoted.split_once('"')) {
        Some((name, _)) => Behind::Member(name.to_owned()),
        None => Behind::Whole,
    }
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
    /// Whether the expression may read a property: its name stands in it as a word.
    pub fn mentions(&self, name: &str) -> bool {
        mentions(&self.code, name)
    }

    /// Whether the expression reads a member of the entity's `properties` or `relations`: `.properties.tier`,
    /// `.properties["tier"]`, or, where it takes these whole, the name as a word anywhere.
    pub fn reads_member(&self, of: &str, name: &str) -> bool {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        self.code.match_indices(of).any(|(at, _)| {
            let rest = &self.code[at + of.len()..];
            if self.code[..at].ends_with(word) || rest.starts_with(word) {
                return false;
            }
            match behind(rest) {
                Behind::Member(member) => member == name,
                Behind::Whole => self.mentions(name),
            }
        })
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

/// A member's name within a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(other: Value) -> Result<Computed, Vec<ComputedError>> {
        let own = BTreeMap::from([("tier".to_owned(), json!({"type": "string"}))]);
        let relations = ["system", "repo"].map(str::to_owned).into();
        Computed::read(other.as_object().unwrap(), &own, &relations)
    }

    #[test]
    fn ports_shapes_are_read() {
        let computed = read(json!({
            "mirrorProperties": {"m": {"path": "system.tier"}, "deep": {"title": "T", "path": "system.domain.$title"}},
            "calculationProperties": {
                "z": {"type": "number", "calculation": ".properties.a + 1"},
                "a": {"type": "number", "calculation": ".properties.stars * 2", "colorized": true, "colors": {"1": "red"}}
            },
            "aggregationProperties": {
                "n": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"}},
                "per": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "average", "averageOf": "week"}},
                "sum": {"target": "issue", "calculationSpec": {"calculationBy": "property", "func": "median", "property": "points"},
                    "pathFilter": [{"path": ["epic", "service"]}, {"fromBlueprint": "service", "path": ["repo"]}],
                    "query": {"combinator": "and", "rules": []}}
            },
            "ownership": {"type": "Inherited", "path": "system.domain"}
        }))
        .unwrap();
        assert_eq!(computed.mirrors["deep"].relations, ["system", "domain"]);
        assert_eq!(computed.mirrors["deep"].property, "$title");
        let order: Vec<_> = computed.calculations.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["a", "z"]);
        assert_eq!(
            computed.aggregations["per"].func,
            Func::CountPer {
                period: Period::Week,
                by: "$createdAt".into()
            }
        );
        let sum = &computed.aggregations["sum"];
        assert_eq!(
            sum.func,
            Func::Of {
                property: "points".into(),
                what: Over::Median
            }
        );
        assert_eq!(
            sum.paths
                .as_ref()
                .unwrap()
                .iter()
                .map(|path| path.from_here)
                .collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(computed.inherits.as_deref().unwrap(), ["system", "domain"]);
        assert!(read(json!({})).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        for (other, pointer, words) in [
            (
                json!({"mirrorProperties": {"m": {"path": "sytem.tier"}}}),
                "/mirrorProperties/m/path",
                "did you mean `system`",
            ),
            (
                json!({"mirrorProperties": {"m": {"path": "system"}}}),
                "/mirrorProperties/m/path",
                "`system.$title`",
            ),
            (
                json!({"mirrorProperties": {"m": {"path": "system.$name"}}}),
                "/mirrorProperties/m/path",
                "$identifier",
            ),
            (
                json!({"mirrorProperties": {"tier": {"path": "system.tier"}}}),
                "/mirrorProperties/tier",
                "already",
            ),
            (
                json!({"mirrorProperties": {"m": {}}}),
                "/mirrorProperties/m/path",
                "expected a text",
            ),
            (
                json!({"mirrorProperties": []}),
                "/mirrorProperties",
                "expected an object",
            ),
            (
                json!({"calculationProperties": {"c": {"type": "string", "calculation": ".a |"}}}),
                "/calculationProperties/c/calculation",
                "expected",
            ),
            (
                json!({"calculationProperties": {"c": {"type": "strin", "calculation": ".a"}}}),
                "/calculationProperties/c/type",
                "did you mean `string`",
            ),
            (
                json!({"calculationProperties": {"a": {"type": "number", "calculation": ".properties.b"}, "b": {"type": "number", "calculation": ".properties.a"}}}),
                "/calculationProperties/a",
                "in a circle: a, b",
            ),
            (
                json!({"aggregationProperties": {"n": {"target": "issue"}}}),
                "/aggregationProperties/n/calculationSpec",
                "expected an object",
            ),
            (
                json!({"aggregationProperties": {"n": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "sum"}}}}),
                "/aggregationProperties/n/calculationSpec/func",
                "calculationBy: property",
            ),
            (
                json!({"aggregationProperties": {"n": {"target": "issue", "calculationSpec": {"calculationBy": "property", "property": "p", "func": "mode"}}}}),
                "/aggregationProperties/n/calculationSpec/func",
                "median",
            ),
            (
                json!({"ownership": {"type": "Inherited", "path": "owner"}}),
                "/ownership/path",
                "no relation `owner`",
            ),
            (
                json!({"ownership": {"type": "Shared"}}),
                "/ownership/type",
                "`Inherited`",
            ),
        ] {
            let errors = read(other.clone()).unwrap_err();
            assert_eq!(errors[0].pointer, pointer, "{other}");
            assert!(errors[0].message.contains(words), "{}", errors[0]);
        }
    }

    #[test]
    fn a_calculation_reads_the_members_that_it_names() {
        let reads = |code: &str, of: &str, name: &str| {
            let all = json!({"calculationProperties": {"c": {"type": "string", "calculation": code}}});
            read(all).unwrap().calculations.remove(0).1.reads_member(of, name)
        };
        for code in [
            ".properties.title",
            ".properties?.title // 1",
            ".properties[\"title\"]",
            ".properties.\"title\"",
            ".properties | .title",
            ".properties as {$title} | $title",
        ] {
            assert!(reads(code, "properties", "title"), "{code}");
        }
        for code in [
            ".title",
            ".relations.title",
            ".properties.title2",
            ".properties.other | .title",
        ] {
            assert!(!reads(code, "properties", "title"), "{code}");
        }
        assert!(reads(".relations.title", "relations", "title"));
    }

    #[test]
    fn a_calculation_fits_its_type_or_gives_nothing() {
        let one = |code: &str, kind: &str| {
            let all = json!({"calculationProperties": {"c": {"type": kind, "calculation": code}}});
            read(all).unwrap().calculations.remove(0).1
        };
        let entity = json!({"identifier": "pay", "properties": {"stars": 4, "n": null}});
        assert_eq!(one(".properties.stars * 2", "number").run(&entity), Ok(Some(json!(8))));
        assert_eq!(
            one("\"https://x/\" + .identifier", "string").run(&entity),
            Ok(Some(json!("https://x/pay")))
        );
        assert_eq!(one(".properties.n", "number").run(&entity), Ok(None));
        assert_eq!(one(".properties.stars", "string").run(&entity), Ok(Some(json!("4"))));
        assert!(one(".properties", "number").run(&entity).is_err());
        assert!(one("error(\"no\")", "number").run(&entity).unwrap_err().contains("no"));
        let endless = one("[range(1e9)] | length", "number").run(&entity);
        assert!(endless.is_err(), "{endless:?}");
        assert!(one("now", "number").run(&entity).is_err());
    }
}
