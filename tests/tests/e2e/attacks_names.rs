//! Names whose owner says something else each time: what was judged is what is connected to. `127.0.0.1` is what the grant names
//! here, and so stands for a public address; all others are as closed as they are to a plugin of anybody's.

use crate::attack::{Attack, not_made, refused};
use reqwest::{Method, StatusCode};
use seawall_tests::{Dns, Rogue, Seawall, eventually, run, seawall_binary};
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::Command};

struct Names {
    attack: Attack,
    dns: Dns,
    /// What nobody may reach: at the port of the wire, on 127.0.0.2.
    inside: Rogue,
}

impl Names {
    async fn prepared(ranges: &[&str]) -> Self {
        let dns = Dns::start().await;
        let (tool, wire) = (Rogue::start().await, Rogue::start().await);
        let inside = Rogue::at(&format!("127.0.0.2:{}", wire.port())).await;
        let attack = Attack::with(&["--dns-server", &dns.address()], tool, wire).await;
        let grant = json!({"private_ranges": ranges, "plaintext_to_loopback": true, "reason": "one address"});
        let (status, view) = attack
            .seawall
            .send(Method::PUT, "/api/v1/plugins/attacker/grant", &grant)
            .await;
        assert_eq!(status, StatusCode::OK, "{view}");
        Self { attack, dns, inside }
    }

    fn url(&self, name: &str) -> String {
        format!("http://{name}:{}/allowed/{name}", self.attack.wire.port())
    }

    /// Lets the plugin ask for this name so often, one request after another, as what its config names, and tells what came of
    /// the last one.
    async fn ask(&self, name: &str, times: usize) -> Value {
        let authority = format!("{name}:{}", self.attack.wire.port());
        let request =
            json!({"name": name, "scheme": "http", "authority": authority, "path": format!("/allowed/{name}")});
        let mut requests = vec![request; times];
        for (n, request) in requests.iter_mut().enumerate() {
            request["name"] = format!("{name} {n}").into();
        }
        let config = json!({"wire": format!("http://{authority}"), "requests": requests});
        let integration = name.replace('.', "-");
        self.attack.start(&integration, config).await;
        self.attack.told(&integration).await[&format!("{name} {}", times - 1)].clone()
    }
}

#[tokio::test]
async fn an_address_that_was_judged_is_the_one_that_is_connected_to() {
    let names = Names::prepared(&["127.0.0.1/32"]).await;
    let name = "rebinding.corp.test";
    // Allowed where it is judged, and another one for whoever asks once more.
    names.dns.says(name, &[&["127.0.0.1"], &["127.0.0.2"]]);
    let outcome = names.ask(name, 1).await;
    assert_eq!(outcome["status"], 200, "{outcome}");
    assert_eq!(names.dns.asked(name), 1, "what was judged is not asked for once more");
    assert_eq!(names.attack.wire.heads().len(), 1);
    assert_eq!(names.inside.connections(), 0);
    names
        .attack
        .recorded("rebinding-corp-test", &names.url(name), true, "")
        .await;

    // The next connection judges anew.
    let name = "moved.corp.test";
    names.dns.says(name, &[&["127.0.0.1"], &["127.0.0.2"]]);
    let outcome = names.ask(name, 2).await;
    assert!(
        outcome["error"].as_str().unwrap().contains("DestinationIpProhibited"),
        "{outcome}"
    );
    let part = format!("{name} resolves to 127.0.0.2 (loopback)");
    names
        .attack
        .recorded("moved-corp-test", &names.url(name), false, &part)
        .await;
    assert_eq!((names.attack.wire.heads().len(), names.dns.asked(name)), (2, 2));
    assert_eq!(names.inside.connections(), 0);
    assert!(
        names.attack.seawall.log().contains(&part),
        "{}",
        names.attack.seawall.log()
    );
    names.attack.others_go_on().await;
}

