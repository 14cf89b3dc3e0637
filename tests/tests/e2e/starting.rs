//! What a server answers from the moment it listens.

use crate::probed;
use seawall_tests::bench::{Served, get};
use serde_json::Value;
use std::thread;

/// A first answer, asked for until there is one.
fn first(served: &Served, path: &str, token: &str) -> Value {
    loop {
        match get(&served.address, path, token) {
            Ok(answer) => {
                let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
                return serde_json::from_str(body.unwrap_or_default()).unwrap();
            }
            Err(_) => thread::yield_now(),
        }
    }
}

#[tokio::test]
async fn answers_after_a_start_are_never_of_a_part_of_the_catalog() {
    const ENTITIES: usize = 2_000;
    let (mut seawall, _tool) = probed(ENTITIES).await;
    let path = "/api/v1/blueprints/thing/entities";
    let entity = format!("{path}/item-00001");
    let before = seawall.get(&entity).await;
    seawall.kill();
    for _ in 0..3 {
        let served = Served::start(seawall.data()).unwrap();
        let token = seawall.token();
        thread::scope(|scope| {
            let by_name = scope.spawn(|| first(&served, &entity, token));
            let listed = scope.spawn(|| first(&served, &format!("{path}?total=true&limit=1"), token));
            let counted = scope.spawn(|| first(&served, "/api/v1/blueprints/thing/count", token));
            let mut answer = by_name.join().unwrap();
            // Who refers to it may not be known yet, which is told from nobody.
            if answer["referrers"].is_null() {
                answer["referrers"] = before["referrers"].clone();
            }
            assert_eq!(answer, before);
            assert_eq!(listed.join().unwrap()["total"], ENTITIES);
            assert_eq!(counted.join().unwrap()["count"], ENTITIES);
        });
        assert_eq!(first(&served, &entity, token), before);
    }
}
