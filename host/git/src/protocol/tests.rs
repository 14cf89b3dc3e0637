//! Servers that answer as none should, or as old ones do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::{Bounds, WireError};
use bytes::Bytes;
use std::{collections::VecDeque, sync::Mutex};

/// Gives these answers, one after the other, and keeps what was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Scripted>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Clone, Default)]
struct Scripted {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: VecDeque<Bytes>,
    broken: bool,
}

#[async_trait::async_trait]
impl Wire for Script {
    async fn send(
        &self,
        method: &str,
        url: &str,
        _headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Box<dyn Answer>, WireError> {
        let asked = format!("{method} {url} {}", String::from_utf8_lossy(&body));
        self.asked.lock().unwrap().push(asked);
        let answer = self.answers.lock().unwrap().pop_front();
        Ok(Box::new(answer.ok_or(WireError::Failed("no connection".into()))?))
    }
}

#[async_trait::async_trait]
impl Answer for Scripted {
    fn status(&self) -> u16 {
        self.status
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str())
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.pieces.pop_front() {
            None if self.broken => Err(WireError::Failed("reset".into())),
            piece => Ok(piece),
        }
    }
}

const BOUNDS: Bounds = Bounds {
    pack_bytes: 1_000,
    bytes: 1_000,
    files: 10,
    timeout_ms: 1_000,
};
const ASK: Ask<'static> = Ask {
    url: "https://git.example.com/a.git",
    reference: None,
    credential: None,
    with_credential: true,
    bounds: &BOUNDS,
};
const GREETING: &str = "001e# service=git-upload-pack\n0000000eversion 2\n0015agent=git/2.39.5\n0013ls-refs=unborn\n\
                        0020fetch=shallow wait-for-done\n0012server-option\n0017object-format=sha1\n0000";

/// What a server sends, a byte at a time.
fn sends(kind: &str, text: &str) -> Scripted {
    Scripted {
        status: 200,
        headers: vec![("content-type", format!("application/x-git-upload-pack-{kind}"))],
        pieces: text.bytes().map(|byte| Bytes::from(vec![byte])).collect(),
        broken: false,
    }
}

