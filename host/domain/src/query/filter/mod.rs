//! AIP-160 filters (<https://google.aip.dev/160>): `tier = "gold" AND language:go AND -owner.name = "x"`.
//!
//! - `=`, `!=`, `<`, `<=`, `>`, `>=`; `:` is `contains`, and `FIELD:*` asks whether there is anything. `AND` may be left out, and as
//!   the standard has it `OR` binds closer than `AND`: `a OR b AND c` is `(a OR b) AND c`. `NOT` or `-` before a condition is its opposite.
//! - A value is a number, `true`, `false` or `null` where it reads as such, else a text up to the next space; in quotes it
//!   is a text whatever it holds. The value of a property that is a text is one without quotes too. A list or an object is written as JSON.
//! - `*` at the start or end of a text after `=` stands for anything, `\*` for the character.
//! - `FIELD = (a OR b)` is `in`, `FIELD:(a OR b)` is `containsAny`, `FIELD:(a AND b)` asks for both.
//! - A word alone is looked for in title and identifier.
//! - Functions: `in(FIELD, a, b)`, `between(FIELD, from, to)` and `between(FIELD, lastWeek)`, `contains(FIELD, a, b)`,
//!   `beginsWith(FIELD, a)`, `endsWith(FIELD, a)`, `isEmpty(FIELD)`, `isExpired(FIELD)` and
//!   `relatedTo(BLUEPRINT, IDENTIFIER, upstream, 2)`, whose direction and depth may be left out.

mod functions;
mod lexer;
mod parser;

use super::{error::QueryError, node::Node, resolve::Scope};

/// A filter may be so many bytes long.
const LONGEST: usize = 64 * 1024;

impl Node {
    /// Reads an AIP-160 filter; an empty one asks for everything.
    ///
    /// # Errors
    /// What is wrong first, by line and column.
    pub fn parse_filter(text: &str, scope: &Scope<'_>) -> Result<Self, QueryError> {
        if text.len() > LONGEST {
            let detail = format!("a filter may be {} KiB long; ask with rules instead", LONGEST / 1024);
            return Err(lexer::error(text, LONGEST.min(text.len()), detail));
        }
        let first = if scope.is_checked() {
            // What the filter itself says of the blueprint tells what the other names in it mean.
            scope.narrowed(parser::parse(text, &Scope::unchecked())?.blueprints())
        } else {
            scope.clone()
        };
        parser::parse(text, &first)
    }
}
