//! How a command fails, and the exit code that says so.

use seawall_domain::document::Document;
use seawall_registry::RegistryError;
use serde_json::Value;

/// A result of a command.
pub(crate) type Result<T = ()> = std::result::Result<T, CliError>;

/// Why a command did not do what it was asked, by exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line or a document on it is wrong. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The server answered with a problem. Exit code 2 where what it was given is wrong, 4 where it does not take the token, 5
    /// where there is nothing of that name, 1 else.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// Something did not end well. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// What was asked for was printed already, and it is not well. Exit code 1, nothing more is said.
    #[error("not well")]
    Unwell,
    /// A registry, or what it holds, was of no use. Exit codes as above, by what went wrong.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Nobody answers. Exit code 3.
    #[error("{server} does not answer: {why}")]
    Unreachable {
        /// The address.
        server: String,
        /// What went wrong.
        why: String,
    },
}

/// A problem+json document (RFC 9457) as the server sends it.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) hint: Option<String>,
    /// JSON pointer and what is wrong there.
    pub(crate) errors: Vec<(String, String)>,
    /// Whether these name places in a file instead.
    is_located: bool,
}

impl Problem {
    /// What is printed: fields that are wrong stand for the summary, which is made of them.
    fn lines(&self) -> Vec<String> {
        let line = |(pointer, detail): &(String, String)| match pointer.as_str() {
            "" => detail.clone(),
            pointer => format!("{pointer}: {detail}"),
        };
        match &self.errors[..] {
            [] => vec![format!("error: {}", self.detail)],
            [one] if self.is_located || one.0.is_empty() => vec![format!("error: {}", line(one))],
            [_] => vec![format!("error: {}", self.detail)],
            all => {
                let head = format!("error: {} fields are wrong:", all.len());
                let rest = all.iter().map(|error| format!("  {}", line(error)));
                std::iter::once(head).chain(rest).collect()
            }
        }
    }

    /// Reads the body of an answer with an error status; a body that is no problem document is shown as it is.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let plain = || {
            let body = String::from_utf8_lossy(body);
            let body = seawall_domain::text::cut(body.trim(), 500).into_owned();
            if body.is_empty() {
                format!("the server answered {status}")
            } else {
                format!("the server answered {status}: {body}")
            }
        };
        let errors = value["errors"].as_array().into_iter().flatten().map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            (text("pointer"), text("detail"))
        });
        Self {
            status,
            detail: text("detail").or_else(|| text("title")).unwrap_or_else(plain),
            hint: text("hint").or_else(|| value["type"].is_null().then(|| NO_PROBLEM.to_owned())),
            errors: errors.collect(),
            is_located: false,
        }
    }
}

/// What an answer that is no problem document hints at.
const NO_PROBLEM: &str = "is it a Seawall server? --server or SEAWALL_SERVER names another";
/// Where the token is.
const TOKEN: &str =
    "give it with --token or SEAWALL_TOKEN; `seawall serve` keeps it in its data folder (--data), in the file `token`";

/// The command that lists what there is of a thing that the server does not know.
const LISTS: [(&str, &str); 5] = [
    ("integration ", "seawall integration list"),
    ("plugin ", "seawall plugin list"),
    ("blueprint ", "seawall catalog list"),
    ("entity ", "seawall catalog list BLUEPRINT"),
    ("pass ", "seawall integration show NAME"),
];

