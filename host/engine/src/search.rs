//! Questions of the whole tree: the index answers, and where it keeps too little of a value the entities themselves do.

use crate::{Engine, EngineError, Result, catalog::Listed, engine::Blueprints};
use seawall_domain::{
    BlueprintId, EntityId, Millis,
    query::{At, Field, Node, Operand, QueryError, Scope, Search, Shape, Sort, Subject, Test},
    text::nearest,
};
use seawall_index::{Answer, Context, Doubt, Graph, GraphQuery, Index, IndexError, ListPage, Verdicts};
use seawall_store::EntityRow;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Looking at entities and asking again ends after so many rounds: each takes in what was written meanwhile.
const ROUNDS: usize = 8;
/// Entities that are looked at in one go.
const LOOKED_AT: usize = 1_000;

/// The shape of the blueprints, made anew when they change.
#[derive(Default)]
pub(crate) struct Shapes(Mutex<Option<(Arc<Blueprints>, Arc<Shape>)>>);

impl Shapes {
    fn of(&self, blueprints: Arc<Blueprints>) -> Arc<Shape> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, shape)) = &*known
            && Arc::ptr_eq(of, &blueprints)
        {
            return shape.clone();
        }
        let shape = Arc::new(Shape::of(blueprints.values().map(|compiled| compiled.blueprint())));
        *known = Some((blueprints, shape.clone()));
        shape
    }
}

/// What is wrong with a question, as the API says it: `parameter` is where the rules stand in it.
pub(crate) fn wrong(parameter: &str, error: QueryError) -> EngineError {
    match error.at {
        At::Pointer(pointer) => EngineError::invalid(format!("{parameter}{pointer}"), error.detail),
        At::Text { .. } => EngineError::invalid(parameter, error.to_string()),
    }
}

impl Engine {
    /// What questions have to know of the blueprints.
    pub fn shape(&self) -> Arc<Shape> {
        self.inner.shapes.of(self.all_blueprints())
    }

    /// Reads an AIP-160 filter on some blueprints' entities, or on all. `parameter` is its name in errors.
    ///
    /// # Errors
    /// Where a blueprint does not exist, or the filter is wrong.
    pub fn filter(&self, text: &str, blueprints: &[BlueprintId], parameter: &str) -> Result<Node> {
        self.check_all_blueprints(blueprints)?;
        let shape = self.shape();
        Node::parse_filter(text, &Scope::of(&shape, blueprints)).map_err(|e| wrong(parameter, e))
    }

    /// Reads Port's JSON rules. `pointer` is where they stand in the body.
    ///
    /// # Errors
    /// Where a blueprint does not exist, or a rule is wrong.
    pub fn rules_of(&self, rules: &Value, blueprints: &[BlueprintId], pointer: &str) -> Result<Node> {
        self.check_all_blueprints(blueprints)?;
        let shape = self.shape();
        Node::parse(rules, &Scope::of(&shape, blueprints)).map_err(|e| wrong(pointer, e))
    }

    /// Reads the name of a field, which may lie inside of a value or in another entity.
    ///
    /// # Errors
    /// Where a blueprint or the field does not exist.
    pub fn operand(&self, name: &str, blueprints: &[BlueprintId], parameter: &str) -> Result<Operand> {
        self.check_all_blueprints(blueprints)?;
        let shape = self.shape();
        let operand = Scope::of(&shape, blueprints).operand(name);
        operand.map_err(|why| EngineError::invalid(parameter, why))
    }

    /// Reads the name of a field that lists can be sorted and counted by.
    ///
    /// # Errors
    /// Where a blueprint or the field does not exist.
    pub fn field(&self, name: &str, blueprints: &[BlueprintId], parameter: &str) -> Result<Field> {
        self.check_all_blueprints(blueprints)?;
        let shape = self.shape();
        let field = Scope::of(&shape, blueprints).field(name);
        field.map_err(|why| EngineError::invalid(parameter, why))
    }

