//! Saved views, kept as one setting of the database.

use crate::{Engine, EngineError, Result};
use seawall_domain::{
    BlueprintId,
    query::{Cursor, Field, Node, Scope, Search, Shape, Sort, View, Words},
    text::nearest,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The setting.
const SETTING: &str = "views";
/// So many are kept at most.
const MOST: usize = 1_000;

/// A question as the API takes it, with the names of its parts in errors.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Whose entities; of all blueprints where none are named.
    pub blueprints: Vec<BlueprintId>,
    /// AIP-160 filters; all have to hold.
    pub filters: Vec<String>,
    /// Port's JSON rules, and where they stand.
    pub rules: Option<(Value, String)>,
    /// Full text.
    pub q: Option<String>,
    /// Where the text is looked for; everywhere where nothing is named.
    pub within: Vec<String>,
    /// What to sort by; by relevance or identifier where absent.
    pub sort: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Engine {
    /// Makes a question of what was asked, and its digest for the next cursor. A prefix is put before the names of parts in errors.
    ///
    /// # Errors
    /// What is wrong with it, by its part.
    pub fn understand(&self, ask: &Ask, prefix: &str) -> Result<(Search, String)> {
        let at = |part: &str| format!("{prefix}{part}");
        let mut rules = Node::all();
        for filter in &ask.filters {
            rules = rules.and(self.filter(filter, &ask.blueprints, &at("filter"))?);
        }
        if let Some((value, pointer)) = &ask.rules {
            rules = rules.and(self.rules_of(value, &ask.blueprints, pointer)?);
        }
        let named = match (ask.blueprints.is_empty(), rules.blueprints()) {
            (true, Some(named)) => named,
            _ => ask.blueprints.clone(),
        };
        // Rules may name a blueprint that does not exist; nothing is of it.
        let known: Vec<_> = named
            .iter()
            .filter(|name| self.shape().blueprints.contains_key(*name))
            .cloned()
            .collect();
        let words = match &ask.q {
            None => None,
            Some(text) => Some(Words {
                text: text.clone(),
                fields: self.fields(&ask.within, &known, &at("in"))?,
            }),
        };
        let sort = match (&ask.sort, &words) {
            (Some(text), Some(_)) if text == "relevance" => Sort::Relevance,
            (Some(text), _) => self.sort(text, &known, &at("sort"))?,
            (None, Some(_)) => Sort::Relevance,
            (None, None) => Sort::By {
                field: Field::Identifier,
                descending: false,
            },
        };
        let mut search = Search {
            blueprints: (!ask.blueprints.is_empty()).then(|| ask.blueprints.clone()),
            rules,
            words,
            sort,
            after: None,
            limit: ask.limit,
        };
        let digest = search.digest();
        if let Some(cursor) = &ask.cursor {
            let place = Cursor::decode(cursor, &digest);
            search.after = Some(place.map_err(|why| EngineError::invalid(at("cursor"), why))?);
        }
        Ok((search, digest))
    }

    fn fields(&self, names: &[String], blueprints: &[BlueprintId], part: &str) -> Result<Vec<Field>> {
        names.iter().map(|name| self.field(name, blueprints, part)).collect()
    }

    /// All saved views by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn views(&self) -> Result<BTreeMap<String, View>> {
        read(self.inner.store.setting(SETTING).await?.unwrap_or_default())
    }

    /// A saved view.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn saved_view(&self, name: &str) -> Result<View> {
        let mut all = self.views().await?;
        all.remove(name).ok_or_else(|| no_view(name, &all))
    }

    /// Saves a view, in place of one of the same name; true where there was none.
    ///
    /// # Errors
    /// What is wrong with it: it is tried before it is kept.
    pub async fn put_view(&self, name: &str, view: View) -> Result<bool> {
        check_name(name)?;
        self.understand(&ask_of(&view, 1, None), "/")?;
        for (at, column) in view.columns.iter().enumerate() {
            self.field(column, &view.blueprints, &format!("/columns/{at}"))?;
        }
        self.change_views(|all| {
            let new = all.insert(name.to_owned(), view.clone()).is_none();
            if all.len() > MOST {
                return Err(EngineError::Conflict(format!(
                    "{MOST} views are saved already; remove some with `seawall view delete NAME`"
                )));
            }
            Ok(new)
        })
        .await
    }

    /// Removes a view.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn remove_view(&self, name: &str) -> Result<()> {
        self.change_views(|all| match all.remove(name) {
            Some(_) => Ok(()),
            None => Err(no_view(name, all)),
        })
        .await
    }

    /// The question of a saved view, with a page of it.
    ///
    /// # Errors
    /// Where there is no such view, or what it names is gone from the blueprints.
    pub async fn view_ask(&self, name: &str, limit: usize, cursor: Option<String>) -> Result<Ask> {
        let view = self.saved_view(name).await?;
        Ok(ask_of(&view, limit, cursor))
    }

    /// Puts what is left of views in their place; those of which nothing is left go.
    pub(crate) async fn replace_views(&self, left: &BTreeMap<String, Option<View>>) -> Result<()> {
        self.change_views(|all| {
            for (name, left) in left {
                match left {
                    Some(left) => drop(all.insert(name.clone(), left.clone())),
                    None => drop(all.remove(name)),
                }
            }
            Ok(())
        })
        .await
    }

    async fn change_views<T>(&self, mut change: impl FnMut(&mut BTreeMap<String, View>) -> Result<T>) -> Result<T> {
        self.change_setting(SETTING, |value| {
            let mut all = read(std::mem::take(value))?;
            let answer = change(&mut all)?;
            *value = serde_json::to_value(all).map_err(|e| EngineError::Internal(e.to_string()))?;
            Ok(answer)
        })
        .await
    }
}

