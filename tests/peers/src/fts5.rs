//! SQLite's FTS5, in memory: columns for what counts more, `bm25()` with the same weights.

use crate::{
    Result,
    corpus::Corpus,
    engine::Engine,
    questions::{LIMIT, Question},
    tantivy::rest,
    usage,
};
use rusqlite::{Connection, params};
use std::time::Duration;

pub(crate) struct Fts5(Connection);

impl Engine for Fts5 {
    const NAME: &'static str = "SQLite FTS5";

    fn build(corpus: &Corpus) -> Result<(Self, Duration)> {
        let database = Connection::open_in_memory()?;
        // Contentless: no second copy of the texts. Prefixes of four to six characters have an index of their own.
        database.execute_batch(
            "CREATE VIRTUAL TABLE texts USING fts5(blueprint, identifier, title, rest, content='', columnsize=1, prefix='4 5 6');
             BEGIN",
        )?;
        let mut built = Duration::ZERO;
        {
            let mut insert = database
                .prepare("INSERT INTO texts (rowid, blueprint, identifier, title, rest) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for number in 0..corpus.len() {
                let entity = corpus.entity(number)?;
                let (title, rest) = (entity.title.clone().unwrap_or_default(), rest(&entity));
                let begun = usage::of_process();
                insert.execute(params![
                    i64::try_from(number)?,
                    entity.blueprint.as_str(),
                    entity.identifier.as_str(),
                    title,
                    rest
                ])?;
                built += usage::of_process() - begun;
            }
        }
        let begun = usage::of_process();
        database.execute_batch("COMMIT; INSERT INTO texts (texts) VALUES ('optimize')")?;
        built += usage::of_process() - begun;
        Ok((Self(database), built))
    }

    fn ask(&self, question: &Question) -> Result<Vec<u64>> {
        let mut words: Vec<String> = question.words.iter().map(|word| format!("\"{word}\"")).collect();
        if let Some(last) = words.last_mut() {
            last.push('*');
        }
        let mut asked = format!("{{identifier title rest}} : ({})", words.join(" AND "));
        if let Some(blueprint) = &question.blueprint {
            asked = format!("blueprint : \"{blueprint}\" AND {asked}");
        }
        let mut query = self.0.prepare_cached(
            "SELECT rowid FROM texts WHERE texts MATCH ?1 AND rank MATCH 'bm25(0.0, 6.0, 8.0, 1.0)' ORDER BY rank LIMIT ?2",
        )?;
        let rows = query.query_map(params![asked, i64::try_from(LIMIT)?], |row| row.get::<_, i64>(0))?;
        Ok(rows
            .map(|id| id.map(i64::unsigned_abs))
            .collect::<std::result::Result<_, _>>()?)
    }
}
