//! Values that jq makes of the entity.

use super::{ComputedError, text, wrong};
use crate::{blueprint::property::Property, document::escaped};
use seawall_jq::{Compiler, Expr, Members};
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock};

/// A value that jq makes of the entity.
#[derive(Debug)]
pub struct Calculation {
    /// The expression.
    pub code: String,
    expr: Expr,
    /// The property's JSON Schema.
    pub schema: Value,
    property: Property,
    members: Members,
    relations: Members,
    /// Other calculations that come before it.
    before: BTreeSet<String>,
}

static COMPILER: LazyLock<Compiler> = LazyLock::new(Compiler::new);

pub(super) fn read(definition: &Value, pointer: &str) -> Result<Calculation, ComputedError> {
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
    let property = Property::new(&schema).map_err(|wrong_| {
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
        property,
        before: BTreeSet::new(),
    })
}

/// Calculations so that each comes after those that it reads.
pub(super) fn in_order(mut all: Vec<(String, Calculation)>) -> Result<Vec<(String, Calculation)>, ComputedError> {
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
        match self.property.fit(&mut value) {
            Ok(_) => Ok(Some(value)),
            Err(misfit) => Err(format!("its result {}", misfit.why)),
        }
    }
}
