//! The URL of a database, and what went wrong at it in words. Neither ever shows the password.

use crate::{Result, StoreError};
use sqlx::postgres::PgConnectOptions;
use std::{fmt, io::ErrorKind, str::FromStr};
use url::Url;

/// What a URL may have behind its `?`.
const PARAMETERS: [&str; 15] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "user",
    "application_name",
    "statement-cache-capacity",
];

/// Where a PostgreSQL database is. Shown, it names user, host, port and database.
#[derive(Clone)]
pub struct PgAddress {
    pub(super) options: Box<PgConnectOptions>,
    /// Whether statements may stay prepared on a connection.
    pub(super) keep: bool,
}

impl fmt::Display for PgAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(f, "postgres://{}@", options.get_username())?;
        match options.get_socket() {
            Some(socket) => write!(f, "{}", socket.display())?,
            None => write!(f, "{}:{}", options.get_host(), options.get_port())?,
        }
        write!(f, "/{}", self.database())
    }
}

impl fmt::Debug for PgAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgAddress({self})")
    }
}

impl PgAddress {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…`. `sslmode`, `sslrootcert`, `sslcert` and `sslkey` mean what they
    /// mean to libpq. `statement-cache-capacity` above 0 keeps statements prepared on each connection: faster, but not through a
    /// pooler that gives each transaction another connection. What is absent comes from libpq's `PG…` variables and `.pgpass`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with what to write instead. The URL is not repeated, since it may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |what: String| {
            StoreError::Unusable(format!(
                "the database's URL is wrong: {what}; it is written postgres://USER:PASSWORD@HOST:5432/DATABASE, \
                 with %40 for an @ in the password and %2F for a /"
            ))
        };
        let parsed = Url::parse(url).map_err(|e| wrong(e.to_string()))?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(wrong(format!("`{}` is not `postgres`", parsed.scheme())));
        }
        let mut keep = false;
        for (name, value) in parsed.query_pairs() {
            if !PARAMETERS.contains(&&*name) {
                return Err(wrong(format!(
                    "it has `{name}`, which is none of {}",
                    PARAMETERS.join(", ")
                )));
            }
            if name == "statement-cache-capacity" {
                keep = value
                    .parse::<u32>()
                    .map_err(|_| wrong(format!("`{name}` is not a number")))?
                    > 0;
            }
        }
        let mut options = PgConnectOptions::from_str(url).map_err(|e| match e {
            sqlx::Error::Configuration(e) => wrong(e.to_string()),
            _ => wrong("it cannot be read".to_owned()),
        })?;
        if !keep {
            options = options.statement_cache_capacity(0);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("seawall");
        }
        // Poolers do not know it as a startup parameter, and nothing here is a float.
        let options = Box::new(options.extra_float_digits(None));
        Ok(Self { options, keep })
    }

    fn database(&self) -> &str {
        // As libpq has it.
        self.options.get_database().unwrap_or(self.options.get_username())
    }

    /// What an error at opening means and what to do.
    pub(super) fn explain(&self, error: sqlx::Error) -> StoreError {
        let (user, database) = (self.options.get_username(), self.database());
        let text = match &error {
            sqlx::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => {
                format!("nothing listens at {self}; is PostgreSQL running there, and are host and port right?")
            }
            sqlx::Error::Io(e) => format!("{self} cannot be reached: {e}; check the host's name and the network"),
            sqlx::Error::Tls(e) => {
                format!("{self}: TLS failed: {e}; see `sslmode` and `sslrootcert` in the database's URL")
            }
            sqlx::Error::Database(said) => match said.code().as_deref() {
                Some("28P01") => format!("{self} does not take the password of user `{user}`"),
                Some("28000") => format!("{self} does not let user `{user}` in: {}", said.message()),
                Some("3D000") => format!(
                    "there is no database `{database}` at {self}; make it with `CREATE DATABASE \"{database}\" OWNER \"{user}\"`"
                ),
                Some("42501") => format!(
                    "{self}: {}; let `{user}` make tables there: `GRANT CREATE ON SCHEMA public TO \"{user}\"`, or make it the \
                     database's owner",
                    said.message()
                ),
                Some("53300") => format!("{self} has no connection left: {}", said.message()),
                Some("57P03") => format!("{self} is starting or stopping: {}; try again soon", said.message()),
                _ => return error.into(),
            },
            _ => return error.into(),
        };
        StoreError::Unusable(text)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_its_password_is_never_shown() {
        let address = PgAddress::parse("postgres://ann:s3cr%40et@db.example:6432/portal?sslmode=require").unwrap();
        assert_eq!(address.to_string(), "postgres://ann@db.example:6432/portal");
        assert!(!address.keep && !format!("{address:?}").contains("s3cr"));
        assert!(
            PgAddress::parse("postgresql://a@b/c?statement-cache-capacity=100")
                .unwrap()
                .keep
        );
        assert!(
            !PgAddress::parse("postgresql://a@b/c?statement-cache-capacity=0")
                .unwrap()
                .keep
        );
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_it() {
        for (url, part) in [
            ("mysql://ann:s3cret@db/portal", "`mysql` is not `postgres`"),
            ("postgres://ann:s3cret@db:port/portal", "invalid port number"),
            (
                "postgres://ann:s3cret@db/portal?pasword=s3cret",
                "`pasword`, which is none of",
            ),
            ("postgres://ann:s3cret@db/portal?sslmode=perhaps", "ssl_mode"),
            (
                "postgres://ann:s3cret@db/portal?statement-cache-capacity=many",
                "not a number",
            ),
            ("s3cret", "the database's URL is wrong"),
        ] {
            let text = PgAddress::parse(url).unwrap_err().to_string();
            assert!(text.contains(part), "{url}: {text}");
            assert!(!text.contains("s3cret@") && !text.contains("=s3cret"), "{text}");
        }
    }
}
