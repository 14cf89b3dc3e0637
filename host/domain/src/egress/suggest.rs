//! What to say of a refused request: why, which rule came nearest, and the manifest's lines that would ask for it.

use super::{
    Decision, Door, Host, Target,
    pattern::{matches, segments},
    place::{HostPattern, Place},
    rules::{Methods, Rule},
};
use crate::manifest::METHODS;
use serde_json::Value;

/// No rule of the manifest matches.
pub(super) fn not_asked(door: &Door, method: &str, target: &Target, path: &[&str]) -> Decision {
    let nearest = nearest(door, method, target, path);
    let rule = nearest.map(|index| &door.asked.list[index]);
    let reason = match nearest.zip(rule) {
        None => format!("no rule of the manifest leads to `{}`", target.host),
        Some((index, rule)) => format!(
            "{}; nearest is capabilities.{}",
            difference(rule, method, target),
            door.label(index)
        ),
    };
    Decision::Refused {
        reason,
        nearest,
        suggestion: lines(rule, method, target),
    }
}

/// A rule of the manifest matches, none of the grant.
pub(super) fn not_granted(door: &Door, method: &str, target: &Target, asked: usize) -> Decision {
    Decision::Refused {
        reason: format!(
            "capabilities.{} asks for it, but the grant does not allow it",
            door.label(asked)
        ),
        nearest: Some(asked),
        suggestion: lines(door.asked.list.get(asked), method, target),
    }
}

/// The rule that agrees in most, of those whose host is right or nearly right.
fn nearest(door: &Door, method: &str, target: &Target, path: &[&str]) -> Option<usize> {
    let score = |rule: &Rule| {
        let place = rule.place.as_ref()?;
        let host = if place.host.matches(&target.host) {
            16
        } else if nearly(&place.host, &target.host) {
            0
        } else {
            return None;
        };
        let parts = [
            (8, place.scheme == target.scheme),
            (4, place.port == target.port),
            (
                2,
                rule.templates
                    .iter()
                    .any(|t| matches(&segments(t).collect::<Vec<_>>(), path)),
            ),
            (1, rule.methods.holds(Methods::of([method]))),
        ];
        Some(
            host + parts
                .iter()
                .filter(|(_, agrees)| *agrees)
                .map(|(points, _)| points)
                .sum::<u32>(),
        )
    };
    let scored = door
        .asked
        .list
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| Some((score(rule)?, index)));
    scored
        .max_by_key(|(score, index)| (*score, std::cmp::Reverse(*index)))
        .map(|(_, index)| index)
}

/// Whether a name is within two letters of a rule's, or its parent or child.
fn nearly(pattern: &HostPattern, host: &Host) -> bool {
    let (HostPattern::Exact(Host::Name(own)) | HostPattern::Below(own), Host::Name(name)) = (pattern, host) else {
        return false;
    };
    let below = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'));
    own == name || below(own, name) || below(name, own) || crate::text::nearest(name, [own.as_str()]).is_some()
}

/// The first thing in which the request and the rule differ.
fn difference(rule: &Rule, method: &str, target: &Target) -> String {
    let Some(place) = &rule.place else {
        return format!("`{}` leads nowhere with this config", rule.to);
    };
    if !place.host.matches(&target.host) {
        return format!("no rule of the manifest leads to `{}`", target.host);
    }
    if place.scheme != target.scheme {
        return format!(
            "`{}` allows {}, not {}",
            rule.to,
            place.scheme.as_str(),
            target.scheme.as_str()
        );
    }
    if place.port != target.port {
        return format!("`{}` allows port {}, not {}", rule.to, place.port, target.port);
    }
    let path: Vec<&str> = target.path.split('/').skip(1).collect();
    if !rule
        .templates
        .iter()
        .any(|t| matches(&segments(t).collect::<Vec<_>>(), &path))
    {
        return format!(
            "no path of `{}` matches `{}`",
            rule.to,
            crate::text::cut(&target.path, 200)
        );
    }
    format!(
        "`{}` does not allow the method {}",
        rule.to,
        crate::text::cut(method, 20)
    )
}

/// The manifest's lines that would ask for just this request. Nothing for a method that no rule may name.
fn lines(rule: Option<&Rule>, method: &str, target: &Target) -> String {
    if !METHODS.contains(&method) {
        return String::new();
    }
    let origin = format!("{}://{}", target.scheme.as_str(), target.authority());
    let same_place = rule.and_then(|rule| {
        let place = rule.place.as_ref().filter(|place| place.is_origin_of(target))?;
        Some((rule, below(place, &target.path)?))
    });
    let (to, path, credential) = match same_place {
        Some((rule, path)) => (rule.to.as_str(), path, rule.credential.as_ref()),
        None => (origin.as_str(), target.path.as_str(), None),
    };
    let quote = |text: &str| Value::from(text).to_string();
    let mut lines = format!(
        "capabilities:\n  network:\n    - to: {}\n      methods: [{method}]\n      paths: [{}]\n",
        quote(to),
        quote(&as_pattern(path)),
    );
    if let Some(name) = credential {
        lines.push_str(&format!("      credential: {name}\n"));
    }
    lines
}

/// The part of `path` below a place's base path.
fn below<'a>(place: &Place, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(place.base_path().as_str())
        .filter(|rest| rest.starts_with('/'))
}

/// A pattern for one path: itself, but for segments that a pattern cannot spell.
fn as_pattern(path: &str) -> String {
    let spell = |segment| {
        if super::check_pattern(&format!("/{segment}")).is_ok() {
            segment
        } else {
            "*"
        }
    };
    path.split('/')
        .skip(1)
        .map(|segment| format!("/{}", spell(segment)))
        .collect()
}
