//! The native filters: jaq's, without those that reach the host, and with bounds where a single call could explode.

use super::{
    budget::{HALT, Jq, MAX_SIZE},
    regex, value,
};
use jaq_core::{
    Bind, Cv, Error, Exn, Native, ValX, ValXs,
    box_iter::box_once,
    native::{Fun, bome, run, v},
};
use jaq_json::Val;

/// jaq's filters that are left out or replaced below.
const REPLACED: [&str; 15] = [
    "env",
    "halt",
    "now",
    "debug_empty",
    "stderr_empty",
    "range",
    "fromjson",
    "matches",
    "split_matches",
    "split_",
    "localtime",
    "strflocaltime",
    "ltrimstr",
    "rtrimstr",
    "indices",
];

/// All native filters.
pub(super) fn all() -> Vec<Fun<Jq>> {
    let theirs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let mut out: Vec<Fun<Jq>> = own();
    out.extend(theirs.map(|(name, args, native)| match name {
        // Called by definitions of this crate's library, which take what jq takes.
        "ltrimstr" => ("__ltrimstr", args, native),
        "rtrimstr" => ("__rtrimstr", args, native),
        "indices" => ("__indices", args, native),
        name if REPLACED.contains(&name) => ("", args, native),
        name => (name, args, native),
    }));
    out
}

fn own() -> Vec<Fun<Jq>> {
    let step = Native::new(|cv| box_once(step(&cv).map(|()| cv.1)))
        .with_paths(|cv| {
            let checked = take(&cv.0, 1, &cv.1.0);
            box_once(checked.map(|()| cv.1))
        })
        .with_update(|cv, f| match step(&cv) {
            Ok(()) => f(cv.1),
            Err(e) => box_once(Err(e)),
        });
    let sized = Native::new(|cv| box_once(sized(&cv.0, &cv.1).map(|()| cv.1)))
        .with_paths(|cv| {
            let checked = sized(&cv.0, &cv.1.0);
            box_once(checked.map(|()| cv.1))
        })
        .with_update(|cv, f| match sized(&cv.0, &cv.1) {
            Ok(()) => f(cv.1),
            Err(e) => box_once(Err(e)),
        });
    vec![
        ("__step", v(0), step),
        ("__sized", v(0), sized),
        run(("__mul", v(2), |cv| box_once(multiply(cv)))),
        run(("range", v(3), |cv| range(cv))),
        run(("fromjson", v(0), |cv| bome(from_json(&cv.1)))),
        run(("matches", regex_args(), |cv| box_once(regex::run(false, true, cv)))),
        run(("split_matches", regex_args(), |cv| box_once(regex::run(true, true, cv)))),
        run(("split_", regex_args(), |cv| box_once(regex::run(true, false, cv)))),
        run(("now", v(0), |cv| bome(now(&cv)))),
        run(("debug_empty", v(0), |_| Box::new(std::iter::empty()))),
        run(("stderr_empty", v(0), |_| Box::new(std::iter::empty()))),
        run(("halt", v(1), |_| {
            bome(Err(Error::str(
                "`halt` is not available in a mapping; use `empty` or `error(…)`",
            )))
        })),
    ]
}

fn regex_args() -> Box<[Bind]> {
    v(2)
}

fn halt<'a>() -> Exn<'a, Val> {
    Exn::halt(HALT)
}

fn step<'a>(cv: &Cv<'a, Jq>) -> Result<(), Exn<'a, Val>> {
    take(&cv.0, 1, &cv.1)
}

fn take<'a>(ctx: &jaq_core::Ctx<'a, Jq>, n: u64, v: &Val) -> Result<(), Exn<'a, Val>> {
    let budget = ctx.data().budget;
    if !budget.take(n) {
        return Err(halt());
    }
    let len = match v {
        Val::TStr(s) | Val::BStr(s) => s.len(),
        Val::Arr(a) => a.len(),
        Val::Obj(o) => o.len(),
        _ => return Ok(()),
    };
    if len > MAX_SIZE || is_deep(v) {
        budget.exceed("a value within it grew too large");
        return Err(halt());
    }
    Ok(())
}

