//! Questions of the whole tree, over one blueprint or several.

use crate::{
    error::IndexError,
    facet,
    graph::{self, Graph, GraphQuery},
    hits::Hits,
    index::{Index, ListPage, Tabled},
    leaf::{Doubt, Verdicts},
    list::{self, Asked, Part},
    plan::Plan,
    table::Table,
    text::Terms,
    tree::{Evaluation, Tables},
};
use seawall_domain::{
    BlueprintId, Millis,
    query::{Field, Node, Search, Shape, Sort},
};
use serde_json::Value;
use std::{collections::HashSet, sync::RwLockReadGuard};

/// What is around a question.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The blueprints.
    pub shape: &'a Shape,
    /// The time.
    pub now: Millis,
    /// What was seen of entities since the question was first asked; empty at first.
    pub verdicts: &'a Verdicts,
}

/// An answer, or what has to be looked at for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// The answer.
    Done(T),
    /// Of these entities too little is kept to tell whether they pass a rule: values of more than 2 KB are looked through, objects
    /// of more than 256 bytes are looked into. Put the rules (`Node::leaves`) to them, and ask again with the verdicts.
    Doubts(Vec<Doubt>),
}

impl<T> Answer<T> {
    /// The answer, if it is one.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(answer) => Some(answer),
            Self::Doubts(_) => None,
        }
    }
}

type Guard<'a> = (&'a BlueprintId, RwLockReadGuard<'a, Table>);

impl Index {
    /// One page of what is asked for. Blueprints that have no entities have none; whether they exist is not the index's to know.
    ///
    /// Going on from a page's `next` never skips or repeats an entity that did not change in between; where the order is by
    /// relevance, as long as nothing changed.
    ///
    /// # Errors
    /// [`IndexError::ZeroLimit`]; [`IndexError::NoWords`]; [`IndexError::Damaged`] after an internal error.
    pub fn search(&self, search: &Search, context: &Context<'_>) -> Result<Answer<ListPage>, IndexError> {
        if search.limit == 0 {
            return Err(IndexError::ZeroLimit);
        }
        let terms = terms(search)?;
        // Read first: what is applied while this answer is made may or may not be in it.
        let position = self.position();
        self.answer(search.blueprints.as_deref(), &search.rules, context, |mut parts| {
            let (ids, next) = match (&search.sort, &terms) {
                (Sort::Relevance, Some(terms)) => terms.page(&parts, search.after.as_ref(), search.limit),
                (sort, terms) => {
                    if let Some(terms) = terms {
                        terms.narrow(&mut parts);
                    }
                    let (field, descending) = match sort {
                        Sort::By { field, descending } => (field, *descending),
                        Sort::Relevance => (&Field::Title, false),
                    };
                    let asked = Asked {
                        sort: field,
                        descending,
                        after: search.after.as_ref(),
                        limit: search.limit,
                    };
                    list::list(&parts, &asked)
                }
            };
            ListPage { ids, next, position }
        })
    }

    /// How many there are in all.
    ///
    /// # Errors
    /// [`IndexError::NoWords`]; [`IndexError::Damaged`].
    pub fn total(&self, search: &Search, context: &Context<'_>) -> Result<Answer<u64>, IndexError> {
        let terms = terms(search)?;
        if let (Some([one]), None) = (search.blueprints.as_deref(), &terms)
            && let Some(filters) = Plan::new(&search.rules, context.now).filters()
        {
            let held = self.tables(Some(std::slice::from_ref(one)));
            let guards = lock(&held)?;
            let count = guards.first().map_or(0, |(_, table)| Hits::count(table, &filters));
            return Ok(Answer::Done(count));
        }
        self.answer(search.blueprints.as_deref(), &search.rules, context, |mut parts| {
            if let Some(terms) = &terms {
                terms.narrow(&mut parts);
            }
            parts.iter().map(|part| part.hits.len(part.table)).sum()
        })
    }

    /// The most frequent values of a field among what is asked for; see [`Index::facet`]. Over several blueprints they are
    /// counted together.
    ///
    /// # Errors
    /// [`IndexError::NoWords`]; [`IndexError::Damaged`].
    pub fn facet_of(
        &self,
        search: &Search,
        field: &Field,
        limit: usize,
        context: &Context<'_>,
    ) -> Result<Answer<Vec<(Value, u64)>>, IndexError> {
        let terms = terms(search)?;
        self.answer(search.blueprints.as_deref(), &search.rules, context, |mut parts| {
            if let Some(terms) = &terms {
                terms.narrow(&mut parts);
            }
            facet::joined(&parts, field, limit)
        })
    }

    /// What is around an entity; none where it does not exist.
    ///
    /// # Errors
    /// [`IndexError::ZeroLimit`]; [`IndexError::Damaged`].
    pub fn graph(&self, query: &GraphQuery, shape: &Shape) -> Result<Option<Graph>, IndexError> {
        if query.limit == 0 {
            return Err(IndexError::ZeroLimit);
        }
        let held = self.tables(None);
        let guards = lock(&held)?;
        let tables = Tables::new(tables(&guards), shape);
        Ok(graph::graph(&tables, query))
    }

    fn answer<T>(
        &self,
        blueprints: Option<&[BlueprintId]>,
        rules: &Node,
        context: &Context<'_>,
        finish: impl FnOnce(Vec<Part<'_>>) -> T,
    ) -> Result<Answer<T>, IndexError> {
        let plan = Plan::new(rules, context.now);
        // Each table is locked once: a second time in the same thread could wait for a writer that waits for this one.
        let held = self.tables(blueprints.filter(|_| !plan.looks_around()));
        let guards = lock(&held)?;
        let tables = Tables::new(tables(&guards), context.shape);
        let mut evaluation = Evaluation::new(&tables, context.verdicts);
        let mut parts = Vec::with_capacity(tables.all.len());
        let named: Option<HashSet<&BlueprintId>> = blueprints.map(|named| named.iter().collect());
        for (blueprint, table) in &tables.all {
            if named.as_ref().is_none_or(|named| named.contains(blueprint)) {
                let hits: Hits<'_> = evaluation.of(&plan, (*blueprint, *table));
                parts.push(Part { table, hits });
            }
        }
        let doubts = evaluation.into_doubts();
        if !doubts.is_empty() {
            return Ok(Answer::Doubts(doubts));
        }
        parts.retain(|part| !part.hits.is_empty());
        Ok(Answer::Done(finish(parts)))
    }
}

fn terms(search: &Search) -> Result<Option<Terms<'_>>, IndexError> {
    match &search.words {
        None => Ok(None),
        Some(words) => Terms::new(words).map(Some).ok_or(IndexError::NoWords),
    }
}

fn lock(held: &[Tabled]) -> Result<Vec<Guard<'_>>, IndexError> {
    let mut guards = Vec::with_capacity(held.len());
    for (blueprint, table) in held {
        let guard = table.read().map_err(|_| IndexError::Damaged(blueprint.to_string()))?;
        guards.push((blueprint, guard));
    }
    Ok(guards)
}

fn tables<'g>(guards: &'g [Guard<'_>]) -> Vec<(&'g BlueprintId, &'g Table)> {
    guards.iter().map(|(blueprint, guard)| (*blueprint, &**guard)).collect()
}
