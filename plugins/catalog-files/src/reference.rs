//! Names of entities as Backstage writes them: `kind:namespace/name`, all in lower case.

/// A whole reference from its parts.
pub fn make(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind}:{namespace}/{name}").to_lowercase()
}

/// A whole reference from one that may lack its kind or its namespace. `None` for what is none.
pub fn complete(text: &str, kind: &str, namespace: &str) -> Option<String> {
    let text = text.trim();
    let (kind, rest) = text.split_once(':').unwrap_or((kind, text));
    let (namespace, name) = rest.split_once('/').unwrap_or((namespace, rest));
    let whole = ![kind, namespace, name].iter().any(|part| part.is_empty());
    whole.then(|| make(kind, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_what_is_left_out() {
        let complete = |text| complete(text, "Group", "default");
        assert_eq!(complete("Team-A").as_deref(), Some("group:default/team-a"));
        assert_eq!(
            complete("backstage/maintainers").as_deref(),
            Some("group:backstage/maintainers")
        );
        assert_eq!(complete("User:guest").as_deref(), Some("user:default/guest"));
        assert_eq!(complete("component:ns/x").as_deref(), Some("component:ns/x"));
        assert_eq!(complete("user:"), None);
        assert_eq!(complete(" "), None);
    }
}
