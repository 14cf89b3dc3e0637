//! Why the index did not answer.

/// A question that the index cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A page of nothing would never end a walk.
    #[error("a page has to hold at least one entity; ask for a limit of 1 or more")]
    ZeroLimit,
    /// Full text without a word.
    #[error("the text to look for has no word in it; write at least one letter or digit")]
    NoWords,
    /// A write was cut off by a defect, so the blueprint's answers cannot be trusted.
    #[error("the read index of blueprint `{0}` was damaged by an internal error; restart Seawall, which fills it anew")]
    Damaged(String),
}
