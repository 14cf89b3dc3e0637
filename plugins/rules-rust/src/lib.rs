//! Rules for scorecards: who owns an entity, and whether it is documented.

mod documented;
mod has_owner;

use documented::Documented;
use has_owner::HasOwner;
use seawall_sdk::prelude::*;

/// One of the manifest's rules, with its parameters.
enum Rules {
    HasOwner(HasOwner),
    Documented(Documented),
}

impl Rule for Rules {
    fn prepare(name: &str, params: &Json) -> Result<Self> {
        match name {
            "has-owner" => Ok(Self::HasOwner(params.parse()?)),
            "documented" => Ok(Self::Documented(params.parse()?)),
            other => Err(Failure::NotFound(format!(
                "rule {other}; there are has-owner and documented"
            ))),
        }
    }

    fn judge(&self, subject: &Subject) -> Result<Verdict> {
        match self {
            Self::HasOwner(rule) => rule.judge(&subject.entity),
            Self::Documented(rule) => rule.judge(&subject.entity),
        }
    }
}

seawall_sdk::plugin!(Rules: rule);

#[cfg(test)]
mod testing {
    use super::*;
    use seawall_sdk::serde_json::Value;
    use std::time::Duration;

    /// An entity with these properties, and relations to one target each.
    pub fn subject(properties: Value, relations: &[&str]) -> Subject {
        let relations = relations.iter().map(|name| Relation {
            name: (*name).to_owned(),
            target: EntityRef::new("team", "payments"),
        });
        Subject {
            entity: Entity {
                id: EntityRef::new("service", "checkout"),
                title: None,
                properties: Json::from(&properties).unwrap(),
                relations: relations.collect(),
            },
            related: Vec::new(),
            now: Duration::ZERO,
        }
    }

    pub fn verdict(rule: &str, params: Value, subject: &Subject) -> Verdict {
        Rules::prepare(rule, &Json::from(&params).unwrap())
            .unwrap()
            .judge(subject)
            .unwrap()
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        let params = Json::from(&Value::Null).unwrap();
        assert!(Rules::prepare("has-onwer", &params).is_err());
    }
}
