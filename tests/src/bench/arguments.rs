//! What a benchmark's command line says.

use anyhow::{Context, Result, bail};

/// Numbers, and options with a value each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What stands without a name, in order.
    pub numbers: Vec<usize>,
    options: Vec<(String, String)>,
}

impl Arguments {
    /// Reads the process' own. Every benchmark of a catalog knows `--requests N` and `--database URL`.
    ///
    /// # Errors
    /// Where one is neither a number nor a known option.
    pub fn read(known: &[&str]) -> Result<Self> {
        Self::of(std::env::args().skip(1), known)
    }

    fn of(mut words: impl Iterator<Item = String>, known: &[&str]) -> Result<Self> {
        let mut read = Self::default();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                let number = word.replace([',', '_'], "").parse();
                read.numbers
                    .push(number.with_context(|| format!("`{word}` is no number"))?);
                continue;
            };
            let known = ["requests", "database"].iter().chain(known);
            if !known.clone().any(|known| *known == name) {
                let known: Vec<_> = known.map(|known| format!("--{known}")).collect();
                bail!("there is no option `--{name}`; there are: {}", known.join(", "));
            }
            let value = words
                .next()
                .with_context(|| format!("`--{name}` is without its value"))?;
            read.options.push((name.to_owned(), value));
        }
        Ok(read)
    }

    fn option(&self, name: &str) -> Option<&str> {
        let given = self.options.iter().rev().find(|(known, _)| known == name);
        given.map(|(_, value)| value.as_str())
    }

    /// An option's number.
    ///
    /// # Errors
    /// Where its value is none.
    pub fn number(&self, name: &str, absent: usize) -> Result<usize> {
        self.option(name).map_or(Ok(absent), |value| {
            value
                .replace([',', '_'], "")
                .parse()
                .with_context(|| format!("`--{name} {value}` is no number"))
        })
    }

    /// Whether the server keeps its catalog where it does when nothing is said: in a file of its data folder.
    pub fn is_default_database(&self) -> bool {
        self.option("database").is_none()
    }

    /// Further arguments of `serve`: the database, which has to be empty. In a URL `{}` stands for the run's number, since
    /// each needs one of its own.
    pub fn serve(&self, run: usize) -> Vec<String> {
        self.option("database").map_or_else(Vec::new, |url| {
            vec!["--database".to_owned(), url.replace("{}", &run.to_string())]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments> {
        Arguments::of(line.split_whitespace().map(str::to_owned), &["shapes"])
    }

    #[test]
    fn numbers_and_options_stand_in_any_order() -> Result<()> {
        let read = read("10_000 --shapes 7 739,000 --database sqlite:/tmp/{}.db")?;
        assert_eq!(read.numbers, [10_000, 739_000]);
        assert_eq!((read.number("shapes", 1)?, read.number("requests", 5)?), (7, 5));
        assert_eq!(read.serve(3), ["--database", "sqlite:/tmp/3.db"]);
        assert!(!read.is_default_database());
        Ok(())
    }

    #[test]
    fn what_is_unknown_or_without_a_value_is_refused() {
        for wrong in ["--shape 7", "many", "--shapes"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
