//! Whether a component may be used at all: where it came from, who signed it, and what the policy says to that. Asked when
//! it is installed, granted and put in force, and each time it is loaded, so that a policy holds for what was there before it.

use crate::{Engine, EngineError, Result};
use seawall_domain::{
    Digest, PluginName,
    policy::Policy,
    provenance::Provenance,
    trust::{Signer, Trust},
};
use seawall_store::InstallationRow;
use std::collections::HashMap;

/// How a component stands with the policy in force.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The installation that counts; none where it was installed before they were kept.
    pub installation: Option<InstallationRow>,
    /// The trusted keys that signed it.
    pub signers: Vec<Signer>,
    /// Why it may not be used; none where nothing is against it.
    pub refused: Option<String>,
}

impl Standing {
    /// Judges a component by what is kept of its installation. All of it is checked anew: the database may have been changed.
    pub(crate) fn of(
        trust: &Trust,
        name: &PluginName,
        digest: &Digest,
        installation: Option<&InstallationRow>,
    ) -> Self {
        let file = Provenance::file();
        let (provenance, before) = match installation {
            Some(row) => (&row.provenance, row.signers.as_slice()),
            None => (&file, &[][..]),
        };
        let signers = trust.signers(provenance);
        let refused = match provenance.check(digest) {
            Err(why) => Some(format!(
                "what is kept of its installation was changed: {why}; install it again"
            )),
            Ok(()) => forged(trust, before, &signers).or_else(|| trust.objection(name, provenance, &signers, before)),
        };
        Self {
            installation: installation.cloned(),
            signers,
            refused,
        }
    }
}

/// A signature was checked when it was installed, and the same key does not accept it any more.
fn forged(trust: &Trust, before: &[Signer], now: &[Signer]) -> Option<String> {
    let is_same_key = |signer: &Signer| trust.fingerprint(&signer.name).as_ref() == Some(&signer.fingerprint);
    let lost = before
        .iter()
        .find(|signer| is_same_key(signer) && !now.contains(signer))?;
    Some(format!(
        "the signature by {} that is kept with it was changed since it was installed; install it again",
        lost.name
    ))
}

impl Engine {
    /// The installation of each digest that counts: the newest.
    pub(crate) async fn installations(&self) -> Result<HashMap<Digest, InstallationRow>> {
        let all = self.inner.store.installations().await?.into_iter();
        Ok(all.map(|row| (row.digest.clone(), row)).collect())
    }

    /// The trusted keys that signed what is about to be installed.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where bytes, manifest and signatures are not about each other, [`EngineError::Forbidden`]
    /// where the policy is against it.
    pub(crate) async fn admit(
        &self,
        name: &PluginName,
        digest: &Digest,
        provenance: &Provenance,
    ) -> Result<Vec<Signer>> {
        provenance
            .check(digest)
            .map_err(|why| EngineError::invalid("/provenance", why.to_string()))?;
        let policy = self.readable_policy().await?;
        let signers = policy.trust.signers(provenance);
        match policy.trust.objection(name, provenance, &signers, &[]) {
            Some(why) => Err(EngineError::Forbidden(why)),
            None => Ok(signers),
        }
    }

    /// Keeps an installation, unless it says no more than what is kept. One without signatures does not take away those that
    /// came before. Returns whether anything changed.
    pub(crate) async fn record(&self, row: InstallationRow) -> Result<bool> {
        let before = self.installations().await?.remove(&row.digest);
        let is_news = before.is_none_or(|before| {
            let takes_away = row.provenance.signatures.is_empty() && !before.provenance.signatures.is_empty();
            !takes_away && (row.provenance != before.provenance || row.signers != before.signers)
        });
        if is_news {
            self.inner.store.put_installation(&row).await?;
        }
        Ok(is_news)
    }

    /// Whether a component may be loaded.
    pub(crate) async fn admitted(&self, digest: &Digest) -> Result<()> {
        self.readable_policy().await?;
        let view = self.plugin(digest.as_str()).await?;
        match view.standing.refused {
            Some(why) => {
                let manifest = &view.row.bundle.manifest;
                tracing::warn!(
                    plugin = manifest.name.as_str(),
                    digest = digest.short(),
                    why,
                    "not loaded"
                );
                Err(EngineError::Forbidden(format!(
                    "`{}` {} is not loaded: {why}",
                    manifest.name, manifest.version
                )))
            }
            None => Ok(()),
        }
    }

    async fn readable_policy(&self) -> Result<Policy> {
        let policy = self.policy().await?;
        Self::bans_of(&policy)?;
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_installed_before_installations_were_kept_comes_from_a_file() {
        let name = PluginName::new("a").ok();
        let name = name.as_ref();
        let judge = |trust: &Trust| name.and_then(|name| Standing::of(trust, name, &Digest::of(b""), None).refused);
        assert_eq!(judge(&Trust::default()), None);
        let registries = vec!["ghcr.io/acme/*".to_owned()];
        let refused = judge(&Trust {
            registries,
            ..Trust::default()
        });
        assert!(refused.is_some_and(|why| why.contains("comes from a file")));
    }
}
