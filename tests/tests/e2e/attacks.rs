//! What a hostile plugin, or a hostile tool, must not be able to do. The guest speaks WASI itself, so nothing is put right by
//! an SDK on the way; a rogue tool keeps every byte that reaches it.

use crate::{
    attack::{Attack, SECRET, not_made, refused},
    integration,
};
use reqwest::Method;
use seawall_tests::{Tool, component, eventually};
use serde_json::json;

#[tokio::test]
async fn what_only_looks_like_the_granted_place_is_refused() {
    let attack = Attack::prepared().await;
    let (at, port) = (attack.wire.authority().to_owned(), attack.wire.port().to_owned());
    let mut requests = Vec::new();
    let paths = [
        "/secrets",
        "/",
        "/allowed/../secrets",
        "/allowed/%2e%2e/secrets",
        "/allowed/%2E%2e/secrets",
        "/allowed/..%2fsecrets",
        "/allowed/%2e%2e%2fsecrets",
        "/allowed/..%5csecrets",
        "/allowed/..\\secrets",
        "/allowed/%252e%252e/secrets",
        "/allowed/..;/secrets",
        "/allowed;x/../secrets",
        "/allowed/.%00./secrets",
        "/allowed/\u{ff0e}\u{ff0e}/secrets",
        "/allowed/%E2%80%A5/secrets",
        "/allowed/x\u{ff0f}..\u{ff0f}secrets",
        "//secrets",
        "//evil.example/allowed/x",
        "/allowed//secrets",
        "/ALLOWED/x",
        "/allowed./x",
        "/allowed/x HTTP/1.1\r\nEvil: yes",
        "http://evil.example/allowed/x",
    ];
    for path in paths {
        requests.push(json!({"name": format!("path {path:?}"), "scheme": "http", "authority": at, "path": path}));
    }
    let hosts = [
        "127.0.0.2".to_owned(),
        "localhost".to_owned(),
        "evil@127.0.0.1".to_owned(),
        "127.0.0.1@evil.example".to_owned(),
        "2130706434".to_owned(),
        "0x7f000002".to_owned(),
        "0177.0.0.2".to_owned(),
        "127.2".to_owned(),
        "[::1]".to_owned(),
        "[::ffff:127.0.0.2]".to_owned(),
        "[64:ff9b::7f00:1]".to_owned(),
        "[fe80::1%25eth0]".to_owned(),
        "169.254.169.254".to_owned(),
        "metadata.google.internal".to_owned(),
        "127.0.0.1.evil.example".to_owned(),
        "127。0。0。2".to_owned(),
        "127.0.0.1\\evil.example".to_owned(),
        "127.0.0.1\r\nEvil: yes".to_owned(),
        "127.0.0.1#".to_owned(),
        "127.0.0.1/allowed/x?".to_owned(),
        String::new(),
    ];
    for host in hosts {
        let authority = format!("{host}:{port}");
        requests.push(
            json!({"name": format!("host {host:?}"), "scheme": "http", "authority": authority, "path": "/allowed/x"}),
        );
    }
    for (name, scheme, authority) in [
        ("another scheme", "https", at.clone()),
        ("no scheme of the web", "ftp", at.clone()),
        ("no port", "http", "127.0.0.1".to_owned()),
        ("port 0", "http", "127.0.0.1:0".to_owned()),
        ("a port with zeros", "http", format!("127.0.0.1:0{port}")),
        (
            "a port that wraps around",
            "http",
            format!("127.0.0.1:{}", 65_536 + port.parse::<u32>().unwrap()),
        ),
    ] {
        requests.push(json!({"name": name, "scheme": scheme, "authority": authority, "path": "/allowed/x"}));
    }
    for method in ["DELETE", "CONNECT", "TRACE", "get", "GET /evil HTTP/1.1\r\nX:", "PATCH"] {
        requests.push(
            json!({"name": format!("method {method:?}"), "method": method, "scheme": "http", "authority": at, "path": "/allowed/x"}),
        );
    }
    let asked = requests.len();
    let outcomes = attack.outcomes(requests).await;
    assert_eq!(outcomes.len(), asked);
    let came_through: Vec<_> = outcomes
        .iter()
        .filter(|(_, outcome)| !refused(outcome) && !not_made(outcome))
        .collect();
    assert!(came_through.is_empty(), "{came_through:#?}");
    assert_eq!(attack.wire.heads(), Vec::<String>::new());
    assert_eq!(attack.tool.heads(), Vec::<String>::new());
    // Each that the door saw is a record with its reason.
    let records = attack.seawall.get("/api/v1/egress?integration=attack&limit=1000").await;
    let records = records["items"].as_array().unwrap();
    assert_eq!(
        records.len(),
        outcomes.values().filter(|outcome| refused(outcome)).count()
    );
    for record in records {
        assert_eq!(record["allowed"], false, "{record}");
        assert!(
            record["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{record}"
        );
    }
    attack.others_go_on().await;
}

#[tokio::test]
async fn other_ways_to_write_the_granted_place_lead_there_and_nowhere_else() {
    let attack = Attack::prepared().await;
    let port = attack.wire.port();
    let mut requests = Vec::new();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::ffff:127.0.0.1]"] {
        let authority = format!("{host}:{port}");
        requests
            .push(json!({"name": host, "scheme": "http", "authority": authority, "path": "/%61llowed/%7ex?a=%2e%2e/"}));
    }
    let outcomes = attack.outcomes(requests).await;
    let through = outcomes.values().filter(|outcome| outcome["status"] == 200).count();
    let refusals = outcomes.values().filter(|outcome| refused(outcome)).count();
    assert_eq!(through + refusals, 5, "{outcomes:#?}");
    assert_eq!(outcomes["127.0.0.1"]["status"], 200);
    let heads = attack.wire.heads();
    assert_eq!(heads.len(), through);
    for head in heads {
        // Encoded afresh: what was judged is what is sent.
        assert!(head.starts_with("GET /allowed/~x?a=%2e%2e/ HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn headers_cannot_say_something_else_than_the_request() {
    let attack = Attack::prepared().await;
    let cases = [
        ("host", "Host", "evil.example"),
        ("transfer-encoding", "Transfer-Encoding", "chunked"),
        ("content-length", "Content-Length", "7"),
        ("connection", "Connection", "authorization"),
        ("keep-alive", "Keep-Alive", "timeout=1"),
        ("upgrade", "Upgrade", "h2c"),
        ("te", "TE", "trailers"),
        ("expect", "Expect", "100-continue"),
        ("trailer", "Trailer", "x-late"),
        ("via", "Via", "1.1 evil"),
        ("proxy-authorization", "Proxy-Authorization", "Basic evil"),
        ("proxy-anything", "Proxy-Anything", "evil"),
        ("x-forwarded-host", "X-Forwarded-Host", "evil.example"),
        ("x-http-method-override", "X-HTTP-Method-Override", "DELETE"),
        ("x-original-url", "X-Original-URL", "/secrets"),
        ("line-break-in-value", "X-Fine", "a\r\nEvil: yes"),
        ("line-feed-in-value", "X-Fine", "a\nEvil: yes"),
        ("null-in-value", "X-Fine", "a\0b"),
        ("line-break-in-name", "X\r\nEvil", "yes"),
        ("space-in-name", "Host ", "evil.example"),
        ("pseudo-header", ":path", "/secrets"),
        ("empty-name", "", "evil"),
    ];
    let request = |(name, header, value): (&str, &str, &str)| {
        json!({
            "name": name, "scheme": "http", "authority": attack.wire.authority(), "path": format!("/allowed/{name}"),
            "headers": [[header, value]],
        })
    };
    let mut requests: Vec<_> = cases.into_iter().map(request).collect();
    // With a credential attached the guest's own goes, in whatever case it is written.
    let mut own = attack.with_credential("own-authorization");
    own["headers"] = json!([
        ["AUTHORIZATION", "Bearer evil"],
        ["authorization", "Bearer evil"],
        ["Range", "bytes=0-3"]
    ]);
    requests.push(own);
    let outcomes = attack.outcomes(requests).await;
    for head in attack.wire.heads() {
        let name = head.split([' ', '/']).nth(3).unwrap_or_default().to_owned();
        assert!(!head.to_ascii_lowercase().contains("evil"), "{name}: {head}");
        // But for what the host writes itself nothing is left of the header.
        assert_eq!(head.matches("host: ").count(), 1, "{name}: {head}");
        assert!(
            !head.contains(&format!("\r\n{name}: ")) || name == "host",
            "{name}: {head}"
        );
        assert!(!head.contains("x-fine"), "{head}");
        let never = [
            "x-forwarded-host",
            "x-http-method-override",
            "x-original-url",
            "pseudo-header",
            "empty-name",
        ];
        assert!(!never.contains(&name.as_str()) && !name.contains("-in-"), "{name}");
    }
    for refusal in ["x-forwarded-host", "x-http-method-override", "x-original-url"] {
        assert!(refused(&outcomes[refusal]), "{refusal}: {}", outcomes[refusal]);
        let url = format!("{}/allowed/{refusal}", attack.wire.address());
        let part = format!("the header `{refusal}` would say something else than the request does");
        attack.recorded("attack", &url, false, &part).await;
    }
    let heads = attack.tool.heads();
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0].matches("authorization: ").count(), 1, "{}", heads[0]);
    assert!(
        heads[0].contains(&format!("authorization: Bearer {SECRET}\r\n")),
        "{}",
        heads[0]
    );
    assert!(
        !heads[0].contains("evil") && !heads[0].contains("range: "),
        "{}",
        heads[0]
    );
    attack.no_secret().await;
    attack.others_go_on().await;
}

