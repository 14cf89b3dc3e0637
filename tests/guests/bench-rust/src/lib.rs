//! Lists repositories of 1.2 KB from a small API, as the template does, or makes them itself.

use seawall_sdk::{ingestor::Change, prelude::*};

struct Bench;

#[derive(Deserialize)]
struct Config {
    base_url: String,
    #[serde(default)]
    make: usize,
    #[serde(default)]
    prefix: String,
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Json>,
    next: Option<String>,
}

/// What this code reads of a repository.
#[derive(Deserialize)]
struct Named {
    full_name: String,
}

#[derive(Serialize)]
struct Repository {
    id: u64,
    full_name: String,
    name: String,
    html_url: String,
    language: String,
    stargazers_count: u64,
    archived: bool,
    topics: Vec<String>,
    created_at: String,
    updated_at: String,
    license: License,
    owner: Owner,
    custom: Custom,
    default_branch: String,
    size: u64,
    permissions: Permissions,
    forks: u64,
    open_issues: u64,
    description: String,
}

#[derive(Serialize)]
struct License {
    spdx_id: String,
}

#[derive(Serialize)]
struct Owner {
    login: String,
    id: u64,
    url: String,
    admin: bool,
}

#[derive(Serialize)]
struct Custom {
    tier: String,
    system: String,
    cost: f64,
}

#[derive(Serialize)]
struct Permissions {
    pull: bool,
    push: bool,
    admin: bool,
}

impl Ingestor for Bench {
    fn partitions(_scope: &Scope) -> Result<Vec<String>> {
        Ok(vec!["all".into()])
    }

    fn pull(scope: &Scope, _partition: &str, cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        if config.make > 0 {
            let mut page = Page::complete();
            for n in 0..config.make {
                let item = made(&config.prefix, n);
                page.upsert(scope.kind(), &item.full_name, &item)?;
            }
            return Ok(page);
        }
        let mut request = http::get(http::join(&config.base_url, "/repositories"));
        if let Some(cursor) = cursor {
            request = request.query("cursor", cursor);
        }
        let listing: Listing = request.send()?.json()?;
        let mut page = listing.next.map_or_else(Page::complete, Page::more);
        for item in listing.items {
            let Named { full_name } = item.parse()?;
            page.upsert_json(scope.kind(), full_name, item);
        }
        Ok(page)
    }
}

fn made(prefix: &str, n: usize) -> Repository {
    let name = format!("{prefix}-{n:05}");
    Repository {
        id: n as u64,
        html_url: format!("https://git.example.com/acme/{name}"),
        full_name: format!("acme/{name}"),
        language: ["Rust", "Go", "Java", "Python"][n % 4].into(),
        stargazers_count: n as u64 * 7 % 1000,
        archived: n.is_multiple_of(10),
        topics: vec![format!("topic-{}", n % 30), "x-core".into(), "pci".into()],
        created_at: "2023-11-28T09:15:22Z".into(),
        updated_at: "2024-01-02T03:04:05Z".into(),
        license: License {
            spdx_id: "Apache-2.0".into(),
        },
        owner: Owner {
            login: format!("team-{}", n % 50),
            id: n as u64 % 50,
            url: "https://git.example.com/acme".into(),
            admin: false,
        },
        custom: Custom {
            tier: ["gold", "silver", "bronze"][n % 3].into(),
            system: format!("system-{}", n % 200),
            cost: n as f64 / 4.0,
        },
        default_branch: "main".into(),
        size: n as u64 * 13,
        permissions: Permissions {
            pull: true,
            push: true,
            admin: false,
        },
        forks: 3,
        open_issues: 12,
        description: format!("Repository {n} keeps orders and answers for them. ").repeat(10),
        name,
    }
}

impl Webhook for Bench {
    fn receive(_config: &Json, delivery: &Delivery) -> Result<Vec<Located>> {
        let Named { full_name } = delivery.json()?;
        let value = Json::from_bytes(delivery.body.clone());
        let change = Change::Upsert {
            kind: "repository".into(),
            key: full_name,
            value,
        };
        Ok(vec![Located {
            partition: "all".into(),
            change,
        }])
    }
}

seawall_sdk::plugin!(Bench: ingestor, webhook);
