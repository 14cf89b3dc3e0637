//! Checking an entity: what fits stays, what can be converted without loss is, what breaks the schema is left out, and
//! an entity without what it must have is set aside whole.

use super::CompiledBlueprint;
use crate::{
    Entity, RelationTarget, Report, Severity,
    text::{cut, nearest},
};
use serde_json::Value;

/// Bytes of a refused value that a report shows.
const SHOWN: usize = 300;

/// Whose entity is checked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The item's kind.
    pub kind: &'a str,
    /// The item's key.
    pub key: &'a str,
    /// Set the entity aside where anything breaks its schema.
    pub strict: bool,
    /// Also report each conversion.
    pub conversions: bool,
    /// It is what a client says, which may be a part of the entity: what is required may come from others, and reports
    /// speak of a request and not of a mapping.
    pub client: bool,
}

/// What became of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It stands, with so many values converted.
    Kept {
        /// Values converted without loss.
        converted: u64,
    },
    /// It must not be stored; the reports of that severity say why.
    SetAside,
}

impl Check<'_> {
    /// A report about `entity`.
    pub(crate) fn report(
        &self,
        severity: Severity,
        entity: Option<String>,
        field: String,
        rule: impl Into<String>,
        value: Option<&Value>,
        message: String,
    ) -> Report {
        let message = if self.client {
            message.replace("the mapping", "the request")
        } else {
            message
        };
        let end = match severity {
            _ if self.client => "",
            Severity::Converted => "",
            Severity::LeftOut => " (left out)",
            Severity::SetAside => " (the whole entity is set aside)",
        };
        Report {
            severity,
            kind: self.kind.to_owned(),
            key: self.key.to_owned(),
            entity,
            field: Some(field),
            expression: None,
            value: value.map(shown),
            rule: rule.into(),
            message: format!("{message}{end}"),
        }
    }

    /// What to call something that breaks a rule. A client's word goes by itself: what is required may come from others.
    pub(crate) fn severity(&self, required: bool) -> Severity {
        if self.strict || required && !self.client {
            Severity::SetAside
        } else {
            Severity::LeftOut
        }
    }
}

/// `value`, cut to what can be shown.
pub(crate) fn shown(value: &Value) -> Value {
    match value {
        Value::String(s) => cut(s, SHOWN).into_owned().into(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.len() <= SHOWN {
                value.clone()
            } else {
                cut(&text, SHOWN).into_owned().into()
            }
        }
        plain => plain.clone(),
    }
}

fn brief(value: &Value) -> String {
    cut(&value.to_string(), 60).into_owned()
}

impl CompiledBlueprint {
    /// Checks `entity`, which must be of this blueprint, and makes it fit. Reports of all that is wrong are appended to `out`.
    pub fn check(&self, entity: &mut Entity, check: Check<'_>, out: &mut Vec<Report>) -> Outcome {
        let first = out.len();
        let mut converted = self.check_properties(entity, check, out);
        converted += self.check_relations(entity, check, out);
        name_entity(entity, out);
        if out[first..].iter().any(|report| report.severity == Severity::SetAside) {
            Outcome::SetAside
        } else {
            Outcome::Kept { converted }
        }
    }

    /// Checks properties, and gives the number of conversions.
    fn check_properties(&self, entity: &mut Entity, check: Check<'_>, out: &mut Vec<Report>) -> u64 {
        let required = &self.blueprint().schema.required;
        let mut converted = 0;
        let mut bad: Vec<String> = Vec::new();
        let mut absent: Vec<String> = Vec::new();
        for (property, value) in &mut entity.properties {
            if value.is_null() {
                absent.push(property.clone());
                continue;
            }
            let field = format!("properties.{property}");
            let Some(schema) = self.properties.get(property) else {
                let (severity, message) = (check.severity(false), self.unknown_property(property));
                out.push(check.report(severity, None, field, "unknown property", Some(value), message));
                bad.push(property.clone());
                continue;
            };
            let before = check.conversions.then(|| value.clone());
            match schema.fit(value) {
                Ok(0) => {}
                Ok(n) => {
                    converted += n;
                    if let Some(before) = before {
                        let message = format!("{} became {}", brief(&before), brief(value));
                        out.push(check.report(Severity::Converted, None, field, "conversion", Some(&before), message));
                    }
                }
                Err(misfit) => {
                    let severity = check.severity(required.contains(property));
                    let message = format!("`{property}`: {} {}", brief(value), misfit.why);
                    out.push(check.report(severity, None, field, misfit.rule, Some(value), message));
                    bad.push(property.clone());
                }
            }
        }
        for property in absent.iter().chain(&bad) {
            entity.properties.remove(property);
        }
        let has = |name: &String| entity.properties.contains_key(name) || self.defaults().contains_key(name);
        let lacks = |name: &&String| !has(name) && !bad.contains(name);
        for missing in required.iter().filter(lacks).filter(|_| !check.client) {
            let message = format!("the property `{missing}` is required, and the mapping gives none or null");
            let field = format!("properties.{missing}");
            out.push(check.report(Severity::SetAside, None, field, "required", None, message));
        }
        converted
    }

