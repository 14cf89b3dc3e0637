//! A mapping's value: an expression, or an object or list of them.

use super::error::MappingError;
use jaq_json::Val;
use seawall_jq::{Budget, Compiler, Expr};
use serde_json::{Map, Value};

/// A compiled expression with its text.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) expr: Expr,
}

/// A compiled value of a mapping.
#[derive(Debug)]
pub(super) enum Template {
    One(Expression),
    Object(Vec<(String, Template)>),
    List(Vec<Template>),
    /// Given, but not something that can be computed here; why.
    LeftOut {
        text: String,
        why: &'static str,
    },
}

/// Why a template gave no value.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) expression: String,
    pub(super) message: String,
    /// `jq`, or what else stands against it.
    pub(super) rule: &'static str,
}

/// Where in the file a value stands, for errors.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub(super) compiler: &'a Compiler,
    pub(super) pointer: String,
    pub(super) kind: &'a str,
    pub(super) field: String,
}

impl At<'_> {
    pub(super) fn child(&self, name: &str) -> Self {
        let field = if self.field.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.field)
        };
        Self {
            pointer: format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1")),
            field,
            ..self.clone()
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> MappingError {
        MappingError {
            kind: Some(self.kind.to_owned()).filter(|k| !k.is_empty()),
            field: Some(self.field.clone()).filter(|f| !f.is_empty()),
            ..MappingError::new(self.pointer.clone(), message)
        }
    }
}

impl Expression {
    /// Compiles a text; plain numbers and booleans of YAML are expressions too.
    pub(super) fn compile(value: &Value, at: &At<'_>, errors: &mut Vec<MappingError>) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => {
                errors.push(at.error("expected a jq expression, such as `.name`"));
                return None;
            }
        };
        match at.compiler.compile(&text) {
            Ok(expr) => Some(Self { text, expr }),
            Err(fault) => {
                errors.push(MappingError {
                    expression: Some(text),
                    at: fault.at,
                    ..at.error(fault.message)
                });
                None
            }
        }
    }

    pub(super) fn failure(&self, message: String) -> Failure {
        Failure {
            expression: self.text.clone(),
            message,
            rule: "jq",
        }
    }
}

impl Template {
    /// Compiles a value; null is no value.
    pub(super) fn compile(value: &Value, at: &At<'_>, errors: &mut Vec<MappingError>) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Object(map) => {
                let entries = map
                    .iter()
                    .filter_map(|(k, v)| Some((k.clone(), Self::compile(v, &at.child(k), errors)?)));
                Some(Self::Object(entries.collect()))
            }
            Value::Array(all) => {
                let entries = all.iter().enumerate();
                let entries = entries.filter_map(|(i, v)| Self::compile(v, &at.child(&i.to_string()), errors));
                Some(Self::List(entries.collect()))
            }
            Value::String(text) if text.trim_start().starts_with("file://") => Some(Self::LeftOut {
                text: text.clone(),
                why: "`file://` asks Port's own agent for a file of the repository; let the plugin put the file's text into the item",
            }),
            Value::String(text) if text.trim_start().starts_with("search://") => Some(Self::LeftOut {
                text: text.clone(),
                why: "`search://` asks Port's own agent to search the repository; let the plugin put the answer into the item",
            }),
            one => Expression::compile(one, at, errors).map(Self::One),
        }
    }

    /// Computes the value.
    pub(super) fn json(&self, input: &Val, budget: &Budget) -> Result<Value, Failure> {
        match self {
            Self::One(e) => e.expr.json(input, budget).map_err(|message| e.failure(message)),
            Self::Object(entries) => {
                let mut out = Map::new();
                for (key, template) in entries {
                    out.insert(key.clone(), template.json(input, budget)?);
                }
                Ok(out.into())
            }
            Self::List(entries) => entries.iter().map(|t| t.json(input, budget)).collect(),
            Self::LeftOut { text, why } => Err(Failure {
                expression: text.clone(),
                message: (*why).to_owned(),
                rule: "not supported",
            }),
        }
    }

    /// Port's search relations and searched identifiers: `{combinator, rules}`.
    pub(super) fn is_search(&self) -> bool {
        matches!(self, Self::Object(entries) if entries.iter().any(|(k, _)| k == "rules"))
    }

    /// Whether it is a search, or a list with one.
    pub(super) fn has_search(&self) -> bool {
        self.is_search() || matches!(self, Self::List(all) if all.iter().any(Self::is_search))
    }

    /// Tells what of it gives nothing, by the field.
    pub(super) fn left_out(&self, field: &str, put: &mut impl FnMut(&str, &'static str)) {
        match self {
            Self::LeftOut { why, .. } => put(field, why),
            Self::Object(entries) => entries
                .iter()
                .for_each(|(name, template)| template.left_out(&format!("{field}.{name}"), put)),
            Self::List(all) => all.iter().for_each(|template| template.left_out(field, put)),
            Self::One(_) => {}
        }
    }
}
