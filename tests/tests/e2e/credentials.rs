//! Credentials of every kind on their way to real servers: exchanged, renewed, rotated, and never where a plugin, a log or an
//! answer could show them.

use crate::integration;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs1KeyDer, pem::PemObject};
use seawall_tests::{Authority, Guarded, RealServer, Seawall, component, eventually, free_port, repository};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

async fn prepared() -> Seawall {
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall
}

async fn put(seawall: &Seawall, name: &str, body: Value) {
    let (status, answer) = seawall
        .send(Method::PUT, &format!("/api/v1/credentials/{name}"), &body)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
}

/// Puts the probe to work on a tool with the credential `probe-token`.
async fn integrate(seawall: &Seawall, base_url: &str, more: Value) -> Value {
    let mut wanted = json!({
        "name": "probe", "plugin": "probe", "config": {"base_url": base_url}, "every_seconds": 1,
        "credentials": {"token": "probe-token"},
    });
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    seawall.integrate(wanted).await
}

/// The newest pass that has ended in this state.
async fn pass(seawall: &Seawall, state: &str) -> Value {
    let (pass, _) = eventually(&format!("a pass that {state}"), || async {
        seawall
            .passes("probe")
            .await
            .into_iter()
            .find(|pass| pass["state"] == state)
    })
    .await;
    pass
}

fn assert_nowhere(seawall: &Seawall, secrets: &[&str]) {
    for file in std::fs::read_dir(seawall.data()).unwrap().flatten() {
        if !file.path().is_file() {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{} holds `{}…`", file.path().display(), &secret[..4]);
        }
    }
}

/// Whether a real authorisation server says that this token is good now.
async fn is_active(provider: &str, client: [&str; 2], token: &str) -> bool {
    let form = format!("token={token}&client_id={}&client_secret={}", client[0], client[1]);
    let request = reqwest::Client::new().post(format!("{provider}/token/introspection"));
    let request = match client[0] {
        "service" => request
            .basic_auth(client[0], Some(client[1]))
            .body(format!("token={token}")),
        _ => request.body(form),
    };
    let answer = request
        .header("content-type", "application/x-www-form-urlencoded")
        .send()
        .await
        .unwrap();
    answer.json::<Value>().await.unwrap()["active"] == true
}

fn provider(seconds: &str) -> (RealServer, String) {
    let port = free_port();
    let server = RealServer::start("oidc-provider", &[&port.to_string()], &[("TOKEN_SECONDS", seconds)]);
    (server, format!("http://127.0.0.1:{port}"))
}

