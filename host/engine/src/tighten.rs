//! A grant made as narrow as what was used of it.

use crate::{Asked, Engine, EngineError, Result};
use seawall_domain::{
    grant::{Decision, Grant, Verdict},
    manifest::NetworkRule,
};
use std::collections::BTreeSet;

/// What is granted and was never used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The number of its rule in the manifest.
    pub number: usize,
    /// Where to.
    pub to: String,
    /// The methods that were never used; all of the rule's, where the whole rule goes.
    pub methods: Vec<String>,
    /// Whether nothing of the rule remains.
    pub whole: bool,
}

impl Engine {
    /// What of a plugin's grant was never used, rule by rule and method by method.
    ///
    /// # Errors
    /// Where the plugin does not exist, is not granted anything, or has used nothing yet.
    pub async fn unused(&self, plugin: &str) -> Result<Vec<Unused>> {
        Ok(self.narrowed(plugin).await?.1)
    }

    /// Grants a plugin no more than it has used. Files, private ranges and the end of the grant stay as they are.
    ///
    /// # Errors
    /// Those of [`Engine::unused`]; also where everything was used.
    pub async fn tighten(&self, plugin: &str, by: String, reason: Option<String>) -> Result<Vec<Unused>> {
        let (grant, unused) = self.narrowed(plugin).await?;
        if unused.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{plugin}` has used all that it is granted: there is nothing to tighten"
            )));
        }
        self.decide(Decision {
            digest: grant.digest.clone(),
            verdict: Verdict::Approved,
            grant: Some(grant),
            by,
            reason,
            at: self.now(),
        })
        .await?;
        Ok(unused)
    }

    async fn narrowed(&self, plugin: &str) -> Result<(Grant, Vec<Unused>)> {
        let audit = self.audit(Some(plugin)).await?.into_iter().next();
        let audit = audit.ok_or_else(|| EngineError::Internal("an audit without its plugin".into()))?;
        let decision = audit
            .plugin
            .decision
            .filter(|decision| decision.verdict == Verdict::Approved);
        let Some(mut grant) = decision.and_then(|decision| decision.grant) else {
            return Err(EngineError::Conflict(format!("`{plugin}` is not granted anything")));
        };
        if audit.network.iter().all(|asked| asked.used.is_empty()) {
            return Err(EngineError::Conflict(format!(
                "`{plugin}` has sent no request yet, so nothing tells what it needs; let it work first, or take the grant back \
                 with `seawall grant revoke {plugin}`"
            )));
        }
        let mut unused = Vec::new();
        let mut kept = Vec::new();
        for rule in std::mem::take(&mut grant.capabilities.network) {
            let asked = audit.network.iter().find(|asked| rule.is_part_of(&asked.rule));
            let (stays, goes) = split(rule, asked);
            unused.extend(goes);
            kept.extend(stays);
        }
        let needed: BTreeSet<_> = kept.iter().filter_map(|rule| rule.credential.clone()).collect();
        grant.credentials.retain(|name| needed.contains(name));
        grant.capabilities.network = kept;
        Ok((grant, unused))
    }
}

/// A granted rule with the methods that were used, and what was not.
fn split(rule: NetworkRule, asked: Option<&Asked>) -> (Option<NetworkRule>, Option<Unused>) {
    let is_used = |method: &String| asked.is_some_and(|asked| asked.used.iter().any(|used| used.method == *method));
    let (used, unused): (Vec<_>, Vec<_>) = rule.methods.iter().cloned().partition(is_used);
    let goes = (!unused.is_empty()).then(|| Unused {
        number: asked.map_or(0, |asked| asked.number),
        to: rule.to.clone(),
        methods: unused,
        whole: used.is_empty(),
    });
    let stays = (!used.is_empty()).then_some(NetworkRule { methods: used, ..rule });
    (stays, goes)
}
