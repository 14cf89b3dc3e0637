//! The entity has a description of some length, and a link to its documentation.

use seawall_sdk::prelude::*;

/// The parameters.
#[derive(Deserialize)]
pub struct Documented {
    #[serde(default = "description")]
    description: String,
    #[serde(default = "min_length")]
    min_length: usize,
    link: Option<String>,
}

fn description() -> String {
    "description".to_owned()
}

fn min_length() -> usize {
    20
}

impl Documented {
    pub fn judge(&self, entity: &Entity) -> Result<Verdict> {
        let mut missing = Vec::new();
        let text: Option<Value> = entity.property(&self.description)?;
        let length = text
            .as_ref()
            .and_then(Value::as_str)
            .map_or(0, |text| text.trim().chars().count());
        if length < self.min_length {
            let name = &self.description;
            missing.push(format!(
                "`{name}` has {length} characters, at least {} are asked for",
                self.min_length
            ));
        }
        if let Some(name) = &self.link {
            let link: Option<Value> = entity.property(name)?;
            let link = link.as_ref().and_then(Value::as_str).unwrap_or_default();
            if !link.starts_with("https://") && !link.starts_with("http://") {
                missing.push(format!("`{name}` is no address of its documentation"));
            }
        }
        Ok(match missing.as_slice() {
            [] => Verdict::Pass,
            missing => Verdict::fail(missing.join("; ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{subject, verdict};
    use seawall_sdk::prelude::*;

    #[test]
    fn the_description_has_to_say_something() {
        let good = subject(json!({"description": "Takes payments and books them."}), &[]);
        assert_eq!(verdict("documented", json!({}), &good), Verdict::Pass);
        let short = subject(json!({"description": "  pay  "}), &[]);
        let why = "`description` has 3 characters, at least 20 are asked for";
        assert_eq!(verdict("documented", json!({}), &short), Verdict::fail(why));
        assert_eq!(verdict("documented", json!({"min_length": 3}), &short), Verdict::Pass);
    }

    #[test]
    fn the_link_is_asked_for_where_it_is_named() {
        let params = json!({"link": "docs", "min_length": 1});
        let with = subject(json!({"description": "x", "docs": "https://docs.example.com"}), &[]);
        assert_eq!(verdict("documented", params.clone(), &with), Verdict::Pass);
        let without = subject(json!({"description": "x", "docs": 7}), &[]);
        assert_eq!(
            verdict("documented", params, &without),
            Verdict::fail("`docs` is no address of its documentation")
        );
    }
}