    /// Checks relations, and gives the number of conversions.
    fn check_relations(&self, entity: &mut Entity, check: Check<'_>, out: &mut Vec<Report>) -> u64 {
        let known = &self.blueprint().relations;
        let mut converted = 0;
        let mut bad: Vec<String> = Vec::new();
        for (relation, target) in std::mem::take(&mut entity.relations) {
            let field = format!("relations.{relation}");
            let Some(wanted) = known.get(&relation) else {
                let meant = nearest(&relation, known.keys().map(String::as_str));
                let meant = meant.map(|m| format!("; did you mean `{m}`?")).unwrap_or_default();
                let message = format!(
                    "`{relation}` is no relation of the blueprint `{}`{meant}; add it to the blueprint, or take it out of the mapping",
                    entity.blueprint
                );
                let (severity, value) = (check.severity(false), target.to_json());
                out.push(check.report(severity, None, field, "unknown relation", Some(&value), message));
                continue;
            };
            let fitting = match target {
                RelationTarget::Many(many) if many.is_empty() => continue,
                RelationTarget::Many(many) if !wanted.many => match <[_; 1]>::try_from(many) {
                    Ok([only]) => {
                        converted += 1;
                        RelationTarget::One(only)
                    }
                    Err(many) => {
                        let severity = check.severity(wanted.required);
                        let message = format!(
                            "`{relation}` is a single relation, and the mapping gives {} targets; name one (`| first`), or set `many: true` in the blueprint",
                            many.len()
                        );
                        let value = RelationTarget::Many(many).to_json();
                        out.push(check.report(severity, None, field, "many: false", Some(&value), message));
                        bad.push(relation);
                        continue;
                    }
                },
                RelationTarget::One(one) if wanted.many => RelationTarget::Many(vec![one]),
                fitting => fitting,
            };
            entity.relations.insert(relation, fitting);
        }
        let lacks = |name: &String| !entity.relations.contains_key(name) && !bad.contains(name);
        let missing = known.iter().filter(|(name, relation)| relation.required && lacks(name));
        for (missing, _) in missing.filter(|_| !check.client) {
            let message = format!("the relation `{missing}` is required, and the mapping gives no target");
            let field = format!("relations.{missing}");
            out.push(check.report(Severity::SetAside, None, field, "required", None, message));
        }
        converted
    }

    fn unknown_property(&self, property: &str) -> String {
        let blueprint = self.blueprint();
        let calculated = ["mirrorProperties", "calculationProperties", "aggregationProperties"]
            .into_iter()
            .find(|kind| {
                blueprint
                    .other
                    .get(*kind)
                    .is_some_and(|all| all.get(property).is_some())
            });
        if let Some(kind) = calculated {
            return format!(
                "`{property}` is computed by the blueprint `{}` ({kind}); take it out of the mapping",
                blueprint.identifier
            );
        }
        let meant = nearest(property, self.properties.keys().map(String::as_str));
        let meant = meant.map(|m| format!("; did you mean `{m}`?")).unwrap_or_default();
        format!(
            "`{property}` is no property of the blueprint `{}`{meant}; add it to the blueprint, or take it out of the mapping",
            blueprint.identifier
        )
    }
}

/// Fills in whose reports they are; those before them have their names.
fn name_entity(entity: &Entity, out: &mut [Report]) {
    for report in out.iter_mut().rev().take_while(|r| r.entity.is_none()) {
        report.entity = Some(format!("{}/{}", entity.blueprint, entity.identifier));
    }
}
