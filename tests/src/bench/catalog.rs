//! A large catalog: what a tool lists of it, how that is mapped, and how it comes into a server.

use super::{
    items::{Items, pad, words},
    report::Report,
    server::{Pass, follow_pass, install_bench_mapped},
    shape,
};
use crate::Seawall;
use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Items in a page of the tool.
const PAGE: u64 = 500;

/// Made-up entities: the same in every run, in no order.
#[derive(Debug, Clone)]
pub struct Catalog {
    blueprints: Vec<Part>,
    /// Properties of each blueprint beside the usual eight.
    details: usize,
}

/// A blueprint's entities.
#[derive(Debug, Clone)]
struct Part {
    name: String,
    /// The number of its first one among all.
    first: usize,
    count: usize,
}

impl Catalog {
    /// Entities in the catalog whose shape it is.
    pub const ALL: usize = shape::ALL;

    /// So many entities, shaped like Backstage's query battery.
    pub fn battery(entities: usize) -> Self {
        let shares = shape::BLUEPRINTS.map(|(name, share)| (name.to_owned(), (share * entities / shape::ALL).max(1)));
        let mut shares = shares.to_vec();
        let given: usize = shares.iter().map(|(_, count)| count).sum();
        // What rounding leaves goes to the last one.
        if let Some((_, last)) = shares.last_mut() {
            *last = (*last + entities).saturating_sub(given).max(1);
        }
        Self::of(shares)
    }

    /// So many entities in so many blueprints of equal size. All refer to the last one's.
    pub fn of_many(entities: usize, blueprints: usize) -> Self {
        let name = |number| match number {
            number if number + 1 == blueprints => "group".to_owned(),
            number => format!("kind-{number:03}"),
        };
        let count = (entities / blueprints.max(1)).max(1);
        Self::of((0..blueprints).map(|number| (name(number), count)).collect())
    }

    fn of(shares: Vec<(String, usize)>) -> Self {
        let mut first = 0;
        let part = |(name, count)| {
            let part = Part { name, first, count };
            first += count;
            part
        };
        Self {
            blueprints: shares.into_iter().map(part).collect(),
            details: 0,
        }
    }

    /// The same with so many properties in each blueprint; half of those beside the usual eight are set in an entity, and
    /// one is a long text.
    pub fn with_properties(self, properties: usize) -> Self {
        Self {
            details: properties.saturating_sub(8),
            ..self
        }
    }

    /// Entities in it.
    pub fn entities(&self) -> usize {
        self.blueprints.iter().map(|part| part.count).sum()
    }

    /// The blueprint of most entities.
    pub fn largest(&self) -> &str {
        let largest = self.blueprints.iter().max_by_key(|part| part.count);
        largest.map_or("", |part| &part.name)
    }

    /// So many groups own the others; their identifiers are `group-0` and on.
    pub fn owners(&self) -> usize {
        let groups = self.blueprints.iter().find(|part| part.name == "group");
        groups.map_or(1, |part| part.count).min(shape::OWNERS)
    }

    /// The entity of this number, from 0 to [`Catalog::entities`].
    pub fn entity(&self, number: usize) -> Value {
        let at = self.blueprints.partition_point(|part| part.first <= number);
        let part = &self.blueprints[at.saturating_sub(1)];
        let own = number - part.first;
        let mut entity = shape::entity(&part.name, own, 0, self.owners());
        for at in 0..self.details {
            let random = shape::mix(shape::mix(own) + at);
            if at == 0 || random.is_multiple_of(2) {
                entity["properties"][detail_name(at)] = detail(at, random >> 1);
            }
        }
        entity
    }

    /// What the tool lists: entities with a key, filled up with a text that is mapped to nothing.
    pub fn items(&self) -> Items {
        Items::of(self.entities() as u64, PAGE, |number| {
            let mut item = self.entity(number as usize);
            item["full_name"] = format!("{}/{}", text(&item["blueprint"]), text(&item["identifier"])).into();
            pad(&mut item, number);
            item
        })
    }

    /// No items.
    pub fn nothing() -> Items {
        Items::of(0, PAGE, |_| Value::Null)
    }

