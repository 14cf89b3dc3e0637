//! What names an artifact: registry, repository, tag and digest.

use crate::{RegistryError, Result};
use seawall_domain::Digest;
use std::{fmt, net::IpAddr};

/// `HOST[:PORT]/PATH[:TAG][@DIGEST]`, with tag, digest or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Reads one, with or without `oci://` before it. The registry has to be named: a short name that leads to somebody's
    /// default registry would be somebody else's plugin.
    ///
    /// # Errors
    /// [`RegistryError::Usage`] with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            RegistryError::Usage(format!(
                "`{text}` is no reference: {why}; expected REGISTRY/PATH:TAG, such as `ghcr.io/acme/unleash:1.2.0`, or with a digest, \
                 `…@sha256:…`"
            ))
        };
        let rest = text.strip_prefix("oci://").unwrap_or(text);
        if rest.contains("://") {
            return Err(wrong("it is a URL; leave out the scheme".to_owned()));
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::new(digest).map_err(|e| wrong(e.to_string()))?)),
            None => (rest, None),
        };
        let Some((registry, rest)) = rest.split_once('/') else {
            return Err(wrong("it has no path".to_owned()));
        };
        if !(registry.contains('.') || registry.contains(':') || registry == "localhost") {
            return Err(wrong(format!("it names no registry (`{registry}` is no host)")));
        }
        // Letters that a URL would turn into others are left out: what is written is where it leads.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if !registry.chars().all(plain) || url::Url::parse(&format!("https://{registry}/")).is_err() {
            return Err(wrong(format!("`{registry}` is no host")));
        }
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if let Some(part) = path.split('/').find(|part| !is_component(part)) {
            return Err(wrong(format!(
                "the part `{part}` of its path may have lower-case letters, digits and single `.`, `_` or `-` between them"
            )));
        }
        if path.len() > 255 {
            return Err(wrong("its path is longer than 255 characters".to_owned()));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(wrong(format!(
                "`{tag}` is no tag: letters, digits, `_`, `.` and `-`, at most 128, the first no `.` or `-`"
            )));
        }
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            path: path.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Host and port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path of the repository within its registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Registry and path.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.registry, self.path)
    }

    /// Its tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// What it is pinned to.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same in the same repository with another tag, and no digest.
    ///
    /// # Errors
    /// Where it is no tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self> {
        if !is_tag(tag) {
            return Err(RegistryError::Usage(format!(
                "`{tag}` is no tag: letters, digits, `_`, `.` and `-`, at most 128, the first no `.` or `-`"
            )));
        }
        Ok(Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// The same, pinned.
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// Whether the registry is on this machine, by its name. Only there plain HTTP is spoken.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.registry)
    }
}

/// Whether `HOST[:PORT]` is on this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<http::uri::Authority>() else {
        return false;
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution-spec, pulling manifests).
fn is_component(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    if !bytes.first().is_some_and(|b| plain(*b)) || !bytes.last().is_some_and(|b| plain(*b)) {
        return false;
    }
    bytes
        .split(|b| plain(*b))
        .all(|between| matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-'))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = tag.as_bytes();
    (1..=128).contains(&bytes.len()) && word(bytes[0]) && bytes.iter().all(|b| word(*b) || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let digest = Digest::of(b"");
        for text in [
            "ghcr.io/acme/unleash:1.2.0".to_owned(),
            format!("ghcr.io/acme/unleash@{digest}"),
            format!("127.0.0.1:5000/a/b_c/d--e:V1_x@{digest}"),
            "[::1]:5000/a:b".to_owned(),
            "localhost/a".to_owned(),
        ] {
            assert_eq!(Reference::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(
            Reference::parse("oci://GHCR.io/a:b").unwrap().to_string(),
            "ghcr.io/a:b"
        );
    }

    #[test]
    fn says_which_part_is_wrong() {
        for (text, part) in [
            ("unleash", "has no path"),
            ("acme/unleash:1", "`acme` is no host"),
            ("https://ghcr.io/a:1", "is a URL"),
            ("ghcr.io/Acme/a:1", "the part `Acme`"),
            ("ghcr.io//a", "the part ``"),
            ("ghcr.io/a..b:1", "the part `a..b`"),
            ("ghcr.io/../v2/secret:1", "the part `..`"),
            ("ghcr.io/a:", "`` is no tag"),
            ("ghcr.io/a:-x", "`-x` is no tag"),
            ("ghcr.io/a@sha256:ab", "is no digest"),
            ("ghcr.io/a@sha512:ab", "is no digest"),
            ("me:secret@ghcr.io/a", "is no digest"),
            (".:x/a", "`.:x` is no host"),
            ("gh%63r.io/a:1", "`gh%63r.io` is no host"),
            ("ghcr。io.x/a:1", "is no host"),
            ("ghcr.io:70000/a:1", "is no host"),
        ] {
            let said = Reference::parse(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, expected) in [
            ("127.0.0.1:5000/a", true),
            ("127.9.9.9/a", true),
            ("localhost:5000/a", true),
            ("[::1]:5000/a", true),
            ("localhost.evil.example/a", false),
            ("10.0.0.1:5000/a", false),
            ("0.0.0.0:5000/a", false),
        ] {
            assert_eq!(Reference::parse(text).unwrap().is_loopback(), expected, "{text}");
        }
    }
}