    /// Reads what to sort by; a `-` before it sorts from high to low.
    ///
    /// # Errors
    /// Where the field does not exist, or its values are objects, which have no order.
    pub fn sort(&self, text: &str, blueprints: &[BlueprintId], parameter: &str) -> Result<Sort> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let field = self.field(name, blueprints, parameter)?;
        if let Field::Property(property) = &field {
            let shape = self.shape();
            let in_scope = |blueprint: &&BlueprintId| blueprints.is_empty() || blueprints.contains(*blueprint);
            let object = shape.blueprints.iter().find(|(blueprint, fields)| {
                let of = fields.properties.get(property);
                in_scope(blueprint) && of.is_some_and(|of| of.kind.as_deref() == Some("object"))
            });
            if let Some((blueprint, _)) = object {
                return Err(EngineError::invalid(
                    parameter,
                    format!(
                        "`{property}` of `{blueprint}` is an object, and objects have no order; sort by a property that is a text, a number or a time"
                    ),
                ));
            }
        }
        Ok(Sort::By { field, descending })
    }

    /// One page of what is asked for.
    ///
    /// # Errors
    /// Where a blueprint does not exist, or the text has no word.
    pub async fn search(&self, search: &Search) -> Result<Listed> {
        let page: ListPage = self
            .answered(search, |index, search, context| index.search(search, context))
            .await?;
        let mut rows = self.inner.store.entities(&page.ids).await?;
        let order: HashMap<i64, usize> = page.ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        rows.sort_by_key(|row| order.get(&row.id).copied());
        Ok(Listed {
            rows,
            next: page.next,
            position: page.position,
        })
    }

    /// How many there are in all.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub async fn total(&self, search: &Search) -> Result<u64> {
        self.answered(search, |index, search, context| index.total(search, context))
            .await
    }

    /// How many have each value of a field, most first.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub async fn facet_of(&self, search: &Search, field: &Field, limit: usize) -> Result<Vec<(Value, u64)>> {
        let field = field.clone();
        self.answered(search, move |index, search, context| {
            index.facet_of(search, &field, limit, context)
        })
        .await
    }

    /// What is around an entity.
    ///
    /// # Errors
    /// Where it, or a blueprint or relation that is named, does not exist.
    pub async fn graph(&self, query: GraphQuery) -> Result<Graph> {
        self.check_all_blueprints(&query.blueprints)?;
        let shape = self.shape();
        for relation in &query.relations {
            let mut all = shape.blueprints.values().flat_map(|fields| fields.relations.keys());
            if !all.any(|name| name == relation) {
                let all = shape.blueprints.values().flat_map(|fields| fields.relations.keys());
                let near = nearest(relation, all.map(String::as_str));
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(EngineError::invalid(
                    "relations",
                    format!("no blueprint has a relation `{relation}`{hint}"),
                ));
            }
        }
        let (blueprint, identifier) = (query.blueprint.clone(), query.identifier.clone());
        let engine = self.clone();
        let graph = tokio::task::spawn_blocking(move || engine.inner.index.graph(&query, &shape)).await?;
        match graph.map_err(index_error)? {
            Some(graph) => Ok(graph),
            None => self.missing(&blueprint, &identifier),
        }
    }

    fn missing<T>(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Result<T> {
        self.check_all_blueprints(std::slice::from_ref(blueprint))?;
        Err(EngineError::not_found("entity", format!("{blueprint}/{identifier}")))
    }

    fn check_all_blueprints(&self, blueprints: &[BlueprintId]) -> Result<()> {
        blueprints
            .iter()
            .try_for_each(|blueprint| self.check_blueprint(blueprint))
    }

    /// Asks the index, looks at the entities that it cannot tell about, and asks again.
    async fn answered<T, F>(&self, search: &Search, ask: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Index, &Search, &Context<'_>) -> Result<Answer<T>, IndexError> + Send + Sync + 'static,
    {
        self.check_all_blueprints(search.blueprints.as_deref().unwrap_or_default())?;
        let (shape, now) = (self.shape(), self.now());
        if is_light(search) {
            let context = Context {
                shape: &shape,
                now,
                verdicts: &Verdicts::default(),
            };
            // Equalities are never in doubt.
            if let Answer::Done(answer) = ask(&self.inner.index, search, &context).map_err(index_error)? {
                return Ok(answer);
            }
        }
        let (search, ask) = (Arc::new(search.clone()), Arc::new(ask));
        let mut verdicts = Verdicts::default();
        for _ in 0..ROUNDS {
            let (engine, asked, ask, of) = (self.clone(), search.clone(), ask.clone(), shape.clone());
            let known = verdicts;
            let (answer, known) = tokio::task::spawn_blocking(move || {
                let context = Context {
                    shape: &of,
                    now,
                    verdicts: &known,
                };
                (ask(&engine.inner.index, &asked, &context), known)
            })
            .await?;
            verdicts = known;
            match answer.map_err(index_error)? {
                Answer::Done(answer) => return Ok(answer),
                Answer::Doubts(doubts) => self.look_at(&doubts, &search.rules, &shape, now, &mut verdicts).await?,
            }
        }
        Err(EngineError::Conflict(
            "the catalog changes faster than this question can be answered; ask again in a moment".into(),
        ))
    }

    /// Puts rules to the entities themselves. One that is gone meanwhile passes none.
    async fn look_at(
        &self,
        doubts: &[Doubt],
        rules: &Node,
        shape: &Shape,
        now: Millis,
        verdicts: &mut Verdicts,
    ) -> Result<()> {
        let leaves = rules.leaves();
        for part in doubts.chunks(LOOKED_AT) {
            let mut ids: Vec<i64> = part.iter().map(|doubt| doubt.id).collect();
            ids.sort_unstable();
            ids.dedup();
            let rows = self.inner.store.entities(&ids).await?;
            let by_id: HashMap<i64, &EntityRow> = rows.iter().map(|row| (row.id, row)).collect();
            for doubt in part {
                let passes = by_id
                    .get(&doubt.id)
                    .zip(leaves.get(doubt.leaf))
                    .is_some_and(|(row, leaf)| {
                        let subject = Subject {
                            entity: &row.entity,
                            created_at: row.created_at,
                            updated_at: row.updated_at,
                            created_by: row.created_by.as_deref(),
                            updated_by: row.updated_by.as_deref(),
                        };
                        leaf.holds_at_end(subject, shape, now)
                    });
                verdicts.insert((doubt.leaf, doubt.id), passes);
            }
        }
        Ok(())
    }
}

fn index_error(error: IndexError) -> EngineError {
    match error {
        IndexError::NoWords => EngineError::invalid("q", error.to_string()),
        error => EngineError::invalid("", error.to_string()),
    }
}

/// Whether it is answered in microseconds, so that a thread of its own would cost more.
fn is_light(search: &Search) -> bool {
    let equal = |node: &Node| matches!(node, Node::Rule(rule) if matches!(rule.test, Test::Equal(_)) && rule.operand.plain().is_some());
    let rules = match &search.rules {
        Node::All(nodes) => nodes.iter().all(equal),
        node => equal(node),
    };
    rules && search.words.is_none()
}
