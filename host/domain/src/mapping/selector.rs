//! Selectors: what a plugin is told of a kind beyond `query`, which the host evaluates itself.
//!
//! Resources of one kind may have different selectors, such as `{path: a.yaml}` and `{path: b.yaml}`. A plugin is told one
//! at a time, so each distinct one is pulled on its own and its items are mapped by its own resources alone: nothing is
//! missed, and nothing is mapped that its selector did not choose. Partitions of the first keep the plugin's name; those
//! of a further one have its JSON behind it, so that adding a resource leaves what is there as it is.

use super::{Mapping, file::Resource};
use crate::text::canonical;
use serde_json::{Map, Value};

/// A selector without its `query`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selector {
    value: Value,
    /// As canonical JSON.
    text: String,
}

impl Selector {
    pub(super) fn of(selector: &Value) -> Self {
        let rest = |all: &Map<String, Value>| all.clone().into_iter().filter(|(name, _)| name != "query").collect();
        let value = Value::Object(selector.as_object().map(rest).unwrap_or_default());
        let mut text = String::new();
        canonical(&value, &mut text);
        Self { value, text }
    }
}

impl Mapping {
    /// The distinct selectors of `kind` beyond `query`, each an object, in the order of the file; empty where the kind is
    /// not mapped.
    pub fn selectors(&self, kind: &str) -> Vec<&Value> {
        self.distinct(kind)
            .into_iter()
            .map(|selector| &selector.value)
            .collect()
    }

    /// The name of a partition of the plugin's, pulled with the selector at this place of [`Mapping::selectors`].
    pub fn partition_name(&self, kind: &str, selector: usize, partition: &str) -> String {
        match self.distinct(kind).get(selector) {
            Some(further) if selector > 0 => format!("{partition} {}", further.text),
            _ => partition.to_owned(),
        }
    }

    /// The way back from [`Mapping::partition_name`]: the selector's place, and the plugin's own name of the partition.
    pub fn partition_of<'n>(&self, kind: &str, name: &'n str) -> (usize, &'n str) {
        let all = self.distinct(kind);
        let further = all.iter().enumerate().skip(1);
        further
            .filter_map(|(place, selector)| {
                let partition = name.strip_suffix(selector.text.as_str())?.strip_suffix(' ')?;
                Some((place, partition))
            })
            .next()
            .unwrap_or((0, name))
    }

    fn distinct(&self, kind: &str) -> Vec<&Selector> {
        distinct(&self.resources, kind)
    }
}

fn distinct<'r>(resources: &'r [Resource], kind: &str) -> Vec<&'r Selector> {
    let mut out: Vec<&Selector> = Vec::new();
    for resource in resources.iter().filter(|resource| resource.kind == kind) {
        if !out.contains(&&resource.selector) {
            out.push(&resource.selector);
        }
    }
    out
}

/// Tells every resource the place of its selector, once: items are mapped by it.
pub(super) fn place(resources: &mut [Resource]) {
    let places: Vec<usize> = resources
        .iter()
        .map(|resource| {
            let all = distinct(resources, &resource.kind);
            all.iter()
                .position(|selector| **selector == resource.selector)
                .unwrap_or_default()
        })
        .collect();
    for (resource, place) in resources.iter_mut().zip(places) {
        resource.place = place;
    }
}
