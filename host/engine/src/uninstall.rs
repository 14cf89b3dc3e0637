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
        let (mut users, mut pins) = (Vec::new(), Vec::new());
        for row in self.inner.store.integrations().await? {
            let integration = row.integration;
            let named = format!("`{}`", integration.name);
            match &integration.digest {
                Some(pinned) if pinned == digest => pins.push(named),
                None if integration.plugin == manifest.name && in_force => users.push(named),
                _ => {}
            }
        }
        if !pins.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{}` {} is pinned by {}: name another version in `digest` of {}, or leave it out for the version in force",
                manifest.name,
                manifest.version,
                pins.join(", "),
                if pins.len() == 1 {
                    "its document"
                } else {
                    "their documents"
                },
            )));
        }
        if !users.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{}` {} is run by {}; remove them, or put another version in force first: `seawall plugin rollback {0}`",
                manifest.name,
                manifest.version,
                users.join(", ")
            )));
        }
        // Of one that nobody granted too: who removed it, and why, is found nowhere else. Where it was taken back, that decision and
        // its reason stay the last, unless there is another reason.
        let decides = view.status != PluginStatus::Revoked || reason.is_some();
        let decision = Decision {
            digest: digest.clone(),
            verdict: Verdict::Revoked,
            grant: None,
            by,
            reason: Some(reason.unwrap_or_else(|| "removed".into())),
            at: self.now(),
            rests_on: None,
        };
        let note = self.grant_change(&view, None, &decision, "removed");
        match decides {
            true => drop(self.decide_with(note, decision).await?),
            false => drop(self.inner.store.put_definition_change(&note, None).await?),
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
