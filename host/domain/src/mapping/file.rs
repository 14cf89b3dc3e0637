//! Reading the file's shape.

use super::{
    error::MappingError,
    selector::Selector,
    template::{At, Expression, Template},
};
use crate::{
    BlueprintId,
    text::{canonical, nearest},
};
use seawall_jq::{Compiler, Expr};
use serde_json::{Map, Value};

/// One entry of `resources`.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) selector: Selector,
    /// Of its selector among those of its kind.
    pub(super) place: usize,
    pub(super) query: Option<Expression>,
    pub(super) items: Option<Items>,
    pub(super) entities: Vec<EntityMapping>,
    /// The entry as canonical JSON.
    pub(super) text: String,
}

/// `itemsToParse`.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) expression: Expression,
    /// What each of them is called in the expressions.
    pub(super) name: String,
}

/// One entry of `mappings`.
#[derive(Debug)]
pub(super) struct EntityMapping {
    pub(super) identifier: Template,
    pub(super) blueprint: Template,
    /// The blueprint, where the expression says it outright.
    pub(super) constant: Option<BlueprintId>,
    pub(super) title: Option<Template>,
    pub(super) icon: Option<Template>,
    pub(super) team: Option<Template>,
    pub(super) properties: Vec<(String, Template)>,
    pub(super) relations: Vec<(String, Template)>,
}

const TOP: [&str; 3] = ["resources", "deleteDependentEntities", "createMissingRelatedEntities"];
const RESOURCE: [&str; 3] = ["kind", "selector", "port"];
const PORT: [&str; 3] = ["entity", "itemsToParse", "itemsToParseName"];
const ENTITY: [&str; 1] = ["mappings"];
const MAPPINGS: [&str; 7] = [
    "identifier",
    "title",
    "icon",
    "team",
    "blueprint",
    "properties",
    "relations",
];

/// A field of a mapping that gives nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The kind of its resource.
    pub kind: String,
    /// The field, such as `identifier` or `properties.readme`.
    pub field: String,
    /// Why, and what to do.
    pub why: &'static str,
}

/// Why an identifier is not searched for.
pub(super) const NO_SEARCHED_IDENTIFIER: &str =
    "an identifier by search (`{combinator, rules}`) is not supported; give it as a jq expression";
/// Why a team is not searched for.
pub(super) const NO_SEARCHED_TEAM: &str = "a team by search (`{combinator, rules}`) is not supported; give its name";

/// Why a relation is not searched for in a list.
pub(super) const NO_LISTED_SEARCH: &str = "a search (`{combinator, rules}`) in a list is not supported; write it without the list: one \
                                           search finds all targets of a relation";

/// Port's, in short.
const SHAPE: &str = r#"port: {entity: {mappings: {identifier: .id, blueprint: '"service"'}}}"#;

impl Resource {
    /// The blueprints of its entities; `None` when an expression computes one.
    pub(super) fn blueprints(&self) -> Option<Vec<BlueprintId>> {
        self.entities.iter().map(|e| e.constant.clone()).collect()
    }

    /// What of its entities gives nothing here.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let mut out = Vec::new();
        let mut put = |field: &str, why| {
            let (kind, field) = (self.kind.clone(), field.to_owned());
            out.push(LeftOut { kind, field, why });
        };
        for entity in &self.entities {
            if entity.identifier.is_search() {
                put("identifier", NO_SEARCHED_IDENTIFIER);
            }
            if entity.team.as_ref().is_some_and(Template::has_search) {
                put("team", NO_SEARCHED_TEAM);
            }
            for (name, template) in &entity.relations {
                if template.has_search() && !template.is_search() {
                    put(&format!("relations.{name}"), NO_LISTED_SEARCH);
                }
            }
            let single = [("identifier", &entity.identifier), ("blueprint", &entity.blueprint)];
            let optional = [("title", &entity.title), ("icon", &entity.icon), ("team", &entity.team)];
            let optional = optional
                .into_iter()
                .filter_map(|(name, template)| Some((name, template.as_ref()?)));
            for (field, template) in single.into_iter().chain(optional) {
                template.left_out(field, &mut put);
            }
            for (of, fields) in [("properties", &entity.properties), ("relations", &entity.relations)] {
                for (name, template) in fields {
                    template.left_out(&format!("{of}.{name}"), &mut put);
                }
            }
        }
        out
    }
}

/// Reads and compiles a file; what is wrong goes to `errors`, what is right to `out`.
pub(super) fn read(value: &Value, out: &mut Vec<Resource>, errors: &mut Vec<MappingError>) {
    let Some(top) = value.as_object() else {
        errors.push(MappingError::new(
            "",
            "expected a mapping file: an object with `resources`, a list",
        ));
        return;
    };
    let compiler = Compiler::new();
    let at = At {
        compiler: &compiler,
        pointer: String::new(),
        kind: "",
        field: String::new(),
    };
    misspelt(top, &TOP, &at, errors);
    let Some(all) = top.get("resources").and_then(Value::as_array) else {
        errors.push(MappingError::new(
            "/resources",
            "expected `resources`, a list of `{kind, selector, port}`",
        ));
        return;
    };
    for (i, resource) in all.iter().enumerate() {
        let kind = resource["kind"].as_str().unwrap_or_default();
        let at = At {
            compiler: &compiler,
            pointer: format!("/resources/{i}"),
            kind,
            field: String::new(),
        };
        out.extend(one(resource, kind, &at, errors));
    }
}

