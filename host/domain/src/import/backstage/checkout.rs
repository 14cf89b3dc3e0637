//! Addresses of a forge that name a file of the checkout itself.

use url::Url;

/// The repository that the folder is a checkout of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    host: String,
    /// `owner/name`, in lower case.
    repository: String,
    /// The folder within the repository; empty: its outermost.
    below: String,
}

impl Checkout {
    /// Reads a remote as git writes it: `https://github.com/acme/shop.git`, `git@github.com:acme/shop.git`. `below` is where the
    /// folder lies within the repository. None where it is no address.
    pub fn new(remote: &str, below: &str) -> Option<Self> {
        let remote = remote.trim();
        let (host, path) = match Url::parse(remote) {
            Ok(url) if url.has_host() => (url.host_str()?.to_owned(), url.path().to_owned()),
            // The short form of ssh, which is no URL.
            _ => {
                let (place, path) = remote.split_once(':')?;
                let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
                (host.to_owned(), path.to_owned())
            }
        };
        let repository = path.trim_matches('/').trim_end_matches(".git").to_lowercase();
        let whole = !host.is_empty() && repository.contains('/');
        whole.then(|| Self {
            host: host.to_lowercase(),
            repository,
            below: below.trim_matches('/').to_owned(),
        })
    }

    /// The paths within the folder that an address may mean, the likeliest first: where a branch's name ends and the path
    /// begins cannot be told (`blob/feature/x/a.yaml`). Empty where the address is of another repository.
    pub(super) fn paths(&self, address: &str) -> Vec<String> {
        let Ok(url) = Url::parse(address) else {
            return Vec::new();
        };
        let raw = url.host_str() == Some("raw.githubusercontent.com") && self.host == "github.com";
        if url.host_str() != Some(&self.host) && !raw {
            return Vec::new();
        }
        let path = percent_encoding::percent_decode_str(url.path().trim_matches('/')).decode_utf8_lossy();
        let names: Vec<&str> = path.split('/').collect();
        let own = self.repository.split('/').count();
        let same = names.len() > own && names[..own].join("/").to_lowercase() == self.repository;
        if !same {
            return Vec::new();
        }
        let rest = &names[own..];
        let rest = if raw {
            rest
        } else {
            // GitHub, GitLab, Bitbucket, Gitea.
            match rest {
                ["-", "blob" | "tree" | "raw", rest @ ..]
                | ["src" | "raw", "branch" | "tag" | "commit", rest @ ..]
                | ["blob" | "tree" | "raw" | "src", rest @ ..] => rest,
                _ => return Vec::new(),
            }
        };
        (1..rest.len())
            .filter_map(|at| self.within(&rest[at..].join("/")))
            .collect()
    }

    fn within(&self, path: &str) -> Option<String> {
        if self.below.is_empty() {
            return Some(path.to_owned());
        }
        let rest = path.strip_prefix(&self.below)?.strip_prefix('/')?;
        Some(rest.to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(remote: &str, below: &str, address: &str, expect: &[&str]) {
        assert_eq!(
            Checkout::new(remote, below).unwrap().paths(address),
            expect,
            "{address}"
        );
    }

    #[test]
    fn an_address_of_the_same_repository_is_a_file_of_the_checkout() {
        let github = "git@github.com:Acme/shop.git";
        check(
            github,
            "",
            "https://github.com/acme/shop/blob/main/a/b.yaml",
            &["a/b.yaml", "b.yaml"],
        );
        check(
            github,
            "a",
            "https://github.com/acme/shop/blob/main/a/b.yaml",
            &["b.yaml"],
        );
        check(
            github,
            "",
            "https://raw.githubusercontent.com/acme/shop/main/b.yaml",
            &["b.yaml"],
        );
        check(
            "https://gitlab.com/g/sub/shop.git",
            "",
            "https://gitlab.com/g/sub/shop/-/blob/main/b.yaml",
            &["b.yaml"],
        );
        check(
            "https://git.example.com/g/shop",
            "",
            "https://git.example.com/g/shop/src/branch/main/b.yaml",
            &["b.yaml"],
        );
    }

    #[test]
    fn an_address_of_another_one_is_not() {
        let github = "https://github.com/acme/shop";
        check(github, "", "https://github.com/acme/other/blob/main/b.yaml", &[]);
        check(github, "", "https://example.com/acme/shop/blob/main/b.yaml", &[]);
        check(github, "", "https://github.com/acme/shop/issues/1", &[]);
        check(github, "", "./b.yaml", &[]);
        assert_eq!(Checkout::new("nonsense", ""), None);
    }
}
