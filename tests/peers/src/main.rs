//! Asks the same questions for words of the index, of tantivy and of SQLite's FTS5, over the same made-up catalog, and
//! prints what each needs: milliseconds of processor, memory and the time to build it.
//!
//! `cargo run --release -- [ENTITIES] [WORDS] [ENGINE…]`: so many entities (739,000), each with a description of so many words
//! (0), in these engines (`index`, `tantivy`, `tantivy-one`, `fts5`). Each engine has a process of its own.

use std::{
    error::Error,
    process::{Command, ExitCode},
};

mod corpus;
mod engine;
mod fts5;
mod index;
mod questions;
#[expect(dead_code, reason = "the generator makes blueprints too, which nobody asks for here")]
#[path = "../../../host/index/examples/index_speed/shape.rs"]
mod shape;
mod tantivy;
mod usage;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ENGINES: [&str; 4] = ["index", "tantivy", "tantivy-one", "fts5"];

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let entities = arguments.next().map_or(Ok(shape::ALL), |count| count.parse())?;
    let words = arguments.next().map_or(Ok(0), |count| count.parse())?;
    let named: Vec<String> = arguments.collect();
    match named.as_slice() {
        [one] => {
            let corpus = corpus::Corpus::new(entities, words);
            match one.as_str() {
                "index" => engine::measure::<index::Ours>(&corpus),
                "tantivy" => engine::measure::<tantivy::Fields>(&corpus),
                "tantivy-one" => engine::measure::<tantivy::OneField>(&corpus),
                "fts5" => engine::measure::<fts5::Fts5>(&corpus),
                other => Err(format!("no engine `{other}`; there are {}", ENGINES.join(", ")).into()),
            }
        }
        some => {
            let all = if some.is_empty() {
                ENGINES.map(str::to_owned).to_vec()
            } else {
                some.to_vec()
            };
            for one in all {
                let own = [entities.to_string(), words.to_string(), one.clone()];
                let status = Command::new(std::env::current_exe()?).args(own).status()?;
                if !status.success() {
                    return Err(format!("{one}: {status}").into());
                }
            }
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