fn read(stored: Value) -> Result<BTreeMap<String, View>> {
    let views: Option<_> = serde_json::from_value(stored)
        .map_err(|e| EngineError::Internal(format!("the saved views cannot be read: {e}")))?;
    Ok(views.unwrap_or_default())
}

/// What a view would not find any more under other blueprints, in words, and what is left of it. None where it finds all, or
/// found it not before either.
pub(crate) fn lost(view: &View, before: &Shape, after: &Shape) -> Option<(String, Option<View>)> {
    if let (Ok(()), Err(why)) = (asks(view, before), asks(view, after)) {
        return Some((why, None));
    }
    let has = |shape: &Shape, column: &String| Scope::of(shape, &view.blueprints).field(column).is_ok();
    let (gone, left): (Vec<String>, Vec<String>) = view
        .columns
        .iter()
        .cloned()
        .partition(|column| has(before, column) && !has(after, column));
    let words: Vec<_> = gone.iter().map(|column| format!("the column `{column}`")).collect();
    let left = View {
        columns: left,
        ..view.clone()
    };
    (!gone.is_empty()).then(|| (words.join(", "), Some(left)))
}

/// Whether a view's question can be asked.
fn asks(view: &View, shape: &Shape) -> Result<(), String> {
    if let Some(gone) = view
        .blueprints
        .iter()
        .find(|name| !shape.blueprints.contains_key(*name))
    {
        return Err(format!("the blueprint `{gone}`"));
    }
    let scope = Scope::of(shape, &view.blueprints);
    let field = view
        .sort
        .as_ref()
        .map(|sort| scope.field(sort.strip_prefix('-').unwrap_or(sort)));
    field.transpose()?;
    let filter = view.filter.as_ref().map(|filter| Node::parse_filter(filter, &scope));
    let rules = view.query.as_ref().map(|query| Node::parse(query, &scope));
    for asked in filter.into_iter().chain(rules) {
        asked.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn ask_of(view: &View, limit: usize, cursor: Option<String>) -> Ask {
    Ask {
        blueprints: view.blueprints.clone(),
        filters: view.filter.iter().cloned().collect(),
        rules: view.query.clone().map(|query| (query, "/query".to_owned())),
        q: view.q.clone(),
        within: Vec::new(),
        sort: view.sort.clone(),
        cursor,
        limit,
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits =
        (1..=100).contains(&name.len()) && name.trim() == name && !name.chars().any(|c| c.is_control() || c == '/');
    if fits {
        return Ok(());
    }
    Err(EngineError::invalid(
        "name",
        "a view's name has 1 to 100 bytes without slashes, control characters or outer spaces, such as `my-gold-services`",
    ))
}

fn no_view(name: &str, all: &BTreeMap<String, View>) -> EngineError {
    let near = nearest(name, all.keys().map(String::as_str));
    let hint = near.map_or_else(
        || "`seawall view list` shows those that exist".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    EngineError::not_found_but("view", name, hint)
}
