//! What holds for every grant, whoever approves it: where no plugin may go, which methods it may not use, and who decides.

use crate::{
    Millis,
    egress::{Bans, Host, HostPattern, fixed_place, is_openable},
    grant::Grant,
    limits::Limits,
    manifest::{METHODS, Manifest},
    text::nearest,
    trust::Trust,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An organisation's policy. The default forbids nothing and lets everybody decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What no grant may contain. Holds for requests too, so a wildcard or a config that leads there is of no use.
    pub never: Never,
    /// Who may approve; empty, which is left out: everybody.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "somebody")]
    pub approvers: Vec<String>,
    /// Whether who installed a version may not approve it.
    pub two_people: bool,
    /// The most days that a grant may last, 1 at least; none: grants may be without an end.
    #[serde(deserialize_with = "days")]
    pub max_days: Option<u32>,
    /// The most that an integration's or a plugin's limits may be, by name (`timeout_ms`, `memory_bytes`, …).
    pub max_limits: BTreeMap<String, u64>,
    /// Whose plugins may be installed and used at all.
    pub trust: Trust,
}

/// What no grant may contain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Never {
    /// Hosts, without scheme and port: `pay.example.com`, `*.internal.example.com`, `169.254.169.254`.
    pub hosts: Vec<String>,
    /// Methods, upper case.
    pub methods: Vec<String>,
    /// Ranges that no grant may open: `10.1.0.0/16`.
    #[serde(deserialize_with = "crate::egress::ranges")]
    pub private_ranges: Vec<IpNet>,
    /// Rules whose host is `*`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_host: bool,
}

/// An empty list reads as nobody, and would be everybody.
fn somebody<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    some(
        deserializer,
        "expected the names of those who approve, such as [\"ann\"], found an empty list; leave `approvers` out to let \
         everybody approve",
    )
}

/// A number of days, told as what it has to be: that there is at least one is [`Policy::bans`]'s to check.
fn days<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let days = |found: Value| {
        let days = found.as_u64().and_then(|days| days.try_into().ok());
        days.ok_or_else(|| {
            let most = u32::MAX;
            serde::de::Error::custom(format!(
                "expected a whole number of days from 1 to {most}, found `{found}`; leave `max_days` out to allow grants without an end"
            ))
        })
    };
    Option::<Value>::deserialize(deserializer)?.map(days).transpose()
}

/// A list that says something; `empty` says what is wrong with one that does not.
pub(crate) fn some<'de, D: serde::Deserializer<'de>>(deserializer: D, empty: &str) -> Result<Vec<String>, D::Error> {
    let all = Vec::<String>::deserialize(deserializer)?;
    match all.is_empty() {
        true => Err(serde::de::Error::custom(empty)),
        false => Ok(all),
    }
}

/// A policy that was set, by whom, when and why. Kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// What holds from then on.
    pub policy: Policy,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Millis,
}

/// Something that is wrong: where, as a JSON Pointer, and what to write instead.
pub type Objection = (String, String);

