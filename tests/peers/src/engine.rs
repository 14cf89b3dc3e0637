//! One engine's figures.

use crate::{
    Result,
    corpus::Corpus,
    questions::{self, Question},
    usage,
};
use std::time::Duration;

/// What is measured.
pub(crate) trait Engine: Sized {
    /// Named in reports.
    const NAME: &'static str;

    /// One that has all of the corpus. Says how long that took on processors, without the making of the corpus.
    fn build(corpus: &Corpus) -> Result<(Self, Duration)>;

    /// The numbers of the entities that say most, the first of them first.
    fn ask(&self, question: &Question) -> Result<Vec<u64>>;

    /// More that is worth saying.
    fn notes(&self) -> String {
        String::new()
    }
}

/// Of each sort of question.
const COUNT: usize = 450;

pub(crate) fn measure<E: Engine>(corpus: &Corpus) -> Result<()> {
    let sorts = questions::all(corpus, COUNT)?;
    let before = usage::resident();
    let (engine, built) = E::build(corpus)?;
    println!(
        "\n{}: {} entities with {} more words, built in {:.2} s of processor; the process grew by {:.0} MB",
        E::NAME,
        corpus.len(),
        corpus.words(),
        built.as_secs_f64(),
        usage::resident() - before,
    );
    println!(
        "{:<30}{:>9}{:>9}{:>9}{:>9}{:>8}",
        "milliseconds of processor", "median", "p99", "longest", "first", "found"
    );
    for (name, asked) in sorts {
        // What an engine makes when it is first asked is seen in the first answer, and not in the others.
        let (first, half) = (usage::of_thread(), &asked[..asked.len() / 3]);
        let mut cold = Duration::ZERO;
        for (at, question) in half.iter().enumerate() {
            engine.ask(question)?;
            if at == 0 {
                cold = usage::of_thread() - first;
            }
        }
        let (mut times, mut found) = (Vec::new(), 0);
        for question in &asked[half.len()..] {
            let begun = usage::of_thread();
            found += engine.ask(question)?.len();
            times.push(usage::of_thread() - begun);
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{name:<30}{:>9.3}{:>9.3}{:>9.3}{:>9.2}{:>8.1}",
            ms(times[times.len() / 2]),
            ms(times[times.len() * 99 / 100]),
            times.last().map_or(0.0, |last| ms(*last)),
            ms(cold),
            found as f64 / times.len() as f64,
        );
    }
    println!(
        "afterwards the process was {:.0} MB larger. {}",
        usage::resident() - before,
        engine.notes()
    );
    Ok(())
}
