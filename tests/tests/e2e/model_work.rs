//! What follows from a changed blueprint: said with the change, shown while it is done, taken up after a stop, and listed.

use crate::probed;
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};
use std::sync::Mutex;

const NOTE: &str = "/api/v1/blueprints/note";

fn note() -> Value {
    json!({"identifier": "note", "schema": {"properties": {"text": {"type": "string"}, "stars": {"type": "number"}}}})
}

/// A catalog of notes that people wrote.
async fn noted(count: usize) -> Seawall {
    let seawall = Seawall::start().await;
    let (status, answer) = seawall.send(Method::PUT, NOTE, &note()).await;
    assert_eq!(
        (status, &answer["effect"]["new"]),
        (StatusCode::CREATED, &json!(true)),
        "{answer}"
    );
    let all: Vec<_> = (0..count)
        .map(|n| json!({"blueprint": "note", "identifier": format!("n{n:05}"), "properties": {"text": format!("t{n}"), "stars": n}}))
        .collect();
    for some in all.chunks(1000) {
        let (status, answer) = seawall
            .send(Method::POST, "/api/v1/entities/bulk", &json!({"entities": some}))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    seawall
}

fn words(output: &std::process::Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

fn file(value: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), value.to_string()).unwrap();
    file
}

/// A blueprint whose values take a while to compute.
fn slow() -> Value {
    let mut slow = note();
    let code = "[range(2000)] | add + .z";
    slow["calculationProperties"] = json!({"sum": {"type": "number", "calculation": code.replace(".z", "0")}});
    slow
}

