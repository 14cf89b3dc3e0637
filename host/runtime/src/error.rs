//! Why a component could not be loaded, or a call did not end well.

use seawall_domain::Failure;

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No component, no manifest, an import nobody offers.
    #[error("{0}")]
    Invalid(String),
    /// Its exports have another shape than the manifest's roles.
    #[error("the component's {role} does not fit this host: {detail}; build it again with this version's SDK")]
    WrongShape {
        /// The interface.
        role: String,
        /// What wasmtime found.
        detail: String,
    },
    /// It could not be compiled.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// The cache of compiled code could not be written or read.
    #[error("compiled code of {digest}: {source}")]
    Cache {
        /// The component.
        digest: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a call did not end with a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The plugin said so.
    #[error("{0}")]
    Failure(Failure),
    /// It went over one of its limits.
    #[error("the call went over its limit `{limit}` of {bound}: {hint}")]
    Limit {
        /// Its name in [`seawall_domain::limits::Limits`].
        limit: &'static str,
        /// The bound with its unit.
        bound: String,
        /// What to do.
        hint: &'static str,
    },
    /// It stopped by a fault of its own.
    #[error("the plugin trapped: {detail}")]
    Trap {
        /// What wasmtime says, with the guest's last lines on stderr.
        detail: String,
    },
    /// What it answered is no valid answer.
    #[error("the plugin's answer is not valid: {0}")]
    BadAnswer(String),
    /// It has no such role.
    #[error("the plugin has no role `{0}`")]
    NoRole(&'static str),
    /// The plugin's grant was revoked or has ended meanwhile: whatever it answered counts for nothing.
    #[error("{0}, and the call with it")]
    GrantEnded(String),
    /// The call was cancelled by a person or by shutdown.
    #[error("cancelled")]
    Cancelled,
    /// The host could not make the call.
    #[error("the host could not make the call: {0}")]
    Host(String),
}

impl CallError {
    /// The failure by which the host decides what to do next. A trap or a limit is the plugin's fault and is not retried.
    pub fn as_failure(&self) -> Failure {
        match self {
            Self::Failure(failure) => failure.clone(),
            Self::Host(why) => Failure::Unavailable(why.clone()),
            other => Failure::Failed(other.to_string()),
        }
    }
}
