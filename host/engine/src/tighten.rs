//! A grant made as narrow as what was used of it.

use crate::{Asked, Engine, EngineError, PluginStatus, PluginView, Result};
use seawall_domain::{
    Digest,
    grant::{Decision, Grant, How, Verdict},
    manifest::NetworkRule,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is granted and was never used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The list of the manifest's capabilities: `network`, `git`, `files` or `catalog`; or `private_ranges`, of the grant.
    pub list: &'static str,
    /// The number of its rule in that list.
    pub number: usize,
    /// Where to: an address, a path of the host, or a range.
    pub to: String,
    /// The methods that were never used with these paths.
    pub methods: Vec<String>,
    /// The path patterns.
    pub paths: Vec<String>,
    /// Whether nothing of the rule remains.
    pub whole: bool,
}

impl Unused {
    fn whole(list: &'static str, number: usize, to: String, path: String) -> Self {
        Self {
            list,
            number,
            to,
            methods: Vec::new(),
            paths: Some(path).filter(|path| !path.is_empty()).into_iter().collect(),
            whole: true,
        }
    }
}

impl Engine {
    /// The component that a name or a reference means, and what of its grant was never used: rule by rule, method by method, path pattern by path pattern.
    ///
    /// # Errors
    /// Where the plugin does not exist, is not granted anything, or has used nothing yet.
    pub async fn unused(&self, plugin: &str) -> Result<(Digest, Vec<Unused>)> {
        let (_, grant, unused) = self.narrowed(plugin).await?;
        Ok((grant.digest, unused))
    }

    /// Grants a plugin no more than it has used. A directory counts as used by the calls that were given it. The end of the grant
    /// stays as it is.
    ///
    /// # Errors
    /// Those of [`Engine::unused`]; also where everything was used.
    pub async fn tighten(&self, plugin: &str, by: String, reason: Option<String>) -> Result<(Digest, Vec<Unused>)> {
        let (view, grant, unused) = self.narrowed(plugin).await?;
        if unused.is_empty() {
            return Err(EngineError::Conflict(format!(
                "`{plugin}` has used all that it is granted: there is nothing to tighten"
            )));
        }
        let digest = grant.digest.clone();
        let decision = Decision {
            digest: grant.digest.clone(),
            verdict: Verdict::Approved,
            grant: Some(grant),
            by,
            reason,
            at: self.now(),
            rests_on: view.decision.as_ref().map(|before| before.carries(How::Tightened)),
        };
        self.decide(&view, None, decision).await?;
        Ok((digest, unused))
    }