#[tokio::test]
async fn of_a_names_addresses_only_those_that_the_grant_allows_are_connected_to() {
    let names = Names::prepared(&["127.0.0.1/32"]).await;
    let through: [(&str, &[&str]); 3] = [
        (
            "mixed.corp.test",
            &["10.0.0.7", "127.0.0.2", "127.0.0.1", "169.254.169.254", "::1"],
        ),
        ("behind.corp.test", &["mixed.corp.test"]),
        ("upper.corp.test", &["127.0.0.1"]),
    ];
    let closed: [(&str, &[&str], &str); 17] = [
        ("loopback.corp.test", &["127.0.0.2"], "127.0.0.2 (loopback)"),
        ("loopback6.corp.test", &["::1"], "::1 (loopback)"),
        ("metadata.corp.test", &["169.254.169.254"], "169.254.169.254 (metadata)"),
        ("mapped.corp.test", &["::ffff:127.0.0.2"], "::ffff:127.0.0.2 (loopback)"),
        ("mapped-metadata.corp.test", &["::ffff:169.254.169.254"], "(metadata)"),
        ("nat64.corp.test", &["64:ff9b::7f00:2"], "64:ff9b::7f00:2 (loopback)"),
        ("nat64-metadata.corp.test", &["64:ff9b::a9fe:a9fe"], "(metadata)"),
        ("own-nat64.corp.test", &["64:ff9b:1::a00:7"], "(private)"),
        ("six-to-four.corp.test", &["2002:7f00:2::"], "(loopback)"),
        ("private.corp.test", &["10.0.0.7"], "10.0.0.7 (private)"),
        ("shared.corp.test", &["100.64.0.1"], "(shared)"),
        ("local.corp.test", &["fd00::7"], "(private)"),
        ("zero.corp.test", &["0.0.0.0"], "(unspecified)"),
        (
            "many.corp.test",
            &["10.0.0.7", "fd00::7", "169.254.169.254"],
            "(metadata)",
        ),
        ("alias.corp.test", &["loopback.corp.test"], "127.0.0.2 (loopback)"),
        ("alias-of-alias.corp.test", &["alias.corp.test"], "127.0.0.2 (loopback)"),
        ("alias-of-metadata.corp.test", &["metadata.corp.test"], "(metadata)"),
    ];
    for (name, answer) in through {
        names.dns.says(name, &[answer]);
    }
    for (name, answer, _) in closed {
        names.dns.says(name, &[answer]);
    }
    for (name, _) in through {
        let outcome = names.ask(name, 1).await;
        assert_eq!(outcome["status"], 200, "{name}: {outcome}");
    }
    for (name, _, part) in closed {
        let outcome = names.ask(name, 1).await;
        let error = outcome["error"].as_str().unwrap_or_default();
        assert!(error.contains("DestinationIpProhibited"), "{name}: {outcome}");
        let integration = name.replace('.', "-");
        names.attack.recorded(&integration, &names.url(name), false, part).await;
    }
    // Names that lead nowhere are no refusals.
    names.dns.says("circle.corp.test", &[&["circle.corp.test"]]);
    for name in ["circle.corp.test", "nobody.corp.test"] {
        let outcome = names.ask(name, 1).await;
        assert!(
            outcome["error"].as_str().unwrap().contains("DnsError"),
            "{name}: {outcome}"
        );
        let integration = name.replace('.', "-");
        let part = "the name does not resolve";
        names.attack.recorded(&integration, &names.url(name), true, part).await;
    }
    assert_eq!(names.attack.wire.heads().len(), through.len());
    assert_eq!(names.inside.connections(), 0);
}

/// Letters that look alike make other names, written out or as IDNA has them, whichever of the two is granted. They are not even
/// looked up.
#[tokio::test]
async fn names_of_letters_that_look_alike_are_other_names() {
    let names = Names::prepared(&["127.0.0.1/32"]).await;
    let granted = "example.corp.test";
    // Cyrillic, Cyrillic, Greek, Cyrillic but for one letter; and a digit.
    let alike = [
        ("\u{435}xample.corp.test", "xn--xample-2of.corp.test"),
        ("ex\u{430}mple.corp.test", "xn--exmple-4nf.corp.test"),
        ("example.c\u{3bf}rp.test", "example.xn--crp-9yc.test"),
        ("example.\u{441}\u{43e}r\u{440}.test", "example.xn--r-0tbhb.test"),
        ("examp1e.corp.test", "examp1e.corp.test"),
    ];
    for name in alike.iter().map(|(_, ascii)| *ascii).chain([granted]) {
        names.dns.says(name, &[&["127.0.0.1"]]);
    }
    let port = names.attack.wire.port();
    let ask = async |integration: &str, granted: &str, asked: &[&str]| {
        let request = |name: &&str| {
            json!({
                "name": format!("{integration} {name}"), "scheme": "http", "authority": format!("{name}:{port}"),
                "path": "/allowed/x",
            })
        };
        let requests: Vec<_> = asked.iter().map(request).collect();
        let config = json!({"wire": format!("http://{granted}:{port}"), "requests": requests});
        names.attack.start(integration, config).await;
        names.attack.told(integration).await
    };
    let same = [granted, "EXAMPLE.corp.test", "example.corp.test."];
    let both = alike.iter().flat_map(|(name, ascii)| [*name, *ascii]);
    let asked: BTreeSet<_> = both.chain(same).collect();
    let asked: Vec<_> = asked.into_iter().collect();
    let told = ask("attack", granted, &asked).await;
    for (name, ascii) in alike {
        // A guest's own WASI makes no request to a host that is not written in ASCII.
        for (name, made) in [(name, name == ascii), (ascii, true)] {
            let outcome = &told[&format!("attack {name}")];
            assert!(refused(outcome) || !made && not_made(outcome), "{name}: {outcome}");
        }
        let url = format!("http://{ascii}:{port}/allowed/x");
        names.attack.recorded("attack", &url, false, "").await;
        assert_eq!(names.dns.asked(ascii), 0, "{ascii} is not looked up");
    }
    for name in same {
        let outcome = &told[&format!("attack {name}")];
        assert_eq!(outcome["status"], 200, "{name}: {outcome}");
    }
    let reached = names.attack.wire.heads().len();
    assert_eq!(reached, same.len());
    // The other way round: the one that looks alike is granted.
    let (name, ascii) = alike[0];
    let told = ask("other", name, &[granted, ascii]).await;
    let outcome = &told[&format!("other {granted}")];
    assert!(refused(outcome), "{outcome}");
    assert_eq!(told[&format!("other {ascii}")]["status"], 200, "{told:#?}");
    assert_eq!(names.attack.wire.heads().len(), reached + 1);
    names.attack.others_go_on().await;
}

