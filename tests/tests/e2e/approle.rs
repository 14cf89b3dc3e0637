//! The host logs in to a real OpenBao by AppRole, and stays logged in.

use reqwest::{Method, StatusCode};
use seawall_tests::{Guarded, RealServer, Seawall, component, eventually, free_port};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// A real OpenBao with the role `seawall`, which may read the secret `probe`.
struct Bao {
    _server: RealServer,
    address: String,
}

impl Bao {
    async fn start(role: Value) -> Self {
        let port = free_port();
        let bao = Self {
            _server: RealServer::start("openbao", &[&port.to_string()], &[]),
            address: format!("http://127.0.0.1:{port}"),
        };
        let policy = "path \"secret/data/probe\" { capabilities = [\"read\"] }";
        bao.call("PUT", "sys/policies/acl/probe-read", json!({"policy": policy}))
            .await;
        let mut all = json!({"token_policies": "probe-read"});
        for (name, value) in role.as_object().unwrap() {
            all[name] = value.clone();
        }
        bao.call("POST", "auth/approle/role/seawall", all).await;
        bao
    }

    /// As root.
    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new()
            .request(method.parse().unwrap(), format!("{}/v1/{path}", self.address))
            .header("x-vault-token", "root")
            .json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    async fn write(&self, token: &str) {
        self.call("POST", "secret/data/probe", json!({"data": {"token": token}}))
            .await;
    }

    async fn role_id(&self) -> String {
        let said = self.call("GET", "auth/approle/role/seawall/role-id", json!({})).await;
        said["data"]["role_id"].as_str().unwrap().to_owned()
    }

    async fn secret_id(&self) -> String {
        let said = self
            .call("POST", "auth/approle/role/seawall/secret-id", json!({}))
            .await;
        said["data"]["secret_id"].as_str().unwrap().to_owned()
    }

    /// What the server knows of each login of the role.
    async fn logins(&self) -> Vec<Value> {
        let all = self.call("LIST", "auth/token/accessors", json!({})).await;
        let mut logins = Vec::new();
        for accessor in all["data"]["keys"].as_array().unwrap() {
            let request = reqwest::Client::new()
                .post(format!("{}/v1/auth/token/lookup-accessor", self.address))
                .header("x-vault-token", "root")
                .json(&json!({"accessor": accessor}));
            // One may have ended meanwhile.
            let said: Value = request.send().await.unwrap().json().await.unwrap_or_default();
            if said["data"]["path"] == "auth/approle/login" {
                logins.push(said["data"].clone());
            }
        }
        logins
    }
}

