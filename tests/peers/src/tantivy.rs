//! tantivy, in memory: once with a field for each of what counts differently, as Seawall ranks; once with all words in one
//! field, which is less and the quickest that it can be asked.

use crate::{
    Result,
    corpus::Corpus,
    engine::Engine,
    questions::{LIMIT, Question},
    usage,
};
use seawall_domain::Entity;
use serde_json::Value;
use std::time::Duration;
use tantivy::{
    Index, IndexReader, TantivyDocument, Term,
    collector::TopDocs,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhrasePrefixQuery, Query, TermQuery},
    schema::{FAST, Field, IndexRecordOption, STRING, Schema, TEXT},
};

/// All texts of the properties.
pub(crate) fn rest(entity: &Entity) -> String {
    let mut all = Vec::new();
    for value in entity.properties.values() {
        match value {
            Value::String(text) => all.push(text.as_str()),
            Value::Array(values) => all.extend(values.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    all.join(" ")
}

struct Tantivy {
    index: Index,
    reader: IndexReader,
    blueprint: Field,
    /// What is looked through, and how much it counts.
    texts: Vec<(Field, f32)>,
}

impl Tantivy {
    fn build(corpus: &Corpus, one: bool) -> Result<(Self, Duration)> {
        let mut schema = Schema::builder();
        let number = schema.add_u64_field("number", FAST);
        let blueprint = schema.add_text_field("blueprint", STRING);
        let texts = if one {
            vec![(schema.add_text_field("all", TEXT), 1.0)]
        } else {
            let boosts = [("identifier", 6.0), ("title", 8.0), ("rest", 1.0)];
            boosts
                .map(|(name, boost)| (schema.add_text_field(name, TEXT), boost))
                .to_vec()
        };
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads(1, 400_000_000)?;
        let (mut built, mut made) = (usage::of_process(), Duration::ZERO);
        for at in 0..corpus.len() {
            let begun = usage::of_thread();
            let entity = corpus.entity(at)?;
            let title = entity.title.clone().unwrap_or_default();
            let all = [entity.identifier.to_string(), title, rest(&entity)];
            made += usage::of_thread() - begun;
            let mut document = TantivyDocument::default();
            document.add_u64(number, at as u64);
            document.add_text(blueprint, entity.blueprint.as_str());
            if one {
                document.add_text(texts[0].0, all.join(" "));
            } else {
                for ((field, _), text) in texts.iter().zip(&all) {
                    document.add_text(*field, text);
                }
            }
            writer.add_document(document)?;
        }
        writer.commit()?;
        let segments = index.searchable_segment_ids()?;
        if segments.len() > 1 {
            writer.merge(&segments).wait()?;
        }
        writer.wait_merging_threads()?;
        built = usage::of_process() - built - made;
        let reader = index.reader()?;
        reader.reload()?;
        let tantivy = Self {
            index,
            reader,
            blueprint,
            texts,
        };
        Ok((tantivy, built))
    }

    fn ask(&self, question: &Question) -> Result<Vec<u64>> {
        let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        if let Some(blueprint) = &question.blueprint {
            let term = Term::from_field_text(self.blueprint, blueprint);
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            all.push((Occur::Must, Box::new(ConstScoreQuery::new(Box::new(query), 0.0))));
        }
        for (at, word) in question.words.iter().enumerate() {
            let begun = at + 1 == question.words.len();
            let in_field = |(field, boost): &(Field, f32)| -> (Occur, Box<dyn Query>) {
                let term = Term::from_field_text(*field, word);
                let query: Box<dyn Query> = if begun {
                    let mut query = PhrasePrefixQuery::new(vec![term]);
                    query.set_max_expansions(u32::MAX);
                    Box::new(query)
                } else {
                    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
                };
                (Occur::Should, Box::new(BoostQuery::new(query, *boost)))
            };
            let mut fields: Vec<_> = self.texts.iter().map(in_field).collect();
            all.push(match (fields.len(), fields.pop()) {
                (1, Some((_, one))) => (Occur::Must, one),
                (_, last) => {
                    fields.extend(last);
                    (Occur::Must, Box::new(BooleanQuery::new(fields)))
                }
            });
        }
        let searcher = self.reader.searcher();
        let found = searcher.search(&BooleanQuery::new(all), &TopDocs::with_limit(LIMIT).order_by_score())?;
        let mut numbers = Vec::with_capacity(found.len());
        for (_, address) in found {
            let fast = searcher
                .segment_reader(address.segment_ord)
                .fast_fields()
                .u64("number")?;
            numbers.extend(fast.first(address.doc_id));
        }
        Ok(numbers)
    }

    fn notes(&self) -> String {
        let bytes = self
            .reader
            .searcher()
            .space_usage()
            .map(|usage| usage.total().get_bytes());
        let segments = self.index.searchable_segment_ids().map(|ids| ids.len());
        format!(
            "Its {} segments take {} MB.",
            segments.unwrap_or_default(),
            bytes.unwrap_or_default() / 1_000_000
        )
    }
}

pub(crate) struct Fields(Tantivy);

impl Engine for Fields {
    const NAME: &'static str = "tantivy, fields";

    fn build(corpus: &Corpus) -> Result<(Self, Duration)> {
        let (tantivy, built) = Tantivy::build(corpus, false)?;
        Ok((Self(tantivy), built))
    }

    fn ask(&self, question: &Question) -> Result<Vec<u64>> {
        self.0.ask(question)
    }

    fn notes(&self) -> String {
        self.0.notes()
    }
}

pub(crate) struct OneField(Tantivy);

impl Engine for OneField {
    const NAME: &'static str = "tantivy, one field";

    fn build(corpus: &Corpus) -> Result<(Self, Duration)> {
        let (tantivy, built) = Tantivy::build(corpus, true)?;
        Ok((Self(tantivy), built))
    }

    fn ask(&self, question: &Question) -> Result<Vec<u64>> {
        self.0.ask(question)
    }

    fn notes(&self) -> String {
        self.0.notes()
    }
}
