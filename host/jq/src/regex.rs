//! `test`, `match`, `capture`, `scan`, `split`, `sub` and `gsub` over fancy-regex, which knows look-around, with jq's
//! flags: g all matches, n no empty ones, i ignore case, x ignore white space in the pattern, s and p as Oniguruma's
//! single-line mode and both modes, l the longest.

use super::budget::{HALT, Jq};
use fancy_regex::{Regex, RegexOptionsBuilder};
use jaq_core::{Cv, Error, Exn, ValX};
use jaq_json::{Map, Val};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// Steps back that one search may take before it gives up.
const MAX_BACKTRACKS: usize = 200_000;
/// Bytes that one compiled pattern may take.
const MAX_COMPILED: usize = 2 << 20;
/// Patterns that each thread keeps compiled. Expressions may make patterns of data, so there is no end to them.
const MAX_KEPT: usize = 256;

thread_local! {
    static KEPT: RefCell<HashMap<(u8, String), Rc<Regex>>> = RefCell::default();
}

#[derive(Clone, Copy, Default)]
struct Flags {
    global: bool,
    not_empty: bool,
    /// What the compiled pattern depends on: i, x, p, l.
    pattern: u8,
}

impl Flags {
    fn parse(text: &str) -> Result<Self, char> {
        let mut out = Self::default();
        for c in text.chars() {
            match c {
                'g' => out.global = true,
                'n' => out.not_empty = true,
                'i' => out.pattern |= 1,
                'x' => out.pattern |= 2,
                'p' => out.pattern |= 4,
                'l' => out.pattern |= 8,
                // ^ and $ stand for the ends of the text already.
                's' => {}
                c => return Err(c),
            }
        }
        Ok(out)
    }
}

fn compiled(pattern: &str, flags: u8) -> Result<Rc<Regex>, fancy_regex::Error> {
    let key = (flags, pattern.to_owned());
    if let Some(found) = KEPT.with_borrow(|kept| kept.get(&key).cloned()) {
        return Ok(found);
    }
    let regex = RegexOptionsBuilder::new()
        .case_insensitive(flags & 1 != 0)
        .ignore_whitespace(flags & 2 != 0)
        .dot_matches_new_line(flags & 4 != 0)
        .leftmost_longest(flags & 8 != 0)
        .backtrack_limit(MAX_BACKTRACKS)
        .delegate_size_limit(MAX_COMPILED)
        .build(pattern.to_owned())?;
    let regex = Rc::new(regex);
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, regex.clone());
    });
    Ok(regex)
}

/// Gives, for the filter's input, what lies between matches and the matches, as asked: texts and arrays of captures.
pub(super) fn run<'a>(between: bool, matches: bool, mut cv: Cv<'a, Jq>) -> ValX<'a, Val> {
    let (mut flags, mut pattern) = (cv.0.pop_var(), cv.0.pop_var());
    // `test(["b", "i"])` is `test("b"; "i")`.
    if let Val::Arr(both) = &pattern {
        let both = both.clone();
        flags = both.get(1).cloned().unwrap_or(flags);
        pattern = both.first().cloned().unwrap_or_default();
    }
    let flags = match &flags {
        Val::Null => Flags::default(),
        flags => Flags::parse(text(flags)?).map_err(|c| {
            Error::str(format_args!(
                "`{c}` is no flag of a regular expression; there are g, i, l, n, p, s and x"
            ))
        })?,
    };
    let regex = compiled(text(&pattern)?, flags.pattern)
        .map_err(|e| Error::str(format_args!("{pattern} is no regular expression: {e}")))?;
    let input = text(&cv.1)?;
    if !cv.0.data().budget.take(1 + input.len() as u64 / 64) {
        return Err(Exn::halt(HALT));
    }
    let mut at = Characters {
        text: input,
        byte: 0,
        count: 0,
    };
    let mut out: Vec<Val> = Vec::new();
    let mut last = 0;
    for found in regex.captures_iter(input) {
        let captures = found.map_err(|e| {
            Error::str(format_args!(
                "the regular expression {pattern} gave up on its input: {e}; simplify it"
            ))
        })?;
        let Some(whole) = captures.get(0) else { continue };
        if flags.not_empty && whole.range().is_empty() {
            continue;
        }
        if !cv.0.data().budget.take(1) {
            return Err(Exn::halt(HALT));
        }
        if between {
            out.push(string(&input[last..whole.start()]));
            last = whole.end();
        }
        if matches {
            let groups = (0..captures.len()).zip(regex.capture_names());
            let groups = groups.map(|(i, name)| {
                let group = captures.get(i).map(|m| (at.offset(m.start()), m.as_str()));
                capture(group, (i > 0).then_some(name))
            });
            out.push(groups.collect());
        }
        if !flags.global {
            break;
        }
    }
    if between {
        out.push(string(&input[last..]));
    }
    Ok(out.into_iter().collect())
}

/// A match as jq describes it; a group that took no part has the offset -1 and the text null.
fn capture(group: Option<(usize, &str)>, name: Option<Option<&str>>) -> Val {
    let mut map = Map::default();
    let mut put = |key: &str, value: Val| map.insert(string(key), value);
    put(
        "offset",
        group.map_or(Val::from(-1isize), |(offset, _)| Val::from(offset)),
    );
    put("length", Val::from(group.map_or(0, |(_, text)| text.chars().count())));
    put("string", group.map_or(Val::Null, |(_, text)| string(text)));
    if let Some(name) = name {
        put("name", name.map_or(Val::Null, string));
    }
    Val::obj(map)
}

fn string(s: &str) -> Val {
    Val::from(s.to_owned())
}

fn text(v: &Val) -> Result<&str, Error<Val>> {
    match v {
        Val::TStr(s) | Val::BStr(s) => std::str::from_utf8(s).map_err(Error::str),
        other => Err(Error::typ(other.clone(), "string")),
    }
}

/// Turns byte offsets into character offsets; cheap as long as they mostly grow.
struct Characters<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl Characters<'_> {
    fn offset(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.count) = (0, 0);
        }
        self.count += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.count
    }
}
