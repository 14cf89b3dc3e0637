//! Microseconds for mapping one item of 1.2 KB with ten expressions, on one thread: `cargo run --release --example map_speed`.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use seawall_domain::{
    Blueprint,
    blueprint::CompiledBlueprint,
    mapping::{Blueprints, Mapping},
};
use serde_json::json;
use std::{hint::black_box, sync::Arc, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let blueprint: Blueprint = serde_json::from_value(json!({
        "identifier": "service",
        "schema": {"properties": {
            "url": {"type": "string", "format": "url"},
            "language": {"type": "string"},
            "tier": {"type": "string", "enum": ["gold", "silver", "bronze"]},
            "stars": {"type": "number"},
            "archived": {"type": "boolean"},
            "topics": {"type": "array", "items": {"type": "string"}},
            "createdAt": {"type": "string", "format": "date-time"},
            "license": {"type": "string"}
        }},
        "relations": {"owner": {"target": "team"}, "system": {"target": "system"}}
    }))?;
    let compiled = CompiledBlueprint::new(blueprint)?;
    let blueprints: Blueprints = [(compiled.blueprint().identifier.clone(), Arc::new(compiled))].into();
    let paths = json!({
        "url": ".html_url", "language": ".language", "tier": ".custom.tier", "stars": ".stargazers_count",
        "archived": ".archived", "topics": ".topics", "createdAt": ".created_at", "license": ".license.spdx_id"
    });
    let mut mixed = paths.clone();
    mixed["language"] = json!(".language | ascii_downcase");
    mixed["topics"] = json!("[.topics[] | select(startswith(\"x\") | not)]");
    mixed["license"] = json!("if .license then .license.spdx_id else null end");
    mixed["tier"] = json!(".custom.tier // \"bronze\"");
    let filler = "x".repeat(1200 - 660);
    let item = json!({
        "id": 4711, "full_name": "acme/payments", "name": "payments", "html_url": "https://git.example.com/acme/payments",
        "language": "Rust", "stargazers_count": 72, "archived": false, "topics": ["payments", "x-core", "pci"],
        "created_at": "2023-11-28T09:15:22Z", "updated_at": "2024-01-02T03:04:05Z", "license": {"spdx_id": "Apache-2.0"},
        "owner": {"login": "team-payments", "id": 17, "url": "https://git.example.com/acme", "admin": false},
        "custom": {"tier": "gold", "system": "checkout", "cost": 12.5}, "default_branch": "main", "size": 1234,
        "permissions": {"pull": true, "push": true, "admin": false}, "forks": 3, "open_issues": 12,
        "description": filler
    });
    let bytes = serde_json::to_vec(&item)?;
    println!("{} bytes", bytes.len());
    for (name, properties) in [("simple paths", paths), ("half of them programs", mixed)] {
        let mapping = Mapping::compile(&json!({"resources": [{
            "kind": "repository", "selector": {"query": "true"},
            "port": {"entity": {"mappings": {
                "identifier": ".full_name", "title": ".name", "blueprint": "\"service\"", "properties": properties,
                "relations": {"owner": ".owner.login", "system": ".custom.system"}
            }}}
        }]}))
        .map_err(|errors| format!("{errors:?}"))?;
        let run = || mapping.map("repository", "1", black_box(&bytes), &blueprints, false);
        let first = run()?;
        if first.entities.len() != 1 || !first.reports.is_empty() {
            return Err(format!("unexpected: {first:?}").into());
        }
        let rounds = 50_000u32;
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(run()?);
        }
        println!(
            "{name}: {:.1} µs an item",
            start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        );
    }
    let start = Instant::now();
    for _ in 0..50_000u32 {
        black_box(serde_json::from_slice::<serde_json::Value>(black_box(&bytes))?);
    }
    println!(
        "for scale, parsing alone with serde_json: {:.1} µs",
        start.elapsed().as_secs_f64() * 1e6 / 50_000.0
    );
    Ok(())
}