    /// Its blueprints, with what they refer to first.
    fn definitions(&self) -> Vec<Value> {
        let mut names: Vec<_> = self.blueprints.iter().map(|part| part.name.as_str()).collect();
        names.sort_by_key(|name| *name != "group");
        let one = |name: &str| {
            let mut blueprint = shape::blueprint(name);
            for at in 0..self.details {
                let kind = ["string", "number", "boolean", "string"][at % 4];
                blueprint["schema"]["properties"][detail_name(at)] = json!({"type": kind});
            }
            blueprint
        };
        names.into_iter().map(one).collect()
    }

    /// The properties of each blueprint that have an order.
    pub(super) fn property_names(&self) -> Vec<String> {
        let blueprint = shape::blueprint("group");
        let usual = blueprint["schema"]["properties"].as_object();
        let usual = usual.into_iter().flat_map(Map::keys).cloned();
        usual.chain((0..self.details).map(detail_name)).collect()
    }

    fn mapping(&self) -> Value {
        let names = self.property_names().into_iter();
        let properties: Map<String, Value> = names
            .map(|name| (name.clone(), format!(".properties.{name}").into()))
            .collect();
        let mappings = json!({
            "identifier": ".identifier", "title": ".title", "team": ".team", "blueprint": ".blueprint",
            "properties": properties, "relations": {"owner": ".relations.owner"},
        });
        let resource =
            json!({"kind": "repository", "selector": {"query": "true"}, "port": {"entity": {"mappings": mappings}}});
        json!({"resources": [resource]})
    }

    /// Defines its blueprints, and points an integration `bench` at a tool; its first pass begins at once.
    ///
    /// # Errors
    /// Where a blueprint is refused.
    pub async fn install(&self, seawall: &Seawall, address: &str) -> Result<()> {
        for blueprint in self.definitions() {
            let path = format!("/api/v1/blueprints/{}", text(&blueprint["identifier"]));
            let (status, answer) = seawall.send(Method::PUT, &path, &blueprint).await;
            ensure!(status.is_success(), "{path}: {status} {answer}");
        }
        install_bench_mapped(seawall, address, Some(self.mapping())).await
    }

    /// Waits for the integration's pass of this number, the first that has items, and says how it stands.
    ///
    /// # Errors
    /// Where the pass failed, or has not created every entity as it is.
    pub async fn filled(&self, report: &Report, seawall: &Seawall, pass: usize) -> Result<Pass> {
        let all = self.entities();
        let (mut said, mut before) = (Instant::now(), 0);
        let pass = follow_pass(seawall, "bench", pass, |items| {
            let time = said.elapsed();
            if time > Duration::from_secs(5) {
                let rate = items.saturating_sub(before) as f64 / time.as_secs_f64();
                report.say(format!("  {items} of {all} items, {rate:.0}/s just now"));
                (said, before) = (Instant::now(), items);
            }
        })
        .await?;
        ensure!(
            pass.created == all as u64 && pass.left_out == 0,
            "the pass was to create {all} entities, in an empty catalog: {pass:?}"
        );
        let seconds = pass.took.as_secs_f64();
        report.say(format!("{all} new items in {seconds:.1} s: {:.0}/s", pass.rate()));
        Ok(pass)
    }
}

fn detail_name(at: usize) -> String {
    format!("detail_{at:02}")
}

/// A long text, some values that many have, numbers, and values that nobody else has.
fn detail(at: usize, random: usize) -> Value {
    match at % 4 {
        0 if at == 0 => words(random as u64, 400).into(),
        0 => format!("value {}", random % (at + 2)).into(),
        1 => (random % 1_000).into(),
        2 => random.is_multiple_of(2).into(),
        _ => format!("{random:x}-{at}").into(),
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_of_any_size_has_all_blueprints_and_no_entity_twice() {
        for catalog in [
            Catalog::battery(2_000),
            Catalog::battery(500).with_properties(50),
            Catalog::of_many(600, 300),
        ] {
            let names: std::collections::HashSet<_> = (0..catalog.entities())
                .map(|number| {
                    let entity = catalog.entity(number);
                    format!("{}/{}", entity["blueprint"], entity["identifier"])
                })
                .collect();
            assert_eq!(names.len(), catalog.entities());
        }
        assert_eq!(Catalog::battery(2_000).entities(), 2_000);
        assert_eq!(Catalog::battery(Catalog::ALL).entities(), Catalog::ALL);
        let wide = Catalog::battery(500).with_properties(50);
        assert_eq!(
            wide.definitions()[0]["schema"]["properties"].as_object().map(Map::len),
            Some(50)
        );
        assert_eq!(wide.definitions()[0]["identifier"], "group");
    }
}
