//! Compiling an expression, and running it.

use super::{
    Spot,
    budget::{Budget, HALT, Jq, Run},
    guard::Guard,
    natives, value,
};
use jaq_core::{
    Ctx, Error, Filter, ValT as _, Vars,
    load::{self, Arena, File, Lexer, Loader, Parser, lex::StrPart, lex::Token, parse::Def, parse::Term},
    path::{Opt, Part, Path},
};
use jaq_json::Val;
use serde_json::Value;

/// Characters of one expression. Parsing recurses on it.
const MAX_LENGTH: usize = 20_000;

/// Why an expression does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, if at one place.
    pub at: Option<Spot>,
    /// What is wrong.
    pub message: String,
}

/// A compiled expression: `Send` and `Sync`, and cheap to run.
#[derive(Debug)]
pub enum Expr {
    /// A text, number, boolean or null, whatever the input.
    Constant(Value),
    /// `.a.b`, the way most expressions are; the empty path is `.`.
    Path(Vec<String>),
    /// Anything else.
    Program(Program),
}

/// An expression that needs jaq.
pub struct Program(Filter<Jq>);

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

/// Compiles expressions; holds the parsed library, which is the costly part.
pub struct Compiler {
    library: Vec<Def<&'static str>>,
}

impl Default for Compiler {
    fn default() -> Self {
        Self::new()
    }
}

impl Compiler {
    /// Reads the library.
    pub fn new() -> Self {
        let own = load::parse(include_str!("library.jq"), |p| p.defs()).unwrap_or_default();
        let theirs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let replaced = |d: &Def<&str>| own.iter().any(|o| o.name == d.name && o.args.len() == d.args.len());
        let mut library: Vec<_> = theirs.filter(|d| !replaced(d)).collect();
        library.extend(own);
        Self { library }
    }

    /// Compiles one expression.
    pub fn compile(&self, code: &str) -> Result<Expr, Fault> {
        if code.len() > MAX_LENGTH {
            return Err(fault(
                None,
                format!("it has {} bytes; at most {MAX_LENGTH} are taken", code.len()),
            ));
        }
        let term = parse(code)?;
        if let Some(simple) = simple(&term) {
            return Ok(simple);
        }
        let mut guard = Guard::default();
        let Some(body) = guard.expression(term) else {
            return Err(fault(
                None,
                "it is nested too deep; write it flatter, for example with `def`".into(),
            ));
        };
        // Only what the expression needs of the library: it is compiled for each expression, and kept.
        let mut needed: Vec<Def<&str>> = Vec::new();
        for def in self.library.iter().rev() {
            if guard.names.contains(def.name) {
                needed.push(guard.library(def.clone()));
            }
        }
        needed.reverse();
        needed.push(Def {
            name: "__main",
            args: Vec::new(),
            body,
        });

        let arena = Arena::default();
        let modules = Loader::new(needed)
            .load(
                &arena,
                File {
                    code: "__main",
                    path: (),
                },
            )
            .map_err(|_| fault(None, "it does not load".into()))?;
        let filter = jaq_core::Compiler::default()
            .with_funs(natives::all())
            .compile(modules)
            .map_err(|errors| {
                let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
                first.map_or_else(
                    || fault(None, "it does not compile".into()),
                    |(name, undefined)| fault(spot(code, name), self.undefined(name, &undefined)),
                )
            })?;
        Ok(Expr::Program(Program(filter)))
    }

    fn undefined(&self, name: &str, what: &jaq_core::compile::Undefined) -> String {
        use jaq_core::compile::Undefined;
        match what {
            Undefined::Filter(arity) => {
                let same: Vec<_> = self
                    .library
                    .iter()
                    .filter(|d| d.name == name)
                    .map(|d| d.args.len())
                    .collect();
                if let Some(other) = same.first() {
                    return format!("the filter `{name}` takes {other} arguments, not {arity}");
                }
                let native: Vec<_> = natives::all().into_iter().map(|(name, ..)| name).collect();
                let known = self
                    .library
                    .iter()
                    .map(|d| d.name)
                    .chain(native)
                    .filter(|n| !n.starts_with("__"));
                match seawall_text::nearest(name, known) {
                    Some(near) => format!("there is no filter `{name}`; did you mean `{near}`?"),
                    None => format!("there is no filter `{name}`; a text is written in quotes: '\"{name}\"'"),
                }
            }
            other => format!("there is no {} `{name}`", other.as_str()),
        }
    }
}