#[tokio::test]
async fn a_secret_that_a_tool_sends_back_does_not_reach_the_guest() {
    let attack = Attack::prepared().await;
    let echoes = ["echo", "echo-gzip", "echo-br", "echo-pieces", "echo-trailer", "session"];
    let mut requests: Vec<_> = echoes.iter().map(|what| attack.with_credential(what)).collect();
    // In pieces of four bytes: the host drops what asks for them.
    for at in 0..40 {
        let mut piece = attack.with_credential("echo-range");
        piece["name"] = format!("piece {at}").into();
        piece["headers"] = json!([
            ["Range", format!("bytes={}-{}", at * 4, at * 4 + 3)],
            ["Accept-Encoding", "br, zstd"]
        ]);
        requests.push(piece);
    }
    let outcomes = attack.outcomes(requests).await;
    let stars = format!("authorization: Bearer {}", "*".repeat(SECRET.len()));
    for what in ["echo", "echo-gzip", "echo-pieces", "piece 7"] {
        let body = outcomes[what]["body"].as_str().unwrap_or_default();
        assert!(body.contains(&stars), "{what}: {}", outcomes[what]);
        assert!(body.contains("accept-encoding: identity"), "{what}: {body}");
        assert!(!outcomes[what]["headers"].as_str().unwrap().contains(SECRET), "{what}");
    }
    let broken = outcomes["echo-br"]["error"].as_str().unwrap_or_default();
    assert!(broken.contains("HttpResponseContentCoding"), "{}", outcomes["echo-br"]);
    let session = outcomes["session"]["headers"].as_str().unwrap();
    assert!(!session.contains("set-cookie"), "{session}");
    attack.no_secret().await;
    let url = format!("{}/allowed/echo-br", attack.tool.address());
    attack.recorded("attack", &url, true, "in the encoding `br`").await;
    assert!(
        attack.seawall.log().contains("in the encoding `br`"),
        "{}",
        attack.seawall.log()
    );
    attack.others_go_on().await;
}