impl Policy {
    /// Whether it can be put in force: [`Policy::bans`], and nothing that would never hold.
    ///
    /// # Errors
    /// Each field that is wrong.
    pub fn check(&self) -> Result<(), Vec<Objection>> {
        let mut wrong = self.bans().err().unwrap_or_default();
        for (i, range) in self.never.private_ranges.iter().enumerate() {
            let pointer = format!("/never/private_ranges/{i}");
            if !is_openable(range) && wrong.iter().all(|(other, _)| *other != pointer) {
                let why = format!(
                    "`{range}` holds only addresses that no grant can open, so this would never hold; write a private range, such \
                     as `10.1.0.0/16`, or forbid a public address under `never.hosts`"
                );
                wrong.push((pointer, why));
            }
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    /// The policy's bans, ready to judge requests.
    ///
    /// # Errors
    /// Each field that is wrong.
    pub fn bans(&self) -> Result<Bans, Vec<Objection>> {
        let mut wrong = Vec::new();
        let mut hosts = Vec::new();
        for (i, text) in self.never.hosts.iter().enumerate() {
            match host(text) {
                Ok(pattern) => hosts.push(pattern),
                Err(why) => wrong.push((format!("/never/hosts/{i}"), why)),
            }
        }
        for (i, method) in self.never.methods.iter().enumerate() {
            if !METHODS.contains(&method.as_str()) {
                let upper = method.to_uppercase();
                let near = nearest(&upper, METHODS.iter().copied()).unwrap_or("DELETE");
                let why = format!(
                    "expected one of {}, found `{method}`; for example `{near}`",
                    METHODS.join(", ")
                );
                wrong.push((format!("/never/methods/{i}"), why));
            }
        }
        for (i, range) in self.never.private_ranges.iter().enumerate() {
            if range.prefix_len() == 0 {
                let why = format!("expected a range, such as `10.0.0.0/8`, found `{range}`, which is every address");
                wrong.push((format!("/never/private_ranges/{i}"), why));
            } else if range.trunc() != *range {
                let why = format!("`{range}` has bits behind its length; write `{}`", range.trunc());
                wrong.push((format!("/never/private_ranges/{i}"), why));
            }
        }
        for (i, name) in self.approvers.iter().enumerate() {
            if name.contains('*') {
                let why = format!(
                    "expected the name of a person, found `{name}`; leave `approvers` out to let everybody approve"
                );
                wrong.push((format!("/approvers/{i}"), why));
            } else if name.trim().is_empty() || self.approvers[..i].contains(name) {
                let why = format!("expected the name of one more person, found `{name}`");
                wrong.push((format!("/approvers/{i}"), why));
            }
        }
        if self.max_days == Some(0) {
            let why = "expected at least 1, found 0: no grant could be given; leave `max_days` out to allow grants without an end";
            wrong.push(("/max_days".to_owned(), why.to_owned()));
        }
        let known = limits(&Limits::default());
        for (name, max) in &self.max_limits {
            let pointer = format!("/max_limits/{name}");
            if *max == 0 {
                wrong.push((
                    pointer,
                    "expected at least 1, found 0: no call could end well".to_owned(),
                ));
            } else if !known.contains_key(name) {
                let names = known.keys().map(String::as_str);
                let near = nearest(name, names.clone()).unwrap_or("timeout_ms");
                let all = names.collect::<Vec<_>>().join(", ");
                wrong.push((
                    pointer,
                    format!("there is no limit `{name}`; there are: {all}; for example `{near}`"),
                ));
            }
        }
        wrong.extend(self.trust.wrong());
        if wrong.is_empty() {
            let bans = Bans::new(hosts, self.never.methods.clone());
            Ok(match self.never.any_host {
                true => bans.without_any_host(),
                false => bans,
            })
        } else {
            Err(wrong)
        }
    }

    /// What of a grant this policy does not allow, whoever approves it, with what to do instead. `manifest` numbers its rules.
    pub fn objections(&self, grant: &Grant, manifest: &Manifest, now: Millis) -> Vec<Objection> {
        let mut all = Vec::new();
        let bans = self.bans().unwrap_or_default();
        for rule in &grant.capabilities.network {
            let forbidden: Vec<_> = rule
                .methods
                .iter()
                .filter(|method| bans.has_method(method))
                .cloned()
                .collect();
            if !forbidden.is_empty() {
                let asked = &manifest.capabilities.network;
                let number = asked.iter().position(|own| rule.is_part_of(own)).unwrap_or_default();
                let left = rule.methods.iter().filter(|method| !bans.has_method(method));
                let left: Vec<_> = left.map(String::as_str).collect();
                let instead = match left.is_empty() {
                    true => format!("leave rule {number} out, and grant the other rules alone, by number"),
                    false => format!("grant the rule without, as in `--rule {number}:{}`", left.join(",")),
                };
                let why = format!(
                    "the policy never allows {} (`{}` asks for it); {instead}",
                    forbidden.join(", "),
                    rule.to
                );
                all.push(("/rules".to_owned(), why));
            }
            if let Some(host) = fixed_place(&rule.to).filter(|host| bans.covers(host)) {
                let why = format!("the policy never allows the host `{host}`; grant the other rules alone, by number");
                all.push(("/rules".to_owned(), why));
            }
        }
        for rule in &grant.capabilities.git {
            // The host sends both of them.
            let forbidden: Vec<_> = ["GET", "POST"]
                .into_iter()
                .filter(|method| bans.has_method(method))
                .collect();
            if !forbidden.is_empty() {
                let why = format!(
                    "the policy never allows {}, and a checkout of `{}` needs it; grant the other rules alone, by number",
                    forbidden.join(", "),
                    rule.from
                );
                all.push(("/git".to_owned(), why));
            }
            if let Some(host) = fixed_place(&rule.from).filter(|host| bans.covers(host)) {
                let why = format!("the policy never allows the host `{host}`; grant the other rules alone, by number");
                all.push(("/git".to_owned(), why));
            }
        }
        if grant.any_host && self.never.any_host {
            let why = "the policy never allows every host (`never.any_host`); grant the other rules alone, by number";
            all.push(("/any_host".to_owned(), why.to_owned()));
        }
        for (i, range) in grant.private_ranges.iter().enumerate() {
            let meets = |never: &&IpNet| never.contains(range) || range.contains(*never);
            if let Some(never) = self.never.private_ranges.iter().find(meets) {
                let why = format!("`{range}` meets `{never}`, which the policy never allows; name a range beside it");
                all.push((format!("/private_ranges/{i}"), why));
            }
        }
        if let Some(days) = self.max_days {
            let latest = now + Millis::from(days) * DAY;
            if grant.expires_at.is_none_or(|end| end > latest) {
                let why =
                    format!("the policy lets no grant last longer than {days} days; give an end, as in `--expires`");
                all.push(("/expires_at".to_owned(), why));
            }
        }
        all
    }

    /// Limits within what this policy allows.
    pub fn within(&self, asked: Limits) -> Limits {
        let mut all = limits(&asked);
        for (name, max) in &self.max_limits {
            if let Some(own) = all.get_mut(name).filter(|own| own.as_u64() > Some(*max)) {
                *own = (*max).into();
            }
        }
        serde_json::from_value(Value::Object(all)).unwrap_or(asked)
    }

    /// Which of an integration's own limits are beyond what this policy allows.
    pub fn beyond(&self, asked: &Limits) -> Vec<Objection> {
        let all = limits(asked);
        let beyond = self
            .max_limits
            .iter()
            .filter(|(name, max)| all[*name].as_u64() > Some(**max));
        beyond
            .map(|(name, max)| (format!("/limits/{name}"), format!("the policy allows at most {max}")))
            .collect()
    }

    /// Why this person may not approve a version that `installer` installed; none where nothing is against it.
    pub fn objection_to(&self, person: &str, installer: Option<&str>) -> Option<String> {
        if !self.approvers.is_empty() && !self.approvers.iter().any(|one| one == person) {
            let who = self.approvers.join(", ");
            return Some(format!("the policy lets {who} approve, and `{person}` is none of them"));
        }
        (self.two_people && installer.is_none_or(|installer| installer == person)).then(|| match installer {
            Some(_) => {
                format!("the policy wants two people, and `{person}` installed this version; another has to approve it")
            }
            None => {
                "the policy wants two people, and nobody knows who installed this version; install it again".to_owned()
            }
        })
    }
}

fn limits(limits: &Limits) -> Map<String, Value> {
    match serde_json::to_value(limits) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    }
}

const DAY: Millis = 24 * 60 * 60 * 1000;

fn host(text: &str) -> Result<HostPattern, String> {
    let wrong = |found: &str| {
        format!(
            "expected a host, such as `pay.example.com`, `*.internal.example.com` or `169.254.169.254`, found {found}"
        )
    };
    if text == "*" || text == "**" {
        return Err(wrong(&format!(
            "`{text}`, which is every host: no plugin could send anything"
        )));
    }
    if text.contains("://") || text.contains('/') {
        return Err(wrong(&format!(
            "`{text}`; write the host alone, without scheme and path"
        )));
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    // An IPv6 address may do without its brackets, as where hosts are asked for.
    let parsed = match name.parse() {
        Ok(address) => Ok(Host::V6(address)),
        Err(_) => Host::parse(name),
    };
    let parsed = parsed.map_err(|refusal| wrong(&format!("`{text}`: {refusal}")))?;
    match (below, parsed) {
        (false, host) => Ok(HostPattern::Exact(host)),
        (true, Host::Name(name)) => Ok(HostPattern::Below(name)),
        (true, _) => Err(wrong(&format!("`{text}`: `*.` before an address"))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Digest, egress::normalise, manifest};
    use serde_json::json;

    fn policy(value: Value) -> Policy {
        serde_json::from_value(value).unwrap()
    }

    fn asked() -> Manifest {
        let yaml = "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {item: {}}\nconfig: {type: object, properties: {base_url: {type: string}}}\n\
                    capabilities:\n  network:\n    - {to: 'https://pay.example.com', methods: [GET, DELETE]}\n    \
                    - {to: 'https://*.example.com'}\n    - {to: '{base_url}'}\n";
        manifest::parse("plugin.yaml", yaml).unwrap()
    }

    fn grant() -> Grant {
        let mut grant = Grant::as_asked(Digest::of(b""), &asked());
        grant.private_ranges = vec!["10.0.0.0/8".parse().unwrap()];
        grant
    }

    #[test]
    fn says_where_it_is_wrong_and_what_to_write() {
        let wrong = policy(json!({
            "never": {"hosts": ["*", "https://a.example.com", "*.10.0.0.1", "ok.example.com", ""], "methods": ["delete"],
                      "private_ranges": ["0.0.0.0/0", "10.0.0.1/8"]},
            "approvers": ["ann", "ann", " ", "*"], "max_days": 0,
        }));
        let wrong = wrong.bans().unwrap_err();
        let found: Vec<_> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            found,
            [
                "/never/hosts/0",
                "/never/hosts/1",
                "/never/hosts/2",
                "/never/hosts/4",
                "/never/methods/0",
                "/never/private_ranges/0",
                "/never/private_ranges/1",
                "/approvers/1",
                "/approvers/2",
                "/approvers/3",
                "/max_days"
            ]
        );
        assert!(wrong[4].1.ends_with("for example `DELETE`"), "{}", wrong[4].1);
    }

    #[test]
    fn what_would_never_hold_is_refused() {
        let wrong = |value: Value| policy(value).check().err().unwrap_or_default();
        let public = wrong(json!({"never": {"private_ranges": ["10.0.0.0/7", "8.8.8.0/24", "2001:4860::/32"]}}));
        let found: Vec<_> = public.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(found, ["/never/private_ranges/1", "/never/private_ranges/2"]);
        assert!(public[0].1.contains("never.hosts"), "{}", public[0].1);
        let port = wrong(json!({"never": {"hosts": ["api.github.com:443"]}}));
        assert!(port[0].1.contains("a port is no part of a host"), "{}", port[0].1);
        let none = serde_json::from_value::<Policy>(json!({"trust": {"registries": []}})).unwrap_err();
        assert!(none.to_string().contains("leave `registries` out"), "{none}");
        for (text, why) in [
            ("*", "`10.1.0.0/16`"),
            ("300.1.0.0/16", "`10.1.0.0/16`"),
            ("10.0.0.0/33", "`10.1.0.0/16`"),
            ("localhost", "`10.1.0.0/16`"),
            ("10.0.0.7", "write `10.0.0.7/32`"),
            ("::1", "write `::1/128`"),
        ] {
            let said = serde_json::from_value::<Policy>(json!({"never": {"private_ranges": [text]}})).unwrap_err();
            let said = said.to_string();
            assert!(
                said.contains(why) && said.contains(&format!("found `{text}`")),
                "{said}"
            );
        }
    }

    #[test]
    fn an_empty_list_of_approvers_is_refused_and_never_written() {
        let why = serde_json::from_value::<Policy>(json!({"approvers": []})).unwrap_err();
        assert!(why.to_string().contains("leave `approvers` out"), "{why}");
        let all = Policy::default();
        let written = serde_json::to_value(&all).unwrap();
        assert_eq!(written.get("approvers"), None);
        assert_eq!(policy(written), all);
    }

    #[test]
    fn a_grant_that_contains_what_is_never_allowed_is_objected_to() {
        let now = 1_000;
        let pointers = |policy: &Policy| {
            let all = policy.objections(&grant(), &asked(), now).into_iter();
            all.map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        assert!(pointers(&Policy::default()).is_empty());
        assert_eq!(pointers(&policy(json!({"never": {"methods": ["DELETE"]}}))), ["/rules"]);
        assert_eq!(
            pointers(&policy(json!({"never": {"hosts": ["pay.example.com"]}}))),
            ["/rules"]
        );
        assert_eq!(
            pointers(&policy(json!({"never": {"private_ranges": ["10.9.0.0/16"]}}))),
            ["/private_ranges/0"]
        );
        assert_eq!(
            pointers(&policy(json!({"never": {"private_ranges": ["172.16.0.0/12"]}}))),
            [""; 0]
        );
        let short = policy(json!({"max_days": 2}));
        assert_eq!(pointers(&short), ["/expires_at"]);
        let mut ends = grant();
        ends.expires_at = Some(now + 2 * DAY);
        assert!(short.objections(&ends, &asked(), now).is_empty());
        ends.expires_at = Some(now + 2 * DAY + 1);
        assert_eq!(short.objections(&ends, &asked(), now).len(), 1);
    }

    #[test]
    fn an_objection_to_methods_says_which_rule_to_grant_without_them() {
        let never = |method: &str| {
            let policy = policy(json!({"never": {"methods": [method]}}));
            let all = policy.objections(&grant(), &asked(), 1_000).into_iter();
            all.map(|(_, why)| why).collect::<Vec<_>>()
        };
        let instead = |why: &str| why.split_once("; ").map(|(_, instead)| instead.to_owned()).unwrap();
        let said: Vec<_> = never("GET").iter().map(|why| instead(why)).collect();
        assert_eq!(
            said,
            [
                "grant the rule without, as in `--rule 0:DELETE`",
                "leave rule 1 out, and grant the other rules alone, by number",
                "leave rule 2 out, and grant the other rules alone, by number"
            ]
        );
        assert_eq!(
            instead(&never("DELETE")[0]),
            "grant the rule without, as in `--rule 0:GET`"
        );
        // The manifest's numbers, whatever was granted of it.
        let mut part = grant();
        part.capabilities.network.drain(..2);
        let why = policy(json!({"never": {"methods": ["GET"]}})).objections(&part, &asked(), 1_000);
        assert!(why[0].1.contains("leave rule 2 out"), "{why:?}");
    }

    #[test]
    fn an_ipv6_address_is_read_with_brackets_and_without() {
        for written in ["::1", "[::1]", "0:0:0:0:0:0:0:1"] {
            let bans = policy(json!({"never": {"hosts": [written]}})).bans().unwrap();
            assert!(
                bans.forbids("GET", &normalise("https", "[::1]:8443", "/").unwrap())
                    .is_some()
            );
        }
        let wrong = policy(json!({"never": {"hosts": ["*.::1", "::1%eth0"]}}))
            .bans()
            .unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn a_ban_holds_for_requests_that_a_wildcard_or_a_config_leads_there() {
        let bans = policy(json!({"never": {"hosts": ["*.internal.example.com", "127.0.0.1"], "methods": ["DELETE"]}}));
        let bans = bans.bans().unwrap();
        let forbids =
            |method: &str, authority: &str| bans.forbids(method, &normalise("https", authority, "/").unwrap());
        for (method, authority) in [
            ("GET", "db.internal.example.com"),
            ("GET", "A.B.INTERNAL.example.com.:8443"),
            ("GET", "127.1"),
            ("DELETE", "fine.example.com"),
        ] {
            assert!(forbids(method, authority).is_some(), "{method} {authority}");
        }
        for authority in [
            "internal.example.com",
            "fine.example.com",
            "notinternal.example.com",
            "127.0.0.2",
        ] {
            assert_eq!(forbids("GET", authority), None, "{authority}");
        }
    }

    #[test]
    fn limits_stay_within_what_is_allowed() {
        let some = policy(json!({"max_limits": {"timeout_ms": 5_000, "requests": 10}}));
        let within = some.within(Limits::default());
        assert_eq!((within.timeout_ms, within.requests), (5_000, 10));
        assert_eq!(within.memory_bytes, Limits::default().memory_bytes);
        let asked = Limits {
            timeout_ms: 5_001,
            requests: 10,
            ..Limits::default()
        };
        let beyond = some.beyond(&asked);
        assert_eq!(
            beyond.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(),
            ["/limits/timeout_ms"]
        );
        let wrong = policy(json!({"max_limits": {"timout_ms": 1, "requests": 0}}))
            .bans()
            .unwrap_err();
        assert!(
            wrong[0].0 == "/max_limits/requests" && wrong[1].1.ends_with("`timeout_ms`"),
            "{wrong:?}"
        );
    }

    #[test]
    fn who_may_approve() {
        let some = policy(json!({"approvers": ["ann", "bob"], "two_people": true}));
        assert_eq!(some.objection_to("ann", Some("bob")), None);
        for (person, installer) in [("eve", Some("ann")), ("ann", Some("ann")), ("ann", None)] {
            assert!(some.objection_to(person, installer).is_some(), "{person} {installer:?}");
        }
        assert_eq!(Policy::default().objection_to("eve", None), None);
    }
}
