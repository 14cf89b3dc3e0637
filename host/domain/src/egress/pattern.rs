//! Path patterns of many rules in one tree, so that a request costs its own length and not the number of rules.

use std::collections::HashMap;

/// One segment of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// This text.
    Literal(&'a str),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: any number of segments.
    Many,
}

/// A pattern's segments; `/a/` has an empty last one.
pub(super) fn segments(pattern: &str) -> impl Iterator<Item = Segment<'_>> {
    pattern.split('/').skip(1).map(|segment| match segment {
        "*" => Segment::One,
        "**" => Segment::Many,
        text => Segment::Literal(text),
    })
}

/// Whether a single pattern matches. Takes time in proportion to both lengths.
pub(super) fn matches(pattern: &[Segment<'_>], path: &[&str]) -> bool {
    // reached[i]: the pattern so far matches the first i segments.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for segment in pattern {
        if *segment == Segment::Many {
            let first = reached.iter().position(|r| *r).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        for at in (0..path.len()).rev() {
            let fits = match segment {
                Segment::Literal(text) => *text == path[at],
                _ => !path[at].is_empty(),
            };
            reached[at + 1] = reached[at] && fits;
        }
        reached[0] = false;
    }
    reached[path.len()]
}

/// Whether `wide` matches all that `narrow` does, told from the patterns alone. Where it says so it is so; patterns that differ in
/// clever ways count as different.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    let narrow: Vec<_> = segments(narrow).collect();
    // As in `matches`, with the segments of a pattern in place of those of a path.
    let mut reached = vec![false; narrow.len() + 1];
    reached[0] = true;
    for segment in segments(wide) {
        if segment == Segment::Many {
            let first = reached.iter().position(|r| *r).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        for at in (0..narrow.len()).rev() {
            let fits = match (segment, narrow[at]) {
                (Segment::One, Segment::Literal(text)) => !text.is_empty(),
                (one, other) => one == other && other != Segment::Many,
            };
            reached[at + 1] = reached[at] && fits;
        }
        reached[0] = false;
    }
    reached[narrow.len()]
}

/// Many patterns, each with a number.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<Box<str>, usize>,
    one: Option<usize>,
    many: Option<usize>,
    /// Whether this node stands behind `**` and takes any segment.
    loops: bool,
    accepts: Vec<usize>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl Tree {
    /// Adds a pattern.
    pub(super) fn insert<'a>(&mut self, pattern: impl IntoIterator<Item = Segment<'a>>, number: usize) {
        let mut at = 0;
        for segment in pattern {
            // `**/**` says no more than `**`.
            if segment == Segment::Many && self.nodes[at].loops {
                continue;
            }
            let new = self.nodes.len();
            let node = &mut self.nodes[at];
            at = match segment {
                Segment::Literal(text) => *node.literal.entry(text.into()).or_insert(new),
                Segment::One => *node.one.get_or_insert(new),
                Segment::Many => *node.many.get_or_insert(new),
            };
            if at == new {
                self.nodes.push(Node {
                    loops: segment == Segment::Many,
                    ..Node::default()
                });
            }
        }
        self.nodes[at].accepts.push(number);
    }

    /// The numbers of all patterns that match, in ascending order.
    pub(super) fn matching(&self, path: &[&str]) -> Vec<usize> {
        let mut states = Vec::with_capacity(8);
        let mut next = Vec::with_capacity(8);
        self.enter(0, &mut states);
        for segment in path {
            for &state in &states {
                let node = &self.nodes[state];
                if node.loops {
                    self.enter(state, &mut next);
                }
                if let Some(&child) = node.literal.get(*segment) {
                    self.enter(child, &mut next);
                }
                if let Some(child) = node.one.filter(|_| !segment.is_empty()) {
                    self.enter(child, &mut next);
                }
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(&mut states, &mut next);
            next.clear();
            if states.is_empty() {
                return Vec::new();
            }
        }
        let mut found: Vec<usize> = states
            .iter()
            .flat_map(|state| self.nodes[*state].accepts.iter().copied())
            .collect();
        found.sort_unstable();
        found
    }

    /// A node, and what `**` behind it reaches without a segment.
    fn enter(&self, node: usize, states: &mut Vec<usize>) {
        states.push(node);
        states.extend(self.nodes[node].many);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(path: &str) -> Vec<&str> {
        path.split('/').skip(1).collect()
    }

    /// The slow reference: the pattern as a regular expression.
    fn reference(pattern: &str, path: &str) -> bool {
        let mut expression = String::from("^");
        for segment in segments(pattern) {
            expression.push_str(&match segment {
                Segment::Literal(text) => format!("/{}", regex::escape(text)),
                Segment::One => "/[^/]+".to_owned(),
                Segment::Many => "(/[^/]*)*".to_owned(),
            });
        }
        regex::Regex::new(&format!("{expression}$")).unwrap().is_match(path)
    }

    #[test]
    fn a_pattern_covers_what_lies_within_it() {
        for (wide, narrow, expect) in [
            ("/**", "/a/*/b", true),
            ("/a/**", "/a", true),
            ("/a/**", "/a/*", true),
            ("/a/**", "/a/**/b", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/*", true),
            ("/a/*", "/a/", false),
            ("/a/*", "/a/**", false),
            ("/a", "/a/*", false),
            ("/a/**", "/b", false),
            ("/a/**/c", "/a/*/c", true),
            ("/a/**/c", "/a/**", false),
        ] {
            assert_eq!(covers(wide, narrow), expect, "{wide} {narrow}");
        }
    }

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, path, expect) in [
            ("/**", "/", true),
            ("/**", "/a/b/", true),
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/A", false),
            ("/a/", "/a/", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/", false),
            ("/a/*", "/a", false),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a", true),
            ("/a/**", "/ab", false),
            ("/**/x", "/x", true),
            ("/**/x", "/a/b/x", true),
            ("/**/x", "/a/b/xy", false),
            ("/a/**/*/b", "/a/b", false),
            ("/a/**/*/b", "/a/c/b", true),
            ("/*/x", "/*/x", true),
        ] {
            let mut tree = Tree::default();
            tree.insert(segments(pattern), 7);
            assert_eq!(
                tree.matching(&split(path)),
                if expect { vec![7] } else { vec![] },
                "{pattern} {path}"
            );
            assert_eq!(
                matches(&segments(pattern).collect::<Vec<_>>(), &split(path)),
                expect,
                "{pattern} {path}"
            );
            assert_eq!(reference(pattern, path), expect, "{pattern} {path}");
        }
    }

    proptest! {
                #[test]
        fn the_tree_agrees_with_the_slow_reference(
            patterns in prop::collection::vec("(/(a|b|c|\\*|\\*\\*)){1,5}/?", 1..12),
            path in "(/(a|b|c)){0,6}/?",
        ) {
            let path = if path.is_empty() { "/".to_owned() } else { path };
            let mut tree = Tree::default();
            for (number, pattern) in patterns.iter().enumerate() {
                tree.insert(segments(pattern), number);
            }
            let expect: Vec<usize> = (0..patterns.len()).filter(|i| reference(&patterns[*i], &path)).collect();
            prop_assert_eq!(tree.matching(&split(&path)), expect.clone());
            let single = |i: &usize| matches(&segments(&patterns[*i]).collect::<Vec<_>>(), &split(&path));
            prop_assert_eq!((0..patterns.len()).filter(single).collect::<Vec<_>>(), expect.clone());
            for narrow in &expect {
                for (number, wide) in patterns.iter().enumerate() {
                    let covered = covers(wide, &patterns[*narrow]);
                    prop_assert!(!covered || expect.contains(&number), "{} {}", wide, patterns[*narrow]);
                }
            }
        }
    }

    #[test]
    fn many_wildcards_take_no_exponential_time() {
        let mut tree = Tree::default();
        tree.insert(segments(&"/**/a".repeat(200)), 0);
        let path = "/a".repeat(199) + "/b";
        assert!(tree.matching(&split(&path)).is_empty());
    }
}