impl CliError {
    /// What scripts see; the command line's help lists it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(problem) if problem.status == 422 => 2,
            Self::Refused(problem) if problem.status == 401 => 4,
            Self::Refused(problem) if problem.status == 404 => 5,
            Self::Refused(_) | Self::Failed(_) | Self::Unwell => 1,
            Self::Unreachable { .. } => 3,
            Self::Registry(error) => match error {
                RegistryError::Usage(_) | RegistryError::File { .. } => 2,
                RegistryError::Unreachable { .. } => 3,
                RegistryError::Unauthorized { .. } => 4,
                RegistryError::NotFound(_) => 5,
                _ => 1,
            },
        }
    }

    /// Whether the server says that there is nothing of that name.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }

    /// Whether the server says that it cannot be done as things stand.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 409)
    }

    /// With the places in the file that was sent, where the server names fields of it.
    pub(crate) fn located(mut self, document: &Document) -> Self {
        if let Self::Refused(problem) = &mut self {
            for (pointer, _) in &mut problem.errors {
                *pointer = document.named(pointer);
            }
            problem.is_located = true;
        }
        self
    }

    /// Says it on stderr.
    pub(crate) fn print(&self) {
        match self {
            Self::Unwell => return,
            // The API's own words are about headers.
            Self::Refused(problem) if problem.status == 401 => {
                eprintln!("error: the server does not take the token, or was given none");
            }
            Self::Refused(problem) => {
                for line in problem.lines() {
                    eprintln!("{line}");
                }
            }
            other => eprintln!("error: {other}"),
        }
        if let Some(hint) = self.hint() {
            eprintln!("hint: {hint}");
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(problem) if problem.status == 401 => Some(TOKEN.to_owned()),
            Self::Refused(problem) => problem.hint.clone().or_else(|| {
                let known = LISTS.iter().find(|(thing, _)| problem.detail.starts_with(thing));
                let (_, list) = known.filter(|(_, list)| problem.status == 404 && !problem.detail.contains(list))?;
                Some(format!("`{list}` shows those that exist"))
            }),
            Self::Registry(RegistryError::Unauthorized { registry, .. }) => Some(format!(
                "sign in with `docker login {registry}`, or give --username and --password-stdin"
            )),
            Self::Unreachable { .. } => {
                Some("start one with `seawall serve`, or name another with --server or SEAWALL_SERVER".into())
            }
            _ => None,
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<seawall_domain::document::Problems> for CliError {
    fn from(problems: seawall_domain::document::Problems) -> Self {
        Self::Usage(problems.to_string())
    }
}

impl From<seawall_engine::EngineError> for CliError {
    fn from(error: seawall_engine::EngineError) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn reads_a_problem_document_with_its_pointers() {
        let body = br#"{"title":"Invalid","detail":"two fields are wrong","hint":"look","errors":[{"pointer":"/config/url","detail":"expected a text"}]}"#;
        let problem = Problem::read(422, body);
        assert_eq!(
            (problem.detail.as_str(), problem.hint.as_deref()),
            ("two fields are wrong", Some("look"))
        );
        assert_eq!(
            problem.errors,
            [("/config/url".to_owned(), "expected a text".to_owned())]
        );
    }

    #[test]
    fn fields_of_a_file_have_their_places_and_are_said_once() {
        let body = br#"{"detail":"/config/url: expected a text; /every_seconds: expected 1","errors":[{"pointer":"/config/url","detail":"expected a text"},{"pointer":"/every_seconds","detail":"expected 1"}]}"#;
        let document = Document::parse("f.yaml", "name: a\nconfig:\n  url: 5\n").unwrap();
        let refused = || CliError::Refused(Box::new(Problem::read(422, body)));
        let lines = |error: CliError| match error {
            CliError::Refused(problem) => problem.lines(),
            other => panic!("{other}"),
        };
        let head = "error: 2 fields are wrong:".to_owned();
        assert_eq!(
            lines(refused()),
            [
                head.clone(),
                "  /config/url: expected a text".into(),
                "  /every_seconds: expected 1".into()
            ]
        );
        assert_eq!(
            lines(refused().located(&document)),
            [
                head,
                "  f.yaml:3:8: config.url: expected a text".into(),
                "  f.yaml:1:1: every_seconds: expected 1".into()
            ]
        );
    }

    #[test]
    fn shows_what_is_no_problem_document() {
        assert_eq!(
            Problem::read(502, b"bad gateway\n").detail,
            "the server answered 502: bad gateway"
        );
        assert_eq!(Problem::read(500, b"").detail, "the server answered 500");
        let refused = CliError::Refused(Box::new(Problem::read(404, b"nothing")));
        assert_eq!(refused.hint().as_deref(), Some(NO_PROBLEM));
    }

    #[test]
    fn names_the_list_of_what_there_is() {
        let body = br#"{"type":"/problems/not-found","detail":"pass `9` does not exist"}"#;
        let refused = CliError::Refused(Box::new(Problem::read(404, body)));
        assert_eq!(
            refused.hint().as_deref(),
            Some("`seawall integration show NAME` shows those that exist")
        );
    }

    #[test]
    fn says_by_its_exit_code_what_went_wrong() {
        let unreachable = CliError::Unreachable {
            server: "http://x".into(),
            why: "refused".into(),
        };
        let refused = |status| CliError::Refused(Box::new(Problem::read(status, b"{}")));
        let codes = [
            CliError::Unwell,
            CliError::Usage("x".into()),
            unreachable,
            refused(401),
            refused(404),
            refused(409),
            refused(422),
        ];
        assert_eq!(codes.map(|error| error.exit_code()), [1, 2, 3, 4, 5, 1, 2]);
    }
}