/// A Seawall that reads the role id from its environment and the secret id from a file, and the probe that uses the secret.
struct Site {
    seawall: Seawall,
    tool: Guarded,
    wanted: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Site {
    async fn start(bao: &Bao, role_id: &str, secret_id: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret-id"), format!("{secret_id}\n")).unwrap();
        let wanted = Arc::new(Mutex::new(String::new()));
        let judge = wanted.clone();
        let tool = Guarded::start(None, move |headers| {
            let wanted = format!("Bearer {}", judge.lock().unwrap());
            headers.get("authorization").is_some_and(|v| v == wanted.as_str())
        })
        .await;
        let seawall = Seawall::start_with(&[], &[("BAO_ROLE", role_id)]).await;
        seawall.install(&component("tests/guests/probe")).await;
        let site = Self {
            seawall,
            tool,
            wanted,
            folder,
        };
        site.put("bao-role", json!({"source": {"env": "BAO_ROLE"}})).await;
        site.put("bao-secret", json!({"source": {"file": site.file()}})).await;
        let approle = json!({"role_id": "bao-role", "secret_id": "bao-secret"});
        let source = json!({"openbao": {"address": bao.address, "path": "secret/data/probe", "field": "token", "approle": approle}});
        site.put("probe-token", json!({"source": source})).await;
        site
    }

    fn file(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("secret-id")
    }

    async fn put(&self, name: &str, body: Value) {
        let path = format!("/api/v1/credentials/{name}");
        let (status, answer) = self.seawall.send(Method::PUT, &path, &body).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    }

    /// Changes the secret; the tool takes the new one alone.
    async fn rotate(&self, bao: &Bao, token: &str) {
        bao.write(token).await;
        token.clone_into(&mut self.wanted.lock().unwrap());
    }

    async fn integrate(&self) {
        self.seawall
            .integrate(json!({
                "name": "probe", "plugin": "probe", "config": {"base_url": self.tool.address()}, "every_seconds": 1,
                "credentials": {"token": "probe-token"},
            }))
            .await;
    }

    async fn lets_in(&self, token: &str) {
        let who = format!("Bearer {token}");
        eventually(&format!("{token} to be used"), || async {
            self.tool.seen().contains(&who).then_some(())
        })
        .await;
    }

    async fn no_pass_failed(&self) {
        let passes = self.seawall.passes("probe").await;
        assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_approle_is_renewed_before_its_end() {
    // The secret id is good for one login: what is read after the token's first life is read with a token that was renewed.
    let role = json!({"token_ttl": "3s", "token_max_ttl": "1h", "secret_id_num_uses": 1});
    let bao = Bao::start(role).await;
    let (role_id, secret_id) = (bao.role_id().await, bao.secret_id().await);
    let site = Site::start(&bao, &role_id, &secret_id).await;
    site.rotate(&bao, "first-value-of-the-token").await;
    site.integrate().await;
    site.lets_in("first-value-of-the-token").await;
    let (login, _) = eventually("a second renewal", || async {
        let logins = bao.logins().await;
        let login = logins.into_iter().next()?;
        let lived = login["last_renewal_time"].as_i64()? - login["creation_time"].as_i64()?;
        (lived >= 3).then_some(login)
    })
    .await;
    site.rotate(&bao, "second-value-of-the-token").await;
    site.lets_in("second-value-of-the-token").await;
    let accessors: Vec<_> = bao
        .logins()
        .await
        .into_iter()
        .map(|login| login["accessor"].clone())
        .collect();
    assert_eq!(accessors, [login["accessor"].clone()]);
    site.no_pass_failed().await;
    let secrets = [
        "first-value-of-the-token",
        "second-value-of-the-token",
        secret_id.as_str(),
        role_id.as_str(),
    ];
    site.seawall.assert_nowhere(&secrets).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_revoked_or_has_ended_is_made_anew() {
    let role = json!({"token_ttl": "20m", "token_max_ttl": "1h"});
    let bao = Bao::start(role).await;
    let (role_id, secret_id) = (bao.role_id().await, bao.secret_id().await);
    let site = Site::start(&bao, &role_id, &secret_id).await;
    site.rotate(&bao, "first-value-of-the-token").await;
    site.integrate().await;
    site.lets_in("first-value-of-the-token").await;
    let first = bao.logins().await;
    assert_eq!(first.len(), 1, "{first:?}");
    let revoked = json!({"accessor": first[0]["accessor"]});
    bao.call("POST", "auth/token/revoke-accessor", revoked).await;
    site.rotate(&bao, "second-value-of-the-token").await;
    site.lets_in("second-value-of-the-token").await;
    let second = bao.logins().await;
    assert!(
        second.len() == 1 && second[0]["accessor"] != first[0]["accessor"],
        "{second:?}"
    );
    site.no_pass_failed().await;
    // A new secret id in the file is taken where the next login needs it.
    let other = bao.secret_id().await;
    std::fs::write(site.file(), &other).unwrap();
    bao.call(
        "POST",
        "auth/approle/role/seawall/secret-id/destroy",
        json!({"secret_id": secret_id}),
    )
    .await;
    let revoked = json!({"accessor": second[0]["accessor"]});
    bao.call("POST", "auth/token/revoke-accessor", revoked).await;
    site.rotate(&bao, "third-value-of-the-token").await;
    site.lets_in("third-value-of-the-token").await;
    site.no_pass_failed().await;
    site.seawall
        .assert_nowhere(&[secret_id.as_str(), other.as_str(), "third-value-of-the-token"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_for_good_is_made_anew() {
    // After three seconds the server renews it no further.
    let bao = Bao::start(json!({"token_ttl": "2s", "token_max_ttl": "3s"})).await;
    let site = Site::start(&bao, &bao.role_id().await, &bao.secret_id().await).await;
    site.rotate(&bao, "first-value-of-the-token").await;
    site.integrate().await;
    site.lets_in("first-value-of-the-token").await;
    let first = bao.logins().await;
    eventually("the login to end", || async {
        let now = bao.logins().await;
        first
            .iter()
            .all(|login| now.iter().all(|other| other["accessor"] != login["accessor"]))
            .then_some(())
    })
    .await;
    site.rotate(&bao, "second-value-of-the-token").await;
    site.lets_in("second-value-of-the-token").await;
    site.no_pass_failed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_login_by_approle_is_said_without_its_secrets() {
    let bao = Bao::start(json!({})).await;
    let role_id = bao.role_id().await;
    let site = Site::start(&bao, &role_id, "this-is-no-secret-id-of-the-role").await;
    site.rotate(&bao, "first-value-of-the-token").await;
    let check = || {
        site.seawall
            .send(Method::POST, "/api/v1/credentials/probe-token/check", &Value::Null)
    };
    let (status, refused) = check().await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let refused = refused.to_string();
    assert!(
        refused.contains("does not let the role in: invalid role or secret ID"),
        "{refused}"
    );
    assert!(
        !refused.contains("this-is-no-secret-id") && !refused.contains(&role_id),
        "{refused}"
    );
    // Set right, it goes on by itself.
    std::fs::write(site.file(), bao.secret_id().await).unwrap();
    let (status, good) = check().await;
    assert_eq!(status, StatusCode::OK, "{good}");
    let approle = json!({"role_id": "bao-role", "secret_id": "bao-secret", "mount": "elsewhere"});
    for (login, status, words) in [
        (json!({"approle": approle}), StatusCode::CONFLICT, "auth/elsewhere"),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY, "expected `token`"),
        (
            json!({"approle": approle, "token": "bao-role"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "two ways to log in",
        ),
        (
            json!({"approle": {"role_id": "bao-role", "secret_id": "nobody"}}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "there is no credential `nobody`",
        ),
    ] {
        let mut source = json!({"address": bao.address, "path": "secret/data/probe", "field": "token"});
        for (name, value) in login.as_object().unwrap() {
            source[name] = value.clone();
        }
        let body = json!({"source": {"openbao": source}});
        let path = "/api/v1/credentials/probe-token";
        let (found, answer) = site.seawall.send(Method::PUT, path, &body).await;
        let (found, answer) = if found.is_success() {
            check().await
        } else {
            (found, answer)
        };
        assert_eq!(found, status, "{answer}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
}
