//! A property or a relation of the entity names who owns it.

use seawall_sdk::prelude::*;

/// The parameters. Where neither is given, the property `owner` is looked at.
#[derive(Deserialize)]
pub struct HasOwner {
    property: Option<String>,
    relation: Option<String>,
}

impl HasOwner {
    pub fn judge(&self, entity: &Entity) -> Result<Verdict> {
        let property = match (&self.property, &self.relation) {
            (None, None) => Some("owner"),
            (property, _) => property.as_deref(),
        };
        if let Some(name) = property
            && names_someone(&entity.property(name)?)
        {
            return Ok(Verdict::Pass);
        }
        if let Some(name) = &self.relation
            && entity.related(name).next().is_some()
        {
            return Ok(Verdict::Pass);
        }
        let places = [
            property.map(|name| format!("property `{name}`")),
            self.relation.as_ref().map(|name| format!("relation `{name}`")),
        ];
        let places: Vec<String> = places.into_iter().flatten().collect();
        Ok(Verdict::fail(format!(
            "nobody owns it: set its {}",
            places.join(" or ")
        )))
    }
}

/// A text that is not blank, or a list or an object with one.
fn names_someone(value: &Option<Value>) -> bool {
    match value {
        Some(Value::String(name)) => !name.trim().is_empty(),
        Some(Value::Array(names)) => names.iter().any(|name| names_someone(&Some(name.clone()))),
        Some(Value::Object(fields)) => fields.values().any(|field| names_someone(&Some(field.clone()))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{subject, verdict};
    use seawall_sdk::prelude::*;

    #[test]
    fn a_property_or_a_relation_is_enough() {
        let both = json!({"property": "team", "relation": "owner"});
        assert_eq!(
            verdict("has-owner", both.clone(), &subject(json!({"team": "a"}), &[])),
            Verdict::Pass
        );
        assert_eq!(
            verdict("has-owner", both.clone(), &subject(json!({"team": " "}), &["owner"])),
            Verdict::Pass
        );
        let why = "nobody owns it: set its property `team` or relation `owner`";
        assert_eq!(
            verdict("has-owner", both, &subject(json!({"team": null}), &["other"])),
            Verdict::fail(why)
        );
    }

    #[test]
    fn without_parameters_the_property_owner_counts() {
        assert_eq!(
            verdict("has-owner", json!({}), &subject(json!({"owner": ["", "a"]}), &[])),
            Verdict::Pass
        );
        assert!(matches!(
            verdict("has-owner", json!({}), &subject(json!({"owner": []}), &["owner"])),
            Verdict::Fail(_)
        ));
    }
}
