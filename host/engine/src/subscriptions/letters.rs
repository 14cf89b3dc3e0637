//! Messages that were not taken: shown, tried again, dropped.

use crate::{Engine, EngineError, Result};
use seawall_domain::SubscriptionName;
use seawall_store::{LetterRow, LetterState};

impl Engine {
    /// Letters of a subscription, newest first, without bodies.
    ///
    /// # Errors
    /// Where there is no such subscription.
    pub async fn letters(
        &self,
        name: &SubscriptionName,
        state: Option<LetterState>,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<LetterRow>> {
        let row = self.subscription_row(name).await?;
        Ok(self.inner.store.letters(row.id, state, before, most).await?)
    }

    /// One letter with its body.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn letter(&self, name: &SubscriptionName, letter: i64) -> Result<LetterRow> {
        let row = self.subscription_row(name).await?;
        let found = self.inner.store.letter(row.id, letter).await?;
        found.ok_or_else(|| {
            let hint = format!("`seawall subscription dead {name}` shows those that are kept");
            EngineError::not_found_but("letter", letter, hint)
        })
    }

    /// Lets a dead letter be tried again, from its first try.
    ///
    /// # Errors
    /// Where it does not exist, or is not dead.
    pub async fn retry_letter(&self, name: &SubscriptionName, letter: i64) -> Result<LetterRow> {
        let row = self.subscription_row(name).await?;
        let done = self.inner.store.retry_letter(row.id, letter, self.now()).await?;
        let found = self.letter(name, letter).await?;
        decided(done, letter)?;
        self.inner.couriers.wake();
        Ok(found)
    }

    /// Drops a dead letter.
    ///
    /// # Errors
    /// Where it does not exist, or is not dead.
    pub async fn drop_letter(&self, name: &SubscriptionName, letter: i64) -> Result<()> {
        let row = self.subscription_row(name).await?;
        self.letter(name, letter).await?;
        decided(self.inner.store.drop_letter(row.id, letter).await?, letter)
    }
}

fn decided(done: bool, letter: i64) -> Result<()> {
    match done {
        true => Ok(()),
        false => Err(EngineError::Conflict(format!(
            "the letter {letter} is not dead: it is sent again by itself"
        ))),
    }
}
