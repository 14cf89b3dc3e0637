//! jq expressions, run by jaq, with bounds and without the host: no environment, no inputs, no clock, no files.
//!
//! What is bounded for one item, all its expressions together ([`Budget`]): steps (each turn of a recursion, a `reduce`, a
//! `range` or a collected array), nesting of calls, the length of a string or array, the size of a printed or resulting
//! value, and the backtracking of each regular expression. An expression that goes over one ends with an error that
//! names it. Not bounded: comparing and sorting values that share parts of themselves many times over, which only an
//! expression made for that purpose builds.

mod budget;
mod guard;
mod members;
mod natives;
mod program;
mod regex;
mod value;

pub use budget::Budget;
pub use members::Members;
pub use program::{Compiler, Expr};
pub use value::{parse, to_json};

/// Positions of an expression's faults count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The line within the expression.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}
