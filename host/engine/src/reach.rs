//! Which integrations can go where: asked for, granted, and not against the policy.

use crate::{Engine, Result};
use seawall_domain::{
    Digest, IntegrationName, Millis, PluginName,
    egress::{self, Host},
};

/// What to look for; the default is everything.
#[derive(Debug, Clone, Default)]
pub struct ReachQuery {
    /// Only what leads to this host.
    pub host: Option<Host>,
    /// Only methods that change something.
    pub writes: bool,
    /// Only of this plugin.
    pub plugin: Option<String>,
}

/// One integration that can send one method to one place.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The integration.
    pub integration: IntegrationName,
    /// Its plugin.
    pub plugin: PluginName,
    /// The plugin's version.
    pub version: String,
    /// The component.
    pub digest: Digest,
    /// Where, and with which method.
    pub part: egress::Reach,
    /// Who approved it, also where that was tightened, carried over to this version or rolled back to since.
    pub approved_by: String,
    /// When.
    pub approved_at: Millis,
    /// Why.
    pub reason: Option<String>,
    /// How often the rule let this method through, for this integration and version; where a host was asked for, to that alone.
    pub used: u64,
    /// When it did so last.
    pub last_used_at: Option<Millis>,
}

impl Engine {
    /// All that integrations can reach. An integration that cannot run reaches nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn reach(&self, query: &ReachQuery) -> Result<Vec<Reach>> {
        let policy = self.policy().await?;
        let bans = Self::bans_of(&policy)?;
        if let Some(name) = &query.plugin {
            // One that does not exist reaches nothing, and a misspelt one is no answer.
            self.plugin(name).await?;
        }
        let usage = self.inner.store.egress_usage().await?;
        let mut all = Vec::new();
        for row in self.inner.store.integrations().await? {
            let integration = row.integration;
            if query
                .plugin
                .as_ref()
                .is_some_and(|name| *name != integration.plugin.as_str())
            {
                continue;
            }
            let Ok(view) = self.granted(&integration.plugin, integration.digest.as_ref()).await else {
                continue;
            };
            let Some(decision) = view.decision.as_ref() else {
                continue;
            };
            let Some(grant) = decision.grant.as_ref() else { continue };
            let approval = decision.approval();
            let manifest = &view.row.bundle.manifest;
            let doors = [
                egress::Door::compile(manifest, grant, &integration.config),
                egress::Door::of_checkouts(manifest, grant, &integration.config),
            ];
            let parts = doors
                .into_iter()
                .flatten()
                .flat_map(|door| door.under(bans.clone()).reach(query.host.as_ref()));
            let addresses = egress::AddressPolicy {
                private_ranges: grant.private_ranges.clone(),
                never: policy.never.private_ranges.clone(),
            };
            let public = addresses.public();
            let asked = query.host.as_ref().and_then(Host::address);
            // As records have it.
            let host = query.host.as_ref().map(Host::to_string);
            for part in parts {
                // What an address is, is known without asking anybody; what a name leads to is not.
                let addresses = match part.any_host {
                    true => &public,
                    false => &addresses,
                };
                if asked.or(part.address).is_some_and(|ip| addresses.check(ip).is_err()) {
                    continue;
                }
                // What a fetch posts changes nothing.
                if query.writes && (READS.contains(&part.method) || part.list == "git") {
                    continue;
                }
                let rule = format!("{}[{}]", part.list, part.rule);
                let mine = usage.iter().filter(|used| {
                    used.allowed
                        && used.digest == view.row.digest
                        && used.integration == integration.name.as_str()
                        && used.rule == rule
                        && used.method == part.method
                        && host.as_ref().is_none_or(|host| used.host == *host)
                });
                let (mut used, mut last_used_at) = (0, None);
                for one in mine {
                    used += one.count;
                    last_used_at = last_used_at.max(Some(one.last_at));
                }
                all.push(Reach {
                    integration: integration.name.clone(),
                    plugin: integration.plugin.clone(),
                    version: manifest.version.to_string(),
                    digest: view.row.digest.clone(),
                    part,
                    approved_by: approval.by.clone(),
                    approved_at: approval.at,
                    reason: approval.reason.clone(),
                    used,
                    last_used_at,
                });
            }
        }
        Ok(all)
    }
}

/// Methods that change nothing (RFC 9110, 9.2.1).
const READS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