/// A credential that may travel without TLS to this machine does so to no other, whatever the name says by then.
#[tokio::test]
async fn a_credential_without_tls_does_not_follow_a_name_that_moves_away() {
    let names = Names::prepared(&["127.0.0.0/8", "10.0.0.0/8"]).await;
    let (name, port) = ("moving.corp.test", names.attack.tool.port().to_owned());
    names.dns.says(name, &[&["127.0.0.1"], &["10.0.0.7"]]);
    let authority = format!("{name}:{port}");
    let request =
        |n: usize| json!({"name": format!("{n}"), "scheme": "http", "authority": authority, "path": "/allowed/x"});
    let config = json!({"tool": format!("http://{authority}"), "requests": [request(0), request(1)]});
    names.attack.start("attack", config).await;
    let outcomes = names.attack.told("attack").await;
    assert_eq!(outcomes["0"]["status"], 200, "{}", outcomes["0"]);
    assert!(
        outcomes["1"]["error"]
            .as_str()
            .unwrap()
            .contains("DestinationIpProhibited"),
        "{}",
        outcomes["1"]
    );
    let url = format!("http://{authority}/allowed/x");
    names
        .attack
        .recorded("attack", &url, false, "10.0.0.7, which is not loopback")
        .await;
    assert_eq!(names.attack.tool.heads().len(), 1);
    names.attack.no_secret().await;
}

/// Messages of subscriptions go by the same rules.
#[tokio::test]
async fn a_subscription_does_not_follow_a_name_inside() {
    let dns = Dns::start().await;
    let inside = Rogue::start().await;
    let seawall = Seawall::start_with(&["--dns-server", &dns.address()], &[]).await;
    let blueprint = json!({"identifier": "service", "schema": {"properties": {}, "required": []}});
    let (status, answer) = seawall
        .send(Method::PUT, "/api/v1/blueprints/service", &blueprint)
        .await;
    assert!(status.is_success(), "{answer}");
    let answers = [
        ("hook.corp.test", "127.0.0.1", "loopback"),
        ("meta.corp.test", "169.254.169.254", "metadata"),
    ];
    for (name, address, part) in answers {
        dns.says(name, &[&[address]]);
        let body = json!({
            "url": format!("https://{name}:{}/", inside.port()),
            "retry": {"tries": 3, "firstSeconds": 0.1, "mostSeconds": 0.2},
        });
        let path = format!("/api/v1/subscriptions/{part}");
        let (status, answer) = seawall.send(Method::PUT, &path, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let entity = json!({"title": part});
        let at = format!("/api/v1/blueprints/service/entities/{part}");
        let (status, answer) = seawall.send(Method::PUT, &at, &entity).await;
        assert!(status.is_success(), "{answer}");
        eventually("the subscription to say why it sends nothing", || async {
            let view = seawall.get(&path).await;
            view["problem"].as_str()?.contains(part).then_some(())
        })
        .await;
        assert!(dns.asked(name) > 0);
    }
    assert_eq!(inside.connections(), 0);
}

#[test]
fn a_dns_server_is_an_address() {
    let output = run(Command::new(seawall_binary()).args(["serve", "--dns-server", "ns.example.com"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("expected an address, such as `10.0.0.2` or `10.0.0.2:5353`"),
        "{said}"
    );
}
