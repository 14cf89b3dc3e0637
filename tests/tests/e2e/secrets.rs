//! One search for every kind of credential: in the guest's own memory, after the tool has shown it the credential in every way
//! it knows, and then in all that the host keeps and answers. Cassettes are searched in `record`.

use axum::routing::post;
use reqwest::{Method, StatusCode};
use seawall_tests::{Authority, RealServer, Rogue, Seawall, component, eventually, forms, free_port, repository};
use serde_json::{Value, json};

/// A kind of credential: how it is set, and which texts are secret in it, what the host makes of it included.
struct Kind {
    name: &'static str,
    body: Value,
    /// The first part of the paths that the attacker's manifest attaches it to.
    path: &'static str,
    secrets: Vec<String>,
    /// A part of what the tool got, so that there was something to find.
    sent: String,
}

const INSTALLATION: &str = "ghs_made-for/the+installation";
const CLIENT: &str = "token-of-the/client+credentials";
const REFRESH: &str = "token-of-the/refresh+token";
const KEPT: &str = "kept/by+openbao~itself";

/// A secret that looks different in each form.
fn secret(kind: &str) -> String {
    format!("the/{kind}+secret~itself")
}

fn sealed(secret: &str) -> Value {
    json!({"source": "sealed", "secret": secret})
}

impl Kind {
    /// The secret itself is attached as a bearer token.
    fn plain(name: &'static str, body: Value) -> Self {
        let secret = secret(name);
        Self {
            name,
            body,
            path: "allowed",
            sent: format!("authorization: Bearer {secret}"),
            secrets: vec![secret],
        }
    }

    /// The secret is attached in another way.
    fn attached(name: &'static str, secret: &str, sent: &str) -> Self {
        let body = json!({"source": "sealed", "secret": secret});
        Self {
            path: name,
            sent: sent.to_owned(),
            secrets: vec![secret.rsplit(':').next().unwrap_or_default().to_owned()],
            ..Self::plain(name, body)
        }
    }

    /// A token that the host makes of the secret is attached.
    fn exchanged(name: &'static str, secrets: &[&str], exchange: Value, made: &str) -> Self {
        let mut body = sealed(secrets[0]);
        body["exchange"] = exchange;
        Self {
            sent: format!("authorization: Bearer {made}"),
            secrets: secrets.iter().copied().chain([made]).map(str::to_owned).collect(),
            ..Self::plain(name, body)
        }
    }

    /// The secret is a field of OpenBao's.
    fn openbao(name: &'static str, address: &str, login: Value, secrets: &[&str]) -> Self {
        let mut source = json!({"address": address, "path": "secret/data/kinds", "field": "token"});
        source
            .as_object_mut()
            .unwrap()
            .append(&mut login.as_object().unwrap().clone());
        Self {
            sent: format!("authorization: Bearer {KEPT}"),
            secrets: secrets.iter().copied().chain([KEPT]).map(str::to_owned).collect(),
            ..Self::plain(name, json!({"source": {"openbao": source}}))
        }
    }
}

/// Some lines of a key, each of which is secret.
fn lines(pem: &str) -> Vec<&str> {
    let is_key = |line: &&str| line.len() > 40 && !line.starts_with("---");
    pem.lines().filter(is_key).take(3).collect()
}

/// Answers as authorisation servers and as GitHub do, with tokens that the test knows.
async fn token_servers() -> String {
    let oauth2 = |token: &'static str| {
        post(
            move || async move { axum::Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600})) },
        )
    };
    let github = post(|| async {
        let body = json!({"token": INSTALLATION, "expires_at": "2099-01-01T00:00:00Z"});
        (StatusCode::CREATED, axum::Json(body))
    });
    let router = axum::Router::new()
        .route("/clients/token", oauth2(CLIENT))
        .route("/refresh/token", oauth2(REFRESH))
        .route("/app/installations/77/access_tokens", github);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A real OpenBao with a secret, and the ids of a role that may read it.
