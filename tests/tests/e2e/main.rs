//! Seawall through the doors that people use: the HTTP API, the command line, compiled plugins, real servers.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, which print what they measured or skipped"
)]

mod api;
mod approle;
mod attack;
mod attacks;
mod attacks_catalog;
mod attacks_http;
mod attacks_names;
mod audit;
mod author;
mod bad_catalog;
mod bad_plugin;
mod bad_tool;
mod catalog_files;
mod checkouts;
mod checkouts_bad;
mod commands;
mod computed;
mod cosign;
mod crash;
mod credentials;
mod definitions;
mod definitions_beside;
mod deliveries;
mod details;
mod door;
mod entities;
mod events;
mod folders;
mod grants;
mod grants_parts;
mod imports;
mod kubernetes;
mod lifecycle;
mod model;
mod model_uses;
mod model_work;
mod openbao;
mod plugin_diff;
mod policy;
mod postgres;
mod prometheus;
mod query;
mod quota;
mod record;
mod registry;
mod registry_bad;
mod replicas;
mod replicas_writes;
mod rotation;
mod rules;
mod secrets;
mod security;
mod starting;
mod subscriptions;
mod sync;
mod unleash;
mod vanished;
mod versions;
mod wasi;
mod who;
mod workbench;

use seawall_tests::{Seawall, Tool, component};
use serde_json::{Value, json};

/// A Seawall with the probe plugin, a tool with `n` items in pages of 50, and an integration `probe` over it, settled.
async fn probed(n: usize) -> (Seawall, Tool) {
    let tool = Tool::start(50).await;
    tool.fill(n);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    (seawall, tool)
}

fn integration(tool: &Tool, config: Value) -> Value {
    let mut all = json!({"base_url": tool.address()});
    for (name, value) in config.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"name": "probe", "plugin": "probe", "config": all, "every_seconds": 3600})
}

/// What must be equal after the same items, however they came: everything but times and positions.
fn essence(mut entities: Vec<Value>) -> Vec<Value> {
    for entity in &mut entities {
        let entity = entity.as_object_mut().unwrap();
        for volatile in ["createdAt", "createdBy", "updatedAt", "updatedBy", "version"] {
            entity.remove(volatile);
        }
    }
    entities
}
