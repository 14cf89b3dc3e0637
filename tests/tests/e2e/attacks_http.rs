//! What a hostile plugin says to a tool in HTTP's smaller print, and to the host in texts that are none. The guest is that of
//! `attacks`.

use crate::attack::{Attack, SECRET, refused};
use seawall_tests::{Authority, Guarded, Rogue, eventually};
use serde_json::{Value, json};

/// A request that is led to `to`, and goes there.
fn led(attack: &Attack, name: &str, to: &str) -> Value {
    let (scheme, authority) = attack.tool.address().split_once("://").map(own).unwrap();
    json!({
        "name": name, "scheme": scheme, "authority": authority, "path": "/allowed/redirect",
        "headers": [["x-to", to]], "follow": true,
    })
}

fn own((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

/// The credential of an integration stays with the scheme and port that the manifest names, whatever a tool answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_scheme_or_port_is_refused_like_any_other_request() {
    let authority = Authority::new();
    let [plain, other] = [Rogue::start().await, Rogue::start().await];
    let tls = Rogue::over_tls(authority.server(None)).await;
    let attack = Attack::with(&[], tls, Rogue::start().await).await;
    let port = attack.tool.port();
    let down = format!("http://127.0.0.1:{port}/allowed/down");
    let elsewhere = format!("{}/allowed/elsewhere", plain.address());
    let requests = json!({"requests": [led(&attack, "down", &down), led(&attack, "elsewhere", &elsewhere)]});
    attack
        .start_with("attack", requests, json!({"ca": authority.pem()}))
        .await;
    let outcomes = attack.told("attack").await;
    for name in ["down", "elsewhere"] {
        assert_eq!(outcomes[name]["status"], 302, "{name}: {}", outcomes[name]);
        let followed = &outcomes[&format!("{name} followed")];
        assert!(refused(followed), "{name}: {followed}");
    }
    attack.recorded("attack", &down, false, "`{wire}` allows port").await;
    attack
        .recorded("attack", &elsewhere, false, "`{wire}` allows port")
        .await;
    assert_eq!(attack.tool.heads().len(), 2, "the host follows nothing by itself");
    assert_eq!(plain.connections(), 0);

    // The other way: what is granted without TLS does not lead to TLS, nor to another port.
    let attack = Attack::with(&[], other, Rogue::start().await).await;
    let up = format!("https://{}/allowed/up", attack.tool.authority());
    let outcomes = attack
        .outcomes(vec![led(&attack, "up", &up), led(&attack, "elsewhere", &elsewhere)])
        .await;
    for name in ["up", "elsewhere"] {
        assert_eq!(outcomes[name]["status"], 302, "{name}: {}", outcomes[name]);
        let followed = &outcomes[&format!("{name} followed")];
        assert!(refused(followed), "{name}: {followed}");
    }
    attack.recorded("attack", &up, false, "allows http, not https").await;
    attack.recorded("attack", &elsewhere, false, "allows port").await;
    assert_eq!(plain.connections(), 0);
    attack.no_secret().await;
    attack.others_go_on().await;
}

/// What is on record as sent with a credential is not sent in the name of somebody else.
#[tokio::test]
async fn a_guests_own_session_does_not_go_beside_a_credential() {
    let attack = Attack::prepared().await;
    let mut requests = [attack.with_credential("with"), attack.without_credential("without")];
    for request in &mut requests {
        request["headers"] = json!([["Cookie", "sid=forged"], ["cookie", "admin=1"], ["X-Own", "stays"]]);
    }
    let outcomes = attack.outcomes(requests.to_vec()).await;
    assert_eq!(
        (&outcomes["with"]["status"], &outcomes["without"]["status"]),
        (&json!(200), &json!(200))
    );
    let with = attack.tool.heads().join("");
    assert!(with.contains(&format!("authorization: Bearer {SECRET}\r\n")), "{with}");
    assert!(
        with.contains("x-own: stays") && !with.contains("forged") && !with.contains("admin=1"),
        "{with}"
    );
    // Without a credential it speaks for itself alone.
    let without = attack.wire.heads().join("");
    assert!(
        without.contains("sid=forged") && without.contains("admin=1"),
        "{without}"
    );
    let url = format!("{}/allowed/with", attack.tool.address());
    let record = attack.recorded("attack", &url, true, "").await;
    assert_eq!(
        (&record["credential"], &record["status"]),
        (&json!("token"), &json!(200))
    );
}

/// Trailers are headers that come too late to be judged: some servers put them among the others.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_sends_behind_a_body_is_not_sent() {
    let late = json!([
        ["authorization", "Bearer evil"],
        ["x-http-method-override", "DELETE"],
        ["x-forwarded-host", "evil.example"],
        ["x-late", "evil"],
    ]);
    // By HTTP/1.1, where a tool sees every byte.
    let attack = Attack::prepared().await;
    let mut requests = [attack.with_credential("read"), attack.without_credential("read")];
    for (request, name) in requests.iter_mut().zip(["with", "without"]) {
        request["name"] = name.into();
        request["method"] = "POST".into();
        request["body"] = "what is said".into();
        request["trailers"] = late.clone();
        request["headers"] = json!([["trailer", "x-late, authorization"], ["te", "trailers"]]);
    }
    let outcomes = attack.outcomes(requests.to_vec()).await;
    for (name, rogue) in [("with", &attack.tool), ("without", &attack.wire)] {
        assert_eq!(outcomes[name]["status"], 200, "{name}: {}", outcomes[name]);
        let whole = rogue.whole().join("");
        assert!(whole.contains("what is said"), "{name}: {whole}");
        assert!(!whole.contains("evil") && !whole.contains("DELETE"), "{name}: {whole}");
    }
    attack.others_go_on().await;

    // By HTTP/2, which has trailers of its own and asks for no announcement.
    let authority = Authority::new();
    let tool = Guarded::start(Some(authority.http2_server()), |_| true).await;
    let address = tool.address().trim_start_matches("https://");
    let request = json!({
        "name": "late", "method": "POST", "scheme": "https", "authority": address, "path": "/allowed/late",
        "body": "what is said", "trailers": late,
    });
    let config = json!({"tool": tool.address(), "requests": [request]});
    attack.start_with("late", config, json!({"ca": authority.pem()})).await;
    let outcomes = attack.told("late").await;
    assert_eq!(outcomes["late"]["status"], 200, "{}", outcomes["late"]);
    let [got] = &tool.bodies()[..] else {
        panic!("{:?}", tool.bodies())
    };
    assert_eq!(got.version, "HTTP/2.0");
    assert_eq!(got.body, "what is said");
    assert!(got.trailers.is_none(), "{got:?}");
    attack
        .recorded("late", &format!("{}/allowed/late", tool.address()), true, "")
        .await;
}

