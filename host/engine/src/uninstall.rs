//! Removing a version of a plugin that no integration runs.

use crate::{Engine, EngineError, PluginStatus, Result};
use seawall_domain::grant::{Decision, Verdict};
use std::sync::PoisonError;

impl Engine {
    /// Removes an installed component: its bytes, its compiled code in memory, its place in the list. A grant that it has is
    /// revoked first, which ends its requests under way, and one that it waits for refused. What it asked for, decisions and records
    /// stay, for who asks what it did.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] that names the integrations which run it.
    pub async fn remove_plugin(&self, reference: &str, by: String, reason: Option<String>) -> Result<()> {
        let view = self.plugin(reference).await?;
        let (digest, manifest) = (&view.row.digest, &view.row.bundle.manifest);
        let in_force = self.in_force(&manifest.name).await?;
        let in_force = in_force.is_some_and(|current| current.row.digest == *digest);
        let mut users = Vec::new();
        for row in self.inner.store.integrations().await? {
            let integration = row.integration;
            let runs_it = match &integration.digest {
                Some(pinned) => pinned == digest,
                None => integration.plugin == manifest.name && in_force,
            };
            if runs_it {
                users.push(format!("`{}`", integration.name));
            }
        }
        if !users.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{}` {} is run by {}; remove them, or put another version in force first: `seawall plugin rollback {0}`",
                manifest.name,
                manifest.version,
                users.join(", ")
            )));
        }
        // Of one that nobody granted too: who removed it, and why, is found nowhere else.
        if view.status != PluginStatus::Revoked || reason.is_some() {
            let decision = Decision {
                digest: digest.clone(),
                verdict: Verdict::Revoked,
                grant: None,
                by,
                reason: Some(reason.unwrap_or_else(|| "removed".into())),
                at: self.now(),
            };
            self.decide(decision.clone()).await?;
            self.note_removed(&view, decision).await?;
        }
        self.inner.store.remove_plugin(digest, self.now()).await?;
        self.inner
            .plugins
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(digest);
        let path = self.component(digest);
        match tokio::fs::remove_file(&path).await {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(EngineError::File {
                path: path.display().to_string(),
                source,
            }),
            _ => Ok(()),
        }
    }
}
