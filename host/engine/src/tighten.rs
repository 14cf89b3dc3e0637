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
            let (stays, goes) = split(rule, &audit.network);
            unused.extend(goes);
            kept.extend(stays);
        }
        let needed: BTreeSet<_> = kept.iter().filter_map(|rule| rule.credential.clone()).collect();
        grant.credentials.retain(|name| needed.contains(name));
        grant.capabilities.network = kept;
        Ok((grant, unused))
    }
}

/// A granted rule with the methods that were used, and what was not. Where rules of the manifest overlap, a request is counted
/// with one of them: what any of those was used for stays.
fn split(rule: NetworkRule, asked: &[Asked]) -> (Option<NetworkRule>, Option<Unused>) {
    let of: Vec<_> = asked.iter().filter(|asked| rule.is_part_of(&asked.rule)).collect();
    let is_used = |method: &String| {
        of.iter()
            .any(|asked| asked.used.iter().any(|used| used.method == *method))
    };
    let (used, unused): (Vec<_>, Vec<_>) = rule.methods.iter().cloned().partition(is_used);
    let goes = (!unused.is_empty()).then(|| Unused {
        number: own(&rule, &of),
        to: rule.to.clone(),
        methods: unused,
        whole: used.is_empty(),
    });
    let stays = (!used.is_empty()).then_some(NetworkRule { methods: used, ..rule });
    (stays, goes)
}

/// The number of the manifest's rule that was granted: the very one, else the first that it is a part of.
fn own(rule: &NetworkRule, of: &[&Asked]) -> usize {
    let same = of.iter().find(|asked| asked.rule.is_part_of(rule));
    same.or(of.first()).map_or(0, |asked| asked.number)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use seawall_domain::Digest;
    use seawall_store::EgressUsageRow;
    use serde_json::json;

    fn asked(number: usize, methods: &[&str], path: &str, used: &[&str]) -> Asked {
        let rule = json!({"to": "https://a.example.com", "methods": methods, "paths": [path]});
        let used = used.iter().map(|method| EgressUsageRow {
            digest: Digest::of(b""),
            integration: "i".into(),
            rule: format!("network[{number}]"),
            method: (*method).to_owned(),
            host: "a.example.com".into(),
            allowed: true,
            count: 1,
            sent: 0,
            received: 0,
            first_at: 0,
            last_at: 0,
        });
        Asked {
            number,
            rule: serde_json::from_value(rule).unwrap(),
            granted: true,
            used: used.collect(),
        }
    }

    #[test]
    fn what_was_counted_with_an_overlapping_rule_stays() {
        let all = [
            asked(0, &["GET", "POST"], "/**", &[]),
            asked(1, &["GET"], "/items", &["GET"]),
        ];
        let (stays, goes) = split(all[1].rule.clone(), &all);
        assert_eq!((stays, goes), (Some(all[1].rule.clone()), None));
        let (stays, goes) = split(all[0].rule.clone(), &all);
        let goes = goes.unwrap();
        assert_eq!((stays, goes.number, goes.whole), (None, 0, true));
    }

    #[test]
    fn methods_that_were_not_used_go_by_themselves() {
        let all = [asked(0, &["GET", "POST"], "/items", &["GET"])];
        let (stays, goes) = split(all[0].rule.clone(), &all);
        assert_eq!(stays.unwrap().methods, ["GET"]);
        let goes = goes.unwrap();
        assert_eq!((goes.methods, goes.whole), (vec!["POST".to_owned()], false));
    }
}