fn one(resource: &Value, kind: &str, at: &At<'_>, errors: &mut Vec<MappingError>) -> Option<Resource> {
    let map = object(resource, at, errors)?;
    misspelt(map, &RESOURCE, at, errors);
    if kind.is_empty() {
        errors.push(at.error("expected `kind`, the name of a kind that the plugin lists"));
        return None;
    }
    let selector = map.get("selector").cloned().unwrap_or(Value::Null);
    let query_at = At {
        pointer: format!("{}/selector/query", at.pointer),
        field: "selector.query".into(),
        ..at.clone()
    };
    let query = match selector.get("query") {
        None | Some(Value::Null) => None,
        Some(query) => Expression::compile(query, &query_at, errors),
    };
    let below = |name: &str| At {
        pointer: format!("{}/port/{name}", at.pointer),
        ..at.clone()
    };
    let port = object(
        map.get("port").unwrap_or(&Value::Null),
        &At {
            pointer: format!("{}/port", at.pointer),
            ..at.clone()
        },
        errors,
    )?;
    misspelt(port, &PORT, at, errors);
    let items = match port.get("itemsToParse") {
        None | Some(Value::Null) => None,
        Some(items) => {
            let at = At {
                field: "itemsToParse".into(),
                ..below("itemsToParse")
            };
            let name = port
                .get("itemsToParseName")
                .and_then(Value::as_str)
                .unwrap_or("item")
                .to_owned();
            Expression::compile(items, &at, errors).map(|expression| Items { expression, name })
        }
    };
    let entity = object(port.get("entity").unwrap_or(&Value::Null), &below("entity"), errors)?;
    misspelt(entity, &ENTITY, at, errors);
    let mappings = entity.get("mappings").unwrap_or(&Value::Null);
    let at = below("entity/mappings");
    let entities = match mappings {
        Value::Array(all) => all
            .iter()
            .enumerate()
            .filter_map(|(i, m)| {
                mapping(
                    m,
                    &At {
                        pointer: format!("{}/{i}", at.pointer),
                        ..at.clone()
                    },
                    errors,
                )
            })
            .collect(),
        one => mapping(one, &at, errors).into_iter().collect(),
    };
    let mut text = String::new();
    canonical(resource, &mut text);
    Some(Resource {
        kind: kind.to_owned(),
        selector: Selector::of(&selector),
        place: 0,
        query,
        items,
        entities,
        text,
    })
}

fn mapping(value: &Value, at: &At<'_>, errors: &mut Vec<MappingError>) -> Option<EntityMapping> {
    let map = object(value, at, errors)?;
    misspelt(map, &MAPPINGS, at, errors);
    let mut get = |name: &str| {
        map.get(name)
            .and_then(|v| Template::compile(v, &at.child(name), errors))
    };
    let (identifier, blueprint) = (get("identifier"), get("blueprint"));
    let (title, icon, team) = (get("title"), get("icon"), get("team"));
    let mut fields = |name: &str| -> Vec<(String, Template)> {
        match map.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(all)) => {
                let at = at.child(name);
                all.iter()
                    .filter_map(|(k, v)| Some((k.clone(), Template::compile(v, &at.child(k), errors)?)))
                    .collect()
            }
            Some(_) => {
                errors.push(
                    at.child(name)
                        .error(format!("expected `{name}`, an object of jq expressions by name")),
                );
                Vec::new()
            }
        }
    };
    let (properties, relations) = (fields("properties"), fields("relations"));
    for (name, example) in [("identifier", ".id"), ("blueprint", "'\"service\"'")] {
        if map.get(name).is_none_or(Value::is_null) {
            errors.push(at.error(format!(
                "`{name}` is missing; add a jq expression for it, such as `{name}: {example}`"
            )));
        }
    }
    let (identifier, blueprint) = (identifier?, blueprint?);
    let constant = match &blueprint {
        Template::One(Expression {
            expr: Expr::Constant(Value::String(id)),
            ..
        }) => BlueprintId::new(id).ok(),
        _ => None,
    };
    Some(EntityMapping {
        identifier,
        blueprint,
        constant,
        title,
        icon,
        team,
        properties,
        relations,
    })
}

fn object<'a>(value: &'a Value, at: &At<'_>, errors: &mut Vec<MappingError>) -> Option<&'a Map<String, Value>> {
    if let Value::Object(map) = value {
        return Some(map);
    }
    let name = at.pointer.rsplit('/').next().unwrap_or_default();
    errors.push(at.error(match value {
        Value::Null => format!("`{name}` is missing; for example `{SHAPE}`"),
        _ => format!("expected an object for `{name}`; for example `{SHAPE}`"),
    }));
    None
}

/// Port ignores fields that it does not know. Ignored here too, unless one is nearly the name of a known one.
fn misspelt(map: &Map<String, Value>, known: &[&str], at: &At<'_>, errors: &mut Vec<MappingError>) {
    for name in map.keys().filter(|k| !known.contains(&k.as_str())) {
        if let Some(near) = nearest(name, known.iter().copied()) {
            let pointer = format!("{}/{name}", at.pointer);
            let at = At {
                pointer,
                field: String::new(),
                ..at.clone()
            };
            errors.push(at.error(format!("there is no field `{name}`; did you mean `{near}`?")));
        }
    }
}
