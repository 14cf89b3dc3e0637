//! Subscriptions as documents: what is told to whom, and the names of the headers whose values are sealed.

use crate::{
    SubscriptionName,
    subscription::{Subscription, header_problems},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A subscription's document, beside the fields of [`Subscription`]. Neither the secret that messages are signed with nor the values of
/// its headers are ever in one.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionDefinition {
    /// Its name.
    pub name: SubscriptionName,
    /// What is told to whom.
    pub wanted: Subscription,
    /// Whether nothing is to be sent.
    pub paused: bool,
    /// The names of its further headers, in order.
    pub headers: Vec<String>,
}

/// What a document says beside [`Subscription`].
#[derive(Serialize, Deserialize)]
struct Beside {
    name: SubscriptionName,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    headers: Vec<String>,
}

impl SubscriptionDefinition {
    /// Reads a document.
    ///
    /// # Errors
    /// What is none of a subscription's.
    pub fn read(document: &Value) -> Result<Self, String> {
        let Some(fields) = document.as_object() else {
            return Err("expected an object".to_owned());
        };
        let own = ["name", "paused", "headers"];
        let is_own = |(field, _): &(&String, &Value)| own.contains(&field.as_str());
        let pick = |(field, value): (&String, &Value)| (field.clone(), value.clone());
        let beside: Map<String, Value> = fields.iter().filter(is_own).map(pick).collect();
        let rest: Map<String, Value> = fields.iter().filter(|field| !is_own(field)).map(pick).collect();
        let beside: Beside = serde_json::from_value(Value::Object(beside)).map_err(|error| error.to_string())?;
        let wanted = serde_json::from_value(Value::Object(rest)).map_err(|error| error.to_string())?;
        let Beside {
            name,
            paused,
            mut headers,
        } = beside;
        headers.sort_unstable();
        headers.dedup();
        Ok(Self {
            name,
            wanted,
            paused,
            headers,
        })
    }

    /// The document, with all defaults.
    pub fn document(&self) -> Value {
        let mut document = serde_json::to_value(&self.wanted).unwrap_or_else(|_| json!({}));
        document["name"] = self.name.as_str().into();
        document["paused"] = self.paused.into();
        document["headers"] = json!(self.headers);
        document
    }

    /// What is wrong with it: a JSON pointer, and what to write instead. What the policy forbids is the server's to say.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut wrong = self.wanted.problems(&[]);
        let named = self
            .headers
            .iter()
            .map(|name| (name.clone(), "value".to_owned()))
            .collect();
        wrong.extend(
            header_problems(&named)
                .into_iter()
                .map(|(_, why)| ("/headers".to_owned(), why)),
        );
        wrong
    }
}
