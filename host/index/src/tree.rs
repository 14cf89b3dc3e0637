//! A compiled tree, put to tables: an algebra of sets of slots.

use crate::{
    hits::Hits,
    leaf::{Doubt, Doubts, Leaf, Verdicts},
    plan::{Plan, Tested},
    relate::Reached,
    table::Table,
};
use hashbrown::HashMap;
use seawall_domain::{
    BlueprintId,
    query::{Field, Shape},
};
use serde_json::Value;

/// The tables that a question may look at, and what leads from one to the other.
#[derive(Debug)]
pub(crate) struct Tables<'t> {
    /// By blueprint.
    pub(crate) all: Vec<(&'t BlueprintId, &'t Table)>,
    pub(crate) shape: &'t Shape,
}

impl<'t> Tables<'t> {
    /// In the order of the blueprints.
    pub(crate) fn new(all: Vec<(&'t BlueprintId, &'t Table)>, shape: &'t Shape) -> Self {
        Self { all, shape }
    }

    pub(crate) fn number(&self, blueprint: &BlueprintId) -> Option<usize> {
        self.all.binary_search_by(|(known, _)| (*known).cmp(blueprint)).ok()
    }

    pub(crate) fn table(&self, blueprint: &BlueprintId) -> Option<&'t Table> {
        self.number(blueprint).map(|number| self.all[number].1)
    }
}

/// One evaluation.
pub(crate) struct Evaluation<'t, 'v> {
    pub(crate) tables: &'t Tables<'t>,
    pub(crate) doubts: Doubts<'v>,
    /// By the number of the rule: what a chain of relations reaches.
    pub(crate) reached: HashMap<usize, Reached>,
}

impl<'t, 'v> Evaluation<'t, 'v> {
    pub(crate) fn new(tables: &'t Tables<'t>, verdicts: &'v Verdicts) -> Self {
        Self {
            tables,
            doubts: Doubts {
                verdicts,
                open: Vec::new(),
            },
            reached: HashMap::new(),
        }
    }

    /// What has to be looked at before the answers count.
    pub(crate) fn into_doubts(self) -> Vec<Doubt> {
        let mut open = self.doubts.open;
        open.sort_unstable_by_key(|doubt| (doubt.leaf, doubt.id));
        open.dedup();
        open
    }

    /// The slots of a table that pass.
    pub(crate) fn of(&mut self, plan: &Plan<'_>, (blueprint, table): (&BlueprintId, &'t Table)) -> Hits<'t> {
        self.within(plan, blueprint, table, &Hits::All)
    }

    /// Outside of `within` the answer does not matter.
    fn within(&mut self, plan: &Plan<'_>, blueprint: &BlueprintId, table: &'t Table, within: &Hits<'t>) -> Hits<'t> {
        match plan {
            Plan::Equal(field, value) => Hits::of(table, [(*field, *value)]),
            Plan::All(plans) => self.all(plans, blueprint, table, within),
            Plan::Any(plans) => {
                let mut any = Hits::NONE;
                for plan in plans {
                    any = any.or(self.within(plan, blueprint, table, within));
                }
                any
            }
            Plan::Not(inner) => self.within(inner, blueprint, table, within).not(table, within),
            Plan::Test(tested) if tested.via.is_empty() => {
                let leaf = Leaf {
                    number: tested.number,
                    field: tested.field,
                    path: tested.path,
                    matcher: &tested.matcher,
                };
                leaf.hits(table, within, &mut self.doubts)
            }
            Plan::Test(tested) => self.via(tested, tested.via, blueprint),
            Plan::Schema(number, schema, matcher) => {
                let mut any = Hits::NONE;
                for name in schema.properties(self.tables.shape, blueprint) {
                    let field = Field::Property(name.to_owned());
                    let leaf = Leaf {
                        number: *number,
                        field: &field,
                        path: &[],
                        matcher,
                    };
                    any = any.or(leaf.hits(table, within, &mut self.doubts));
                }
                any
            }
            Plan::Related(number, related) => self.related(*number, related, blueprint),
        }
    }

    fn all(&mut self, plans: &[Plan<'_>], blueprint: &BlueprintId, table: &'t Table, within: &Hits<'t>) -> Hits<'t> {
        // Equalities come first, and know how to meet.
        let equal = plans.iter().take_while(|plan| matches!(plan, Plan::Equal(..))).count();
        let filters = plans[..equal].iter().filter_map(|plan| match plan {
            Plan::Equal(field, value) => Some((*field, *value)),
            _ => None,
        });
        let filters: Vec<(&Field, &Value)> = filters.collect();
        let mut left = Hits::of(table, filters).and(within.clone());
        for plan in &plans[equal..] {
            if left.is_empty() {
                break;
            }
            let found = self.within(plan, blueprint, table, &left);
            left = left.and(found);
        }
        left
    }

    /// The slots of a blueprint's table that the relations lead from to one that passes.
    pub(crate) fn end(&mut self, tested: &Tested<'_>, blueprint: &BlueprintId) -> Hits<'t> {
        let Some(table) = self.tables.table(blueprint) else {
            return Hits::NONE;
        };
        let leaf = Leaf {
            number: tested.number,
            field: tested.field,
            path: tested.path,
            matcher: &tested.matcher,
        };
        leaf.hits(table, &Hits::All, &mut self.doubts)
    }
}