pub(super) fn parse(code: &str) -> Result<Term<&str>, Fault> {
    let tokens = Lexer::new(code)
        .lex()
        .map_err(|errors| first_error(code, errors.into_iter().map(|(e, s)| (e.as_str(), s))))?;
    Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| {
        let errors = errors
            .into_iter()
            .map(|(e, found)| (e.as_str(), Token::opt_as_str(found, code)));
        first_error(code, errors)
    })
}

fn first_error<'a>(code: &'a str, mut errors: impl Iterator<Item = (&'a str, &'a str)>) -> Fault {
    let Some((expected, found)) = errors.next() else {
        return fault(None, "it is no jq".into());
    };
    let word = found.split_whitespace().next().unwrap_or_default();
    let found = if word.is_empty() {
        "the end".to_owned()
    } else {
        format!("`{}`", seawall_text::cut(word, 20))
    };
    let at = if word.is_empty() { &code[code.len()..] } else { word };
    fault(spot(code, at), format!("expected {}, found {found}", article(expected)))
}

fn article(expected: &str) -> String {
    if expected == "nothing" {
        "the end or an operator such as `|`".into()
    } else {
        expected.to_owned()
    }
}

fn fault(at: Option<Spot>, message: String) -> Fault {
    Fault { at, message }
}

/// Where `part` lies in `code`, of which it must be a slice.
fn spot(code: &str, part: &str) -> Option<Spot> {
    let start = part.as_ptr().addr().checked_sub(code.as_ptr().addr())?;
    let before = code.get(..start)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some(Spot {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    })
}

/// Expressions that need no jaq.
fn simple(term: &Term<&str>) -> Option<Expr> {
    Some(match term {
        Term::Id => Expr::Path(Vec::new()),
        Term::Path(start, Path(parts)) if matches!(**start, Term::Id) => {
            let keys = parts.iter().map(|(part, opt)| match (part, opt) {
                (Part::Index(key), Opt::Essential) => plain(key),
                _ => None,
            });
            Expr::Path(keys.collect::<Option<_>>()?)
        }
        Term::Call("true", args) if args.is_empty() => Expr::Constant(true.into()),
        Term::Call("false", args) if args.is_empty() => Expr::Constant(false.into()),
        Term::Call("null", args) if args.is_empty() => Expr::Constant(Value::Null),
        Term::Num(n) => Expr::Constant(n.parse::<i64>().ok()?.into()),
        other => Expr::Constant(plain(other)?.into()),
    })
}

pub(super) fn plain(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    let mut out = String::new();
    for part in parts {
        match part {
            StrPart::Str(s) => out.push_str(s),
            StrPart::Char(c) => out.push(*c),
            StrPart::Term(_) => return None,
        }
    }
    Some(out)
}

impl Expr {
    /// The first result as JSON; null where there is none.
    pub fn json(&self, input: &Val, budget: &Budget) -> Result<Value, String> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Path(path) => walk(input, path).and_then(|v| value::to_json(v).map_err(str::to_owned)),
            Self::Program(program) => value::to_json(&program.run(input.clone(), budget)?).map_err(str::to_owned),
        }
    }

    /// Whether the first result is anything but null and false.
    pub fn holds(&self, input: &Val, budget: &Budget) -> Result<bool, String> {
        match self {
            Self::Constant(value) => Ok(!matches!(value, Value::Null | Value::Bool(false))),
            Self::Path(path) => walk(input, path).map(Val::as_bool),
            Self::Program(program) => program.run(input.clone(), budget).map(|v| v.as_bool()),
        }
    }

    /// The first result as jaq's own value.
    pub fn value(&self, input: &Val, budget: &Budget) -> Result<Val, String> {
        match self {
            Self::Constant(value) => value::parse(value.to_string().as_bytes()).map_err(|e| e.to_string()),
            Self::Path(path) => walk(input, path).cloned(),
            Self::Program(program) => program.run(input.clone(), budget),
        }
    }
}

