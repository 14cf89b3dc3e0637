//! Registries that answer what they should not, or nothing: the command line ends soon, says why, and sends no secret astray.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use seawall_tests::{Rogue, component, oci::refused, run, seawall_binary};
use serde_json::json;
use std::{
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What is answered to a path, with query, and an authorization.
type Answers = dyn Fn(&str, &str) -> Response + Send + Sync;

/// What one registry answers, and what it was asked: method, path with query, and authorization.
#[derive(Clone)]
struct Bad {
    answer: Arc<Answers>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    host: String,
}

impl Bad {
    async fn start(answer: impl Fn(&str, &str) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bad = Self {
            answer: Arc::new(answer),
            asked: Arc::default(),
            host: listener.local_addr().unwrap().to_string(),
        };
        let app = Router::new().fallback(serve).with_state(bad.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        bad
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(State(bad): State<Bad>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    bad.asked
        .lock()
        .unwrap()
        .push((format!("{} {path}", request.method()), authorization.clone()));
    (bad.answer)(&path, &authorization)
}

/// `plugin pull`, with a name and password, and a second of patience.
async fn pull(host: &str) -> Output {
    let reference = format!("{host}/acme/probe:1");
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let config =
            json!({"auths": {reference.split('/').next().unwrap(): {"username": "ann", "password": "open-sesame"}}});
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let mut command = Command::new(seawall_binary());
        command.args(["plugin", "pull", &reference, "--timeout", "1"]);
        let output = run(command.env("DOCKER_CONFIG", folder.path()).current_dir(folder.path()));
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is written"
        );
        output
    })
    .await
    .unwrap()
}

fn answer(status: u16, headers: &[(&str, String)], body: impl Into<Body>) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.into()).into_response();
    for (name, value) in headers {
        let name = header::HeaderName::from_bytes(name.as_bytes()).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Nobody answers at all, or not in time, or not in HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_is_given_up() {
    let said = refused(&pull(&format!("127.0.0.1:{}", seawall_tests::free_port())).await, 3);
    assert!(said.contains("does not answer: Connection refused"), "{said}");
    // It accepts, and says nothing: the last part of the path decides what this one does.
    let rogue = Rogue::start().await;
    for (what, code, why) in [
        ("swallow", 3, "nothing came within 1 seconds"),
        ("drip", 3, "does not answer"),
        ("hang-up", 1, "no HTTP"),
        ("no-http", 1, "no HTTP"),
        ("redirect-inside", 1, "without TLS and not on this machine"),
        ("redirect-file", 1, "without TLS and not on this machine"),
        ("redirect-loop", 1, "more than 5 redirects"),
        ("two-lengths", 1, "no HTTP"),
    ] {
        let started = Instant::now();
        let said = refused(&tagged(rogue.authority(), what).await, code);
        assert!(said.contains(why), "{what}: {said}");
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
    }
}

/// The same with another tag, and an answer that never ends is cut.
async fn tagged(host: &str, tag: &str) -> Output {
    let reference = format!("{host}/acme/probe:{tag}");
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(seawall_binary());
        run(command.args([
            "plugin",
            "pull",
            &reference,
            "--timeout",
            "1",
            "--file",
            "/dev/null/none",
        ]))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_an_end_are_cut() {
    let rogue = Rogue::start().await;
    let said = refused(&tagged(rogue.authority(), "endless").await, 1);
    assert!(said.contains("with more than 1048576 bytes"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_said_to_be_garbage() {
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    for (body, why) in [
        ("<html>login</html>".to_owned(), "it is no JSON"),
        ("{}".to_owned(), "it is no manifest: missing field"),
        (
            json!({"schemaVersion": 2, "manifests": []}).to_string(),
            "an index of several artifacts",
        ),
    ] {
        let bad = Bad::start(move |_, _| answer(200, &[("content-type", manifest.to_owned())], body.clone())).await;
        let said = refused(&pull(&bad.host).await, 1);
        assert!(said.contains(why), "{said}");
    }
    // A digest that it does not have.
    let digest = format!("sha256:{}", "a".repeat(64));
    let bad = Bad::start(move |_, _| answer(200, &[("docker-content-digest", digest.clone())], "{}")).await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("and says that it is sha256:aaaa"), "{said}");
    // A component that is larger than one may be is not even asked for.
    let layer =
        json!({"mediaType": "application/wasm", "digest": format!("sha256:{}", "b".repeat(64)), "size": 1_u64 << 40});
    let huge = json!({"schemaVersion": 2, "config": layer, "layers": [layer]}).to_string();
    let bad = Bad::start(move |path, _| match path {
        "/v2/acme/probe/manifests/1" => answer(200, &[], huge.clone()),
        _ => answer(404, &[], ""),
    })
    .await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("expected at most"), "{said}");
    assert!(
        !bad.asked().iter().any(|(path, _)| path.contains("/blobs/")),
        "{:?}",
        bad.asked()
    );
    // A server error, in its own words.
    let problem = json!({"errors": [{"code": "UNKNOWN", "message": "the disk is full"}]}).to_string();
    let bad = Bad::start(move |_, _| answer(500, &[], problem.clone())).await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("answered 500: the disk is full (UNKNOWN)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_wants_to_be_left_alone_is() {
    let bad = Bad::start(|_, _| answer(429, &[("retry-after", "3600".to_owned())], "")).await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(
        said.contains("takes no more requests for now; try again in 3600 seconds"),
        "{said}"
    );
    assert_eq!(bad.asked().len(), 1);
    // One that asks for a moment gets it.
    let first = Mutex::new(true);
    let bad = Bad::start(move |_, _| match std::mem::take(&mut *first.lock().unwrap()) {
        true => answer(429, &[("retry-after", "0".to_owned())], ""),
        false => answer(404, &[], ""),
    })
    .await;
    refused(&pull(&bad.host).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_and_the_password_goes_nowhere_else() {
    // The flow of Docker's registries: 401 with a realm, a token from there, and the request once more.
    let bad = Bad::start(|path, authorization| match (path, authorization) {
        (path, _) if path.starts_with("/token") => answer(200, &[], json!({"token": "t0ken"}).to_string()),
        (_, "Bearer t0ken") => answer(404, &[], ""),
        _ => answer(
            401,
            &[("www-authenticate", r#"Bearer realm="/token",service="reg""#.to_owned())],
            "",
        ),
    })
    .await;
    refused(&pull(&bad.host).await, 5);
    let asked = bad.asked();
    let (path, authorization) = &asked[1];
    assert!(
        path.contains("scope=repository%3Aacme%2Fprobe%3Apull&") && path.contains("service=reg"),
        "{asked:?}"
    );
    assert_eq!(authorization, "Basic YW5uOm9wZW4tc2VzYW1l");
    assert_eq!(asked[2].1, "Bearer t0ken");
    // Before it is asked, nothing is sent; and a realm without TLS on another machine gets nothing either.
    assert_eq!(asked[0].1, "");
    for (realm, why) in [
        (
            "http://registry.example.com/token",
            "without TLS and not on this machine",
        ),
        ("file:///etc/passwd", "without TLS and not on this machine"),
    ] {
        let challenge = format!(r#"Bearer realm="{realm}",service="reg""#);
        let bad = Bad::start(move |_, _| answer(401, &[("www-authenticate", challenge.clone())], "")).await;
        let said = refused(&pull(&bad.host).await, 1);
        assert!(said.contains(why) && !said.contains("sesame"), "{said}");
    }
    // What signs in is not carried to where a redirect leads.
    let storage = Bad::start(|_, _| answer(404, &[], "")).await;
    let to = format!("http://{}/elsewhere", storage.host);
    let bad = Bad::start(move |_, authorization| match authorization {
        "" => answer(401, &[("www-authenticate", r#"Basic realm="reg""#.to_owned())], ""),
        _ => answer(307, &[("location", to.clone())], ""),
    })
    .await;
    refused(&pull(&bad.host).await, 5);
    assert_eq!(storage.asked(), [("GET /elsewhere".to_owned(), String::new())]);
    // Nor does that place get it by asking.
    let realm = Bad::start(|_, _| answer(200, &[], json!({"token": "t"}).to_string())).await;
    let challenge = format!(r#"Bearer realm="http://{}/token""#, realm.host);
    let storage = Bad::start(move |_, _| answer(401, &[("www-authenticate", challenge.clone())], "")).await;
    let to = format!("http://{}/elsewhere", storage.host);
    let bad = Bad::start(move |_, _| answer(307, &[("location", to.clone())], "")).await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("answered 401"), "{said}");
    assert!(realm.asked().is_empty(), "{:?}", realm.asked());
    // Refusals.
    for (status, headers) in [
        (401, vec![]),
        (403, vec![]),
        (401, vec![("www-authenticate", "Basic".to_owned())]),
    ] {
        let bad = Bad::start(move |_, _| answer(status, &headers, "")).await;
        let said = refused(&pull(&bad.host).await, 4);
        assert!(
            said.contains("does not let you pull acme/probe") && said.contains("docker login"),
            "{said}"
        );
    }
    // A token that would break the request out of its line.
    let bad = Bad::start(|path, _| match path.starts_with("/token") {
        true => answer(200, &[], json!({"token": "a\r\nx: y"}).to_string()),
        false => answer(401, &[("www-authenticate", r#"Bearer realm="/token""#.to_owned())], ""),
    })
    .await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("line breaks"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_ends_early_is_not_taken() {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let layer =
        json!({"mediaType": "application/wasm", "digest": format!("sha256:{}", "c".repeat(64)), "size": bytes.len()});
    let manifest = json!({"schemaVersion": 2, "config": layer, "layers": [layer]}).to_string();
    let half = bytes[..bytes.len() / 2].to_vec();
    let bad = Bad::start(move |path, _| match path {
        "/v2/acme/probe/manifests/1" => answer(200, &[], manifest.clone()),
        path if path.contains("/blobs/") => answer(200, &[], half.clone()),
        _ => answer(404, &[], ""),
    })
    .await;
    let said = refused(&pull(&bad.host).await, 1);
    assert!(said.contains("they were changed or cut off"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companys_proxy_is_gone_through_and_plain_http_goes_past_it() {
    let proxy = Rogue::start().await;
    let through = |reference: String| {
        let address = proxy.address();
        tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().unwrap();
            let mut command = Command::new(seawall_binary());
            command
                .args(["plugin", "pull", &reference, "--timeout", "1"])
                .current_dir(folder.path());
            command
                .env("DOCKER_CONFIG", folder.path())
                .env("HTTPS_PROXY", &address)
                .env("HTTP_PROXY", address);
            command
                .env_remove("NO_PROXY")
                .env_remove("no_proxy")
                .env_remove("https_proxy");
            run(&mut command)
        })
    };
    // What comes back through this tunnel is no TLS.
    refused(
        &through("registry.example.com/acme/probe:1".to_owned()).await.unwrap(),
        3,
    );
    let heads = proxy.heads();
    assert!(
        heads[0].starts_with("CONNECT registry.example.com:443 HTTP/1.1"),
        "{heads:?}"
    );
    let near = Bad::start(|_, _| answer(404, &[], "")).await;
    refused(&through(format!("{}/acme/probe:1", near.host)).await.unwrap(), 5);
    assert_eq!(proxy.heads().len(), heads.len());
}
