//! What the mapping gives for one field of an entity: texts, teams and relations.

use super::{Aside, Job};
use crate::{
    EntityId, RelationTarget, Severity,
    blueprint::CompiledBlueprint,
    mapping::{
        file::{NO_LISTED_SEARCH, NO_SEARCHED_TEAM},
        template::Template,
    },
    text::cut,
};
use jaq_json::Val;
use serde_json::Value;

impl Job<'_> {
    /// A text without which there is no entity.
    pub(super) fn required(&mut self, field: &str, template: &Template, input: &Val) -> Result<String, Aside> {
        let value = template.json(input, &self.budget).map_err(|failure| {
            self.failed(Severity::SetAside, field, &failure);
            Aside
        })?;
        match self.scalar(field, value) {
            Ok(text) => Ok(text),
            Err(Value::Null) => {
                let message = format!("the mapping gives no {field} (null); every entity must have one");
                Err(self.aside(field, "required", Value::Null, message))
            }
            Err(value) => {
                let message = format!("the {field} is {}, and must be a text", cut(&value.to_string(), 60));
                Err(self.aside(field, "type: string", value, message))
            }
        }
    }

    /// A text, a number or a boolean as text.
    pub(super) fn scalar(&mut self, field: &str, value: Value) -> Result<String, Value> {
        let text = match value {
            Value::String(text) => return Ok(text),
            Value::Number(ref n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            other => return Err(other),
        };
        self.out.converted += 1;
        if self.call.conversions {
            let message = format!("{value} became \"{text}\"");
            let report = self.check().report(
                Severity::Converted,
                None,
                field.to_owned(),
                "conversion",
                Some(&value),
                message,
            );
            self.out.reports.push(report);
        }
        Ok(text)
    }

    pub(super) fn text(
        &mut self,
        field: &str,
        template: Option<&Template>,
        input: &Val,
    ) -> Result<Option<String>, Aside> {
        let Some(template) = template else { return Ok(None) };
        let value = match template.json(input, &self.budget) {
            Ok(Value::Null) => return Ok(None),
            Ok(value) => value,
            Err(failure) => return self.left_out(field, &failure).map(|()| None),
        };
        match self.scalar(field, value) {
            Ok(text) => Ok(Some(text)),
            Err(value) => {
                let message = format!("the {field} is {}, and must be a text", cut(&value.to_string(), 60));
                self.misfit(field, "type: string", &value, message)?;
                Ok(None)
            }
        }
    }

    pub(super) fn team(&mut self, template: Option<&Template>, input: &Val) -> Result<Vec<String>, Aside> {
        let Some(template) = template else {
            return Ok(Vec::new());
        };
        let value = match template.json(input, &self.budget) {
            Ok(value) => value,
            Err(failure) => return self.left_out("team", &failure).map(|()| Vec::new()),
        };
        let list = match value {
            Value::Null => Vec::new(),
            Value::Array(list) => list,
            one => vec![one],
        };
        let mut out: Vec<String> = Vec::new();
        for value in list {
            match self.scalar("team", value) {
                Ok(team) if out.contains(&team) => {}
                Ok(team) => out.push(team),
                Err(Value::Null) => {}
                Err(value) => {
                    let message = if value.get("rules").is_some() {
                        NO_SEARCHED_TEAM.to_owned()
                    } else {
                        format!("a team is {}, and must be a text", cut(&value.to_string(), 60))
                    };
                    self.misfit("team", "type: string", &value, message)?;
                }
            }
        }
        Ok(out)
    }

    pub(super) fn relation(
        &mut self,
        name: &str,
        template: &Template,
        input: &Val,
        compiled: &CompiledBlueprint,
    ) -> Result<Option<RelationTarget>, Aside> {
        let field = || format!("relations.{name}");
        let value = match template.json(input, &self.budget) {
            Ok(Value::Null) => return Ok(None),
            Ok(value) => value,
            Err(failure) => return self.left_out(&field(), &failure).map(|()| None),
        };
        if template.is_search() {
            return self.searched(name, value, compiled);
        }
        let mut targets: Vec<EntityId> = Vec::new();
        let many = value.is_array();
        let mut list = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        if template.has_search() {
            let is_search = |value: &Value| value.get("rules").is_some();
            let first = list.iter().find(|value| is_search(value)).cloned();
            list.retain(|value| !is_search(value));
            let message = format!("`{name}`: {NO_LISTED_SEARCH}");
            self.misfit(&field(), "not supported", &first.unwrap_or_default(), message)?;
        }
        for value in list {
            let id = match self.scalar(&field(), value) {
                Ok(id) => id,
                Err(Value::Null) => continue,
                Err(value) => {
                    let search = value.get("rules").is_some();
                    let message = if search {
                        format!(
                            "`{name}` computes a search (`{{combinator, rules}}`) by one expression, which is not supported; write it as an object of the mapping, with an expression for each value"
                        )
                    } else {
                        format!(
                            "`{name}` gives {}; a target is named by its identifier, a text",
                            cut(&value.to_string(), 60)
                        )
                    };
                    let rule = if search { "not supported" } else { "relation" };
                    self.misfit(&field(), rule, &value, message)?;
                    continue;
                }
            };
            match EntityId::new(&id) {
                Ok(id) if targets.contains(&id) => {}
                Ok(id) => targets.push(id),
                Err(e) => self.misfit(&field(), "identifier", &id.into(), e.to_string())?,
            }
        }
        Ok(if many {
            Some(RelationTarget::Many(targets))
        } else {
            targets.pop().map(RelationTarget::One)
        })
    }
}
