//! The test of a rule.

use super::{OPERATORS, Reader, Result, known_members, shown, wrong};
use crate::{
    query::{
        error::or_nearest,
        moment::moment,
        node::{Comparison, MAX_RULES, Range, Test},
        preset::Preset,
    },
    text::cut,
};
use serde_json::Value;

impl Reader<'_> {
    /// The test, and whether its opposite is meant.
    pub(super) fn test(&self, operator: &str, value: Option<&Value>, pointer: &str) -> Result<(Test, bool)> {
        let at = format!("{pointer}/value");
        let unary = matches!(operator, "isEmpty" | "isNotEmpty" | "isExpired" | "isNotExpired");
        if !OPERATORS.contains(&operator) {
            let hint = match operator {
                "==" => "; did you mean `=`?".to_owned(),
                other => or_nearest(other, OPERATORS),
            };
            return wrong(
                format!("{pointer}/operator"),
                format!("`{}` is no operator{hint}", cut(operator, 60)),
            );
        }
        let value = match value {
            _ if unary => &Value::Null,
            Some(value) => value,
            None => return wrong(at, format!("it is missing, and `{operator}` needs one")),
        };
        if value.get("context").is_some() {
            return wrong(
                at,
                "values of the person who asks need a sign-in, which this server has not; name the value instead",
            );
        }
        let list = || match value {
            Value::Array(values) if values.len() <= MAX_RULES => Ok(values.clone()),
            Value::Array(values) => wrong(
                &at,
                format!("at most {MAX_RULES} values can be asked for, found {}", values.len()),
            ),
            other => wrong(
                &at,
                format!("`{operator}` takes a list of values, found {}", shown(other)),
            ),
        };
        let text = || match value {
            Value::String(text) => Ok(text.clone()),
            other => wrong(&at, format!("`{operator}` takes a text, found {}", shown(other))),
        };
        let comparison = |side| match value {
            Value::Number(_) | Value::String(_) => Ok(Test::Compare(side, value.clone())),
            other => wrong(
                &at,
                format!("`{operator}` takes a number or a text, found {}", shown(other)),
            ),
        };
        let parts = |parts: Vec<Value>| match parts.iter().find(|part| part.is_null()) {
            Some(_) => wrong(
                &at,
                format!("`{operator}` looks for a value, found null; use `isEmpty`"),
            ),
            None => Ok(Test::Contains(parts)),
        };
        Ok(match operator {
            "=" => (Test::Equal(value.clone()), false),
            "!=" => (Test::Equal(value.clone()), true),
            "in" => (Test::OneOf(list()?), false),
            "notIn" => (Test::OneOf(list()?), true),
            "matchAny" => match value {
                Value::Array(_) => (Test::OneOf(list()?), false),
                one => (Test::Equal(one.clone()), false),
            },
            "contains" => (parts(vec![value.clone()])?, false),
            "doesNotContain" | "doesNotContains" => (parts(vec![value.clone()])?, true),
            "containsAny" => (parts(list()?)?, false),
            "beginsWith" => (Test::Begins(text()?), false),
            "doesNotBeginsWith" | "doesNotBeginWith" => (Test::Begins(text()?), true),
            "endsWith" => (Test::Ends(text()?), false),
            "doesNotEndsWith" | "doesNotEndWith" => (Test::Ends(text()?), true),
            "<" => (comparison(Comparison::Less)?, false),
            "<=" => (comparison(Comparison::AtMost)?, false),
            ">" => (comparison(Comparison::Greater)?, false),
            ">=" => (comparison(Comparison::AtLeast)?, false),
            "between" => (Test::Between(range(value, &at)?), false),
            "notBetween" => (Test::Between(range(value, &at)?), true),
            "isExpired" => (Test::Expired, false),
            "isNotExpired" => (Test::Expired, true),
            "isEmpty" => (Test::Present, true),
            _ => (Test::Present, false),
        })
    }
}

fn range(value: &Value, pointer: &str) -> Result<Range> {
    let Value::Object(members) = value else {
        return wrong(
            pointer,
            format!(
                "expected {{\"from\": …, \"to\": …}} or {{\"preset\": \"lastWeek\"}}, found {}",
                shown(value)
            ),
        );
    };
    known_members(members, pointer, &["from", "to", "preset"])?;
    match members.get("preset") {
        Some(Value::String(name)) if members.len() == 1 => match Preset::named(name) {
            Some(preset) => return Ok(Range::Preset(preset)),
            None => {
                let hint = or_nearest(name, Preset::names().collect::<Vec<_>>());
                return wrong(
                    format!("{pointer}/preset"),
                    format!("`{}` is no range of time{hint}", cut(name, 60)),
                );
            }
        },
        Some(_) => {
            return wrong(
                format!("{pointer}/preset"),
                "it is the name of a range, and stands alone",
            );
        }
        None => {}
    }
    let edge = |name: &str| members.get(name).filter(|value| !value.is_null()).cloned();
    bounds(edge("from"), edge("to")).or_else(|why| wrong(pointer, why))
}

/// A range of two values of one type.
pub(in crate::query) fn bounds(from: Option<Value>, to: Option<Value>) -> std::result::Result<Range, String> {
    let kind = |value: &Value| match value {
        Value::Number(_) => Some(0),
        Value::String(text) if moment(text).is_some() => Some(1),
        Value::String(_) => Some(2),
        _ => None,
    };
    let kinds: Vec<_> = from.iter().chain(&to).map(kind).collect();
    match kinds.as_slice() {
        [] => Err("a range has at least one of `from` and `to`".into()),
        [Some(_)] => Ok(Range::Bounds { from, to }),
        [Some(a), Some(b)] if a == b => Ok(Range::Bounds { from, to }),
        [Some(_), Some(_)] => {
            Err("`from` and `to` are of different types; both have to be numbers, times or texts".into())
        }
        _ => Err("the ends of a range are numbers, times such as \"2027-01-31T12:00:00Z\", or texts".into()),
    }
}