fn walk<'a>(mut v: &'a Val, path: &[String]) -> Result<&'a Val, String> {
    for key in path {
        v = match v {
            Val::Obj(map) => value::field(map, key).unwrap_or(&Val::Null),
            Val::Null => return Ok(&Val::Null),
            other => return Err(shorten(&Error::index(other.clone(), Val::from(key.clone())))),
        };
    }
    Ok(v)
}

impl Program {
    fn run(&self, input: Val, budget: &Budget) -> Result<Val, String> {
        budget.start();
        let ctx = Ctx::<Jq>::new(
            Run {
                lut: &self.0.lut,
                budget,
            },
            Vars::new([]),
        );
        let first = self.0.id.run((ctx, input)).next();
        if let Some(bound) = budget.broken() {
            return Err(bound.to_owned());
        }
        match first {
            None => Ok(Val::Null),
            Some(Ok(v)) => Ok(v),
            Some(Err(exn)) => Err(match exn.get_err() {
                Ok(error) => shorten(&error),
                Err(exn) if exn.clone().get_halt().is_ok_and(|code| code == HALT) => "it broke a bound".into(),
                Err(_) => "it ended by a `break` outside of its label".into(),
            }),
        }
    }
}

/// jq's errors print whole values; people need their beginning.
fn shorten(error: &Error<Val>) -> String {
    use std::fmt::Write as _;
    /// Stops the printing once there is enough.
    struct Cut(String);
    impl std::fmt::Write for Cut {
        fn write_str(&mut self, s: &str) -> std::fmt::Result {
            self.0.push_str(s);
            if self.0.len() > 4096 {
                Err(std::fmt::Error)
            } else {
                Ok(())
            }
        }
    }
    let mut out = Cut(String::new());
    let whole = write!(out, "{error}").is_ok();
    let text = out.0;
    if whole && text.chars().count() <= 300 {
        return text;
    }
    // What is wrong stands at the end, as in `cannot index {…} with "a"`.
    let head = seawall_text::cut(&text, 200).into_owned();
    let tail: String = if whole {
        text.chars().skip(text.chars().count().saturating_sub(60)).collect()
    } else {
        String::new()
    };
    format!("{head}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_library_compiles() {
        let compiler = Compiler::new();
        assert!(compiler.library.len() > 150);
        for def in &compiler.library {
            let args = vec!["1"; def.args.len()].join("; ");
            let call = if args.is_empty() {
                def.name.to_owned()
            } else {
                format!("{}({args})", def.name)
            };
            let compiled = compiler.compile(&call);
            assert!(compiled.is_ok(), "{call}: {compiled:?}");
        }
    }

    #[test]
    fn simple_expressions_need_no_jaq() {
        let compiler = Compiler::new();
        let simple = |code: &str| !matches!(compiler.compile(code), Ok(Expr::Program(_)) | Err(_));
        for code in [
            ".",
            ".a",
            ".a.b",
            ".a[\"b c\"]",
            ".[\"a\"]",
            " .a ",
            "\"x\"",
            "\"a\\n\"",
            "true",
            "12",
            "null",
        ] {
            assert!(simple(code), "{code}");
        }
        for code in [
            ".a?",
            ".a[0]",
            ".a[]",
            "..",
            "\"\\(.a)\"",
            ".a | .b",
            "1.5",
            "-1",
            "$__loc__",
        ] {
            assert!(!simple(code), "{code}");
        }
    }
}
