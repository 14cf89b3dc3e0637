//! A checkout of the sample company's repository: Backstage's catalog-info files and Kubernetes manifests.

use super::company::{Service, TEAMS, services};
use std::{fs, io, path::Path};

const SAMPLE: &str = "# Sample data of `seawall demo`. The company and its services are made up.\n";

/// Writes the checkout.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    let mut org = String::from(SAMPLE);
    for (team, about) in TEAMS {
        org.push_str(&group(team, about));
    }
    put(&folder.join("catalog/catalog-info.yaml"), &org)?;
    for service in services() {
        put(
            &folder.join("services").join(service.name).join("catalog-info.yaml"),
            &format!("{SAMPLE}{}", component(service)),
        )?;
        put(
            &folder
                .join("deploy")
                .join(service.team)
                .join(format!("{}.yaml", service.name)),
            &format!("{SAMPLE}{}", manifests(service)),
        )?;
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn group(team: &str, about: &str) -> String {
    format!(
        "---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: {team}
  description: {about}
spec:
  type: team
  profile:
    displayName: {team}
  children: []
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: {team}-lead
spec:
  profile:
    displayName: Lead of {team}
    email: {team}-lead@shop.example
  memberOf: [{team}]
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata:
  name: {team}
  description: All that {team} runs
spec:
  owner: group:default/{team}
"
    )
}

/// The component, and its API where something calls it.
fn component(service: Service) -> String {
    let Service {
        name,
        team,
        language,
        tier,
        about,
        calls,
    } = service;
    let is_called = services().any(|other| other.calls.contains(&name));
    let depends: String = calls
        .iter()
        .map(|called| format!("\n    - component:default/{called}"))
        .collect();
    let consumes: String = calls.iter().map(|called| format!("\n    - {called}-api")).collect();
    let list = |field: &str, rows: String| {
        if rows.is_empty() {
            String::new()
        } else {
            format!("  {field}:{rows}\n")
        }
    };
    let kind = if matches!(name, "web-store" | "landing-pages") {
        "website"
    } else {
        "service"
    };
    let lifecycle = if tier == 4 { "experimental" } else { "production" };
    let mut text = format!(
        "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: {name}
  description: {about}
  annotations:
    backstage.io/kubernetes-id: {name}
    shop.example/tier: \"{tier}\"
  tags: [{language}]
  links:
    - url: https://git.shop.example/{team}/{name}
      title: Source
spec:
  type: {kind}
  lifecycle: {lifecycle}
  owner: group:default/{team}
  system: {team}
"
    );
    text.push_str(&list("dependsOn", depends));
    text.push_str(&list("consumesApis", consumes));
    if is_called {
        text.push_str(&format!("  providesApis:\n    - {name}-api\n"));
        text.push_str(&api(service));
    }
    text
}

fn api(Service { name, team, about, .. }: Service) -> String {
    format!(
        "---
apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: {name}-api
  description: {about}
spec:
  type: openapi
  lifecycle: production
  owner: group:default/{team}
  system: {team}
  definition: |
    openapi: 3.1.0
    info: {{title: {name}, version: 1.0.0}}
    paths: {{}}
"
    )
}

fn manifests(
    Service {
        name,
        team,
        tier,
        language,
        ..
    }: Service,
) -> String {
    let replicas = if tier == 1 { 3 } else { 2 };
    let memory = if matches!(language, "java" | "kotlin") {
        "1Gi"
    } else {
        "256Mi"
    };
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {team}
  labels: {{app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: {team}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app.kubernetes.io/name: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: {team}}}
    spec:
      serviceAccountName: {name}
      containers:
        - name: {name}
          image: registry.shop.example/{team}/{name}:1.{tier}.0
          ports:
            - containerPort: 8080
          resources:
            requests: {{cpu: 100m, memory: {memory}}}
            limits: {{memory: {memory}}}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {team}
spec:
  selector: {{app.kubernetes.io/name: {name}}}
  ports:
    - port: 80
      targetPort: 8080
"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use seawall_domain::document::Document;

    #[test]
    fn every_document_is_yaml() {
        for service in services() {
            for document in format!("{}---\n{}", component(service), manifests(service)).split("---\n") {
                let read = Document::parse(service.name, document).unwrap();
                assert!(read.value()["kind"].is_string(), "{document}");
            }
        }
    }
}
