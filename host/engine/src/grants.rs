//! Decisions about what a plugin may do.

use crate::{Engine, EngineError, Result};
use ipnet::IpNet;
use seawall_domain::{
    Millis,
    grant::{Decision, Grant, Verdict},
};
use std::sync::PoisonError;

/// What a person grants.
#[derive(Debug, Clone, Default)]
pub struct GrantRequest {
    /// A plugin: name, `name@version` or digest.
    pub plugin: String,
    /// Private ranges that it may reach.
    pub private_ranges: Vec<IpNet>,
    /// Whether a credential may go without TLS to loopback.
    pub plaintext_to_loopback: bool,
    /// When the grant ends.
    pub expires_at: Option<Millis>,
    /// Only these of the manifest's network rules; none: all.
    pub rules: Option<Vec<usize>>,
    /// Who decides.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

impl Engine {
    /// Grants a plugin what its manifest asks, or a part of it.
    ///
    /// # Errors
    /// Where the plugin does not exist, a rule's number is none of the manifest's, or the end has passed.
    pub async fn approve(&self, request: GrantRequest) -> Result<Decision> {
        let plugin = self.plugin(&request.plugin).await?;
        let manifest = &plugin.row.bundle.manifest;
        let mut grant = Grant::as_asked(plugin.row.digest.clone(), manifest);
        if let Some(rules) = &request.rules {
            let asked = &manifest.capabilities.network;
            if let Some(wrong) = rules.iter().find(|r| **r >= asked.len()) {
                return Err(EngineError::invalid(
                    "/rules",
                    format!(
                        "there is no rule {wrong}; the manifest asks for {} (0 to {})",
                        asked.len(),
                        asked.len().max(1) - 1
                    ),
                ));
            }
            grant.capabilities.network = rules.iter().map(|r| asked[*r].clone()).collect();
        }
        if request.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(EngineError::invalid(
                "/expires_at",
                "this time has passed; give one that is still to come",
            ));
        }
        grant.private_ranges = request.private_ranges;
        grant.plaintext_to_loopback = request.plaintext_to_loopback;
        grant.expires_at = request.expires_at;
        self.decide(Decision {
            digest: plugin.row.digest,
            verdict: Verdict::Approved,
            grant: Some(grant),
            by: request.by,
            reason: request.reason,
            at: self.now(),
        })
        .await
    }

    /// Takes a grant back. Requests in flight end at once.
    ///
    /// # Errors
    /// Where the plugin does not exist.
    pub async fn revoke(&self, plugin: &str, by: &str, reason: Option<String>) -> Result<Decision> {
        let plugin = self.plugin(plugin).await?;
        self.decide(Decision {
            digest: plugin.row.digest,
            verdict: Verdict::Revoked,
            grant: None,
            by: by.to_owned(),
            reason,
            at: self.now(),
        })
        .await
    }

    pub(crate) async fn decide(&self, decision: Decision) -> Result<Decision> {
        let before = self.inner.store.decisions(Some(&decision.digest)).await?;
        // The same terms once more are a decision too, and end nothing.
        let as_before = before
            .last()
            .is_some_and(|last| last.verdict == decision.verdict && last.grant == decision.grant);
        self.inner.store.put_decision(&decision).await?;
        if !as_before {
            self.inner
                .sites
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|_, site| {
                    let mine = *site.plugin.digest() == decision.digest;
                    if mine {
                        site.revoked.cancel();
                    }
                    !mine
                });
        }
        tracing::info!(digest = decision.digest.short(), verdict = ?decision.verdict, by = decision.by, "grant decided");
        for row in self.inner.store.integrations().await? {
            // A refused credential or a missing grant may be what it waited for.
            self.inner.supervisors.wake(&row.integration.name);
        }
        Ok(decision)
    }
}
