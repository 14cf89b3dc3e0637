//! What each plugin asked for, was granted, and used, side by side.

use crate::{Engine, PluginStatus, PluginView, Result};
use ipnet::IpNet;
use seawall_domain::{
    IntegrationName,
    grant::Decision,
    manifest::{FilesRule, GitRule, NetworkRule},
};
use seawall_store::{CapabilityUsageRow, EgressUsageRow};

/// One of the manifest's network rules, with what came of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its number in the manifest.
    pub number: usize,
    /// What is asked.
    pub rule: NetworkRule,
    /// What the grant in force has of it: nothing, all, or parts.
    pub granted: Vec<NetworkRule>,
    /// What was used of it, per method, host and integration: the requests that it let through, whether or not the tool was
    /// reached.
    pub used: Vec<EgressUsageRow>,
}

/// One of the manifest's checkouts, with what came of it.
#[derive(Debug, Clone)]
pub struct AskedCheckout {
    /// Its number in the manifest.
    pub number: usize,
    /// What is asked.
    pub rule: GitRule,
    /// Whether the grant in force has it.
    pub granted: bool,
    /// What the host sent for it, per method, host and integration.
    pub used: Vec<EgressUsageRow>,
}

/// One of the manifest's directories, with what came of it.
#[derive(Debug, Clone)]
pub struct AskedDirectory {
    /// Its number in the manifest.
    pub number: usize,
    /// What is asked.
    pub rule: FilesRule,
    /// Whether the grant in force has it.
    pub granted: bool,
    /// The calls that were given it, per integration. Whether they read it is theirs to know.
    pub used: Vec<CapabilityUsageRow>,
}

/// Whether the catalog may be read, with what came of it.
#[derive(Debug, Clone)]
pub struct AskedCatalog {
    /// Whether the grant in force has it.
    pub granted: bool,
    /// Readings, per integration.
    pub used: Vec<CapabilityUsageRow>,
}

/// A private range of the grant in force, with what came of it.
#[derive(Debug, Clone)]
pub struct OpenRange {
    /// The range.
    pub range: IpNet,
    /// Requests that went into it, per integration.
    pub used: Vec<CapabilityUsageRow>,
}

/// One plugin.
#[derive(Debug, Clone)]
pub struct PluginAudit {
    /// The component and its grant.
    pub plugin: PluginView,
    /// Its network rules.
    pub network: Vec<Asked>,
    /// Its checkouts.
    pub git: Vec<AskedCheckout>,
    /// Its directories.
    pub files: Vec<AskedDirectory>,
    /// Reading the catalog; none where it does not ask for that.
    pub catalog: Option<AskedCatalog>,
    /// What the grant in force opens beside the manifest's asking.
    pub private_ranges: Vec<OpenRange>,
    /// Requests that were refused.
    pub refused: Vec<EgressUsageRow>,
    /// All decisions, oldest first.
    pub decisions: Vec<Decision>,
}

impl Engine {
    /// Whether records can be asked for by this name: of an integration that is there, or of one that was removed and
    /// has sent requests.
    ///
    /// # Errors
    /// [`EngineError::NotFound`](crate::EngineError::NotFound) for any other name.
    pub async fn recorded(&self, name: &IntegrationName) -> Result<()> {
        let usage = self.inner.store.egress_usage().await?;
        if !usage.iter().any(|used| used.integration == name.as_str()) {
            self.integration_row(name).await?;
        }
        Ok(())
    }

    /// The audit of one plugin, which may have been removed; or of all that are installed. A name alone is that of the version in
    /// force, or of the newest where none is.
    ///
    /// # Errors
    /// Where the plugin does not exist and never did.
    pub async fn audit(&self, plugin: Option<&str>) -> Result<Vec<PluginAudit>> {
        let plugins = match plugin {
            Some(reference) => vec![self.acting_plugin(reference).await?],
            None => self.plugins().await?,
        };
        self.audits(plugins).await
    }

    /// The audits of those that were removed, the last removed first.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit_of_removed(&self) -> Result<Vec<PluginAudit>> {
        self.audits(self.removed_plugins().await?).await
    }

    async fn audits(&self, plugins: Vec<PluginView>) -> Result<Vec<PluginAudit>> {
        let usage = self.inner.store.egress_usage().await?;
        let uses = self.inner.store.capability_usage().await?;
        let mut out = Vec::new();
        for plugin in plugins {
            let mine: Vec<_> = usage.iter().filter(|u| u.digest == plugin.row.digest).collect();
            let uses = |capability: String| -> Vec<_> {
                let mine = uses.iter().filter(|used| used.digest == plugin.row.digest);
                mine.filter(|used| used.capability == capability).cloned().collect()
            };
            // One that has ended allows nothing, as one that was taken back.
            let in_force = plugin.status == PluginStatus::Granted;
            let decision = plugin.decision.as_ref().filter(|_| in_force);
            let grant = decision.and_then(|decision| decision.grant.as_ref());
            let granted = grant.map(|g| &g.capabilities);
            let asked = &plugin.row.bundle.manifest.capabilities;
            let files = asked.files.iter().enumerate();
            let files = files
                .map(|(number, rule)| AskedDirectory {
                    number,
                    granted: granted.is_some_and(|granted| granted.files.iter().any(|own| own.is_same(rule))),
                    used: uses(format!("files[{number}]")),
                    rule: rule.clone(),
                })
                .collect();
            let catalog = asked.catalog.then(|| AskedCatalog {
                granted: granted.is_some_and(|granted| granted.catalog),
                used: uses("catalog".to_owned()),
            });
            let ranges = grant.map_or(&[][..], |grant| &grant.private_ranges);
            let private_ranges = ranges
                .iter()
                .map(|range| OpenRange {
                    range: *range,
                    used: uses(CapabilityUsageRow::of_range(range)),
                })
                .collect();
            let git = plugin.row.bundle.manifest.capabilities.git.iter().enumerate();
            let git = git
                .map(|(number, rule)| AskedCheckout {
                    number,
                    granted: granted.is_some_and(|granted| granted.git.iter().any(|own| own.is_same(rule))),
                    used: used(&mine, |u| u.allowed && u.rule == format!("git[{number}]")),
                    rule: rule.clone(),
                })
                .collect();
            let granted = granted.map(|granted| &granted.network);
            let network = plugin.row.bundle.manifest.capabilities.network.iter().enumerate();
            let network = network
                .map(|(number, rule)| Asked {
                    number,
                    granted: granted
                        .into_iter()
                        .flatten()
                        .filter(|granted| granted.is_part_of(rule))
                        .cloned()
                        .collect(),
                    used: used(&mine, |u| u.allowed && u.rule == format!("network[{number}]")),
                    rule: rule.clone(),
                })
                .collect();
            let refused = used(&mine, |u| !u.allowed);
            let decisions = self.inner.store.decisions(Some(&plugin.row.digest)).await?;
            out.push(PluginAudit {
                network,
                git,
                files,
                catalog,
                private_ranges,
                refused,
                decisions,
                plugin,
            });
        }
        Ok(out)
    }
}

fn used(all: &[&EgressUsageRow], wanted: impl Fn(&EgressUsageRow) -> bool) -> Vec<EgressUsageRow> {
    all.iter().filter(|u| wanted(u)).map(|u| (*u).clone()).collect()
}
