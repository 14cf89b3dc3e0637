//! Characters of a filter.

use crate::query::error::{At, QueryError};
use serde_json::Value;

/// A place in a filter, with what can be read there.
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    /// In bytes.
    pub(super) at: usize,
}

/// A value as it is written.
pub(super) enum Literal {
    /// Without quotes.
    Bare(String),
    /// In quotes, with which of its characters is a star that stands for anything.
    Quoted(String, Vec<usize>),
    /// A list or an object.
    Json(Value),
}

/// An error at a byte of the text.
pub(super) fn error(text: &str, at: usize, detail: impl Into<String>) -> QueryError {
    let before = &text[..text.floor_char_boundary(at)];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let at = At::Text {
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
    };
    QueryError::new(at, detail)
}

impl<'t> Lexer<'t> {
    pub(super) fn error(&self, at: usize, detail: impl Into<String>) -> QueryError {
        error(self.text, at, detail)
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn eat(&mut self, what: &str) -> bool {
        let there = self.rest().starts_with(what);
        if there {
            self.at += what.len();
        }
        there
    }

    /// Whether a keyword stands here, as a word of its own.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.rest().strip_prefix(word).is_some_and(|rest| {
            rest.chars()
                .next()
                .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\''))
        })
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        if there {
            self.at += word.len();
        }
        there
    }

    /// What is here, for errors.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(_) => {
                let word: String = self
                    .rest()
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(30)
                    .collect();
                format!("`{word}`")
            }
        }
    }

    /// A text in quotes, which stand here. `\` before a character takes its meaning away; `\n`, `\t`, `\u0041` and their like are what they are in JSON.
    pub(super) fn quoted(&mut self) -> Result<Literal, QueryError> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map(|(_, quote)| quote);
        let (mut out, mut stars) = (String::new(), Vec::new());
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, 'r')) => out.push('\r'),
                    Some((_, 'b')) => out.push('\u{8}'),
                    Some((_, 'f')) => out.push('\u{c}'),
                    Some((_, 'u')) => out.push(unicode(&mut chars).ok_or_else(|| {
                        self.error(
                            start + at,
                            "`\\u` is followed by four hexadecimal digits of a character",
                        )
                    })?),
                    Some((_, other)) => out.push(other),
                    None => break,
                },
                char if Some(char) == quote => {
                    self.at = start + at + char.len_utf8();
                    return Ok(Literal::Quoted(out, stars));
                }
                char => {
                    if char == '*' {
                        stars.push(out.len());
                    }
                    out.push(char);
                }
            }
        }
        let quote = quote.unwrap_or('"');
        Err(self.error(start, format!("this text has no end; close it with {quote}")))
    }

    /// A part of a field's name.
    pub(super) fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || "(),\"'<>=!:.".contains(c))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A value. In the arguments of a function it ends at a comma too.
    pub(super) fn literal(&mut self, in_function: bool) -> Result<Literal, QueryError> {
        match self.peek() {
            Some('"' | '\'') => return self.quoted(),
            Some('[' | '{') => {
                let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<Value>();
                return match values.next() {
                    Some(Ok(value)) => {
                        self.at += values.byte_offset();
                        Ok(Literal::Json(value))
                    }
                    Some(Err(e)) => Err(self.error(
                        self.at,
                        format!("this is no JSON ({e}); put a text that begins so into quotes"),
                    )),
                    None => Err(self.error(self.at, "a value is missing here")),
                };
            }
            _ => {}
        }
        let rest = self.rest();
        let mut open = 0_usize;
        let end = rest
            .find(|c: char| {
                match c {
                    '(' => open += 1,
                    ')' if open > 0 => {
                        open -= 1;
                        return false;
                    }
                    ')' => return true,
                    ',' => return in_function,
                    _ => {}
                }
                c.is_whitespace()
            })
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error(
                self.at,
                format!(
                    "a value is missing here, found {}; an empty text is written \"\"",
                    self.found()
                ),
            ));
        }
        self.at += end;
        Ok(Literal::Bare(rest[..end].to_owned()))
    }
}

fn unicode(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let mut four = || -> Option<u16> {
        let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
        (digits.len() == 4)
            .then(|| u16::from_str_radix(&digits, 16).ok())
            .flatten()
    };
    let first = four()?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first.into());
    }
    // The second half of a pair.
    let (backslash, u) = (chars.next()?.1, chars.next()?.1);
    let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
    let second = u16::from_str_radix(&digits, 16).ok()?;
    (backslash == '\\' && u == 'u')
        .then(|| char::decode_utf16([first, second]).next()?.ok())
        .flatten()
}