fn status(status: u16, headers: &[(&'static str, &str)], text: &str) -> Scripted {
    Scripted {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        pieces: [Bytes::from(text.to_owned())].into(),
        broken: false,
    }
}

fn script(answers: impl IntoIterator<Item = Scripted>) -> Script {
    Script {
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
    }
}

async fn greeted(answer: Scripted) -> Result<bool, GitError> {
    let script = script([answer]);
    Ok(greet(&script, &ASK).await?.shallow)
}

#[tokio::test]
async fn a_server_says_what_it_can_with_and_without_its_name_before() {
    assert_eq!(greeted(sends("advertisement", GREETING)).await, Ok(true));
    let bare = GREETING.strip_prefix("001e# service=git-upload-pack\n0000").unwrap();
    assert_eq!(greeted(sends("advertisement", bare)).await, Ok(true));
    let plain = bare.replace("0020fetch=shallow wait-for-done\n", "000afetch\n");
    assert_eq!(greeted(sends("advertisement", &plain)).await, Ok(false));
}

#[tokio::test]
async fn what_is_no_git_server_is_told_by_what_helps() {
    let old = format!(
        "001e# service=git-upload-pack\n00000043{} HEAD\0multi_ack thin-p\n0000",
        "b".repeat(40)
    );
    let sha256 = GREETING.replace("0017object-format=sha1", "0019object-format=sha256");
    let page = status(200, &[("content-type", "text/html")], "<html>");
    let moved = status(
        301,
        &[("location", "https://elsewhere.example.com/a.git/info/refs")],
        "",
    );
    for (answer, expected) in [
        (sends("advertisement", &old), "Unusable: version 2 of git's protocol"),
        (sends("advertisement", &sha256), "Unusable: `sha256`"),
        (page, "Unusable: its content is `text/html`"),
        (
            moved,
            "Unusable: to `https://elsewhere.example.com/a.git/info/refs`; that is not followed",
        ),
        (
            status(401, &[("content-type", "text/plain")], "expired"),
            "Unauthorized: 401: expired",
        ),
        (status(401, &[], "<p>who?"), "Unauthorized: answers 401"),
        (status(404, &[], ""), "NotFound: 404"),
        (status(429, &[("retry-after", "7")], ""), "RateLimited: 7000 ms"),
        (status(403, &[("retry-after", "3")], ""), "RateLimited: 3000 ms"),
        (status(403, &[], ""), "Unauthorized: answers 403"),
        (status(503, &[("retry-after", "2")], ""), "RateLimited: 2000 ms"),
        (status(502, &[], ""), "Unavailable: 502"),
        (status(418, &[], ""), "Unusable: 418"),
        (sends("advertisement", "0000"), "Unusable: version 2"),
        (sends("advertisement", ""), "Unavailable: broke off"),
        (sends("advertisement", "001e# serv"), "Unavailable: broke off"),
        (sends("advertisement", "zzzz"), "Unusable: not that of a git server"),
        (sends("advertisement", "0003"), "Unusable: not that of a git server"),
        (sends("advertisement", "fff0"), "Unavailable: broke off"),
        (
            sends("advertisement", "000eERR  gone\n"),
            "Unavailable: the git server says: gone",
        ),
    ] {
        let error = greeted(answer).await.unwrap_err();
        let (variant, says) = expected.split_once(": ").unwrap();
        assert!(format!("{error:?}").starts_with(variant), "{expected}: {error:?}");
        assert!(error.to_string().contains(says), "{expected}: {error}");
    }
    let error = greeted(Scripted {
        broken: true,
        ..sends("advertisement", "001e#")
    });
    assert!(matches!(error.await, Err(GitError::Unavailable(_))));
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let line = format!("fff0{}", "x".repeat(0xfff0 - 4));
    let mut answer = sends("advertisement", "");
    answer.pieces = std::iter::repeat_n(Bytes::from(line), 200).collect();
    answer.pieces.push_front(Bytes::from("000eversion 2\n"));
    let error = greeted(answer).await.unwrap_err();
    assert!(error.to_string().contains("has no end"), "{error}");
}

#[tokio::test]
async fn a_fetch_says_what_is_here_and_asks_for_one_commit() {
    let (want, here) = ("a".repeat(40), "b".repeat(40));
    let sent = format!("0011shallow-info\n0035shallow {want}\n0001000dpackfile\n0009\u{1}PACK0000");
    let script = script([sends("advertisement", GREETING), sends("result", &sent)]);
    let server = greet(&script, &ASK).await.unwrap();
    let tip = Tip {
        commit: here.clone(),
        shallow: true,
    };
    let mut sent = server.pack(&want, &[tip]).await.unwrap();
    assert_eq!(sent.shallow, std::slice::from_ref(&want));
    assert_eq!(
        sent.lines.next().await,
        Ok(Some(Line::Data(Bytes::from_static(b"\x01PACK"))))
    );
    assert_eq!(sent.lines.next().await, Ok(Some(Line::Flush)));
    let asked = script.asked.lock().unwrap().pop().unwrap();
    assert_eq!(
        asked,
        format!(
            "POST https://git.example.com/a.git/git-upload-pack 0012command=fetch\n0012agent=seawall\n0017object-format=sha1\n0001\
             000ethin-pack\n000eofs-delta\n0010no-progress\n0035shallow {here}\n000ddeepen 1\n0032want {want}\n0032have {here}\n\
             0009done\n0000"
        )
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_told_with_those_that_are() {
    let branch = |names: &[&str]| {
        let line = |name: &&str| {
            format!(
                "{:04x}{} refs/heads/{name}\n",
                4 + 40 + 12 + name.len() + 1,
                "c".repeat(40)
            )
        };
        sends("result", &format!("{}0000", names.iter().map(line).collect::<String>()))
    };
    for (reference, names, says) in [
        (
            Some("gone"),
            &["main", "next"][..],
            "there is no branch or tag `gone`; there are the branches main, next",
        ),
        (Some("gone"), &[], "and no branch at all"),
        (
            None,
            &["main"],
            "its HEAD names no branch that is there; name one in the config; there are: main",
        ),
        (None, &[], "the repository is empty: push a commit to it"),
    ] {
        let script = script([sends("advertisement", GREETING), branch(&[]), branch(names)]);
        let ask = Ask { reference, ..ASK };
        let server = greet(&script, &ask).await.unwrap();
        match server.tip().await {
            Err(GitError::NotFound(why)) => assert!(why.contains(says), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    // A branch comes before a tag of the same name, and a longer name is another one.
    let both = format!(
        "0040{0} refs/heads/v1-next\n003b{1} refs/heads/v1\n003a{2} refs/tags/v1\n0000",
        "a".repeat(40),
        "b".repeat(40),
        "c".repeat(40)
    );
    let script = script([sends("advertisement", GREETING), sends("result", &both)]);
    let ask = Ask {
        reference: Some("v1"),
        ..ASK
    };
    let server = greet(&script, &ask).await.unwrap();
    assert_eq!(server.tip().await.unwrap().commit(), "b".repeat(40));
}
