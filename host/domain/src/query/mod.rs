//! Questions about entities: one tree ([`Node`]), written as Port's JSON rules ([`Node::parse`]) or as an AIP-160 filter
//! ([`Node::parse_filter`]), evaluated on one entity ([`Node::matches`]) and on the read index, with equal results.
//!
//! # What a rule looks at
//! A property, a relation (its targets' identifiers), or `$identifier`, `$title`, `$team`, `$icon`, `$blueprint`, `$createdAt`
//! or `$updatedAt`. A path leads on into an object: `config.limits.cpu`; through a list it leads into each of its entries, and the
//! value is then the list of what was found. Along relations it leads to other entities: `relations.owner.tier = 1` holds if one of
//! the targets that exist has such a tier. Null, and an empty list of teams or targets, are absent.
//!
//! # When it holds
//! | operator | holds where |
//! |---|---|
//! | `=`, `in` | the value equals (one of) the rule's; of a list, the whole or one of its entries does. `null`: it is absent |
//! | `>`, `>=`, `<`, `<=`, `between` (both ends included) | the value is of the same type and lies there; of a list, one of its entries does |
//! | `contains`, `containsAny` | a text has (one of) the rule's texts in it; a list has an entry that equals it; an object has a member of that name; any other value equals it |
//! | `beginsWith`, `endsWith` | a text does; of a list, one of its entries does |
//! | `isNotEmpty` | the value is there, and not `""`, `[]` or `{}` |
//! | `isExpired` | the value is a moment before now |
//! | `relatedTo` | the entity is at the end of a chain of relations from the named ones, see [`Related`] |
//!
//! Each of `!=`, `notIn`, `doesNotContain`, `doesNotBeginsWith`, `doesNotEndsWith`, `notBetween`, `isEmpty` and
//! `isNotExpired` holds exactly where its opposite does not, so also where the value is absent; Port says of `!=` that it gives "all
//! results that fail to satisfy the check". Along relations these hold where none of the targets passes, so also where there is
//! none: `isEmpty` where none of them has anything, `isNotEmpty` where one has; `= null` where none of them has a value, which may be
//! empty, `!= null` where one has.
//! A comparison of different types does not hold.
//!
//! # What equals what
//! - Numbers by value: `1` is `1.0`, and large ones are not rounded. A number never equals a text.
//! - Texts that are both an RFC 3339 time, or a date alone (its midnight in UTC), are compared as moments; `$createdAt` and `$updatedAt` are
//!   moments. A number compared with those two is milliseconds since 1970.
//! - Other texts equal exactly. `contains`, `beginsWith` and `endsWith` look past upper and lower case; `<` and its like
//!   compare as lists are sorted, by lower-case code points and exactly where those are equal.
//! - Objects whatever the order of their members, lists entry by entry.
//!
//! Parsers check names and types against a [`Scope`], so that a misspelt property is an error and no empty answer.

mod collate;
mod due;
mod error;
mod eval;
mod field;
mod filter;
mod list;
mod matcher;
mod moment;
mod node;
mod num;
mod preset;
mod resolve;
mod rules;
mod search;
mod shape;
mod value;
mod view;
mod write;

pub use collate::{compare_text, fold, folded};
pub use error::{At, QueryError};
pub use eval::{Alone, Compiled, Record, Subject, World};
pub use field::{Field, Hop, Operand};
pub use list::{ListQuery, Place};
pub use matcher::{Matcher, TextEdge, Wanted};
pub use moment::{Moment, millis, moment};
pub use node::{
    Comparison, Direction, MAX_DEPTH, MAX_HOPS, MAX_RULES, Node, PropertySchema, Range, Related, Rule, Test,
};
pub use num::Num;
pub use preset::Preset;
pub use resolve::Scope;
pub use search::{Cursor, Search, Sort, Words};
pub use shape::{Edge, Fields, PropertyType, Shape};
pub use value::{along, equal};
pub use view::View;

#[cfg(test)]
mod tests;
