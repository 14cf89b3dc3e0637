//! The index of Seawall, which has much else: lists, filters, orders, facets.

use crate::{
    Result,
    corpus::Corpus,
    engine::Engine,
    questions::{LIMIT, Question},
    usage,
};
use seawall_domain::query::{Node, Search, Shape, Sort, Words};
use seawall_index::{Context, Index, Row, Verdicts};
use std::time::Duration;

pub(crate) struct Ours {
    index: Index,
    shape: Shape,
    verdicts: Verdicts,
}

const PAGE: usize = 500;

impl Engine for Ours {
    const NAME: &'static str = "index";

    fn build(corpus: &Corpus) -> Result<(Self, Duration)> {
        let (index, mut built) = (Index::new(), Duration::ZERO);
        for from in (0..corpus.len()).step_by(PAGE) {
            let numbers = from..(from + PAGE).min(corpus.len());
            let page = numbers
                .map(|number| corpus.entity(number))
                .collect::<Result<Vec<_>>>()?;
            let rows = page.iter().enumerate().map(|(at, entity)| {
                let id = i64::try_from(from + at)?;
                Ok(Row {
                    id,
                    entity,
                    created_at: id,
                    updated_at: id,
                    created_by: None,
                    updated_by: None,
                    version: 1,
                })
            });
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let begun = usage::of_process();
            index.load(&rows);
            built += usage::of_process() - begun;
        }
        let begun = usage::of_process();
        index.finish_load(1);
        built += usage::of_process() - begun;
        let ours = Self {
            index,
            shape: Shape::default(),
            verdicts: Verdicts::default(),
        };
        Ok((ours, built))
    }

    fn ask(&self, question: &Question) -> Result<Vec<u64>> {
        let blueprint = question.blueprint.as_deref().map(str::parse).transpose()?;
        let search = Search {
            blueprints: blueprint.map(|blueprint| vec![blueprint]),
            rules: Node::all(),
            words: Some(Words {
                text: question.words.join(" "),
                fields: Vec::new(),
            }),
            sort: Sort::Relevance,
            after: None,
            limit: LIMIT,
        };
        let context = Context {
            shape: &self.shape,
            now: 0,
            verdicts: &self.verdicts,
        };
        let page = self.index.search(&search, &context)?.done().ok_or("in doubt")?;
        Ok(page.ids.iter().map(|id| id.unsigned_abs()).collect())
    }

    fn notes(&self) -> String {
        format!("The index says it takes {} MB.", self.index.memory_bytes() / 1_000_000)
    }
}
