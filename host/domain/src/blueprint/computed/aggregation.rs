//! Values over related entities.

use super::{ComputedError, MAX_STEPS, no_relation, text, wrong};
use crate::{
    BlueprintId,
    document::escaped,
    query::{Node, Preset, Scope},
    text::{cut, nearest},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

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

impl Aggregation {
    /// Whether it changes as time passes, while no entity does: an average by day or week does not, since it is over the time
    /// from the first of the entities to the last.
    pub fn depends_on_time(&self) -> bool {
        let node = self.query.as_ref().map(|rules| Node::parse(rules, &Scope::unchecked()));
        node.is_some_and(|node| node.is_ok_and(|node| node.depends_on_time()))
    }

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

/// A range of time that no entity can lie in, since there is none of this name.
fn unknown_preset(rules: &Value, pointer: &str) -> Option<ComputedError> {
    match rules {
        Value::Array(all) => all
            .iter()
            .enumerate()
            .find_map(|(i, one)| unknown_preset(one, &format!("{pointer}/{i}"))),
        Value::Object(all) => {
            let is_range = matches!(rules["operator"].as_str(), Some("between" | "notBetween"));
            let name = rules["value"]["preset"].as_str().filter(|_| is_range);
            if let Some(name) = name.filter(|name| Preset::named(name).is_none()) {
                let hint = match nearest(name, Preset::names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", Preset::names().collect::<Vec<_>>().join(", ")),
                };
                return Some(wrong(
                    format!("{pointer}/value/preset"),
                    format!("`{}` is no range of time; {hint}", cut(name, 60)),
                ));
            }
            all.iter()
                .find_map(|(name, one)| unknown_preset(one, &format!("{pointer}/{}", escaped(name))))
        }
        _ => None,
    }
}

pub(super) fn read(
    definition: &Value,
    pointer: &str,
    relations: &BTreeSet<String>,
) -> Result<Aggregation, ComputedError> {
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
        query @ Value::Object(_) => {
            if let Some(unknown) = unknown_preset(query, &format!("{pointer}/query")) {
                return Err(unknown);
            }
            Some(query.clone())
        }
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
