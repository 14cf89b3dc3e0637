//! A relation whose targets are searched for.

use super::{Aside, Job};
use crate::{
    RelationTarget,
    blueprint::CompiledBlueprint,
    mapping::{FindError, MOST_FOUND, search::askable},
};
use serde_json::Value;

impl Job<'_> {
    /// The targets that the rules find; none where they look for what the item does not have, or find nothing.
    pub(super) fn searched(
        &mut self,
        name: &str,
        rules: Value,
        compiled: &CompiledBlueprint,
    ) -> Result<Option<RelationTarget>, Aside> {
        let Some(relation) = compiled.blueprint().relations.get(name) else {
            // The check of the entity says that there is no such relation.
            return Ok(Some(RelationTarget::Many(Vec::new())));
        };
        let Some(rules) = askable(rules) else { return Ok(None) };
        let field = format!("relations.{name}");
        let Some(find) = self.call.find else {
            let message = format!(
                "`{name}` is searched for in the catalog, and there is none here; an integration's passes and the workbench search"
            );
            self.misfit(&field, "search", &rules, message)?;
            return Ok(None);
        };
        let mut found = match find.find(&relation.target, &rules) {
            Ok(found) => found,
            Err(FindError::Rules(why)) => {
                self.misfit(&field, "search", &rules, format!("`{name}` is searched for: {why}"))?;
                return Ok(None);
            }
            Err(error @ FindError::Unanswered(_)) => {
                self.unanswered = Some(error);
                return Err(Aside);
            }
        };
        let message = match found.len() {
            0 => return Ok(None),
            1 if !relation.many => return Ok(found.pop().map(RelationTarget::One)),
            count if !relation.many => format!(
                "`{name}` is a single relation, and the search finds {} entities of `{}`; add a rule, or set `many: true` in the \
                 blueprint",
                if count > MOST_FOUND {
                    format!("more than {MOST_FOUND}")
                } else {
                    count.to_string()
                },
                relation.target
            ),
            count if count > MOST_FOUND => format!(
                "`{name}`: the search finds more than {MOST_FOUND} entities of `{}`, which is as many as a relation takes from one; \
                 add a rule",
                relation.target
            ),
            _ => return Ok(Some(RelationTarget::Many(found))),
        };
        self.misfit(&field, "search", &rules, message)?;
        Ok(None)
    }
}
