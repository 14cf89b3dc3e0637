//! Entity references, `kind:namespace/name`, as Backstage reads them (`parseEntityRef` of its catalog-model).

use serde_json::Value;

/// The namespace of what names none.
pub(super) const DEFAULT: &str = "default";

/// A whole reference, in lower case: Backstage compares them without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Reference {
    pub(super) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_lowercase(),
            namespace: namespace.to_lowercase(),
            name: name.to_lowercase(),
        }
    }

    /// Reads one that may lack its kind or its namespace; also the older form of an object with these fields.
    pub(super) fn read(value: &Value, kind: &str, namespace: &str) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.trim(),
            Value::Object(parts) => {
                let part = |name: &str| parts.get(name).and_then(Value::as_str);
                let known = parts
                    .keys()
                    .all(|k| ["kind", "namespace", "name"].contains(&k.as_str()));
                let name = part("name").filter(|name| known && is_part(name))?;
                return Some(Self::new(
                    part("kind").unwrap_or(kind),
                    part("namespace").unwrap_or(namespace),
                    name,
                ));
            }
            _ => return None,
        };
        let (kind, rest) = text.split_once(':').unwrap_or((kind, text));
        let (namespace, name) = rest.split_once('/').unwrap_or((namespace, rest));
        let whole = [kind, namespace, name].into_iter().all(is_part);
        whole.then(|| Self::new(kind, namespace, name))
    }

    /// The identifier of its entity: the name alone in the default namespace, so that it stays readable.
    pub(super) fn identifier(&self) -> String {
        if self.namespace == DEFAULT {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.kind, self.namespace, self.name)
    }
}

/// Whether a text can be one part of a reference.
pub(super) fn is_part(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/']) && text.trim() == text && !text.chars().any(char::is_control)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: Value, expect: Option<&str>) {
        let read = Reference::read(&value, "Group", "Shop").map(|reference| reference.to_string());
        assert_eq!(read.as_deref(), expect, "{value}");
    }

    #[test]
    fn fills_in_what_is_left_out() {
        check(json!("Team-A"), Some("group:shop/team-a"));
        check(json!("other/maintainers"), Some("group:other/maintainers"));
        check(json!("User:guest"), Some("user:shop/guest"));
        check(json!(" component:ns/X "), Some("component:ns/x"));
        check(json!({"kind": "User", "name": "ann"}), Some("user:shop/ann"));
        check(json!({"kind": "User", "nam": "ann"}), None);
        for none in ["user:", "", "a/b/c", "a:b:c", "/x", "x/"] {
            check(json!(none), None);
        }
        check(json!(5), None);
    }

    #[test]
    fn the_identifier_names_a_namespace_where_it_is_not_the_default() {
        let read = |text: &str| Reference::read(&json!(text), "group", DEFAULT).unwrap().identifier();
        assert_eq!(read("group:default/A"), "a");
        assert_eq!(read("shop/A"), "shop/a");
    }
}
