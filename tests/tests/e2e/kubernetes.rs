//! Kubernetes' own API server: a service account's token as kubelet projects it into a pod, rotated while passes run, the
//! cluster's own authority, and what its role does not allow. With SEAWALL_TEST_KUBERNETES=1 alone, since it is built for minutes.

use reqwest::{Method, StatusCode};
use seawall_tests::{RealServer, Seawall, component, eventually, free_port, run};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

struct Cluster {
    server: RealServer,
    address: String,
}

impl Cluster {
    /// One with the service account `seawall`, which may do nothing.
    fn start() -> Option<Self> {
        let port = free_port();
        let ports = [port, free_port(), free_port()].map(|port| port.to_string());
        let ports: Vec<&str> = ports.iter().map(String::as_str).collect();
        let server = match RealServer::try_start("kubernetes", &ports, &[]) {
            Ok(server) => server,
            Err(missing) => {
                println!("{missing}");
                return None;
            }
        };
        let address = format!("https://127.0.0.1:{port}");
        let cluster = Self { server, address };
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "seawall"}});
        cluster.made("/api/v1/namespaces/default/serviceaccounts", &account);
        Some(cluster)
    }

    fn authority(&self) -> PathBuf {
        self.server.folder().join("certs/apiserver.crt")
    }

    fn curl(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-X", method, "-w", "\n%{http_code}", "--cacert"])
            .arg(self.authority());
        curl.args([
            "-H",
            &format!("authorization: Bearer {token}"),
            "-H",
            "content-type: application/json",
        ]);
        if !body.is_null() {
            curl.args(["-d", &body.to_string()]);
        }
        let output = run(curl.arg(format!("{}{path}", self.address)));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    fn admin(&self) -> String {
        let file = self.server.folder().join("admin.token");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    fn made(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.curl("POST", path, &self.admin(), body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// A token of the service account that is good for as long as the secret of this name is there.
    fn token(&self, name: &str) -> String {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
        self.made("/api/v1/namespaces/default/secrets", &secret);
        let bound = json!({"kind": "Secret", "apiVersion": "v1", "name": name});
        let wanted = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": 600, "boundObjectRef": bound},
        });
        let made = self.made("/api/v1/namespaces/default/serviceaccounts/seawall/token", &wanted);
        made["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Takes a secret away, and waits until its token is refused.
    async fn end(&self, name: &str, token: &str) {
        let path = format!("/api/v1/namespaces/default/secrets/{name}");
        let (status, answer) = self.curl("DELETE", &path, &self.admin(), &Value::Null);
        assert_eq!(status, 200, "{answer}");
        eventually("the token to be refused", || async {
            let (status, _) = self.curl("GET", "/api/v1/namespaces", token, &Value::Null);
            (status == 401).then_some(())
        })
        .await;
    }

    fn allow(&self) {
        let rule = json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]});
        let path = "/apis/rbac.authorization.k8s.io/v1";
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": [rule],
        });
        self.made(&format!("{path}/clusterroles"), &role);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "seawall"}],
        });
        self.made(&format!("{path}/clusterrolebindings"), &binding);
    }
}

/// Writes a token as kubelet projects it: `token` leads to `..data/token`, and `..data` is a link that is replaced.
fn project(folder: &Path, version: &str, token: &str) -> PathBuf {
    use std::os::unix::fs::symlink;
    std::fs::create_dir(folder.join(version)).unwrap();
    std::fs::write(folder.join(version).join("token"), token).unwrap();
    let beside = folder.join("..data_tmp");
    symlink(version, &beside).unwrap();
    std::fs::rename(&beside, folder.join("..data")).unwrap();
    let file = folder.join("token");
    if !file.exists() {
        symlink("..data/token", &file).unwrap();
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clusters_projected_token_is_rotated_and_what_its_role_forbids_is_told() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let first = cluster.token("first");
    let file = project(folder.path(), "..2026_1", &first);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let source = json!({"source": {"file": file}});
    let put = || seawall.send(Method::PUT, "/api/v1/credentials/cluster-token", &source);
    assert_eq!(put().await.0, StatusCode::NO_CONTENT);
    let ca = std::fs::read_to_string(cluster.authority()).unwrap();
    let mut wanted = json!({
        "name": "probe", "plugin": "probe", "config": {"base_url": cluster.address, "mode": "namespaces"},
        "every_seconds": 1, "credentials": {"token": "cluster-token"},
    });
    // Without the cluster's authority its certificate is not trusted.
    seawall.integrate(wanted.clone()).await;
    eventually("the certificate to be refused", || async {
        let records = seawall.get("/api/v1/egress?integration=probe").await;
        records.to_string().contains("TLS: ").then_some(())
    })
    .await;
    wanted["ca"] = ca.into();
    seawall.integrate(wanted).await;
    let (problem, _) = eventually("what the role forbids to be told", || async {
        let view = seawall.get("/api/v1/integrations/probe").await;
        let problem = view["problem"].as_str()?.to_owned();
        problem.contains("answered 403").then_some(problem)
    })
    .await;
    assert!(problem.contains("namespaces is forbidden"), "{problem}");
    cluster.allow();
    assert_eq!(put().await.0, StatusCode::NO_CONTENT);
    let succeeded = async |before: usize| {
        eventually("two more passes", || async {
            let passes = seawall.passes("probe").await;
            let good = passes.iter().filter(|pass| pass["state"] == "succeeded").count();
            (good >= before + 2).then_some(good)
        })
        .await
        .0
    };
    let mut good = succeeded(0).await;
    let names: Vec<_> = seawall
        .entities("thing")
        .await
        .iter()
        .map(|e| e["identifier"].clone())
        .collect();
    assert!(
        names.contains(&json!("default")) && names.contains(&json!("kube-system")),
        "{names:?}"
    );
    let failed = seawall
        .passes("probe")
        .await
        .iter()
        .filter(|pass| pass["state"] == "failed")
        .count();
    // The next token is there before the one before it ends.
    let mut tokens = vec![first];
    for (n, name) in [(2, "second"), (3, "third"), (4, "fourth")] {
        let next = cluster.token(name);
        project(folder.path(), &format!("..2026_{n}"), &next);
        let last = ["first", "second", "third"][n - 2];
        cluster.end(last, &tokens[n - 2]).await;
        tokens.push(next);
        good = succeeded(good).await;
    }
    let passes = seawall.passes("probe").await;
    let now = passes.iter().filter(|pass| pass["state"] == "failed").count();
    assert_eq!(now, failed, "{passes:?}");
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    seawall.assert_nowhere(&tokens).await;
}