#[tokio::test]
async fn redirects_are_the_guests_to_follow_through_the_same_door() {
    let attack = Attack::prepared().await;
    let outcomes = attack
        .outcomes(vec![
            attack.with_credential("redirect-inside"),
            attack.with_credential("redirect-file"),
            attack.with_credential("redirect-loop"),
            // What a client in the guest would do next.
            json!({"name": "followed", "scheme": "http", "authority": "169.254.169.254", "path": "/latest/meta-data"}),
        ])
        .await;
    for what in ["redirect-inside", "redirect-file", "redirect-loop"] {
        assert_eq!(outcomes[what]["status"], 302, "{}", outcomes[what]);
    }
    assert!(refused(&outcomes["followed"]), "{}", outcomes["followed"]);
    assert_eq!(attack.tool.heads().len(), 3, "the host follows nothing by itself");
    let url = "http://169.254.169.254:80/latest/meta-data";
    let part = "no rule of the manifest leads to `169.254.169.254`";
    attack.recorded("attack", url, false, part).await;
    attack.others_go_on().await;
}

#[tokio::test]
async fn answers_that_are_no_http_are_errors_of_that_request() {
    let attack = Attack::prepared().await;
    let wicked = [
        "many-headers",
        "two-lengths",
        "no-http",
        "hang-up",
        "switch",
        "drip-head",
    ];
    let mut requests: Vec<_> = wicked.iter().map(|what| attack.with_credential(what)).collect();
    requests.insert(0, attack.with_credential("fine"));
    let outcomes = attack.outcomes(requests).await;
    assert_eq!(outcomes["fine"]["status"], 200);
    for what in wicked {
        let outcome = &outcomes[what];
        assert!(
            outcome["error"].is_string() || outcome["status"] == 101,
            "{what}: {outcome}"
        );
        assert_ne!(outcome["body"], "raw bytes", "{what}");
        // What came of it is on record, and that it was let through.
        let url = format!("{}/allowed/{what}", attack.tool.address());
        let part = match what {
            "switch" => "",
            "drip-head" => "no answer within",
            _ => "HTTP: ",
        };
        attack.recorded("attack", &url, true, part).await;
    }
    attack.others_go_on().await;
}

