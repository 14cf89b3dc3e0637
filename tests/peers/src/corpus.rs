//! The catalog: that of `index_speed`, with descriptions if they are wanted.

use crate::{
    Result,
    shape::{ALL, BLUEPRINTS, OWNERS, entity, mix},
};
use seawall_domain::Entity;

/// So many different words descriptions are made of. How often each is used falls as Zipf found of texts.
const VOCABULARY: f64 = 20_000.0;

#[derive(Debug)]
pub(crate) struct Corpus {
    /// By blueprint: its name, and how many it has.
    parts: Vec<(&'static str, usize)>,
    words: usize,
}

impl Corpus {
    pub(crate) fn new(entities: usize, words: usize) -> Self {
        let parts = BLUEPRINTS.map(|(name, share)| (name, (share * entities / ALL).max(1)));
        Self {
            parts: parts.to_vec(),
            words,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The entity of a number below [`Corpus::len`].
    pub(crate) fn entity(&self, number: usize) -> Result<Entity> {
        let mut own = number;
        for (name, count) in &self.parts {
            if own < *count {
                let mut entity = entity(name, own, 0, OWNERS);
                if self.words > 0 {
                    entity["properties"]["description"] = self.description(number).into();
                }
                return Ok(serde_json::from_value(entity)?);
            }
            own -= count;
        }
        Err(format!("there is no entity {number}").into())
    }

    fn description(&self, number: usize) -> String {
        let words = (0..self.words).map(|at| word(mix(mix(number) ^ at)));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A word of descriptions. Their ranks are spread evenly over the logarithm, which is Zipf's law.
pub(crate) fn word(random: usize) -> String {
    let share = (random % 1_000_003) as f64 / 1_000_003.0;
    let rank = VOCABULARY.powf(share) as usize;
    let (mut left, mut word) = (rank + 20, String::new());
    while left > 0 {
        word.push_str(["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"][left % 10]);
        left /= 10;
    }
    word
}
