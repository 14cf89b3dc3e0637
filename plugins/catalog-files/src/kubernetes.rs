//! Kubernetes' objects, as far as they say what runs and how it is reached.

use crate::{
    documents::{Document, Problem},
    glob::Patterns,
    pages::{File, Item},
    reference, walk,
};
use seawall_sdk::prelude::*;
use std::collections::BTreeSet;

/// The label by which Backstage's Kubernetes plugin knows a component's objects.
const BACKSTAGE_ID: &str = "backstage.io/kubernetes-id";

/// API groups and the kinds that are read of them.
const KINDS: &[(&str, &[&str])] = &[
    ("", &["Service", "ConfigMap"]),
    ("apps", &["Deployment", "StatefulSet", "DaemonSet"]),
    ("batch", &["Job", "CronJob"]),
    ("networking.k8s.io", &["Ingress"]),
];

/// The files to read. A Helm chart's templates are no YAML, and are left out.
pub fn select(files: &[String], named: &Patterns) -> Vec<File> {
    let all = Patterns::new(&["**/*.yaml", "**/*.yml"]);
    let patterns = if named.is_empty() { &all } else { named };
    let charts: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.ends_with("/Chart.yaml") || *file == "Chart.yaml")
        .map(|file| walk::folder(file))
        .collect();
    let in_chart = |file: &str| {
        let mut folders = file
            .match_indices("templates/")
            .map(|(at, _)| file[..at].trim_end_matches('/'));
        folders.any(|chart| charts.contains(chart))
    };
    let chosen = files.iter().filter(|file| patterns.matches(file) && !in_chart(file));
    chosen
        .map(|path| File {
            path: path.clone(),
            strict: false,
        })
        .collect()
}

/// The objects of a file. A service finds its workloads among the objects of the same folder.
pub fn items(_file: &File, documents: &[Document], folder: &[Document]) -> Vec<Result<Item, Problem>> {
    let around: Vec<Value> = folder.iter().flat_map(|document| objects(&document.value)).collect();
    let mut items = Vec::new();
    for document in documents {
        for mut value in objects(&document.value) {
            let Some(reference) = name(&value) else {
                items.push(Err(Problem {
                    line: document.line,
                    message: "the object is passed over: it has no `metadata.name`".to_owned(),
                    hides: false,
                }));
                continue;
            };
            value["relations"] = relations(&value, &around);
            if value["kind"] == "ConfigMap"
                && let Some(object) = value.as_object_mut()
            {
                object.retain(|field, _| field != "data" && field != "binaryData");
            }
            items.push(Ok(Item {
                reference,
                line: document.line,
                value,
            }));
        }
    }
    items
}

/// The objects of a document that are read: itself, or those of a List.
fn objects(value: &Value) -> Vec<Value> {
    let kind = value["kind"].as_str().unwrap_or_default();
    if kind == "List" && value["apiVersion"] == "v1" {
        return value["items"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(objects)
            .collect();
    }
    let version = value["apiVersion"].as_str().unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let ours = KINDS.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind)) && !version.is_empty();
    if ours { vec![value.clone()] } else { Vec::new() }
}

fn namespace(value: &Value) -> &str {
    value["metadata"]["namespace"].as_str().unwrap_or("default")
}

fn name(value: &Value) -> Option<String> {
    let name = value["metadata"]["name"].as_str().filter(|name| !name.is_empty())?;
    Some(reference::make(value["kind"].as_str()?, namespace(value), name))
}

/// The template of a workload's pods.
fn template(value: &Value) -> &Value {
    match value["kind"].as_str() {
        Some("CronJob") => &value["spec"]["jobTemplate"]["spec"]["template"],
        _ => &value["spec"]["template"],
    }
}