/// Bytes that are no text in a header's value are sent as they are; in a name, an address or a path they are no request.
#[tokio::test]
async fn headers_of_bytes_that_are_no_text_say_what_they_say() {
    let attack = Attack::prepared().await;
    let mut bytes = attack.without_credential("bytes");
    bytes["bytes"] = json!([["x-bytes", [0x61, 0xff, 0xfe, 0xc3]]]);
    let mut control = attack.without_credential("control");
    control["bytes"] = json!([["x-bytes", [0x61, 0x0d, 0x0a, 0x62]]]);
    let outcomes = attack.outcomes(vec![bytes, control]).await;
    assert_eq!(outcomes["bytes"]["status"], 200, "{}", outcomes["bytes"]);
    let error = outcomes["control"]["error"].as_str().unwrap();
    assert!(error.contains("HeaderError"), "{error}");
    let heads = attack.wire.raw_heads();
    assert_eq!(heads.len(), 1);
    let line = b"\r\nx-bytes: a\xff\xfe\xc3\r\n";
    assert!(
        heads[0].windows(line.len()).any(|part| part == line),
        "{:?}",
        attack.wire.heads()
    );
    attack
        .recorded("attack", &format!("{}/allowed/bytes", attack.wire.address()), true, "")
        .await;
    attack.others_go_on().await;
}

