//! What is computed may not lead back to itself, through however many blueprints: it would never come to rest.
//!
//! Judged by the definitions: whether the entities really stand in a circle is another day's matter, and a value that
//! follows from itself today or tomorrow is a definition to mend now.

use crate::{Problem, engine::Blueprints};
use seawall_domain::{
    BlueprintId,
    blueprint::{
        CompiledBlueprint,
        computed::{Computed, Mirror},
    },
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A blueprint's field.
type Field = (BlueprintId, String);

/// Blueprints as they would be.
pub(super) struct World<'a> {
    pub(super) all: &'a Blueprints,
    pub(super) changed: &'a CompiledBlueprint,
}

/// Each of a blueprint's computed properties that leads back to itself.
pub(crate) fn circles(all: &Blueprints, changed: &CompiledBlueprint) -> Vec<Problem> {
    let world = World { all, changed };
    let own = &changed.blueprint().identifier;
    let computed = changed.computed();
    let mirrors = computed
        .mirrors
        .keys()
        .map(|name| (name, format!("/mirrorProperties/{name}/path")));
    let calculations = computed
        .calculations
        .iter()
        .map(|(name, _)| (name, format!("/calculationProperties/{name}")));
    let aggregations = computed
        .aggregations
        .keys()
        .map(|name| (name, format!("/aggregationProperties/{name}")));
    let each = mirrors.chain(calculations).chain(aggregations);
    let problem = |(name, pointer): (&String, String)| {
        let way: Vec<_> = world
            .way_back(&(own.clone(), name.clone()))?
            .iter()
            .map(|(blueprint, field)| format!("{blueprint}.{field}"))
            .collect();
        let detail = format!(
            "it leads back to itself: {}; end one of these paths at a stored property",
            way.join(" → ")
        );
        Some(Problem::at(pointer, detail))
    };
    each.filter_map(problem).collect()
}

impl World<'_> {
    pub(super) fn blueprint(&self, name: &BlueprintId) -> Option<&CompiledBlueprint> {
        if *name == self.changed.blueprint().identifier {
            return Some(self.changed);
        }
        self.all.get(name).map(|compiled| &**compiled)
    }

    /// The shortest way from a field along what each reads, back to it.
    fn way_back(&self, start: &Field) -> Option<Vec<Field>> {
        let mut before: BTreeMap<Field, Field> = BTreeMap::new();
        let mut next = VecDeque::from([start.clone()]);
        while let Some(field) = next.pop_front() {
            for read in self.reads(&field) {
                if read == *start {
                    let mut way = vec![start.clone()];
                    let mut at = &field;
                    while at != start {
                        way.push(at.clone());
                        at = before.get(at)?;
                    }
                    way.push(start.clone());
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(&read) {
                    before.insert(read.clone(), field.clone());
                    next.push_back(read);
                }
            }
        }
        None
    }

    /// The fields that a computed one follows from; none of one that is stored.
    fn reads(&self, (blueprint, field): &Field) -> BTreeSet<Field> {
        let Some(computed) = self.blueprint(blueprint).map(CompiledBlueprint::computed) else {
            return BTreeSet::new();
        };
        if let Some(mirror) = computed.mirrors.get(field) {
            return self.end(blueprint, mirror).into_iter().collect();
        }
        if let Some(aggregation) = computed.aggregations.get(field) {
            let target = &aggregation.target;
            return aggregation
                .reads()
                .into_iter()
                .map(|name| (target.clone(), name))
                .collect();
        }
        let Some((_, calculation)) = computed.calculations.iter().find(|(name, _)| name == field) else {
            return BTreeSet::new();
        };
        // Its own value is not before it when it runs.
        names(computed)
            .filter(|name| *name != field && calculation.reads(name))
            .map(|name| (blueprint.clone(), name.clone()))
            .collect()
    }

    /// The field that a mirror ends with, where its path leads anywhere.
    fn end(&self, from: &BlueprintId, mirror: &Mirror) -> Option<Field> {
        let mut at = from.clone();
        for relation in &mirror.relations {
            at = self.blueprint(&at)?.blueprint().relations.get(relation)?.target.clone();
        }
        Some((at, mirror.property.clone()))
    }
}

fn names(computed: &Computed) -> impl Iterator<Item = &String> {
    let calculations = computed.calculations.iter().map(|(name, _)| name);
    computed
        .mirrors
        .keys()
        .chain(computed.aggregations.keys())
        .chain(calculations)
}