/// `[{"type": "selects", "targetRef": "deployment:default/a"}]`, in the shape of Backstage's.
fn relations(value: &Value, around: &[Value]) -> Value {
    let mut targets: BTreeSet<(&str, String)> = BTreeSet::new();
    let here = namespace(value);
    match value["kind"].as_str() {
        Some("Service") => {
            let labels = value["spec"]["selector"]
                .as_object()
                .filter(|labels| !labels.is_empty());
            for workload in around.iter().filter(|other| namespace(other) == here) {
                let pods = &template(workload)["metadata"]["labels"];
                if let (Some(labels), Some(target)) = (labels, name(workload))
                    && pods.is_object()
                    && labels.iter().all(|(label, wanted)| pods[label] == *wanted)
                {
                    targets.insert(("selects", target));
                }
            }
        }
        Some("Ingress") => {
            for service in backends(&value["spec"]) {
                targets.insert(("routesTo", reference::make("service", here, &service)));
            }
        }
        _ => {
            for map in config_maps(&template(value)["spec"]) {
                targets.insert(("uses", reference::make("configmap", here, &map)));
            }
        }
    }
    let labels = [&value["metadata"]["labels"], &template(value)["metadata"]["labels"]];
    for id in labels.iter().filter_map(|labels| labels[BACKSTAGE_ID].as_str()) {
        targets.insert(("component", reference::make("component", "default", id)));
    }
    targets
        .into_iter()
        .map(|(relation, target)| json!({"type": relation, "targetRef": target}))
        .collect()
}

/// Names of the services that an Ingress leads to.
fn backends(spec: &Value) -> Vec<String> {
    let rules = spec["rules"].as_array().into_iter().flatten();
    let paths = rules.flat_map(|rule| rule["http"]["paths"].as_array().into_iter().flatten());
    let all = paths.map(|path| &path["backend"]).chain([&spec["defaultBackend"]]);
    all.filter_map(|backend| backend["service"]["name"].as_str().map(str::to_owned))
        .collect()
}

/// Names of the config maps that pods of this spec read.
fn config_maps(spec: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut names: Vec<Value> = list(&spec["volumes"])
        .iter()
        .map(|volume| volume["configMap"]["name"].clone())
        .collect();
    for container in list(&spec["containers"]).iter().chain(&list(&spec["initContainers"])) {
        names.extend(
            list(&container["envFrom"])
                .iter()
                .map(|from| from["configMapRef"]["name"].clone()),
        );
        let single = list(&container["env"]);
        names.extend(
            single
                .iter()
                .map(|variable| variable["valueFrom"]["configMapKeyRef"]["name"].clone()),
        );
    }
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(objects: &[Value]) -> Vec<Item> {
        let documents: Vec<Document> = objects
            .iter()
            .map(|value| Document {
                line: 1,
                value: value.clone(),
            })
            .collect();
        let file = File {
            path: "a.yaml".to_owned(),
            strict: false,
        };
        items(&file, &documents, &documents)
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }

    fn workload(kind: &str, name: &str, app: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {"template": {
            "metadata": {"labels": {"app": app, "backstage.io/kubernetes-id": "Shop"}},
            "spec": {"containers": [{"envFrom": [{"configMapRef": {"name": "settings"}}]}]},
        }}})
    }

    #[test]
    fn services_select_workloads_and_ingresses_lead_to_services() {
        let service = |selector: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": selector}});
        let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "in"},
            "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "web"}}}]}}]}});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [workload("StatefulSet", "db", "db")]});
        let items = read(&[
            service(json!({"app": "web"})),
            workload("Deployment", "web", "web"),
            list,
            ingress,
        ]);
        let names: Vec<&str> = items.iter().map(|item| item.reference.as_str()).collect();
        let expected = [
            "service:default/web",
            "deployment:default/web",
            "statefulset:default/db",
            "ingress:default/in",
        ];
        assert_eq!(names, expected);
        let one = |relation: &str, target: &str| json!([{"type": relation, "targetRef": target}]);
        assert_eq!(items[0].value["relations"], one("selects", "deployment:default/web"));
        assert_eq!(items[3].value["relations"], one("routesTo", "service:default/web"));
        let of_workload = json!([
            {"type": "component", "targetRef": "component:default/shop"},
            {"type": "uses", "targetRef": "configmap:default/settings"},
        ]);
        assert_eq!(items[1].value["relations"], of_workload);
        assert_eq!(read(&[service(json!({}))])[0].value["relations"], json!([]));
    }

    #[test]
    fn a_config_map_keeps_its_data_to_itself_and_secrets_are_not_read() {
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"password": "x"}});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "x"}});
        let knative = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "k"}});
        let items = read(&[map, secret, knative]);
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].value.get("data"), None);
    }

    #[test]
    fn templates_of_a_chart_are_left_out() {
        let files = ["a/Chart.yaml", "a/templates/x.yaml", "b/templates/y.yaml"].map(str::to_owned);
        let selected: Vec<String> = select(&files, &Patterns::default())
            .into_iter()
            .map(|f| f.path)
            .collect();
        assert_eq!(selected, ["a/Chart.yaml", "b/templates/y.yaml"]);
    }
}