/// Texts that are no UTF-8, in each part of what a guest gives the host.
#[tokio::test]
async fn texts_that_are_no_utf_8_end_the_call_and_are_stored_nowhere() {
    let attack = Attack::prepared().await;
    let parts = ["key", "kind", "cursor", "item", "log", "failure"];
    for part in parts {
        attack.start(part, json!({"act": format!("garbled-{part}")})).await;
    }
    for part in parts {
        let pass = attack.ended(part).await;
        assert_eq!(pass["state"], "failed", "{part}: {pass}");
        let error = pass["error"].as_str().unwrap_or_default();
        let words = if part == "item" { "is no valid JSON" } else { "utf-8" };
        assert!(error.to_lowercase().contains(&words.to_lowercase()), "{part}: {error}");
    }
    assert_eq!(attack.seawall.entities("outcome").await, Vec::<Value>::new());
    attack.others_go_on().await;
}

/// Otherwise a plugin could send what nobody sees afterwards.
#[tokio::test]
async fn a_request_of_a_guest_that_ends_itself_is_on_record_all_the_same() {
    let attack = Attack::prepared().await;
    attack.start("leave", json!({"act": "leave"})).await;
    let pass = attack.ended("leave").await;
    assert_eq!(pass["state"], "failed", "{pass}");
    assert!(pass["error"].as_str().unwrap().contains("exit code 0"), "{pass}");
    assert!(
        attack
            .wire
            .heads()
            .iter()
            .any(|head| head.starts_with("GET /allowed/drip-head "))
    );
    let url = format!("{}/allowed/drip-head", attack.wire.address());
    attack
        .recorded("leave", &url, true, "the call ended before there was an answer")
        .await;
    attack.others_go_on().await;
}

/// A tool that repeats what it is told cannot be used to find a secret a character at a time: a part of it, which a guest
/// guesses, comes back as any other text does. (How much of a stream is held back does not tell either: `door::redact`.)
#[tokio::test]
async fn a_guess_of_a_part_of_a_secret_looks_like_any_other_text() {
    let attack = Attack::prepared().await;
    let wrong = "x".repeat(SECRET.len());
    let mut requests = Vec::new();
    for n in 1..SECRET.len() {
        for (name, guess) in [("right", &SECRET[..n]), ("wrong", &wrong[..n])] {
            let mut request = attack.with_credential("echo-pieces");
            request["name"] = format!("{name} {n}").into();
            request["headers"] = json!([["x-guess", guess]]);
            requests.push(request);
        }
    }
    let outcomes = attack.outcomes(requests).await;
    for n in 1..SECRET.len() {
        let body = |name: &str| {
            outcomes[&format!("{name} {n}")]["body"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert!(
            body("right").contains(&format!("x-guess: {}\r\n", &SECRET[..n])),
            "{}",
            body("right")
        );
        let line = |guess: &str| format!("x-guess: {guess}\r\n");
        let other = body("right").replace(&line(&SECRET[..n]), &line(&wrong[..n]));
        assert_eq!(other, body("wrong"), "{n} characters");
    }
    // The whole of it is none: who knows it already learns nothing.
    let stars = format!("Bearer {}", "*".repeat(SECRET.len()));
    assert!(
        outcomes
            .values()
            .all(|outcome| outcome["body"].as_str().unwrap().contains(&stars))
    );
    let records = eventually("the records", || async {
        let page = attack.seawall.get("/api/v1/egress?integration=attack&limit=1000").await;
        let all = page["items"].as_array()?.clone();
        (all.len() == 2 * (SECRET.len() - 1)).then_some(all)
    });
    assert!(records.await.0.iter().all(|record| record["credential"] == "token"));
    attack.others_go_on().await;
}
