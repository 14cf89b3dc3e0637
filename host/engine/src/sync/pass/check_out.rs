//! What a pass reads of git: brought up to date once, before its first page, so that all of its pages see one commit.

use super::{Ended, Pass};
use crate::{Result, checkouts::Held};
use seawall_domain::{Failure, pass::AfterFailure};

impl Pass<'_> {
    pub(super) async fn walk(&self, fresh: Option<&Held>) -> Result<Ended> {
        match self.check_out(fresh).await? {
            Ok(held) => {
                self.held.get_or_init(|| held);
                self.pull_all().await
            }
            Err(ended) => Ok(ended),
        }
    }

    /// What its pages read: the newest commits, or, where it goes on, those that it began with.
    async fn check_out(&self, fresh: Option<&Held>) -> Result<std::result::Result<Held, Ended>> {
        let Some(sources) = &self.site.sources else {
            return Ok(Ok(Held::default()));
        };
        if self.row.cursor.is_some() && self.row.counts.pages > 0 {
            let noted = self.row.checkouts.as_deref();
            return Ok(match self.engine.noted_checkouts(self.site, noted).await? {
                Some(held) => Ok(held),
                // What was listed and what would follow are not of one commit.
                None => Err(Ended::Failed(Failure::CursorExpired, AfterFailure::StartOver)),
            });
        }
        let mut attempts = 0;
        let held = loop {
            if let Some(fresh) = fresh.filter(|fresh| fresh.are_of(sources)) {
                break fresh.clone();
            }
            match self.engine.update_checkouts(self.site, self.token).await {
                Ok(held) => break held,
                Err(error) => {
                    attempts += 1;
                    if let Some(ended) = self.wait_after(&error, attempts).await? {
                        return Ok(Err(ended));
                    }
                }
            }
        };
        if attempts > 0 {
            self.engine.inner.store.note_pass(self.row.id, None).await?;
        }
        self.engine
            .inner
            .store
            .note_checkouts(self.row.id, &held.noted())
            .await?;
        Ok(Ok(held))
    }
}