    async fn narrowed(&self, plugin: &str) -> Result<(PluginView, Grant, Vec<Unused>)> {
        let audit = self.audit(Some(plugin)).await?;
        let audit = audit.into_iter().next();
        let audit = audit.ok_or_else(|| EngineError::Internal("an audit without its plugin".into()))?;
        let view = audit.plugin;
        if view.status == PluginStatus::Expired {
            return Err(EngineError::Conflict(format!(
                "the grant of `{plugin}` has ended; give it anew with `seawall grant approve {plugin}`"
            )));
        }
        let decision = view
            .decision
            .as_ref()
            .filter(|decision| decision.verdict == Verdict::Approved);
        let Some(mut grant) = decision.and_then(|decision| decision.grant.clone()) else {
            return Err(EngineError::Conflict(format!("`{plugin}` is not granted anything")));
        };
        let is_used = audit.network.iter().any(|asked| !asked.used.is_empty())
            || audit.git.iter().any(|asked| !asked.used.is_empty())
            || audit.files.iter().any(|asked| !asked.used.is_empty())
            || audit.catalog.as_ref().is_some_and(|asked| !asked.used.is_empty());
        if !is_used {
            return Err(EngineError::Conflict(format!(
                "`{plugin}` has used nothing yet, so nothing tells what it needs; let it work first, or take the grant back \
                 with `seawall grant revoke {plugin}`"
            )));
        }
        let mut unused = Vec::new();
        let mut kept = Vec::new();
        for rule in std::mem::take(&mut grant.capabilities.network) {
            let (stays, goes) = split(&rule, &audit.network);
            unused.extend(goes);
            kept.extend(stays);
        }
        // A checkout is used whole or not at all.
        let git = std::mem::take(&mut grant.capabilities.git);
        for rule in git {
            let own = audit.git.iter().find(|asked| asked.rule.is_same(&rule));
            match own {
                Some(own) if own.used.is_empty() => unused.push(Unused::whole("git", own.number, rule.from, rule.at)),
                _ => grant.capabilities.git.push(rule),
            }
        }
        for rule in std::mem::take(&mut grant.capabilities.files) {
            let own = audit.files.iter().find(|asked| asked.rule.is_same(&rule));
            match own {
                Some(own) if own.used.is_empty() => unused.push(Unused::whole("files", own.number, rule.from, rule.at)),
                _ => grant.capabilities.files.push(rule),
            }
        }
        if grant.capabilities.catalog && audit.catalog.is_some_and(|asked| asked.used.is_empty()) {
            grant.capabilities.catalog = false;
            unused.push(Unused::whole("catalog", 0, "the catalog".into(), String::new()));
        }
        let ranges = audit.private_ranges.into_iter().enumerate();
        for (number, open) in ranges.filter(|(_, open)| open.used.is_empty()) {
            grant.private_ranges.retain(|range| *range != open.range);
            unused.push(Unused::whole(
                "private_ranges",
                number,
                open.range.to_string(),
                String::new(),
            ));
        }
        let mut needed: BTreeSet<_> = kept.iter().filter_map(|rule| rule.credential.clone()).collect();
        needed.extend(grant.capabilities.git.iter().filter_map(|rule| rule.credential.clone()));
        grant.credentials.retain(|name| needed.contains(name));
        grant.capabilities.network = kept;
        grant.any_host &= grant.capabilities.network.iter().any(NetworkRule::is_any_host);
        Ok((view, grant, unused))
    }
}

/// What of a granted rule was used, as rules of their own where methods differ by path, and what was not.
fn split(rule: &NetworkRule, asked: &[Asked]) -> (Vec<NetworkRule>, Vec<Unused>) {
    let of: Vec<_> = asked.iter().filter(|asked| rule.is_part_of(&asked.rule)).collect();
    let own = own(rule, &of);
    let number = own.map_or(0, |asked| asked.number);
    let is_used = |method: &str, path: &str| {
        of.iter().any(|asked| {
            let is_own = own.is_some_and(|own| own.number == asked.number);
            asked.used.iter().any(|used| {
                // Where rules of the manifest overlap, a request is counted with one of them, by that one's pattern: what it
                // would have been by this one's is not known. Nor is it of requests before patterns were kept.
                let unknown = used.pattern.is_empty() || !is_own && !rule.paths.contains(&used.pattern);
                used.method == method && (unknown || used.pattern == path)
            })
        })
    };
    let used = |path: &String| rule.methods.iter().filter(|m| is_used(m, path)).cloned().collect();
    let unused = |path: &String| rule.methods.iter().filter(|m| !is_used(m, path)).cloned().collect();
    let stays = grouped(&rule.paths, used).map(|(methods, paths)| NetworkRule {
        methods,
        paths,
        ..rule.clone()
    });
    let stays: Vec<_> = stays.collect();
    let goes = grouped(&rule.paths, unused).map(|(methods, paths)| Unused {
        list: "network",
        number,
        to: rule.to.clone(),
        methods,
        paths,
        whole: stays.is_empty(),
    });
    (stays.clone(), goes.collect())
}

/// Paths together that have the same methods; those without any are left out.
fn grouped(
    paths: &[String],
    methods: impl Fn(&String) -> Vec<String>,
) -> impl Iterator<Item = (Vec<String>, Vec<String>)> {
    let mut groups: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for path in paths {
        let methods = methods(path);
        if !methods.is_empty() {
            groups.entry(methods).or_default().push(path.clone());
        }
    }
    groups.into_iter()
}

