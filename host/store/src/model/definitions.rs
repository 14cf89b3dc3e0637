//! Blueprints, plugins, integrations and credentials.

use seawall_domain::{
    Blueprint, CredentialName, Digest, Millis,
    credential::{Credential, Exchange, SecretSource},
    definition::Kind,
    integration::Integration,
    manifest::Attach,
    provenance::Provenance,
    trust::Signer,
};
use serde::{Deserialize, Serialize};

/// Which changes of definitions; all conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionFilter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this name.
    pub name: Option<String>,
    /// By this person.
    pub by: Option<String>,
}

/// A blueprint with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct BlueprintRow {
    /// The blueprint.
    pub blueprint: Blueprint,
    /// Who put it: `plugin:prometheus`, `api`.
    pub source: String,
    /// Last change.
    pub updated_at: Millis,
}

/// An installed component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginRow {
    /// Of the bytes.
    pub digest: Digest,
    /// What its custom section holds.
    pub bundle: seawall_domain::bundle::Bundle,
    /// Bytes.
    pub size: u64,
    /// When it was installed.
    pub installed_at: Millis,
    /// Names of all its imports and exports, for the audit.
    pub imports: Vec<String>,
    /// See `imports`.
    pub exports: Vec<String>,
    /// Who installed it; none where it was installed before that was kept.
    #[serde(default)]
    pub installed_by: Option<String>,
    /// When it was removed; none where it is installed.
    #[serde(default, skip_serializing)]
    pub removed_at: Option<Millis>,
}

/// One installation of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationRow {
    /// The component.
    pub digest: Digest,
    /// Who.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Where from, and the signatures that came with it.
    pub provenance: Provenance,
    /// The keys of the policy of that day whose signatures were checked then.
    pub signers: Vec<Signer>,
}

/// An integration and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationRow {
    /// Row id.
    pub id: i64,
    /// What was asked for.
    pub integration: Integration,
    /// Whether a person paused it.
    pub paused: bool,
    /// Why it waits for the operator, such as a refused credential.
    pub stopped: Option<String>,
    /// Whether it is being removed, which goes on until nothing is left of it.
    pub removing: bool,
    /// Creation and last change.
    pub created_at: Millis,
    /// See `created_at`.
    pub updated_at: Millis,
}

/// A named credential, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialRow {
    /// Names it.
    pub name: CredentialName,
    /// Where the secret comes from.
    pub source: SecretSource,
    /// Overrides how the manifest attaches it; usually none.
    pub attach: Option<Attach>,
    /// What is made of the secret; none: it is attached as it is.
    pub exchange: Option<Exchange>,
    /// Last change.
    pub updated_at: Millis,
}

impl CredentialRow {
    /// Its document.
    pub fn document(&self) -> Credential {
        Credential {
            name: self.name.clone(),
            source: self.source.clone(),
            exchange: self.exchange.clone(),
        }
    }
}