fn bearer(header: &str) -> &str {
    header.strip_prefix("Bearer ").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_are_exchanged_for_tokens_which_are_renewed_before_they_end() {
    let (_server, issuer) = provider("3");
    let tool = Guarded::start(None, |headers| headers.contains_key("authorization")).await;
    let seawall = prepared().await;
    let oauth2 = json!({"token_url": format!("{issuer}/token"), "client_id": "service", "scopes": ["read"]});
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": "service-secret-value", "exchange": {"oauth2": oauth2}}),
    )
    .await;
    let (status, view) = seawall
        .send(Method::POST, "/api/v1/credentials/probe-token/check", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert!(view["endsInSeconds"].as_u64().unwrap() <= 3, "{view}");
    integrate(&seawall, tool.address(), json!({})).await;
    let (seen, _) = eventually("a third token", || async {
        Some(tool.seen()).filter(|seen| seen.len() >= 3)
    })
    .await;
    assert!(
        is_active(
            &issuer,
            ["service", "service-secret-value"],
            bearer(seen.last().unwrap())
        )
        .await
    );
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
    let mut secrets: Vec<&str> = seen.iter().map(|header| bearer(header)).collect();
    secrets.push("service-secret-value");
    assert_nowhere(&seawall, &secrets);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_the_server_replaces_survives_a_restart() {
    let (server, issuer) = provider("3");
    let first = std::fs::read_to_string(server.folder().join("refresh-token")).unwrap();
    let tool = Guarded::start(None, |headers| headers.contains_key("authorization")).await;
    let mut seawall = prepared().await;
    put(
        &seawall,
        "portal-secret",
        json!({"source": "sealed", "secret": "portal-secret-value"}),
    )
    .await;
    let oauth2 = json!({
        "token_url": format!("{issuer}/token"), "client_id": "portal", "flow": "refresh-token",
        "client_secret": "portal-secret", "client_auth": "post",
    });
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": first, "exchange": {"oauth2": oauth2}}),
    )
    .await;
    integrate(&seawall, tool.address(), json!({})).await;
    eventually("a second token", || async {
        Some(()).filter(|()| tool.seen().len() >= 2)
    })
    .await;
    seawall.kill();
    let before = tool.seen().len();
    seawall.boot().await;
    // The first refresh token was good once.
    let (seen, _) = eventually("a token after the restart", || async {
        Some(tool.seen()).filter(|seen| seen.len() > before)
    })
    .await;
    assert!(is_active(&issuer, ["portal", "portal-secret-value"], bearer(seen.last().unwrap())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_stops_the_integration_with_the_servers_words_until_it_is_replaced() {
    let (_server, issuer) = provider("60");
    let tool = Guarded::start(None, |headers| headers.contains_key("authorization")).await;
    let seawall = prepared().await;
    let oauth2 = json!({"token_url": format!("{issuer}/token"), "client_id": "service"});
    let credential = |secret: &str| json!({"source": "sealed", "secret": secret, "exchange": {"oauth2": oauth2}});
    put(&seawall, "probe-token", credential("not-the-secret")).await;
    let (status, refused) = seawall
        .send(Method::POST, "/api/v1/credentials/probe-token/check", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused.to_string().contains("invalid_client"), "{refused}");
    assert!(!refused.to_string().contains("not-the-secret"), "{refused}");
    integrate(&seawall, tool.address(), json!({})).await;
    let (view, _) = eventually("the integration to stop", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        (view["state"] == "stopped").then_some(view)
    })
    .await;
    assert!(view["problem"].as_str().unwrap().contains("invalid_client"), "{view}");
    let records = seawall.get("/api/v1/egress?integration=probe").await;
    assert!(records.to_string().contains("answered by the host"), "{records}");
    assert!(tool.seen().is_empty());
    put(&seawall, "probe-token", credential("service-secret-value")).await;
    pass(&seawall, "succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_is_away_is_waited_for() {
    let tool = Guarded::start(None, |headers| headers.contains_key("authorization")).await;
    let seawall = prepared().await;
    let port = free_port();
    let oauth2 = json!({"token_url": format!("http://127.0.0.1:{port}/token"), "client_id": "service"});
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": "service-secret-value", "exchange": {"oauth2": oauth2}}),
    )
    .await;
    integrate(&seawall, tool.address(), json!({})).await;
    eventually("the reason in the records", || async {
        let records = seawall.get("/api/v1/egress?integration=probe").await;
        records.to_string().contains("onnection refused").then_some(())
    })
    .await;
    assert_ne!(seawall.get("/api/v1/integrations/probe").await["state"], "stopped");
    let _server = RealServer::start("oidc-provider", &[&port.to_string()], &[]);
    pass(&seawall, "succeeded").await;
}

/// Answers as GitHub does where an app asks for a token of its installation: checks the signature, counts.
async fn github(key: &RsaKeyPair) -> (String, Arc<Mutex<Vec<Value>>>) {
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref().to_vec());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    let handler = move |headers: axum::http::HeaderMap, body: axum::Json<Value>| async move {
        let jwt = headers["authorization"]
            .to_str()
            .unwrap()
            .strip_prefix("Bearer ")
            .unwrap()
            .to_owned();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        if public.verify(signed.as_bytes(), &signature).is_err() {
            return (
                StatusCode::UNAUTHORIZED,
                axum::Json(json!({"message": "A JSON web token could not be decoded"})),
            );
        }
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let mut kept = kept.lock().unwrap();
        kept.push(json!({"claims": claims, "body": *body}));
        let token = format!("ghs_token_number_{}", kept.len());
        (
            StatusCode::CREATED,
            axum::Json(json!({"token": token, "expires_at": "2030-01-01T00:00:00Z"})),
        )
    };
    let router = axum::Router::new().route("/app/installations/77/access_tokens", axum::routing::post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_github_app_signs_for_tokens_and_gets_a_new_one_when_the_tool_refuses_the_old() {
    let pem = std::fs::read_to_string(repository().join("tests/fixtures/github-app.pem")).unwrap();
    let der = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let (address, asked) = github(&RsaKeyPair::from_der(der.secret_pkcs1_der()).unwrap()).await;
    // Refuses the first token from its third request on, as one that was revoked.
    let requests = Mutex::new(0);
    let tool = Guarded::start(None, move |headers| {
        let mut n = requests.lock().unwrap();
        *n += 1;
        let first = headers
            .get("authorization")
            .is_some_and(|v| v == "Bearer ghs_token_number_1");
        headers.contains_key("authorization") && !(first && *n > 2)
    })
    .await;
    let seawall = prepared().await;
    let app = json!({"app_id": "Iv1.abc", "installation_id": 77, "api_url": address, "permissions": {"contents": "read"}, "repositories": ["shop"]});
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": pem, "exchange": {"github-app": app}}),
    )
    .await;
    integrate(&seawall, tool.address(), json!({})).await;
    eventually("the second token", || async {
        tool.seen()
            .contains(&"Bearer ghs_token_number_2".to_owned())
            .then_some(())
    })
    .await;
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0]["claims"]["iss"], "Iv1.abc");
    let lives = asked[0]["claims"]["exp"].as_i64().unwrap() - asked[0]["claims"]["iat"].as_i64().unwrap();
    assert!(lives <= 600, "GitHub allows ten minutes, this has {lives} s");
    assert_eq!(
        asked[0]["body"],
        json!({"permissions": {"contents": "read"}, "repositories": ["shop"]})
    );
    let line = pem.lines().nth(3).unwrap();
    assert_nowhere(&seawall, &["ghs_token_number_1", "ghs_token_number_2", line]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_for_aws() {
    let port = free_port();
    let server = RealServer::start("moto", &[&port.to_string()], &[]);
    let key = std::fs::read_to_string(server.folder().join("key")).unwrap();
    let (id, secret) = key.trim().split_once('\n').unwrap();
    let seawall = prepared().await;
    let aws = json!({"access_key_id": id, "region": "eu-central-1", "service": "s3"});
    let credential = |secret: &str| json!({"source": "sealed", "secret": secret, "exchange": {"aws-sigv4": aws}});
    let address = format!("http://127.0.0.1:{port}");
    let fetch =
        json!({"config": {"base_url": address, "mode": "fetch", "url": format!("{address}/")}, "every_seconds": 3600});
    put(&seawall, "probe-token", credential("wrong-but-long-enough-secret")).await;
    integrate(&seawall, &address, fetch.clone()).await;
    eventually("the refusal", || async {
        let records = seawall.get("/api/v1/egress?integration=probe").await;
        (records["items"][0]["status"] == 403).then_some(())
    })
    .await;
    put(&seawall, "probe-token", credential(secret)).await;
    integrate(&seawall, &address, fetch).await;
    let (entity, _) = eventually("the buckets", || async {
        let (status, entity) = seawall.try_get("/api/v1/blueprints/thing/entities/answer").await;
        (status == StatusCode::OK && entity.to_string().contains("catalog-of-seawall")).then_some(entity)
    })
    .await;
    assert!(!entity.to_string().contains(secret), "{entity}");
    assert_nowhere(&seawall, &[secret]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_for_the_integration_that_names_it_alone() {
    let authority = Authority::new();
    let tool = Guarded::start(Some(authority.server(None)), |_| true).await;
    let seawall = prepared().await;
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": "any-secret-at-all"}),
    )
    .await;
    integrate(&seawall, tool.address(), json!({})).await;
    eventually("the certificate to be refused", || async {
        let records = seawall.get("/api/v1/egress?integration=probe").await;
        records.to_string().contains("TLS: ").then_some(())
    })
    .await;
    integrate(&seawall, tool.address(), json!({"ca": authority.pem()})).await;
    pass(&seawall, "succeeded").await;
    assert_eq!(tool.seen(), ["Bearer any-secret-at-all"]);
    let (status, wrong) = seawall
        .send(
            Method::PUT,
            "/api/v1/integrations/other",
            &json!({"name": "other", "plugin": "probe", "config": {"base_url": tool.address()}, "ca": "no certificate"}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    assert!(
        wrong.to_string().contains("/ca") && wrong.to_string().contains("BEGIN CERTIFICATE"),
        "{wrong}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_and_nothing_else_is_sent() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let tool = Guarded::start(Some(servers.server(Some(&clients))), |_| true).await;
    let seawall = prepared().await;
    let own = clients.sign("seawall");
    let stranger = Authority::new().sign("seawall");
    let credential = |signed: &seawall_tests::Signed| {
        let certificate = json!({"certificate": signed.certificate});
        json!({"source": "sealed", "secret": signed.key, "exchange": {"client-certificate": certificate}})
    };
    put(&seawall, "probe-token", credential(&stranger)).await;
    integrate(&seawall, tool.address(), json!({"ca": servers.pem()})).await;
    eventually("the stranger to be refused", || async {
        let records = seawall.get("/api/v1/egress?integration=probe").await;
        records["items"]
            .as_array()?
            .iter()
            .find(|r| r["reason"].is_string())
            .map(|_| ())
    })
    .await;
    put(&seawall, "probe-token", credential(&own)).await;
    pass(&seawall, "succeeded").await;
    assert_eq!(tool.seen(), Vec::<String>::new(), "no header is attached");
    // Rotated: certificate and key in one text this time.
    let next = clients.sign("seawall");
    let both = format!("{}{}", next.certificate, next.key);
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": both, "exchange": {"client-certificate": {}}}),
    )
    .await;
    let (status, view) = seawall
        .send(Method::POST, "/api/v1/credentials/probe-token/check", &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let before = seawall.passes("probe").await[0]["id"].clone();
    eventually("a pass with the new certificate", || async {
        let newest = seawall.passes("probe").await.into_iter().next()?;
        (newest["id"] != before && newest["state"] == "succeeded").then_some(())
    })
    .await;
    assert_nowhere(
        &seawall,
        &[own.key.lines().nth(1).unwrap(), next.key.lines().nth(1).unwrap()],
    );
}

/// Writes a secret into a real OpenBao.
async fn write(openbao: &str, token: &str) {
    let request = reqwest::Client::new().post(format!("{openbao}/v1/secret/data/probe"));
    let request = request
        .header("x-vault-token", "root")
        .json(&json!({"data": {"token": token}}));
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_openbao_is_rotated_without_a_failed_pass() {
    let port = free_port();
    let _server = RealServer::start("openbao", &[&port.to_string()], &[]);
    let openbao = format!("http://127.0.0.1:{port}");
    write(&openbao, "first-value-of-the-token").await;
    let wanted = Arc::new(Mutex::new("Bearer first-value-of-the-token".to_owned()));
    let judge = wanted.clone();
    let tool = Guarded::start(None, move |headers| {
        headers
            .get("authorization")
            .is_some_and(|v| v == judge.lock().unwrap().as_str())
    })
    .await;
    let seawall = prepared().await;
    put(&seawall, "bao", json!({"source": "sealed", "secret": "root"})).await;
    let source = |field: &str| json!({"openbao": {"address": openbao, "path": "secret/data/probe", "field": field, "token": "bao"}});
    put(&seawall, "probe-token", json!({"source": source("tokn")})).await;
    let (status, refused) = seawall
        .send(Method::POST, "/api/v1/credentials/probe-token/check", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        refused.to_string().contains("no text field `tokn`; it has: token"),
        "{refused}"
    );
    put(&seawall, "probe-token", json!({"source": source("token")})).await;
    integrate(&seawall, tool.address(), json!({})).await;
    pass(&seawall, "succeeded").await;
    // A secret is not read again within a second of its last reading.
    eventually("the secret to have settled", || async {
        let all = seawall.get("/api/v1/credentials").await;
        let all = all["items"].as_array()?.clone();
        let found = all.into_iter().find(|c| c["name"] == "probe-token")?;
        found["ageSeconds"].as_u64().filter(|age| *age >= 2)
    })
    .await;
    write(&openbao, "second-value-of-the-token").await;
    *wanted.lock().unwrap() = "Bearer second-value-of-the-token".to_owned();
    eventually("the second value", || async { (tool.seen().len() == 2).then_some(()) }).await;
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
    assert!(tool.refused() >= 1);
    // Records are written behind what they are of.
    eventually("the record of it", || async {
        let records = seawall.get("/api/v1/egress?integration=probe&limit=1000").await;
        records.to_string().contains("which has been rotated").then_some(())
    })
    .await;
    assert_nowhere(&seawall, &["first-value-of-the-token", "second-value-of-the-token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_changed_while_passes_run() {
    let tool = Guarded::start(None, |headers| {
        headers
            .get("authorization")
            .is_some_and(|v| v == "Bearer sealed-secret-1")
    })
    .await;
    let mut seawall = prepared().await;
    put(
        &seawall,
        "probe-token",
        json!({"source": "sealed", "secret": "sealed-secret-1"}),
    )
    .await;
    integrate(&seawall, tool.address(), json!({})).await;
    seawall.settled("probe").await;
    let key = |data: &Path| std::fs::read(data.join("master.key")).unwrap();
    let mut keys = vec![key(seawall.data())];
    for _ in 0..10 {
        let (status, answer) = seawall
            .send(Method::POST, "/api/v1/master-key/rotate", &json!({}))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        // The secret is unsealed anew with the new key.
        put(&seawall, "probe-token", json!({"source": "sealed"})).await;
        keys.push(key(seawall.data()));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 11);
    seawall.kill();
    let before = tool.seen().len();
    seawall.boot().await;
    let newest = seawall.passes("probe").await.first().map(|p| p["id"].clone());
    eventually("a pass after the restart", || async {
        let now = seawall.passes("probe").await.into_iter().next()?;
        (Some(&now["id"]) != newest.as_ref() && now["state"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!((before, tool.seen().len(), tool.refused()), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_credential_is_said_with_its_field() {
    let seawall = prepared().await;
    put(&seawall, "used", json!({"source": "sealed", "secret": "s3cret"})).await;
    let tool = seawall_tests::Tool::start(10).await;
    let mut wanted = integration(&tool, json!({}));
    wanted["credentials"] = json!({"token": "used"});
    seawall.integrate(wanted).await;
    for (body, pointer, says) in [
        (json!({"source": "sealed"}), "/secret", "needs its secret"),
        (
            json!({"source": {"env": "A"}, "secret": "x"}),
            "/secret",
            "leave it out",
        ),
        (
            json!({"source": "sealed", "secret": "x", "exchange": {"oauth2": {"token_url": "http://id.example.com", "client_id": "a"}}}),
            "/exchange/oauth2/token_url",
            "over TLS only",
        ),
        (
            json!({"source": {"openbao": {"address": "https://bao", "path": "p", "field": "f", "token": "nobody"}}}),
            "/source/openbao/token",
            "there is no credential `nobody`",
        ),
    ] {
        let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/new", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        let answer = answer.to_string();
        assert!(answer.contains(pointer) && answer.contains(says), "{body}: {answer}");
    }
    let (status, answer) = seawall
        .send(Method::DELETE, "/api/v1/credentials/used", &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer.to_string().contains("the integration `probe`"), "{answer}");
    let (status, _) = seawall
        .send(Method::DELETE, "/api/v1/credentials/nobody", &json!({}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
