//! Port's mapping file: jq expressions that turn a tool's items into entities.
//!
//! ```yaml
//! resources:
//!   - kind: repository
//!     selector: { query: .archived | not }
//!     port:
//!       itemsToParse: .branches          # one entity for each; it is `.item` in the expressions
//!       entity:
//!         mappings:                       # or a list of them
//!           identifier: .full_name
//!           title: .name
//!           blueprint: '"service"'
//!           properties: { language: .language }
//!           relations: { owner: .owner.login }
//! ```
//!
//! A [`Mapping`] is compiled once and used from any thread. Every value is a jq expression, of which the first result
//! counts; `properties` and `relations` may nest objects and lists of expressions. An expression that fails gives no
//! value, with a report. A relation may be a search, which whoever maps answers ([`Find`]). `file://…` and `search://…`, which
//! ask Port's own agent for a file, are left out with a report.
//! What a selector has beside `query` is handed to the plugin. Resources of one kind whose selectors differ there are pulled
//! one after another, each item is mapped by the resources of the selector that it was pulled with, and a partition of any
//! but the first is named with its selector: `my-org {"states":["open"]}`.
//! `deleteDependentEntities`, `createMissingRelatedEntities` and other settings beside `resources` are accepted and mean
//! nothing here.

mod apply;
mod error;
mod file;
mod search;
mod selector;
mod template;
mod trial;

pub use apply::{Blueprints, Call, ItemError, Mapped};
pub use error::MappingError;
pub use file::LeftOut;
pub use search::{Find, FindError, MOST_FOUND};
pub use seawall_jq::Spot;
pub use trial::{Tally, Trial, TrialError, TrialExample, TrialInput, TrialItem, TrialKind};

use crate::{BlueprintId, document::Document};
use file::Resource;
use serde_json::Value;
use sha2::Digest as _;

/// Goes into every digest: raised when the same mapping gives other entities than before.
const VERSION: &str = "seawall-mapping-1";

/// A compiled mapping.
#[derive(Debug)]
pub struct Mapping {
    resources: Vec<Resource>,
}

impl Mapping {
    /// Compiles a mapping in Port's shape.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn compile(value: &Value) -> Result<Self, Vec<MappingError>> {
        let (mapping, errors) = Self::compile_what_can_be(value);
        if errors.is_empty() { Ok(mapping) } else { Err(errors) }
    }

    /// Compiles a mapping from YAML or JSON text; errors say the line and column of `file`.
    ///
    /// # Errors
    /// As [`Mapping::compile`], or that the text is no YAML.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<MappingError>> {
        let document = Document::parse(file, text).map_err(|p| vec![MappingError::new("", p.to_string())])?;
        Self::compile(document.value()).map_err(|mut errors| {
            for error in &mut errors {
                error.locate(file, &document);
            }
            errors
        })
    }

    /// The part of a mapping that is right, and the errors of the rest: fields whose expression does not compile give no
    /// value.
    pub(crate) fn compile_what_can_be(value: &Value) -> (Self, Vec<MappingError>) {
        let mut errors = Vec::new();
        let mut resources = Vec::new();
        // Parsing recurses on an expression's length, so it gets room for the longest one.
        let compile = || file::read(value, &mut resources, &mut errors);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("mapping".into()).stack_size(64 << 20);
            if let Ok(handle) = thread.spawn_scoped(scope, compile) {
                // A panic within would be a bug of the compiler's; what was compiled until then is not used.
                if handle.join().is_err() {
                    return Some("the compiler of expressions failed; simplify the expressions");
                }
                return None;
            }
            Some("no thread could be started to compile it; try again")
        })
        .map_or_else(Vec::new, |message| vec![MappingError::new("", message)])
        .into_iter()
        .for_each(|error| errors.push(error));
        selector::place(&mut resources);
        (Self { resources }, errors)
    }

    /// The kinds that it maps, in the order of the file, each once.
    pub fn kinds(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for resource in &self.resources {
            if !out.contains(&resource.kind.as_str()) {
                out.push(&resource.kind);
            }
        }
        out
    }

    /// Whether what items of `kind` give follows from the catalog too: a relation of theirs is a search.
    pub fn searches(&self, kind: &str) -> bool {
        let of_kind = self.resources.iter().filter(|r| r.kind == kind);
        let mut entities = of_kind.flat_map(|r| &r.entities);
        entities.any(|entity| entity.relations.iter().any(|(_, template)| template.is_search()))
    }

    /// What of it has no meaning here, whatever the item.
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.resources.iter().flat_map(Resource::left_out).collect()
    }

    /// Whether entities of a blueprint come of it; none where it computes the names of blueprints, which may be any.
    pub fn feeds(&self, blueprint: &BlueprintId) -> Option<bool> {
        let named = self.resources.iter().map(Resource::blueprints);
        let mut computes = false;
        for named in named {
            match named {
                Some(all) if all.contains(blueprint) => return Some(true),
                Some(_) => {}
                None => computes = true,
            }
        }
        (!computes).then_some(false)
    }

    /// Changes when items of `kind` may give other entities than before: with that kind's part of the mapping, with the
    /// blueprints that it names (all of `blueprints`, where it computes their names), and with Seawall's own ways. The
    /// same in every process.
    pub fn digest(&self, kind: &str, blueprints: &Blueprints) -> [u8; 16] {
        let mut hasher = sha2::Sha256::new();
        hasher.update(VERSION);
        let mut named = Some(Vec::new());
        for resource in self.resources.iter().filter(|r| r.kind == kind) {
            hasher.update([0]);
            hasher.update(&resource.text);
            named = match (named, resource.blueprints()) {
                (Some(mut all), Some(more)) => {
                    all.extend(more);
                    Some(all)
                }
                _ => None,
            };
        }
        let mut wanted: Vec<_> = match &named {
            Some(ids) => ids.iter().filter_map(|id| blueprints.get_key_value(id)).collect(),
            None => blueprints.iter().collect(),
        };
        wanted.sort_unstable_by_key(|(id, _)| *id);
        wanted.dedup_by_key(|(id, _)| *id);
        for (id, blueprint) in wanted {
            hasher.update([1]);
            hasher.update(id.as_str());
            hasher.update([0]);
            hasher.update(blueprint.digest());
        }
        let mut out = [0; 16];
        out.copy_from_slice(&hasher.finalize()[..16]);
        out
    }
}
