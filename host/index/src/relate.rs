//! Along relations: backwards from entities that pass to those that lead there, and forwards in chains from named ones.

use crate::{
    column::Column,
    hits::Hits,
    key::Key,
    plan::Tested,
    probe::Probe,
    table::Table,
    tree::{Evaluation, Tables},
};
use hashbrown::HashMap;
use roaring::RoaringBitmap;
use seawall_domain::{
    BlueprintId, EntityId,
    query::{Direction, Hop, Related},
};

/// By the number of the table, the slots that a chain reaches.
pub(crate) type Reached = HashMap<usize, RoaringBitmap>;

impl<'t> Evaluation<'t, '_> {
    /// The slots from which the hops lead to an entity that passes.
    pub(crate) fn via(&mut self, tested: &Tested<'_>, hops: &[Hop], blueprint: &BlueprintId) -> Hits<'t> {
        let Some((hop, rest)) = hops.split_first() else {
            return self.end(tested, blueprint);
        };
        // Where one step, two steps and so on lead.
        let mut way = vec![blueprint.clone()];
        while way.len() <= hop.most as usize {
            match way.last().and_then(|last| self.tables.shape.edge(last, &hop.relation)) {
                Some(edge) => way.push(edge.target.clone()),
                None => break,
            }
        }
        let mut goals: HashMap<BlueprintId, Hits<'t>> = HashMap::new();
        let mut reached = Hits::NONE;
        for (from, to) in way.iter().zip(&way[1..]).rev() {
            let goal = match goals.get(to) {
                Some(goal) => goal.clone(),
                None => {
                    let goal = self.via(tested, rest, to);
                    goals.insert(to.clone(), goal.clone());
                    goal
                }
            };
            reached = leading(self.tables, from, &hop.relation, to, &goal.or(reached));
        }
        reached
    }

    /// The slots of a blueprint's table that are at the end of a chain.
    pub(crate) fn related(&mut self, number: usize, related: &Related, blueprint: &BlueprintId) -> Hits<'t> {
        let Some(table) = self.tables.number(blueprint) else {
            return Hits::NONE;
        };
        let tables = self.tables;
        let reached = self.reached.entry(number).or_insert_with(|| {
            let mut reached = Reached::new();
            for way in [Direction::Upstream, Direction::Downstream] {
                if related.direction.is_none_or(|wanted| wanted == way) {
                    for (table, slots) in chains(tables, related, way) {
                        *reached.entry(table).or_default() |= slots;
                    }
                }
            }
            reached
        });
        reached
            .get(&table)
            .map_or(Hits::NONE, |slots| Hits::owned(slots.clone()))
    }
}

/// Slots of `from` whose relation has one of `goal`, slots of `to`, as a target.
fn leading<'t>(
    tables: &'t Tables<'t>,
    from: &BlueprintId,
    relation: &str,
    to: &BlueprintId,
    goal: &Hits<'_>,
) -> Hits<'t> {
    let (Some(from), Some(to)) = (tables.table(from), tables.table(to)) else {
        return Hits::NONE;
    };
    let Some(column) = from.relation(relation) else {
        return Hits::NONE;
    };
    let dictionary = column.dictionary();
    let mut found = Found::default();
    if goal.len(to) < dictionary.end() as u64 {
        goal.for_each(to, |slot| found.add_referrers(from, column, to.identifier(slot)));
    } else {
        for (code, entry) in dictionary.iter() {
            if let Some((target, true)) = entry.key.string()
                && to.slot_of(&target).is_some_and(|slot| goal.contains(slot))
            {
                found.add(column, code);
            }
        }
    }
    found.into_hits()
}

/// Slots as they are found.
#[derive(Default)]
struct Found {
    few: Vec<u32>,
    many: RoaringBitmap,
}

impl Found {
    fn add(&mut self, column: &Column, code: u32) {
        match column.dictionary().entry(code).posting.slots() {
            Ok(few) => self.few.extend_from_slice(few),
            Err(bitmap) => self.many |= bitmap,
        }
    }

    fn add_referrers(&mut self, table: &Table, column: &Column, target: &str) {
        let probe = Probe::string(target, table.hasher());
        if let Some(code) = column.dictionary().find(&probe) {
            self.add(column, code);
        }
    }