/// The manifest's rule that was granted: the very one, else the first that it is a part of.
fn own<'a>(rule: &NetworkRule, of: &[&'a Asked]) -> Option<&'a Asked> {
    let same = of.iter().find(|asked| asked.rule.is_part_of(rule));
    same.or(of.first()).copied()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use seawall_domain::Digest;
    use seawall_store::EgressUsageRow;
    use serde_json::{Value, json};

    fn rule(methods: &[&str], paths: &[&str]) -> NetworkRule {
        let rule: Value = json!({"to": "https://a.example.com", "methods": methods, "paths": paths});
        serde_json::from_value(rule).unwrap()
    }

    fn asked(number: usize, rule: &NetworkRule, used: &[(&str, &str)]) -> Asked {
        let used = used.iter().map(|(method, pattern)| EgressUsageRow {
            digest: Digest::of(b""),
            integration: "i".into(),
            rule: format!("network[{number}]"),
            pattern: (*pattern).to_owned(),
            method: (*method).to_owned(),
            host: "a.example.com".into(),
            allowed: true,
            count: 1,
            unchanged: 0,
            sent: 0,
            received: 0,
            first_at: 0,
            last_at: 0,
        });
        Asked {
            number,
            rule: rule.clone(),
            granted: vec![rule.clone()],
            used: used.collect(),
        }
    }

    fn goes(all: &[Unused]) -> Vec<String> {
        let words = |u: &Unused| format!("{} {} {} {}", u.number, u.methods.join(","), u.paths.join(","), u.whole);
        all.iter().map(words).collect()
    }

    #[test]
    fn what_was_counted_with_an_overlapping_rule_stays() {
        let (wide, narrow) = (rule(&["GET", "POST"], &["/**"]), rule(&["GET"], &["/items"]));
        // A request to /items counts with whichever comes first.
        let all = [asked(0, &wide, &[("GET", "/**")]), asked(1, &narrow, &[])];
        assert_eq!(split(&narrow, &all), (vec![narrow.clone()], Vec::new()));
        let (stays, unused) = split(&wide, &all);
        assert_eq!(stays, [rule(&["GET"], &["/**"])]);
        assert_eq!(goes(&unused), ["0 POST /** false"]);
        let all = [asked(0, &wide, &[]), asked(1, &narrow, &[("GET", "/items")])];
        let (stays, unused) = split(&wide, &all);
        assert_eq!(
            (stays.len(), goes(&unused)),
            (0, vec!["0 GET,POST /** true".to_owned()])
        );
    }

    #[test]
    fn methods_and_paths_that_were_not_used_go_by_themselves() {
        let granted = rule(&["GET", "POST"], &["/items", "/items/*", "/old"]);
        let used = [("GET", "/items"), ("GET", "/items/*"), ("POST", "/items")];
        let (stays, unused) = split(&granted, &[asked(0, &granted, &used)]);
        assert_eq!(
            stays,
            [rule(&["GET"], &["/items/*"]), rule(&["GET", "POST"], &["/items"])]
        );
        assert_eq!(goes(&unused), ["0 GET,POST /old false", "0 POST /items/* false"]);
        // Once more, with what remains: nothing is left to take.
        for stays in stays {
            assert_eq!(
                split(&stays, &[asked(0, &granted, &used)]),
                (vec![stays.clone()], Vec::new())
            );
        }
    }

    #[test]
    fn requests_whose_path_was_not_kept_keep_all_paths() {
        let granted = rule(&["GET", "POST"], &["/items", "/old"]);
        let (stays, unused) = split(&granted, &[asked(0, &granted, &[("GET", "")])]);
        assert_eq!(stays, [rule(&["GET"], &["/items", "/old"])]);
        assert_eq!(goes(&unused), ["0 POST /items,/old false"]);
    }
}
