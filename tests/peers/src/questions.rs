//! What is asked: as `cargo xtask bench battery` does.

use crate::{
    Result,
    corpus::{Corpus, word},
    shape::mix,
};
use seawall_domain::Entity;

/// Words to look for, the last of which may be only begun, in one blueprint or everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) blueprint: Option<String>,
    pub(crate) words: Vec<String>,
}

/// Entities that an answer has.
pub(crate) const LIMIT: usize = 20;

/// Draws what questions are made of, the same in every run.
struct Draw<'c> {
    corpus: &'c Corpus,
    drawn: usize,
}

impl Draw<'_> {
    fn number(&mut self, below: usize) -> usize {
        self.drawn += 1;
        mix(usize::MAX - self.drawn) % below.max(1)
    }

    fn entity(&mut self) -> Result<Entity> {
        let number = self.number(self.corpus.len());
        self.corpus.entity(number)
    }

    /// The first word of a title, and the beginning of the number at its end.
    fn of_title(&mut self, everywhere: bool) -> Result<Question> {
        let entity = self.entity()?;
        let title = entity.title.clone().unwrap_or_default();
        let number = title.rsplit(' ').next().unwrap_or_default();
        let begun = number.get(..4 + self.number(3)).unwrap_or(number);
        Ok(question(&entity, everywhere, &[first(&title), begun]))
    }

    /// The first word of a title, and a value that very many have.
    fn common(&mut self, everywhere: bool) -> Result<Question> {
        let entity = self.entity()?;
        let name = ["language", "lifecycle", "system"][self.number(3)];
        let value = entity.properties[name].as_str().unwrap_or_default();
        let mut words = vec![first(entity.title.as_deref().unwrap_or_default())];
        words.extend(value.split('-'));
        Ok(question(&entity, everywhere, &words))
    }

    fn described(&mut self, words: usize) -> Result<Question> {
        let words: Vec<String> = (0..words).map(|_| word(self.number(usize::MAX))).collect();
        Ok(Question { blueprint: None, words })
    }
}

fn first(title: &str) -> &str {
    title.split(' ').next().unwrap_or_default()
}

fn question(entity: &Entity, everywhere: bool, words: &[&str]) -> Question {
    Question {
        blueprint: (!everywhere).then(|| entity.blueprint.to_string()),
        words: words.iter().map(|word| word.to_lowercase()).collect(),
    }
}

/// All sorts of questions, `count` of each.
pub(crate) fn all(corpus: &Corpus, count: usize) -> Result<Vec<(&'static str, Vec<Question>)>> {
    let mut draw = Draw { corpus, drawn: 0 };
    let mut sorts = Vec::new();
    let mut sort = |name, make: &mut dyn FnMut(&mut Draw<'_>) -> Result<Question>| -> Result<()> {
        let asked = (0..count).map(|_| make(&mut draw)).collect::<Result<Vec<_>>>()?;
        sorts.push((name, asked));
        Ok(())
    };
    sort("text", &mut |draw| draw.of_title(false))?;
    sort("text.common", &mut |draw| draw.common(false))?;
    sort("text.all", &mut |draw| draw.of_title(true))?;
    sort("text.common.all", &mut |draw| draw.common(true))?;
    sort("one letter, everywhere", &mut |draw| {
        let entity = draw.entity()?;
        let title = first(entity.title.as_deref().unwrap_or_default()).to_owned();
        Ok(question(&entity, true, &[&title[..1]]))
    })?;
    sort("words that all have", &mut |draw| {
        let entity = draw.entity()?;
        Ok(question(&entity, true, &["git", "example"]))
    })?;
    sort("no word that is there", &mut |draw| {
        let entity = draw.entity()?;
        Ok(question(
            &entity,
            true,
            &["nowhere", first(entity.title.as_deref().unwrap_or_default())],
        ))
    })?;
    if corpus.words() > 0 {
        sort("one word of descriptions", &mut |draw| draw.described(1))?;
        sort("two words of descriptions", &mut |draw| draw.described(2))?;
        sort("three words of descriptions", &mut |draw| draw.described(3))?;
    }
    Ok(sorts)
}
