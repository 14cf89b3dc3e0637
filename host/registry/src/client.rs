//! One registry: manifests, blobs and uploads (opencontainers/distribution-spec).

use crate::{
    Credentials, Reference, RegistryError, Result,
    http::{Answer, Http, Outgoing, authority, garbage, location},
    token,
    transfer::Progress,
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use seawall_domain::{
    Digest,
    oci::{Descriptor, INDEX, MANIFEST, MAX_MANIFEST_BYTES},
};
use std::{collections::HashMap, time::Duration};
use tokio::sync::Mutex;
use url::Url;

/// The most bytes of an answer that says what is wrong.
const MAX_ERROR: usize = 64 << 10;

/// How a registry is spoken to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who signs in.
    pub credentials: Credentials,
    /// The longest that nothing may come before it is given up.
    pub silence: Duration,
}

/// One registry, and who signs in to it.
pub struct Registry {
    http: Http,
    host: String,
    base: Url,
    credentials: Credentials,
    /// By scope: what is sent as `Authorization`.
    tokens: Mutex<HashMap<String, HeaderValue>>,
}

/// What is done, which says what has to be allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Registry {
    /// The registry of a reference.
    ///
    /// # Errors
    /// Where its name makes no URL.
    pub fn of(reference: &Reference, options: Options) -> Result<Self> {
        let scheme = if reference.is_loopback() { "http" } else { "https" };
        let host = reference.registry();
        let base = Url::parse(&format!("{scheme}://{host}/v2/"));
        let base = base.map_err(|e| RegistryError::Usage(format!("`{host}` is no host: {e}")))?;
        Ok(Self {
            http: Http::new(options.silence),
            host: host.to_owned(),
            base,
            credentials: options.credentials,
            tokens: Mutex::default(),
        })
    }

    fn url(&self, path: &str, rest: &str) -> Result<Url> {
        let url = self.base.join(&format!("{path}/{rest}"));
        url.map_err(|e| RegistryError::Usage(format!("`{path}/{rest}` makes no URL: {e}")))
    }

    /// Sends a request, and signs in where that is asked for.
    async fn send(&self, path: &str, access: Access, make: impl Fn() -> Outgoing) -> Result<Answer> {
        let (verbs, verb) = match access {
            Access::Pull => ("pull", "pull"),
            Access::Push => ("pull,push", "push"),
        };
        let scope = format!("repository:{path}:{verbs}");
        let known = self.tokens.lock().await.get(&scope).cloned();
        let answer = self.http.send(self.signed(make(), known.as_ref())).await?;
        // Where the registry leads to may not ask for the password in its name.
        let is_ours = answer.url.origin() == self.base.origin();
        if answer.status() != StatusCode::UNAUTHORIZED || !is_ours {
            return Ok(answer);
        }
        let found = token::authorize(&self.http, &self.base, answer.headers(), &self.credentials, &scope).await?;
        let refused = |why: String| RegistryError::Unauthorized {
            registry: self.host.clone(),
            what: format!("{verb} {path}"),
            why,
        };
        let Some(found) = found else {
            let why = match self.credentials {
                Credentials::Anonymous => "it wants to know who asks, and nobody is signed in".to_owned(),
                _ => "it does not say how to sign in".to_owned(),
            };
            return Err(refused(why));
        };
        self.tokens.lock().await.insert(scope, found.clone());
        let answer = self.http.send(self.signed(make(), Some(&found))).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let why = match self.credentials {
                Credentials::Anonymous => "nobody is signed in, and that is not enough",
                _ => "it does not take the name and password, or token",
            };
            return Err(refused(why.to_owned()));
        }
        Ok(answer)
    }

    /// What signs in goes to the registry itself, and not where it leads to: its storage has other signatures.
    fn signed(&self, mut outgoing: Outgoing, authorization: Option<&HeaderValue>) -> Outgoing {
        if let Some(value) = authorization.filter(|_| outgoing.url.origin() == self.base.origin()) {
            outgoing.headers.insert(header::AUTHORIZATION, value.clone());
        }
        outgoing
    }

    /// A manifest or index, as it is stored; none where there is none. `which` is a tag or a digest.
    pub(crate) async fn manifest(&self, path: &str, which: &str) -> Result<Option<Bytes>> {
        let url = self.url(path, &format!("manifests/{which}"))?;
        let accept: &'static str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json";
        let make = || Outgoing::new(Method::GET, url.clone()).header(header::ACCEPT, accept);
        let answer = self.send(path, Access::Pull, make).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = self.fine(answer, path, "pull", &[StatusCode::OK]).await?;
        let said = answer.text("docker-content-digest").map(str::to_owned);
        let url = answer.url.clone();
        let bytes = answer.bytes(MAX_MANIFEST_BYTES, &Progress::none()).await?;
        let found = Digest::of(&bytes);
        // A registry may say the digest in another algorithm.
        if let Some(said) = said.filter(|said| said.starts_with("sha256:") && *said != found.as_str()) {
            return Err(garbage(
                &url,
                format!("a manifest whose digest is {found}, and says that it is {said}"),
            ));
        }
        if let Ok(expected) = Digest::new(which)
            && expected != found
        {
            return Err(RegistryError::Tampered(format!(
                "{} was asked for the manifest {expected}, and gave another, whose digest is {found}",
                self.host
            )));
        }
        Ok(Some(bytes))
    }

    /// The bytes that a descriptor points to.
    pub(crate) async fn blob(&self, path: &str, of: &Descriptor, most: usize, progress: &Progress) -> Result<Bytes> {
        let (size, digest) = (of.size, &of.digest);
        let what = format!("the {} bytes of {digest}", of.size);
        if size > most as u64 {
            return Err(RegistryError::Tampered(format!(
                "{}/{path}: expected at most {most} bytes, and {digest} has {size}",
                self.host
            )));
        }
        let url = self.url(path, &format!("blobs/{digest}"))?;
        let answer = self
            .send(path, Access::Pull, || Outgoing::new(Method::GET, url.clone()))
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(RegistryError::NotFound(format!("{}/{path}@{digest}", self.host)));
        }
        let answer = self.fine(answer, path, "pull", &[StatusCode::OK]).await?;
        let bytes = answer.bytes(most, progress).await?;
        let found = Digest::of(&bytes);
        if bytes.len() as u64 != size || found != *digest {
            return Err(RegistryError::Tampered(format!(
                "{} was asked for {what}, and gave {} bytes of {found}: they were changed or cut off",
                self.host,
                bytes.len()
            )));
        }
        Ok(bytes)
    }

    /// Whether it has these bytes already.
    async fn has(&self, path: &str, digest: &Digest) -> Result<bool> {
        let url = self.url(path, &format!("blobs/{digest}"))?;
        let answer = self
            .send(path, Access::Push, || Outgoing::new(Method::HEAD, url.clone()))
            .await?;
        Ok(answer.status() == StatusCode::OK)
    }

    /// Uploads bytes, in one piece, unless they are there already.
    pub(crate) async fn put_blob(&self, path: &str, bytes: &Bytes, progress: &Progress) -> Result<()> {
        let digest = Digest::of(bytes);
        if self.has(path, &digest).await? {
            progress.at(bytes.len() as u64);
            return Ok(());
        }
        let url = self.url(path, "blobs/uploads/")?;
        let answer = self
            .send(path, Access::Push, || Outgoing::new(Method::POST, url.clone()))
            .await?;
        let answer = self
            .fine(answer, path, "push", &[StatusCode::ACCEPTED, StatusCode::CREATED])
            .await?;
        let mut to = location(&answer.url, answer.headers())?;
        if to.scheme() == "http" && self.base.scheme() == "https" {
            return Err(garbage(&to, "an upload without TLS".to_owned()));
        }
        to.query_pairs_mut().append_pair("digest", digest.as_str());
        let make = || {
            let mut outgoing = Outgoing::new(Method::PUT, to.clone());
            outgoing.body = bytes.clone();
            outgoing.progress = progress.clone();
            outgoing.header(header::CONTENT_TYPE, "application/octet-stream")
        };
        let answer = self.send(path, Access::Push, make).await?;
        self.fine(answer, path, "push", &[StatusCode::CREATED, StatusCode::NO_CONTENT])
            .await?;
        Ok(())
    }

    /// Stores a manifest under a tag or its digest.
    pub(crate) async fn put_manifest(&self, path: &str, which: &str, text: &str) -> Result<()> {
        let url = self.url(path, &format!("manifests/{which}"))?;
        let make = || {
            let mut outgoing = Outgoing::new(Method::PUT, url.clone());
            outgoing.body = Bytes::from(text.to_owned());
            outgoing.header(header::CONTENT_TYPE, MANIFEST)
        };
        let answer = self.send(path, Access::Push, make).await?;
        self.fine(answer, path, "push", &[StatusCode::CREATED, StatusCode::OK])
            .await?;
        Ok(())
    }

    /// Whether it has the referrers API. Not every one that has says so when it takes a manifest (`OCI-Subject`).
    pub(crate) async fn has_referrers(&self, path: &str, digest: &Digest) -> Result<bool> {
        Ok(self.ask_referrers(path, digest).await?.status() == StatusCode::OK)
    }

    async fn ask_referrers(&self, path: &str, digest: &Digest) -> Result<Answer> {
        let url = self.url(path, &format!("referrers/{digest}"))?;
        let make = || Outgoing::new(Method::GET, url.clone()).header(header::ACCEPT, INDEX);
        self.send(path, Access::Pull, make).await
    }

    /// What refers to a manifest: an index, from the API or, where the registry has none, from the tag that stands for it.
    pub(crate) async fn referrers(&self, path: &str, digest: &Digest) -> Result<Option<Bytes>> {
        let answer = self.ask_referrers(path, digest).await?;
        if answer.status() == StatusCode::OK {
            return answer.bytes(MAX_MANIFEST_BYTES, &Progress::none()).await.map(Some);
        }
        self.manifest(path, &digest.as_str().replace(':', "-")).await
    }

    /// The answer where its status is one of those; otherwise what it says.
    async fn fine(&self, answer: Answer, path: &str, verb: &str, statuses: &[StatusCode]) -> Result<Answer> {
        let status = answer.status();
        if statuses.contains(&status) {
            return Ok(answer);
        }
        let registry = authority(&answer.url);
        let body = answer.bytes(MAX_ERROR, &Progress::none()).await.unwrap_or_default();
        let why = said(&body);
        Err(match status {
            StatusCode::FORBIDDEN => RegistryError::Unauthorized {
                registry,
                what: format!("{verb} {path}"),
                why: if why.is_empty() {
                    "it answered 403".to_owned()
                } else {
                    why
                },
            },
            StatusCode::NOT_FOUND => RegistryError::NotFound(format!("{registry}/{path}")),
            _ => RegistryError::Refused {
                registry,
                status: status.as_u16(),
                why,
            },
        })
    }
}

/// What a registry says is wrong, in its own words and at most a few of them.
fn said(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let each = value["errors"].as_array().into_iter().flatten().take(3).map(|error| {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        match (text("code"), text("message")) {
            (code, message) if message.is_empty() => code,
            (code, message) if code.is_empty() => message,
            (code, message) => format!("{message} ({code})"),
        }
    });
    let words = each.collect::<Vec<_>>().join("; ");
    seawall_domain::text::cut(&words, 300).into_owned()
}