#[tokio::test]
async fn work_under_way_is_shown_and_waited_for_and_survives_a_stop() {
    let mut seawall = noted(3000).await;
    let (status, answer) = seawall.send(Method::PUT, NOTE, &slow()).await;
    assert_eq!(
        (status, &answer["entities"]),
        (StatusCode::OK, &json!(3000)),
        "{answer}"
    );
    let work = &answer["recompute"];
    assert_eq!(
        (&work["total"], &work["steps"][0]["step"]),
        (&json!(3000), &json!("compute")),
        "{answer}"
    );
    assert_eq!(answer["effect"]["recomputes"], true);
    let list = seawall.get("/api/v1/blueprints").await;
    assert_eq!(list["items"][0]["recompute"]["total"], 3000, "{list}");
    let shown = words(&seawall.command(&["blueprint", "list"]));
    assert!(shown.contains("computing") && shown.contains("of 3000"), "{shown}");
    eventually("some of it", || async {
        let work = seawall.get(NOTE).await["recompute"].clone();
        let done = work["done"].as_u64().unwrap_or(3000);
        (done > 0 && done < 3000).then_some(())
    })
    .await;
    seawall.kill();
    seawall.boot().await;
    assert_eq!(seawall.get(NOTE).await["recompute"]["total"], 3000, "it is not done");
    eventually("the end of it", || async {
        seawall.get(NOTE).await["recompute"].is_null().then_some(())
    })
    .await;
    let count = seawall.get(&format!("{NOTE}/count?filter=sum=1999000")).await;
    assert_eq!(count["count"], 3000, "all are computed when nothing is under way");

    // The command line waits for that end, unless it is told not to.
    let mut other = slow();
    other["calculationProperties"]["sum"]["calculation"] = json!("[range(2000)] | add + 1");
    let output = seawall.command(&["blueprint", "put", file(&other).path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("computed anew"), "{}", words(&output));
    let count = seawall.get(&format!("{NOTE}/count?filter=sum=1999001")).await;
    assert_eq!(count["count"], 3000);
    let path = file(&slow());
    let output = seawall.command(&[
        "blueprint",
        "put",
        path.path().to_str().unwrap(),
        "--no-wait",
        "-o",
        "json",
    ]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["items"][0]["recompute"]["total"], 3000, "{answer}");
}

/// Of several steps that are over at different times, none takes back what was done.
#[tokio::test]
async fn what_is_done_of_several_steps_never_becomes_less() {
    let seawall = noted(3000).await;
    let mut other = slow();
    other["schema"]["properties"]["stars"] = json!({"type": "number", "maximum": 2000});
    let (status, answer) = seawall.send(Method::PUT, NOTE, &other).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let steps = answer["recompute"]["steps"].as_array().map_or(0, Vec::len);
    assert_eq!(steps, 2, "held to the blueprint and computed: {answer}");
    let told = Mutex::new(vec![answer["recompute"].clone()]);
    eventually("the end of it", || async {
        let work = seawall.get(NOTE).await["recompute"].clone();
        let is_over = work.is_null();
        told.lock().unwrap().extend((!is_over).then_some(work));
        is_over.then_some(())
    })
    .await;
    let told = told.into_inner().unwrap();
    let done: Vec<u64> = told.iter().map(|work| work["done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted(), "{told:?}");
    assert!(
        told.iter().all(|work| work["done"].as_u64() <= work["total"].as_u64()),
        "{told:?}"
    );
    // The steps took turns at being over, and the whole was told of until the last was.
    assert!(
        told.iter().any(|work| work["steps"].as_array().unwrap().len() == 1),
        "{told:?}"
    );
    assert_eq!(told.last().unwrap()["total"], 6000, "{told:?}");
}

#[tokio::test]
async fn what_people_said_and_is_left_out_is_said_at_once_listed_and_never_lost() {
    let mut seawall = noted(3).await;
    let by_bot = format!("{NOTE}/entities/n00000?source=ci:bot");
    seawall.send(Method::PUT, &by_bot, &json!({"title": "First"})).await;
    let mut narrow = note();
    narrow["schema"]["properties"]["stars"] = json!({"type": "number", "maximum": 1});
    narrow["schema"]["properties"].as_object_mut().unwrap().remove("text");
    let path = file(&narrow);
    let output = seawall.command(&["blueprint", "put", path.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", words(&output));
    for part in [
        "of 3 entities 3 lose values and 0 are set aside",
        "properties.text: 3",
        "properties.stars: 1",
        "note/n00002: `stars`: 2",
        "seawall catalog rejected",
    ] {
        assert!(words(&output).contains(part), "{part}: {}", words(&output));
    }
    let rejected = seawall.get("/api/v1/sources/people/rejected?limit=2").await;
    let next = rejected["next"].as_str().unwrap();
    let rest = seawall
        .get(&format!("/api/v1/sources/people/rejected?limit=2&cursor={next}"))
        .await;
    let all: Vec<&Value> = [&rejected, &rest]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .collect();
    assert_eq!((all.len(), &rest["next"]), (4, &Value::Null));
    let stars = all.iter().find(|one| one["field"] == "properties.stars").unwrap();
    assert_eq!(
        (&stars["entity"], &stars["value"], &stars["severity"], &stars["source"]),
        (&json!("note/n00002"), &json!(2), &json!("left-out"), &json!("people"))
    );
    let text = all.iter().find(|one| one["field"] == "properties.text").unwrap();
    assert!(
        text["message"].as_str().unwrap().contains("what `people` says"),
        "{text}"
    );
    let none = seawall.get("/api/v1/sources/ci:bot/rejected").await;
    assert_eq!(none["items"], json!([]));
    assert_eq!(
        seawall.try_get("/api/v1/sources/poeple/rejected").await.0,
        StatusCode::NOT_FOUND
    );
    let listed = words(&seawall.command(&["catalog", "rejected"]));
    assert!(
        listed.contains("note/n00002") && listed.contains("properties.text"),
        "{listed}"
    );

    // One that lacks what is required goes whole; another source's word may give it.
    let mut strict = narrow.clone();
    strict["schema"]["properties"]["owner"] = json!({"type": "string"});
    seawall.send(Method::PUT, NOTE, &strict).await;
    seawall
        .send(Method::PUT, &by_bot, &json!({"properties": {"owner": "core"}}))
        .await;
    strict["schema"]["required"] = json!(["owner"]);
    let (_, answer) = seawall.send(Method::PUT, NOTE, &strict).await;
    assert_eq!(
        (&answer["effect"]["setAside"], &answer["effect"]["entities"]),
        (&json!(2), &json!(3)),
        "{answer}"
    );
    // A stop in between loses nothing of it.
    seawall.kill();
    seawall.boot().await;
    eventually("one note", || async {
        let left = seawall.entities("note").await;
        (left.len() == 1 && seawall.get(NOTE).await["recompute"].is_null()).then_some(())
    })
    .await;
    let left = seawall.get(&format!("{NOTE}/entities/n00000")).await;
    assert_eq!(
        left["properties"],
        json!({"owner": "core", "stars": 0}),
        "people's words stand beside the bot's"
    );
    let aside = seawall.get("/api/v1/sources/people/rejected?limit=1000").await;
    let aside = aside["items"].as_array().unwrap();
    let whole: Vec<_> = aside.iter().filter(|one| one["severity"] == "set-aside").collect();
    assert_eq!(
        (whole.len(), &whole[0]["field"]),
        (2, &json!("properties.owner")),
        "{aside:?}"
    );
    // What is set aside can be taken back, and the rest comes back with the blueprint.
    let (status, answer) = seawall
        .send(Method::DELETE, &format!("{NOTE}/entities/n00001"), &Value::Null)
        .await;
    assert_eq!((status, &answer["deleted"]), (StatusCode::OK, &json!(true)), "{answer}");
    let mut wide = note();
    wide["schema"]["properties"]["owner"] = json!({"type": "string"});
    let path = file(&wide);
    let output = seawall.command(&["blueprint", "put", path.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", words(&output));
    let back = seawall.get(&format!("{NOTE}/entities/n00002")).await;
    assert_eq!(back["properties"], json!({"text": "t2", "stars": 2}));
    assert_eq!(seawall.entities("note").await.len(), 2);
    assert_eq!(seawall.get("/api/v1/sources/people/rejected").await["items"], json!([]));
}

#[tokio::test]
async fn an_integrations_items_are_held_to_a_blueprint_before_its_work_is_over() {
    let (mut seawall, tool) = probed(2000).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &Value::Null)
        .await;
    let asked = tool.requests();
    let mut narrow = seawall.get("/api/v1/blueprints/thing").await;
    narrow["schema"]["properties"]["tier"] = json!({"type": "string", "enum": ["silver"]});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/thing", &narrow).await;
    assert_eq!(
        (status, &answer["effect"]["fields"]["properties.tier"]),
        (StatusCode::OK, &json!(1000)),
        "{answer}"
    );
    assert_eq!(answer["recompute"]["steps"][0]["step"], "check", "{answer}");
    seawall.kill();
    seawall.boot().await;
    eventually("the end of it", || async {
        seawall.get("/api/v1/blueprints/thing").await["recompute"]
            .is_null()
            .then_some(())
    })
    .await;
    let rejected = seawall.get("/api/v1/integrations/probe/rejected?limit=1000").await;
    assert_eq!(rejected["items"].as_array().unwrap().len(), 1000);
    assert_eq!(tool.requests(), asked, "the tool was asked for nothing");
}
