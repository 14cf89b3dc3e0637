//! The read index in memory: lists, equality filters, sorts by any field, keyset pages, counts and facets, over
//! hundreds of thousands of entities. It is fed rows, and knows neither SQL nor where they come from.
//!
//! # What equals what
//! Numbers are equal by value (`1` and `1.0`); strings exactly. Null, and an empty list of teams or relation targets, are
//! absent. A filter on an array holds if the whole array equals the value, or one of its elements does. Objects are equal
//! whatever the order of their members. Values of any length are told apart exactly.
//!
//! # What comes before what
//! Absent values come last in both directions, as tables show blanks. Else booleans (false first), numbers by value,
//! strings by their lower-case code points and exactly where those are equal, arrays element by element and objects
//! member by member, both by JSON text. Of strings the first 256 bytes count, of arrays and objects the leading parts
//! within 256 bytes. Equal values go by identifier, rising in both directions.
//!
//! # How
//! Per blueprint, entities have slots; per field there is a column of dictionary codes, and per value a posting of slots
//! (a roaring bitmap where there are many). Filters are bitmap algebra. A sort order is made when it is first asked
//! for, serves both directions, is noted as stale by writers, and brought up to date by the next reader. Writers hold a blueprint's lock for one
//! page; everything that can be prepared without it is.
//!
//! ```
//! use seawall_domain::{Entity, query::{Field, ListQuery}};
//! use seawall_index::{Index, Row};
//!
//! let entity: Entity = serde_json::from_value(serde_json::json!({
//!     "blueprint": "service", "identifier": "payments", "properties": {"tier": 1, "tags": ["pci", "go"]}
//! }))?;
//! let index = Index::new();
//! index.apply(&[Row { id: 7, entity: &entity, created_at: 0, updated_at: 0, created_by: None, updated_by: None, version: 1 }], &[], 1);
//!
//! let tagged = ListQuery {
//!     blueprint: entity.blueprint.clone(),
//!     filters: vec![(Field::Property("tags".into()), "go".into())],
//!     sort: Field::Title,
//!     descending: false,
//!     after: None,
//!     limit: 20,
//! };
//! assert_eq!(index.list(&tagged)?.ids, [7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod codes;
mod collate;
mod column;
mod dictionary;
mod error;
mod facet;
mod gather;
mod graph;
mod heap;
mod heap_cell;
mod hits;
mod impact;
mod index;
mod key;
mod leaf;
mod lexicon;
mod list;
mod order;
mod plan;
mod posting;
mod prepared;
mod probe;
mod rank;
mod relate;
mod search;
mod sequence;
mod size;
mod sort;
mod table;
mod text;
mod tree;
mod weights;

pub use error::IndexError;
pub use graph::{Graph, GraphEdge, GraphNode, GraphQuery};
pub use index::{Index, ListPage};
pub use leaf::{Doubt, Verdicts};
pub use prepared::Row;
pub use search::{Answer, Context};