/// Whether `v` is nested deeper than any item is, along its first or last entries: dropping such a value recurses.
fn is_deep(v: &Val) -> bool {
    fn along(v: &Val, last: bool) -> bool {
        let (mut v, mut depth) = (v, 0);
        loop {
            let next = match v {
                Val::Arr(a) => {
                    if last {
                        a.last()
                    } else {
                        a.first()
                    }
                }
                Val::Obj(o) => (if last { o.last() } else { o.first() }).map(|(_, v)| v),
                _ => None,
            };
            match next {
                Some(next) if depth < 500 => (v, depth) = (next, depth + 1),
                next => return next.is_some(),
            }
        }
    }
    along(v, false) || along(v, true)
}

fn sized<'a>(ctx: &jaq_core::Ctx<'a, Jq>, v: &Val) -> Result<(), Exn<'a, Val>> {
    let weight = match v {
        Val::Null | Val::Bool(_) | Val::Num(_) => return Ok(()),
        Val::TStr(s) | Val::BStr(s) => s.len(),
        v => value::weight(v, MAX_SIZE),
    };
    let budget = ctx.data().budget;
    if weight >= MAX_SIZE {
        budget.exceed("a value within it grew too large");
        return Err(halt());
    }
    if budget.take(weight as u64 / 16) {
        Ok(())
    } else {
        Err(halt())
    }
}

fn multiply<'a>(mut cv: Cv<'a, Jq>) -> ValX<'a, Val> {
    let (r, l) = (cv.0.pop_var(), cv.0.pop_var());
    if let (Val::TStr(s) | Val::BStr(s), n @ Val::Num(_)) | (n @ Val::Num(_), Val::TStr(s) | Val::BStr(s)) = (&l, &r) {
        let times = n.to_string().parse::<f64>().unwrap_or(f64::MAX);
        if times * s.len() as f64 > MAX_SIZE as f64 {
            cv.0.data().budget.exceed("a text within it grew too large");
            return Err(halt());
        }
    }
    take(&cv.0, 1, &l)?;
    Ok((l * r)?)
}

/// `range($from; $to; $by)`, as jaq's, with a step for each number.
fn range<'a>(mut cv: Cv<'a, Jq>) -> ValXs<'a, Val> {
    let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
    let zero = Val::from(0usize);
    let data = *cv.0.data();
    let mut at = Some(from);
    Box::new(std::iter::from_fn(move || {
        let x = at.take()?;
        let more = match by.cmp(&zero) {
            std::cmp::Ordering::Greater => x < to,
            std::cmp::Ordering::Less => x > to,
            std::cmp::Ordering::Equal => x != to,
        };
        if !more {
            return None;
        }
        if !data.budget.take(1) {
            return Some(Err(halt()));
        }
        match x.clone() + by.clone() {
            Ok(next) => at = Some(next),
            Err(e) => return Some(Err(e.into())),
        }
        Some(Ok(x))
    }))
}

fn from_json(v: &Val) -> jaq_json::ValR {
    let text = match v {
        Val::TStr(s) | Val::BStr(s) => s,
        other => return Err(Error::typ(other.clone(), "string")),
    };
    value::parse(text).map_err(|e| {
        let text = String::from_utf8_lossy(&text[..text.len().min(200)]);
        Error::str(format_args!("no JSON: {e}: {}", seawall_text::cut(&text, 60)))
    })
}

fn now(cv: &Cv<'_, Jq>) -> jaq_json::ValR {
    match cv.0.data().budget.now() {
        Some(ms) => Ok(Val::from(ms as f64 / 1000.0)),
        None => Err(Error::str(
            "`now` is not available in a mapping: an item that did not change must give the entity that it gave before",
        )),
    }
}
