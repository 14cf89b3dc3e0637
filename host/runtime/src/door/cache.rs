//! Conditional requests: an unchanged page costs no quota. Kept per credential and address, in memory, bounded.

use super::client::Outgoing;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, response::Parts};
use lru::LruCache;
use seawall_domain::CredentialName;
use std::sync::{Arc, Mutex, PoisonError};

/// Larger bodies are not kept.
const MAX_BODY: usize = 1 << 20;
/// All kept bodies of one door together.
const MAX_TOTAL: usize = 16 << 20;

/// What decides that two requests are the same.
type Key = (Option<CredentialName>, String, [Option<HeaderValue>; 3]);

/// Responses that had an ETag.
#[derive(Clone, Default)]
pub(super) struct Cache {
    inner: Arc<Mutex<Kept>>,
}

struct Kept {
    entries: LruCache<Key, Entry>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            entries: LruCache::unbounded(),
            bytes: 0,
        }
    }
}

#[derive(Clone)]
struct Entry {
    etag: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
}

/// A request that may be answered from the cache.
pub(super) struct Asked {
    key: Option<Key>,
    entry: Option<Entry>,
}

impl Cache {
    /// Looks a request up. One that is conditional or partial by itself is left alone.
    pub(super) fn ask(&self, request: &Request<Outgoing>, credential: Option<&CredentialName>) -> Asked {
        let own = [
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::RANGE,
            header::IF_MATCH,
        ];
        if request.method() != Method::GET || own.iter().any(|h| request.headers().contains_key(h)) {
            return Asked { key: None, entry: None };
        }
        let vary = [header::ACCEPT, header::ACCEPT_ENCODING, header::AUTHORIZATION];
        // With a credential, Authorization is the host's own and the same for all.
        let vary = vary.map(|h| request.headers().get(h).filter(|v| !v.is_sensitive()).cloned());
        let key = (credential.cloned(), request.uri().to_string(), vary);
        let entry = self
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
            .get(&key)
            .cloned();
        Asked { key: Some(key), entry }
    }

    /// Where to keep a response's body, if it is one to keep.
    pub(super) fn keep(&self, asked: Asked, parts: &Parts) -> Option<Keep> {
        let key = asked.key?;
        let etag = parts.headers.get(header::ETAG)?.clone();
        let no_store = parts
            .headers
            .get(header::CACHE_CONTROL)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.contains("no-store"));
        let varies_wide = parts.headers.get(header::VARY).is_some_and(|v| v == "*");
        if parts.status != StatusCode::OK || no_store || varies_wide {
            return None;
        }
        Some(Keep {
            cache: self.clone(),
            key,
            etag,
            headers: parts.headers.clone(),
            body: BytesMut::new(),
        })
    }

    fn put(&self, key: Key, entry: Entry) {
        let mut kept = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += entry.body.len();
        if let Some(old) = kept.entries.put(key, entry) {
            kept.bytes -= old.body.len();
        }
        while kept.bytes > MAX_TOTAL {
            let Some((_, old)) = kept.entries.pop_lru() else { break };
            kept.bytes -= old.body.len();
        }
    }
}

impl Asked {
    /// A request that is neither answered from the cache nor kept.
    pub(super) fn elsewhere() -> Self {
        Self { key: None, entry: None }
    }

    /// Makes the request conditional where something is kept.
    pub(super) fn conditional(&self, mut request: Request<Outgoing>) -> Request<Outgoing> {
        if let Some(entry) = &self.entry {
            request.headers_mut().insert(header::IF_NONE_MATCH, entry.etag.clone());
        }
        request
    }

    /// What is kept.
    pub(super) fn kept(&self) -> Option<(HeaderMap, Bytes)> {
        self.entry.as_ref().map(|e| (e.headers.clone(), e.body.clone()))
    }
}

/// A response's body on its way into the cache.
pub(super) struct Keep {
    cache: Cache,
    key: Key,
    etag: HeaderValue,
    headers: HeaderMap,
    body: BytesMut,
}

impl Keep {
    /// Adds a piece; false when the body is too large to keep.
    pub(super) fn push(&mut self, data: &Bytes) -> bool {
        self.body.extend_from_slice(data);
        self.body.len() <= MAX_BODY
    }

    /// Keeps the whole.
    pub(super) fn finish(self) {
        let entry = Entry {
            etag: self.etag,
            headers: self.headers,
            body: self.body.freeze(),
        };
        self.cache.put(self.key, entry);
    }
}
