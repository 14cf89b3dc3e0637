//! The shape of a large Backstage catalog: its blueprints with their shares, and made-up entities. `seawall-tests` takes
//! this file too, for benchmarks of whole paths over the same catalog.

use serde_json::{Value, json};

/// Blueprints with their share of 739,000 entities, as a large Backstage catalog has them.
pub(crate) const BLUEPRINTS: [(&str, usize); 7] = [
    ("component", 46_036),
    ("template", 14),
    ("api", 202_704),
    ("subcomponent", 257_064),
    ("resource", 150_000),
    ("group", 13_182),
    ("user", 70_000),
];
pub(crate) const ALL: usize = 739_000;
/// So many groups own something.
pub(crate) const OWNERS: usize = 2_000;

/// SplitMix64's mixing, as a cheap source of repeatable numbers.
pub(crate) fn mix(n: usize) -> usize {
    let mut z = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) >> 1).unwrap_or_default()
}

/// A blueprint.
pub(crate) fn blueprint(name: &str) -> Value {
    let properties = json!({"lifecycle": {"type": "string"}, "tier": {"type": "number"}, "system": {"type": "string"}, "language": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}}, "url": {"type": "string"}, "score": {"type": "number"}, "healthy": {"type": "boolean"}});
    json!({"identifier": name, "schema": {"properties": properties}, "relations": {"owner": {"target": "group"}}})
}

/// Eight properties, one of them unique and one nearly so, a relation to one of `owners` groups and a team. `version`
/// changes two properties.
pub(crate) fn entity(blueprint: &str, number: usize, version: usize, owners: usize) -> Value {
    let random = mix(number);
    // Those that others refer to.
    let name = match blueprint {
        "group" => format!("group-{number}"),
        _ => format!("{random:016x}{:016x}", mix(random)),
    };
    let lifecycle = ["production", "experimental", "deprecated"][(random >> 3) % 10 % 3];
    json!({
        "blueprint": blueprint,
        "identifier": name,
        "title": format!("{} {blueprint} {}", ["Payments", "Search", "Billing", "Fraud"][random % 4], random % 1_000_000),
        "team": [format!("team-{}", random % 400)],
        "properties": {
            "lifecycle": lifecycle,
            "tier": (random >> 7) % 4,
            "system": format!("system-{}", (random >> 9) % 200),
            "language": (["Go", "Rust", "Java", "Kotlin", "Python", "TypeScript"][(random >> 17) % 6]),
            "tags": [format!("tag-{}", random % 30), format!("tag-{}", (random >> 5) % 30)],
            "url": format!("https://git.example.com/org-{}/{blueprint}-{number}", random % 50),
            "score": ((random >> 20) % 10_000 + version) as f64 / 100.0,
            "healthy": (random + version).is_multiple_of(7),
        },
        "relations": {"owner": format!("group-{}", (random >> 11) % owners)},
    })
}
