//! Nothing is sent once the grant was revoked or has ended, and what is under way then ends too: requests, and the call that makes
//! them.

use super::{Door, stopped::Stopped};
use seawall_domain::Millis;
use std::time::Duration;

/// How long a call goes on after the end of its grant at most. What it answers meanwhile counts for nothing.
const LAST_WORDS: Duration = Duration::from_millis(100);

impl Door {
    /// When the grant ends.
    pub fn expires_at(&self) -> Option<Millis> {
        self.config.expires_at
    }

    /// # Errors
    /// Where the grant holds no longer.
    pub(super) fn in_force(&self) -> Result<(), Stopped> {
        if self.config.revoked.is_cancelled() {
            return Err(revoked());
        }
        match self.left() {
            Some(Duration::ZERO) => Err(ended()),
            _ => Ok(()),
        }
    }

    /// Why the grant holds no longer; none while it does.
    pub(crate) fn ended(&self) -> Option<String> {
        self.in_force().err().map(|stopped| stopped.reason)
    }

    /// Waits until the grant holds no longer, and for the moment that requests under way have to say so on their records.
    pub(crate) async fn ends(&self) {
        drop(self.until_its_end().await);
        tokio::time::sleep(LAST_WORDS).await;
    }

    /// Waits until the grant holds no longer, and says why: of a request that is under way, and that was let through.
    pub(super) async fn until_its_end(&self) -> Stopped {
        let Some(left) = self.left() else {
            self.config.revoked.cancelled().await;
            return revoked().under_way();
        };
        tokio::select! {
            () = self.config.revoked.cancelled() => revoked().under_way(),
            () = tokio::time::sleep(left) => ended().under_way(),
        }
    }

    /// How long the grant holds still; none where it has no end.
    fn left(&self) -> Option<Duration> {
        let left = self.config.expires_at? - (self.config.now)();
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }
}

fn revoked() -> Stopped {
    Stopped::refused("the grant was revoked", None)
}

fn ended() -> Stopped {
    Stopped::refused("the grant has ended", None)
}
