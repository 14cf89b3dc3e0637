//! The questions of a query battery over HTTP: one connection that stays open, each question with values of its own, so
//! that few requests of one sort are the same. For that reason too, pages of lists have 20 to 29 rows.

use super::{
    catalog::{Catalog, text},
    draw::{Draw, list, of_blueprint, reference},
    load::{self, Ask, Load},
    report::Report,
};
use crate::Seawall;
use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Requests of one sort.
#[derive(Debug, Clone)]
pub struct Question {
    /// Names it in reports.
    pub name: &'static str,
    asks: Vec<Ask>,
}

/// Milliseconds of one question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    /// Half were answered within.
    pub median: f64,
    /// 99 of 100 were answered within.
    pub p99: f64,
    /// The longest of the round before, in which the index makes what it keeps from then on, such as the order of a field.
    pub cold: f64,
}

/// Makes one request of a sort.
type Make = fn(&mut Draw<'_>) -> Ask;

/// Sorts of requests, each made from a random entity, so that it finds something.
const QUESTIONS: [(&str, Make); 29] = [
    ("list", |draw| {
        let sort = draw.one(&["$title", "-$title"]);
        draw.list("", sort)
    }),
    ("list.filtered", |draw| {
        let entity = draw.entity();
        let of = &entity["properties"];
        let filter = format!(
            "lifecycle = {} AND system = {}",
            text(&of["lifecycle"]),
            text(&of["system"])
        );
        list(&entity, &filter, "$title", 20)
    }),
    ("list.all", |draw| {
        let sort = draw.one(&["$title", "-$title"]);
        Ask::Search(json!({"sort": sort, "limit": 20 + draw.number(10)}))
    }),
    ("sort", |draw| {
        let sort = draw.sort();
        draw.list("", &sort)
    }),
    ("sort.any", |draw| {
        let sort = draw.any_sort();
        draw.list("", &sort)
    }),
    ("sort.any.filtered", |draw| {
        let (filter, sort) = (draw.filter(), draw.any_sort());
        draw.list(&filter, &sort)
    }),
    ("sort.filtered", |draw| {
        let (filter, sort) = (draw.filter(), draw.sort());
        draw.list(&filter, &sort)
    }),
    ("count", |draw| {
        let (one, two) = (draw.filter(), draw.number(3));
        let filter = format!("{one} AND tier > {two}");
        of_blueprint(&draw.entity(), "count", &[("filter", &filter)])
    }),
    ("facet", |draw| {
        let field = draw.field();
        of_blueprint(&draw.entity(), &format!("facets/{field}"), &[])
    }),
    ("facet.filtered", |draw| {
        let (field, filter) = (draw.field(), draw.filter());
        of_blueprint(&draw.entity(), &format!("facets/{field}"), &[("filter", &filter)])
    }),
    ("facet.all", |draw| {
        let (field, filter) = (draw.field(), draw.filter());
        Ask::Search(json!({"filter": filter, "facets": [field], "limit": 1}))
    }),
    ("substring", |draw| {
        let entity = draw.entity();
        let title = text(&entity["title"]);
        let piece = title.get(2..title.len() - 1).unwrap_or(title);
        list(&entity, &format!("$title:\"{piece}\""), "$title", 20)
    }),
    ("substring.common", |draw| {
        let word = draw.one(&["ayments", "ayment", "yment", "earch", "arch", "illing", "illin", "raud"]);
        let organisation = draw.number(50);
        let filter = match draw.number(2) {
            0 => format!("$title:{word}"),
            _ => format!("url:\"org-{organisation}/\""),
        };
        draw.list(&filter, "$title")
    }),
    ("text", |draw| {
        let entity = draw.entity();
        let words = draw.words(&entity);
        of_blueprint(&entity, "entities", &[("q", &words), ("limit", "20")])
    }),
    ("text.common", |draw| {
        let entity = draw.entity();
        let title = text(&entity["title"]).split(' ').next().unwrap_or_default();
        let of = &entity["properties"];
        let also = text(&of[draw.one(&["language", "lifecycle", "system"])]);
        let words = format!("{title} {also}");
        of_blueprint(&entity, "entities", &[("q", &words), ("limit", "20")])
    }),
    ("text.all", |draw| {
        let entity = draw.entity();
        Ask::Search(json!({"q": draw.words(&entity), "limit": 20}))
    }),
    ("reference", |draw| reference(&draw.entity())),
    ("relations", |draw| {
        let owner = draw.owner();
        draw.list(&format!("relations.owner = {owner}"), "$title")
    }),
    ("relations.path", |draw| {
        let entity = draw.entity();
        let system = text(&entity["properties"]["system"]);
        let lifecycle = draw.one(&["production", "experimental", "deprecated"]);
        let filter = format!("system = {system} AND relations.owner.lifecycle = {lifecycle}");
        list(&entity, &filter, "$title", 20)
    }),
    ("referrers", |draw| {
        Ask::Get(format!("/api/v1/blueprints/group/entities/{}", draw.owner()))
    }),
    ("related", |draw| {
        let filter = format!("relatedTo(group, {}, downstream, 1)", draw.owner());
        Ask::Search(json!({"filter": filter, "sort": "$title", "limit": 20}))
    }),
    ("related.two", |draw| {
        let entity = draw.entity();
        let (blueprint, identifier) = (text(&entity["blueprint"]), text(&entity["identifier"]));
        let filter = format!("relatedTo({blueprint}, {identifier}, both, 2)");
        Ask::Search(json!({"filter": filter, "sort": "$title", "limit": 20}))
    }),
    ("graph", |draw| {
        Ask::Get(format!("/api/v1/blueprints/group/entities/{}/graph", draw.owner()))
    }),
    ("graph.two", |draw| {
        let entity = draw.entity();
        let (blueprint, identifier) = (text(&entity["blueprint"]), text(&entity["identifier"]));
        Ask::Get(format!(
            "/api/v1/blueprints/{blueprint}/entities/{identifier}/graph?depth=2"
        ))
    }),
    ("or", |draw| {
        let entity = draw.entity();
        let mut body = draw.ordered_or();
        body["blueprints"] = json!([entity["blueprint"]]);
        Ask::Search(body)
    }),
    ("or.all", |draw| Ask::Search(draw.ordered_or())),
    ("filter", |draw| {
        let (filter, sort) = (draw.long_filter(), draw.sort());
        draw.list(&filter, &sort)
    }),
    ("filter.all", |draw| {
        let (filter, sort) = (draw.long_filter(), draw.sort());
        Ask::Search(json!({"filter": filter, "sort": sort, "limit": 20}))
    }),
    ("list.fields", |draw| {
        let sort = draw.one(&["$title", "-$title"]);
        match draw.list("", sort) {
            Ask::Get(path) => Ask::Get(format!("{path}&include=$title,lifecycle,tier,relations.owner")),
            other => other,
        }
    }),
];

/// All sorts of questions, `count` of each to be measured and as many before. Those for a page that is not the first are made of the server's own cursors.
///
/// # Errors
/// Where a list is refused.
pub async fn questions(catalog: &Catalog, seawall: &Seawall, count: usize) -> Result<Vec<Question>> {
    let count = 2 * count.max(1);
    let mut draw = Draw::new(catalog);
    let mut all = Vec::new();
    for (name, make) in QUESTIONS {
        let asks = (0..count).map(|_| make(&mut draw)).collect();
        all.push(Question { name, asks });
    }
    for (name, everywhere) in [("page", false), ("page.all", true)] {
        let mut asks = Vec::new();
        // A list that fits on one page has no next one; where all are so short there is nothing to ask.
        for _ in 0..count {
            if asks.len() >= count {
                break;
            }
            let filter = if draw.number(2) == 0 {
                draw.filter()
            } else {
                String::new()
            };
            let (sort, limit) = (draw.sort(), 20 + draw.number(10));
            let first = if everywhere {
                Ask::Search(json!({"filter": filter, "sort": sort, "limit": limit}))
            } else {
                draw.list(&filter, &sort)
            };
            asks.extend(pages(seawall, &first, 9).await?);
        }
        asks.truncate(count);
        if !asks.is_empty() {
            all.push(Question { name, asks });
        }
    }
    Ok(all)
}

/// Up to so many pages after the first.
async fn pages(seawall: &Seawall, first: &Ask, most: usize) -> Result<Vec<Ask>> {
    let (mut page, mut found) = (first.clone(), Vec::new());
    while found.len() < most {
        let answer = once(seawall, &page).await?;
        let Some(next) = answer["next"].as_str() else { break };
        page = match first {
            Ask::Get(path) => Ask::Get(format!("{path}&cursor={next}")),
            Ask::Search(body) => {
                let mut body = body.clone();
                body["cursor"] = next.into();
                Ask::Search(body)
            }
        };
        found.push(page.clone());
    }
    Ok(found)
}

/// One answer, over another connection.
async fn once(seawall: &Seawall, ask: &Ask) -> Result<Value> {
    let (status, body) = match ask {
        Ask::Get(path) => seawall.try_get(path).await,
        Ask::Search(body) => seawall.send(Method::POST, "/api/v1/search", body).await,
    };
    ensure!(status == StatusCode::OK, "{ask:?}: {status} {body}");
    Ok(body)
}

/// Asks all requests of a question, one after another, in two rounds of which the second is measured, each of as many as
/// fit into `within`; and says what came of it.
///
/// # Errors
/// Where one is not answered, or not well.
pub async fn answer(report: &Report, seawall: &Seawall, question: &Question, within: Duration) -> Result<Answered> {
    let started = Instant::now();
    if let Some(ask) = question.asks.first() {
        // What is wrong with a request is in the answer's body, which a load does not read.
        once(seawall, ask).await.context(question.name)?;
    }
    let first = started.elapsed();
    let (cold, measured) = question.asks.split_at(question.asks.len() / 2);
    let cold = load(seawall, cold, within).await?.longest.max(first);
    let load = load(seawall, measured, within).await?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let answered = Answered {
        median: ms(load.p50),
        p99: ms(load.p99),
        cold: ms(cold),
    };
    report.say(format!(
        "{:<18}{:>9.3} ms, p99{:>9.3} ms, longest{:>9.2} ms, before that{:>9.2} ms; {} answers of {:.0} bytes",
        question.name,
        answered.median,
        answered.p99,
        ms(load.longest),
        answered.cold,
        load.answers,
        load.body
    ));
    Ok(answered)
}

async fn load(seawall: &Seawall, asks: &[Ask], within: Duration) -> Result<Load> {
    let address = seawall.address().trim_start_matches("http://").to_owned();
    let (token, asks) = (seawall.token().to_owned(), asks.to_vec());
    tokio::task::spawn_blocking(move || load::ask(&address, &token, &asks, within)).await?
}
