//! Patterns of paths: `*` and `?` stay within one name, `**` is any number of folders.

/// Some patterns, of which one is enough.
#[derive(Debug, Default)]
pub struct Patterns(Vec<Vec<String>>);

impl Patterns {
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Self {
        let split = |pattern: &S| {
            let pattern = pattern.as_ref().trim_start_matches("./").trim_matches('/');
            pattern.split('/').map(str::to_owned).collect()
        };
        Self(patterns.iter().map(split).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        self.0.iter().any(|pattern| folders(pattern, &names))
    }
}

/// Goes through the names once for each `**`, back to the last one where the rest does not fit.
fn folders(pattern: &[String], names: &[&str]) -> bool {
    retry(
        pattern.len(),
        names.len(),
        |p| pattern[p] == "**",
        |p, n| name(pattern[p].as_bytes(), names[n].as_bytes()),
    )
}

fn name(pattern: &[u8], text: &[u8]) -> bool {
    let fits = |p: usize, n: usize| pattern[p] == b'?' || pattern[p] == text[n];
    retry(pattern.len(), text.len(), |p| pattern[p] == b'*', fits)
}

/// Matches a sequence against a pattern with stars; linear but for the last star, so that no pattern takes for ever.
fn retry(pattern: usize, text: usize, is_star: impl Fn(usize) -> bool, fits: impl Fn(usize, usize) -> bool) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while n < text {
        if p < pattern && is_star(p) {
            last = Some((p, n));
            p += 1;
        } else if p < pattern && fits(p, n) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = last {
            last = Some((star, from + 1));
            (p, n) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    (p..pattern).all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_name_and_double_stars_do_not() {
        let check = |pattern: &str, path: &str| Patterns::new(&[pattern]).matches(path);
        assert!(check("**/*.yaml", "a.yaml") && check("**/*.yaml", "a/b/c.yaml"));
        assert!(check("a/**", "a/b/c.yaml") && check("a/**/c.yaml", "a/c.yaml"));
        assert!(check("./a/*-info?.yml", "a/catalog-info2.yml"));
        assert!(!check("*.yaml", "a/b.yaml") && !check("a/*.yaml", "a/b/c.yaml") && !check("**/x/**/y", "x/z"));
        assert!(check("**/a*b*c/**", "x/aXbYc/z") && !check("**/a*b*c/**", "x/aXcYb/z"));
        assert!(!Patterns::default().matches("a"));
    }
}
