//! The questions of Backstage's query battery and some more, over 739,000 entities, as the whole tree asks them.

use crate::{
    Result,
    shape::{BLUEPRINTS, blueprint},
    timing::time,
};
use seawall_domain::{
    Blueprint, BlueprintId,
    query::{Field, Node, Scope, Search, Shape, Sort, Words},
};
use seawall_index::{Context, GraphQuery, Index, Verdicts};

const NOW: i64 = 1_760_000_000_000;

fn shape() -> Result<Shape> {
    let all = BLUEPRINTS.map(|(name, _)| blueprint(name));
    let all: Vec<Blueprint> = serde_json::from_value(all.to_vec().into())?;
    Ok(Shape::of(&all))
}

struct Asker<'a> {
    index: &'a Index,
    shape: &'a Shape,
    verdicts: Verdicts,
}

impl Asker<'_> {
    fn context(&self) -> Context<'_> {
        Context {
            shape: self.shape,
            now: NOW,
            verdicts: &self.verdicts,
        }
    }

    fn search(&self, blueprint: Option<&str>, filter: &str, sort: &str, words: Option<&str>) -> Result<Search> {
        let blueprints: Vec<BlueprintId> = blueprint
            .into_iter()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let scope = Scope::of(self.shape, &blueprints);
        let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        Ok(Search {
            blueprints: blueprint.map(|_| blueprints.clone()),
            rules: Node::parse_filter(filter, &scope)?,
            words: words.map(|text| Words {
                text: text.to_owned(),
                fields: Vec::new(),
            }),
            sort: if sort == "relevance" {
                Sort::Relevance
            } else {
                Sort::By {
                    field: scope.field(name)?,
                    descending,
                }
            },
            after: None,
            limit: 20,
        })
    }

    fn list(&self, what: &str, blueprint: Option<&str>, filter: &str, sort: &str) -> Result<()> {
        let search = self.search(blueprint, filter, sort, None)?;
        let total = self.index.total(&search, &self.context())?.done().unwrap_or_default();
        time(&format!("{what}: 20 of {total}"), || {
            self.index.search(&search, &self.context())
        });
        Ok(())
    }

    fn words(&self, blueprint: Option<&str>, text: &str) -> Result<()> {
        let search = self.search(blueprint, "", "relevance", Some(text))?;
        let total = self.index.total(&search, &self.context())?.done().unwrap_or_default();
        let place = blueprint.unwrap_or("all 739,000");
        time(&format!("full text `{text}` in {place}: 20 of {total}"), || {
            self.index.search(&search, &self.context())
        });
        Ok(())
    }
}

pub(crate) fn ask(index: &Index) -> Result<()> {
    let shape = shape()?;
    let asker = Asker {
        index,
        shape: &shape,
        verdicts: Verdicts::default(),
    };
    let context = || asker.context();
    println!(
        "\n{:<66}{:>9}{:>9}{:>10}",
        "milliseconds (257,064 subcomponents, where nothing else is said)", "median", "p99", "first"
    );
    let sub = Some("subcomponent");
    asker.list("list by name", sub, "", "$title")?;
    asker.list("list by name, all blueprints", None, "", "$title")?;
    asker.list("by reference", sub, "$identifier = \"no-such\"", "$identifier")?;
    asker.list("by relation", sub, "relations.owner = group-7", "$title")?;
    asker.list(
        "relatedTo, one step",
        sub,
        "relatedTo(group, group-7, downstream, 1)",
        "$title",
    )?;
    asker.list(
        "relatedTo, one step, all blueprints",
        None,
        "relatedTo(group, group-7, downstream, 1)",
        "$title",
    )?;
    asker.list(
        "ordered OR",
        sub,
        "system = system-7 OR language = Rust OR tier = 3",
        "$title",
    )?;
    asker.list(
        "ordered OR of three fields AND a range",
        sub,
        "(system = system-7 OR language = Rust OR tier = 3) score > 50",
        "-score",
    )?;
    asker.list("range", sub, "score >= 25 AND score < 75", "$title")?;
    asker.list(
        "range of times",
        sub,
        "$updatedAt > 2025-06-15T15:07:00Z",
        "-$updatedAt",
    )?;
    asker.list("NOT", sub, "-lifecycle = production -tags:tag-3", "$title")?;
    for (what, filter) in [
        ("substring of titles (rare)", "$title:\"ments subcomponent 12345\""),
        ("substring of titles (1 in 100)", "$title:\" subcomponent 77\""),
        ("substring of titles (1 in 4)", "$title:ayments"),
        ("substring of titles (all)", "$title:e"),
        ("substring of identifiers", "$identifier:abcd"),
        ("substring of urls", "url:\"org-7/\""),
        ("ends with", "endsWith(url, \"-12345\")"),
    ] {
        asker.list(what, sub, filter, "$title")?;
    }
    asker.list(
        "substring of titles, all blueprints",
        None,
        "$title:\"ments user 12\"",
        "$title",
    )?;
    let count = asker.search(sub, "lifecycle = production AND tier > 1", "$title", None)?;
    time("count under two filters", || index.total(&count, &context()));
    let system = Field::Property("system".into());
    for (what, filter) in [
        ("facet of 200 values", ""),
        ("facet of 200 values under a filter", "lifecycle = production"),
        (
            "facet of 200 values under an OR with a range",
            "language = Rust OR score > 90",
        ),
        ("facet of 200 values under a substring", "$title:ayments"),
    ] {
        let search = asker.search(sub, filter, "$title", None)?;
        time(what, || index.facet_of(&search, &system, 200, &context()));
    }
    let all = asker.search(None, "tier = 2", "$title", None)?;
    time("facet of 200 values under a filter, all blueprints", || {
        index.facet_of(&all, &system, 200, &context())
    });
    for text in ["payments", "payments 12345", "fraud rust subc", "git example 257"] {
        asker.words(sub, text)?;
    }
    asker.words(Some("component"), "payments 123")?;
    asker.words(None, "payments 12345")?;
    let around = GraphQuery {
        blueprint: "group".parse()?,
        identifier: "group-7".parse()?,
        depth: 1,
        direction: None,
        blueprints: Vec::new(),
        relations: Vec::new(),
        limit: 500,
    };
    time("graph around a group", || index.graph(&around, &shape));
    Ok(())
}