#[tokio::test]
async fn each_limit_ends_who_crosses_it_and_neighbours_do_not_notice() {
    let attack = Attack::prepared().await;
    let tool = Tool::start(50).await;
    tool.fill(500);
    attack.seawall.install(&component("tests/guests/probe")).await;
    attack.seawall.integrate(integration(&tool, json!({}))).await;
    attack.seawall.settled("probe").await;
    let time = "`timeout_ms` of 3000 ms";
    let acts = [
        ("sleep", time),
        ("sleep-for-ever", time),
        ("sleep-to-the-end-of-time", time),
        ("clock-reads", time),
        ("host-calls", time),
        ("memory-in-pieces", "`memory_bytes` of 67108864 bytes"),
        ("resources", "`resources` of 10000 at once"),
        ("pollables", "`resources` of 10000 at once"),
        ("random", "exceeds limit 67108864"),
        ("fields", "total size of fields exceeds limit"),
        // Rust keeps what is large in a stack of its own in its memory.
        ("recursion", "wasm trap: out of bounds memory access"),
        ("many-at-once", "`requests_in_flight` of 16 requests"),
        ("exit", "exit code 0"),
    ];
    let requests = [
        ("endless", "`response_bytes` of 4194304 bytes"),
        ("bomb", "`response_bytes` of 4194304 bytes"),
        ("swallow", "`request_bytes` of 1048576 bytes"),
    ];
    for (act, _) in acts {
        attack.start(act, json!({"act": act})).await;
    }
    for (what, _) in requests {
        let mut request = attack.with_credential(what);
        request["method"] = "POST".into();
        request["body"] = if what == "swallow" { "endless".into() } else { "".into() };
        attack.start(what, json!({"requests": [request]})).await;
    }
    attack
        .start("drip", json!({"requests": [attack.with_credential("drip")]}))
        .await;
    // While they run, another one syncs and the API answers.
    let (status, _) = attack
        .seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    assert!(status.is_success());
    for (name, part) in acts.into_iter().chain(requests) {
        let pass = attack.ended(name).await;
        assert_eq!(pass["state"], "failed", "{name}: {pass}");
        let error = pass["error"].as_str().unwrap_or_default();
        assert!(error.contains(part), "{name}: expected `{part}` in: {error}");
    }
    for (what, _) in requests {
        let part = match what {
            // Its body is over the bound, or the call ended first.
            "swallow" => "",
            _ => "the response went over the call's limit `response_bytes`",
        };
        let url = format!("{}/allowed/{what}", attack.tool.address());
        attack.recorded(what, &url, true, part).await;
    }
    // Drops end with the call's time, or just before it, so that the guest can say what it waited for.
    let drip = attack.ended("drip").await;
    let outcome = attack
        .seawall
        .try_get("/api/v1/blueprints/outcome/entities/drip")
        .await
        .1;
    let said = [&drip["error"], &outcome["properties"]["error"]];
    let ended = |text: &str| text.contains(time) || text.starts_with("body ");
    assert!(said.iter().any(|text| text.as_str().is_some_and(ended)), "{said:?}");
    eventually("the neighbour's second pass", || async {
        let passes = attack.seawall.passes("probe").await;
        (passes.len() == 2 && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!(attack.seawall.entities("thing").await.len(), 500);
}

/// The guest looks through all of its own memory, after the tool has shown it the credential in every way it knows.
#[tokio::test]
async fn a_guests_memory_holds_no_secret() {
    let attack = Attack::prepared().await;
    let echoes = ["echo", "echo-gzip", "echo-pieces", "echo-trailer", "session"];
    let requests: Vec<_> = echoes.iter().map(|what| attack.with_credential(what)).collect();
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    // What is there is found: where the tool is, is in its config.
    let there = attack.tool.address().trim_start_matches("http://").to_owned();
    for (name, text, found) in [
        ("known", there.as_str(), true),
        ("secret", SECRET, false),
        ("half", &SECRET[..12], false),
    ] {
        let act = format!("search:{name}:{}", backwards(text));
        attack.start(name, json!({"act": act, "requests": requests})).await;
        let pass = attack.ended(name).await;
        assert_eq!(pass["state"], "succeeded", "{pass}");
        let path = format!("/api/v1/blueprints/outcome/entities/search:{name}");
        let count = attack.seawall.get(&path).await["properties"]["body"].clone();
        assert_eq!(count != "0", found, "{name}: {count}");
    }
}

#[tokio::test]
async fn the_guests_world_is_empty() {
    let attack = Attack::prepared().await;
    let worlds = [
        ("environment", "[] []"),
        ("files", "0 preopens"),
        ("stdin", "Err(StreamError::Closed)"),
        ("sockets", "access-denied"),
    ];
    for (act, _) in worlds {
        attack.start(act, json!({"act": act})).await;
    }
    for (act, part) in worlds {
        let pass = attack.ended(act).await;
        assert_eq!(pass["state"], "succeeded", "{act}: {pass}");
        let outcome = attack
            .seawall
            .get(&format!("/api/v1/blueprints/outcome/entities/{act}"))
            .await;
        let body = outcome["properties"]["body"].as_str().unwrap_or_default();
        assert!(body.contains(part), "{act}: expected `{part}` in: {body}");
    }
}

#[tokio::test]
async fn a_call_leaves_nothing_behind_for_the_next_one() {
    let attack = Attack::prepared().await;
    attack.start("attack", json!({"act": "state"})).await;
    let pass = attack.ended("attack").await;
    assert_eq!(pass["state"], "succeeded", "{pass}");
    let outcomes = attack.seawall.entities("outcome").await;
    let counts: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome["properties"]["body"].as_str())
        .collect();
    assert_eq!(counts, [Some("0"); 3]);
}