async fn openbao() -> (RealServer, String, [String; 2]) {
    let port = free_port();
    let server = RealServer::start("openbao", &[&port.to_string()], &[]);
    let address = format!("http://127.0.0.1:{port}");
    let call = async |method: &str, path: &str, body: Value| {
        let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{address}/v1/{path}"));
        let answer = request
            .header("x-vault-token", "root")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}");
        answer.json::<Value>().await.unwrap_or_default()
    };
    call("POST", "secret/data/kinds", json!({"data": {"token": KEPT}})).await;
    let policy = json!({"policy": "path \"secret/data/kinds\" { capabilities = [\"read\"] }"});
    call("PUT", "sys/policies/acl/kinds", policy).await;
    call("POST", "auth/approle/role/kinds", json!({"token_policies": "kinds"})).await;
    let role = call("GET", "auth/approle/role/kinds/role-id", json!({})).await["data"]["role_id"].clone();
    let id = call("POST", "auth/approle/role/kinds/secret-id", json!({})).await["data"]["secret_id"].clone();
    (server, address, [role, id].map(|id| id.as_str().unwrap().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_credential_leaves_its_secret_anywhere() {
    let (tool, servers) = (Rogue::start().await, token_servers().await);
    let (_server, bao, [role_id, secret_id]) = openbao().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, secret("file")).unwrap();
    let app = std::fs::read_to_string(repository().join("tests/fixtures/github-app.pem")).unwrap();
    let client = Authority::new().sign("seawall");
    let seawall = Seawall::start_with(&[], &[("KIND_SECRET", &secret("env"))]).await;
    seawall.install(&component("tests/guests/attacker")).await;
    let put = async |name: &str, body: &Value| {
        let path = format!("/api/v1/credentials/{name}");
        let (status, answer) = seawall.send(Method::PUT, &path, body).await;
        assert!(status.is_success(), "{name}: {answer}");
    };
    put("bao-token", &sealed("root")).await;
    put("bao-role", &sealed(&role_id)).await;
    put("bao-secret", &sealed(&secret_id)).await;
    put("aws-session", &sealed("aws-session/token+of~aws")).await;
    let aws = json!({
        "access_key_id": "AKIAKIND", "region": "eu-central-1", "service": "s3", "session_token": "aws-session",
    });
    let mut signed = Kind::exchanged(
        "aws",
        &["aws-key/secret+of~mine"],
        json!({"aws-sigv4": aws}),
        "aws-session/token+of~aws",
    );
    signed.sent = "AWS4-HMAC-SHA256 Credential=AKIAKIND".to_owned();
    let mut github = Kind::exchanged(
        "github",
        &[&app],
        json!({"github-app": {"app_id": "Iv1.abc", "installation_id": 77, "api_url": servers}}),
        INSTALLATION,
    );
    github.secrets = lines(&app)
        .into_iter()
        .chain([INSTALLATION])
        .map(str::to_owned)
        .collect();
    let mut certificate = Kind::exchanged(
        "certificate",
        &[&client.key],
        json!({"client-certificate": {"certificate": client.certificate}}),
        "",
    );
    certificate.secrets = lines(&client.key).into_iter().map(str::to_owned).collect();
    // The connection shows it, where there is TLS.
    certificate.sent = "GET /allowed/".to_owned();
    let oauth2 = |path: &str| json!({"token_url": format!("{servers}/{path}/token"), "client_id": "me"});
    let mut refresh = oauth2("refresh");
    refresh["flow"] = "refresh-token".into();
    let approle = json!({"approle": {"role_id": "bao-role", "secret_id": "bao-secret"}});
    let kinds = [
        Kind::plain("sealed", sealed(&secret("sealed"))),
        Kind::plain("env", json!({"source": {"env": "KIND_SECRET"}})),
        Kind::plain("file", json!({"source": {"file": file}})),
        Kind::attached(
            "basic",
            &format!("user:{}", secret("basic")),
            "authorization: Basic dXNlcjp0aGUvYmFzaWMrc2Vj",
        ),
        Kind::attached("header", &secret("header"), "x-key: key the/header+secret~itself"),
        Kind::attached("query", &secret("query"), "?key=the%2Fquery%2Bsecret%7Eitself"),
        Kind::openbao("openbao", &bao, json!({"token": "bao-token"}), &[]),
        Kind::openbao("approle", &bao, approle, &[&role_id, &secret_id]),
        Kind::exchanged(
            "oauth2",
            &["client/secret+of~mine"],
            json!({"oauth2": oauth2("clients")}),
            CLIENT,
        ),
        Kind::exchanged(
            "refresh",
            &["refresh/token+of~mine"],
            json!({"oauth2": refresh}),
            REFRESH,
        ),
        github,
        signed,
        certificate,
    ];
    for kind in &kinds {
        put(kind.name, &kind.body).await;
        let got = || tool.heads().iter().filter(|head| head.contains(&kind.sent)).count();
        let before = got();
        let echoes = ["echo", "echo-gzip", "echo-pieces", "echo-trailer", "session"];
        let request = |what: &&str| {
            let path = format!("/{}/{what}", kind.path);
            json!({"name": format!("{} {what}", kind.name), "scheme": "http", "authority": tool.authority(), "path": path})
        };
        let requests: Vec<_> = echoes.iter().map(request).collect();
        let all: Vec<String> = kind.secrets.iter().flat_map(|secret| forms(secret)).collect();
        let backwards = |text: &String| text.chars().rev().collect::<String>();
        let search = all.iter().map(backwards).collect::<Vec<_>>().join("|");
        let slot = if kind.path == "allowed" { "token" } else { kind.path };
        let config = json!({
            "tool": tool.address(), "wire": tool.address(), "requests": requests, "act": format!("search:{}:{search}", kind.name),
        });
        seawall
            .integrate(json!({
                "name": kind.name, "plugin": "attacker", "config": config, "every_seconds": 3600,
                "credentials": {slot: kind.name},
            }))
            .await;
        let (pass, _) = eventually(&format!("the pass of {}", kind.name), || async {
            let passes = seawall.passes(kind.name).await;
            passes.into_iter().find(|pass| pass["state"] != "running")
        })
        .await;
        assert_eq!(pass["state"], "succeeded", "{}: {pass}", kind.name);
        let path = format!("/api/v1/blueprints/outcome/entities/search:{}", kind.name);
        let found = seawall.get(&path).await["properties"]["body"].clone();
        assert_eq!(found, "0", "{}: its secret is in the guest's memory", kind.name);
        let sent = got() - before;
        assert!(
            sent >= echoes.len(),
            "{}: the tool got it {sent} times: {:?}",
            kind.name,
            tool.heads().last()
        );
    }
    // What the search itself holds is written backwards.
    let secrets: Vec<&str> = kinds
        .iter()
        .flat_map(|kind| &kind.secrets)
        .map(String::as_str)
        .collect();
    seawall.assert_nowhere(&secrets).await;
}
