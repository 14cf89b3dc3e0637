//! Branches and tags: what an integration's name stands for on the server.

use crate::{GitError, protocol::Server};

/// A name of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// What it names: a commit, or a tag's own object.
    pub(crate) object: String,
    /// `refs/heads/main`.
    pub(crate) name: String,
    /// The commit behind a tag.
    peeled: Option<String>,
}

impl Named {
    /// Reads `OBJECT NAME ATTRIBUTES…`.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (object, name) = (words.next()?, words.next()?);
        let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
        let is_object = |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        (is_object(object) && peeled.is_none_or(is_object)).then(|| Self {
            object: object.to_ascii_lowercase(),
            name: name.to_owned(),
            peeled: peeled.map(str::to_ascii_lowercase),
        })
    }

    /// The commit.
    pub(crate) fn commit(&self) -> &str {
        self.peeled.as_deref().unwrap_or(&self.object)
    }
}

/// Names that a short one may stand for, the likelier first.
fn candidates(reference: Option<&str>) -> Vec<String> {
    match reference {
        None => vec!["HEAD".to_owned()],
        Some(whole) if whole.starts_with("refs/") => vec![whole.to_owned()],
        Some(short) => vec![format!("refs/heads/{short}"), format!("refs/tags/{short}")],
    }
}

impl Server<'_> {
    /// What the integration's name stands for now.
    ///
    /// # Errors
    /// [`GitError::NotFound`] that says which branches there are.
    pub(crate) async fn tip(&self) -> Result<Named, GitError> {
        let candidates = candidates(self.ask.reference);
        let found = self.names(&candidates).await?;
        let chosen = candidates
            .iter()
            .find_map(|name| found.iter().find(|named| named.name == *name));
        match chosen {
            Some(named) => Ok(named.clone()),
            None => Err(self.missing().await?),
        }
    }

    async fn missing(&self) -> Result<GitError, GitError> {
        let url = self.ask.url;
        let branches = self.names(&["refs/heads/".to_owned()]).await?;
        let short = branches
            .iter()
            .filter_map(|named| named.name.strip_prefix("refs/heads/"));
        let some: Vec<_> = short.take(SHOWN).map(|name| seawall_text::cut(name, 80)).collect();
        let more = if branches.len() > SHOWN { ", …" } else { "" };
        Ok(GitError::NotFound(match (some.is_empty(), self.ask.reference) {
            (true, None) => format!("{url}: the repository is empty: push a commit to it"),
            (true, Some(name)) => format!("{url}: there is no branch or tag `{name}`, and no branch at all"),
            (false, None) => format!(
                "{url}: its HEAD names no branch that is there; name one in the config; there are: {}{more}",
                some.join(", ")
            ),
            (false, Some(name)) => format!(
                "{url}: there is no branch or tag `{name}`; there are the branches {}{more}",
                some.join(", ")
            ),
        }))
    }
}

/// Branches that an error names.
const SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_what_a_tag_stands_for() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let tag = Named::read(&format!("{a} refs/tags/v1 peeled:{b}"));
        assert_eq!(tag.as_ref().map(Named::commit), Some(b.as_str()));
        let head = Named::read(&format!("{a} HEAD symref-target:refs/heads/main"));
        assert_eq!(head.as_ref().map(Named::commit), Some(a.as_str()));
        for wrong in [
            "",
            "unborn HEAD symref-target:refs/heads/main",
            "../../x HEAD",
            &a,
            &format!("{a} x peeled:y"),
        ] {
            assert_eq!(Named::read(wrong), None, "{wrong}");
        }
    }
}
