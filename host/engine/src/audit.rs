//! What each plugin asked for, was granted, and used, side by side.

use crate::{Engine, PluginView, Result};
use seawall_domain::{
    IntegrationName,
    grant::Decision,
    manifest::{GitRule, NetworkRule},
};
use seawall_store::EgressUsageRow;

/// One of the manifest's network rules, with what came of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its number in the manifest.
    pub number: usize,
    /// What is asked.
    pub rule: NetworkRule,
    /// What the grant in force has of it: nothing, all, or parts.
    pub granted: Vec<NetworkRule>,
    /// What was used of it, per method, host and integration.
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

/// One plugin.
#[derive(Debug, Clone)]
pub struct PluginAudit {
    /// The component and its grant.
    pub plugin: PluginView,
    /// Its network rules.
    pub network: Vec<Asked>,
    /// Its checkouts.
    pub git: Vec<AskedCheckout>,
    /// Requests that were refused.
    pub refused: Vec<EgressUsageRow>,
    /// All decisions, oldest first.
    pub decisions: Vec<Decision>,
}

/// All of it.
pub type AuditRow = PluginAudit;

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

    /// The audit of one plugin, or of all.
    ///
    /// # Errors
    /// Where the plugin does not exist.
    pub async fn audit(&self, plugin: Option<&str>) -> Result<Vec<PluginAudit>> {
        let plugins = match plugin {
            Some(reference) => vec![self.plugin(reference).await?],
            None => self.plugins().await?,
        };
        let usage = self.inner.store.egress_usage().await?;
        let mut out = Vec::new();
        for plugin in plugins {
            let mine: Vec<_> = usage.iter().filter(|u| u.digest == plugin.row.digest).collect();
            let granted = plugin
                .decision
                .as_ref()
                .and_then(|d| d.grant.as_ref())
                .map(|g| &g.capabilities);
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