    fn into_hits<'t>(self) -> Hits<'t> {
        Hits::collected(self.few).or(Hits::owned(self.many))
    }
}

/// All targets of a slot's relation.
pub(crate) fn targets(column: &Column, slot: u32, mut each: impl FnMut(&str)) {
    let Some(code) = column.code(slot) else { return };
    let dictionary = column.dictionary();
    let key = &dictionary.entry(code).key;
    match key {
        Key::Array(array) => {
            for element in &array.elements {
                if let Some((text, _)) = dictionary.entry(*element).key.string() {
                    each(&text);
                }
            }
        }
        key => {
            if let Some((text, _)) = key.string() {
                each(&text);
            }
        }
    }
}

/// Slots of a table whose relation has this target.
pub(crate) fn referrers(table: &Table, column: &Column, target: &str) -> Vec<u32> {
    let mut found = Found::default();
    found.add_referrers(table, column, target);
    let mut slots = found.few;
    slots.extend(&found.many);
    slots
}

/// What chains of relations reach, step by step.
fn chains(tables: &Tables<'_>, related: &Related, way: Direction) -> Reached {
    let mut reached = Reached::new();
    let mut level: Vec<(BlueprintId, Vec<EntityOrSlot>)> = vec![(
        related.blueprint.clone(),
        related.identifiers.iter().cloned().map(EntityOrSlot::Named).collect(),
    )];
    for _ in 0..related.depth {
        let mut next: HashMap<usize, RoaringBitmap> = HashMap::new();
        for (blueprint, from) in &level {
            match way {
                Direction::Upstream => upstream(tables, related, blueprint, from, &mut next),
                Direction::Downstream => downstream(tables, related, blueprint, from, &mut next),
            }
        }
        level.clear();
        for (table, mut slots) in next {
            let known = reached.entry(table).or_default();
            slots -= &*known;
            if !slots.is_empty() {
                *known |= &slots;
                let slots = slots.iter().map(EntityOrSlot::At).collect();
                level.push((tables.all[table].0.clone(), slots));
            }
        }
        if level.is_empty() {
            break;
        }
    }
    reached
}

/// The first of a chain need not exist.
enum EntityOrSlot {
    Named(EntityId),
    At(u32),
}

fn upstream(
    tables: &Tables<'_>,
    related: &Related,
    blueprint: &BlueprintId,
    from: &[EntityOrSlot],
    next: &mut HashMap<usize, RoaringBitmap>,
) {
    let Some(table) = tables.table(blueprint) else { return };
    for (relation, column) in table.relations() {
        let Some(edge) = tables.shape.edge(blueprint, relation) else {
            continue;
        };
        let Some(number) = tables
            .number(&edge.target)
            .filter(|_| related.goes_along(edge.required))
        else {
            continue;
        };
        let (to, found) = (tables.all[number].1, next.entry(number).or_default());
        for start in from {
            let slot = match start {
                EntityOrSlot::At(slot) => Some(*slot),
                EntityOrSlot::Named(name) => table.slot_of(name.as_str()),
            };
            if let Some(slot) = slot {
                targets(column, slot, |target| found.extend(to.slot_of(target)));
            }
        }
    }
}

fn downstream(
    tables: &Tables<'_>,
    related: &Related,
    blueprint: &BlueprintId,
    from: &[EntityOrSlot],
    next: &mut HashMap<usize, RoaringBitmap>,
) {
    let table = tables.table(blueprint);
    for (number, (other, referring)) in tables.all.iter().enumerate() {
        for (relation, column) in referring.relations() {
            let edge = tables.shape.edge(other, relation);
            if !edge.is_some_and(|edge| edge.target == *blueprint && related.goes_along(edge.required)) {
                continue;
            }
            let mut found = Found::default();
            for start in from {
                let name = match (start, table) {
                    (EntityOrSlot::Named(name), _) => name.as_str(),
                    (EntityOrSlot::At(slot), Some(table)) => table.identifier(*slot),
                    (EntityOrSlot::At(_), None) => continue,
                };
                found.add_referrers(referring, column, name);
            }
            let all = next.entry(number).or_default();
            *all |= found.many;
            all.extend(found.few);
        }
    }
}
