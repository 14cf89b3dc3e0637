//! Puts the bounds into an expression: calls of `__step`, `__sized` and `__mul` where it could run for ever or grow.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    ops::Math,
    path::{Opt, Part, Path},
};
use std::collections::BTreeSet;

/// Terms nested deeper than this are refused: evaluating them nests as deep.
const MAX_DEPTH: usize = 400;
/// What gives more text than it takes, so that repeating it explodes.
const GROWING: [&str; 9] = [
    "encode_uri",
    "encode_base64",
    "escape_html",
    "escape_sh",
    "tojson",
    "explode",
    "implode",
    "ascii_downcase",
    "strftime",
];

type T<'s> = Term<&'s str>;

/// Rewrites terms, and collects the names of the filters that they call.
#[derive(Default)]
pub(super) struct Guard<'s> {
    pub(super) names: BTreeSet<&'s str>,
    depth: usize,
    too_deep: bool,
}

impl<'s> Guard<'s> {
    /// Guards a user's expression; `None` when it is nested too deep.
    pub(super) fn expression(&mut self, t: T<'s>) -> Option<T<'s>> {
        let out = self.term(t);
        (!self.too_deep).then_some(out)
    }

    /// Guards a definition of the library: only what calls itself needs a step.
    pub(super) fn library(&mut self, def: Def<&'s str>) -> Def<&'s str> {
        let mut own = Guard::default();
        let body = own.term(def.body);
        let recursive = own.names.contains(def.name);
        self.names.extend(own.names);
        Def {
            body: if recursive { pipe(call("__step"), body) } else { body },
            ..def
        }
    }

    #[expect(clippy::boxed_local, reason = "the terms hold boxes, and give them back")]
    fn boxed(&mut self, t: Box<T<'s>>) -> Box<T<'s>> {
        Box::new(self.term(*t))
    }

    fn term(&mut self, t: T<'s>) -> T<'s> {
        if self.depth >= MAX_DEPTH {
            self.too_deep = true;
            return Term::Id;
        }
        self.depth += 1;
        let out = self.inner(t);
        self.depth -= 1;
        out
    }

    fn inner(&mut self, t: T<'s>) -> T<'s> {
        match t {
            Term::Id | Term::Num(_) | Term::Break(_) => t,
            Term::Var("$ENV") => Term::Obj(Vec::new()),
            Term::Var("$__loc__") => Term::Obj(vec![
                (text("file"), Some(text("mapping"))),
                (text("line"), Some(Term::Num("1"))),
            ]),
            Term::Var(_) => t,
            Term::Recurse => pipe(call("__sized"), Term::Recurse),
            Term::Str(format, parts) => self.string(format, parts),
            Term::Arr(inner) => Term::Arr(inner.map(|f| Box::new(pipe(self.term(*f), call("__step"))))),
            Term::Obj(entries) => Term::Obj(
                entries
                    .into_iter()
                    .map(|(k, v)| (self.key(k), v.map(|v| self.term(v))))
                    .collect(),
            ),
            Term::Neg(f) => Term::Neg(self.boxed(f)),
            Term::BinOp(l, op, r) => self.operation(*l, op, *r),
            Term::Label(name, f) => Term::Label(name, self.boxed(f)),
            Term::Fold(name, xs, pattern, args) => {
                let (xs, pattern) = (self.boxed(xs), self.pattern(pattern));
                let args = args.into_iter().enumerate().map(|(i, arg)| {
                    let arg = self.term(arg);
                    if i == 0 { arg } else { pipe(call("__step"), arg) }
                });
                Term::Fold(name, xs, pattern, args.collect())
            }
            Term::TryCatch(f, c) => Term::TryCatch(self.boxed(f), c.map(|c| self.boxed(c))),
            Term::IfThenElse(branches, last) => Term::IfThenElse(
                branches
                    .into_iter()
                    .map(|(i, t)| (self.term(i), self.term(t)))
                    .collect(),
                last.map(|t| self.boxed(t)),
            ),
            Term::Def(defs, f) => {
                let defs = defs.into_iter().map(|def| {
                    let body = pipe(call("__step"), self.term(def.body));
                    Def { body, ..def }
                });
                Term::Def(defs.collect(), self.boxed(f))
            }
            Term::Call(name, args) => {
                self.names.insert(name);
                let args: Vec<_> = args.into_iter().map(|a| self.term(a)).collect();
                let grows = GROWING.contains(&name);
                let out = Term::Call(name, args);
                if name == "tojson" {
                    pipe(call("__sized"), pipe(out, call("__step")))
                } else if grows {
                    pipe(out, call("__step"))
                } else {
                    out
                }
            }
            Term::Path(f, Path(parts)) => {
                let f = self.boxed(f);
                let parts: Vec<(Part<T<'s>>, Opt)> = parts
                    .into_iter()
                    .map(|(part, opt)| {
                        let part = match part {
                            Part::Index(i) => Part::Index(self.key(i)),
                            Part::Range(a, b) => Part::Range(a.map(|a| self.term(a)), b.map(|b| self.term(b))),
                        };
                        (part, opt)
                    })
                    .collect();
                Term::Path(f, Path(parts))
            }
        }
    }

    /// Keys that are plain text stay as they are, so that simple paths can be told.
    fn key(&mut self, t: T<'s>) -> T<'s> {
        match t {
            // `{$__loc__}` and `{$ENV}` name themselves.
            Term::Var(_) => t,
            t => self.term(t),
        }
    }

    fn string(&mut self, format: Option<&'s str>, parts: Vec<StrPart<&'s str, T<'s>>>) -> T<'s> {
        self.names.extend(format);
        let mut grows = false;
        let parts = parts.into_iter().map(|part| match part {
            StrPart::Term(t) => {
                grows = true;
                StrPart::Term(pipe(self.term(t), call("__sized")))
            }
            other => other,
        });
        let parts = parts.collect();
        let out = Term::Str(format, parts);
        if grows { pipe(out, call("__step")) } else { out }
    }

    fn operation(&mut self, l: T<'s>, op: BinaryOp<&'s str>, r: T<'s>) -> T<'s> {
        let of = |l, op, r| Term::BinOp(Box::new(l), op, Box::new(r));
        match op {
            BinaryOp::Pipe(Some(pattern)) => {
                let (l, pattern) = (self.term(l), self.pattern(pattern));
                let r = pipe(call("__step"), self.term(r));
                of(l, BinaryOp::Pipe(Some(pattern)), r)
            }
            BinaryOp::Math(Math::Add) => {
                let (l, r) = (self.addend(l), self.addend(r));
                pipe(of(l, op, r), call("__step"))
            }
            BinaryOp::Math(Math::Mul) if !matches!((&l, &r), (Term::Num(_), Term::Num(_))) => {
                Term::Call("__mul", vec![self.term(l), self.term(r)])
            }
            BinaryOp::UpdateMath(math @ (Math::Add | Math::Mul)) => {
                // `l += r` is `r as $x | l |= . + $x`.
                let (l, r) = (self.term(l), self.term(r));
                let x = || Term::Var("$__by");
                let step = match math {
                    Math::Add => pipe(of(Term::Id, BinaryOp::Math(Math::Add), x()), call("__step")),
                    _ => Term::Call("__mul", vec![Term::Id, x()]),
                };
                of(
                    r,
                    BinaryOp::Pipe(Some(Pattern::Var("$__by"))),
                    of(l, BinaryOp::Update, step),
                )
            }
            op => {
                let (l, r) = (self.term(l), self.term(r));
                of(l, op, r)
            }
        }
    }

    /// A part of a longer sum, whose length is looked at once at its end.
    fn addend(&mut self, t: T<'s>) -> T<'s> {
        match t {
            Term::BinOp(l, op @ BinaryOp::Math(Math::Add), r) if self.depth < MAX_DEPTH => {
                self.depth += 1;
                let (l, r) = (self.addend(*l), self.addend(*r));
                self.depth -= 1;
                Term::BinOp(Box::new(l), op, Box::new(r))
            }
            t => self.term(t),
        }
    }

    fn pattern(&mut self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(_) => pattern,
            Pattern::Arr(all) => Pattern::Arr(all.into_iter().map(|p| self.pattern(p)).collect()),
            Pattern::Obj(all) => Pattern::Obj(all.into_iter().map(|(k, p)| (self.key(k), self.pattern(p))).collect()),
        }
    }
}

fn call<'s>(name: &'s str) -> T<'s> {
    Term::Call(name, Vec::new())
}

fn text<'s>(s: &'s str) -> T<'s> {
    Term::Str(None, vec![StrPart::Str(s)])
}

fn pipe<'s>(l: T<'s>, r: T<'s>) -> T<'s> {
    Term::BinOp(Box::new(l), BinaryOp::Pipe(None), Box::new(r))
}
