//! The engine's background tasks, so that a stop can wait for all of them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{runtime::Handle, task::JoinSet};

/// Names of work that is under way.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// Work that is under way until this is dropped.
pub(crate) struct Working {
    all: UnderWay,
    name: String,
}

impl UnderWay {
    /// Begins work; none where it is under way already.
    pub(crate) fn begin(&self, name: String) -> Option<Working> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.clone()).then(|| Working {
            all: self.clone(),
            name,
        })
    }

    /// Whether work is under way.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.name);
    }
}

/// Tasks that run until they end or the engine stops.
pub(crate) struct Tasks {
    set: Mutex<JoinSet<()>>,
    /// Where plugins are called, items mapped and pages stored.
    background: Handle,
}

impl Tasks {
    pub(crate) fn new(background: Handle) -> Self {
        Self {
            set: Mutex::default(),
            background,
        }
    }

    /// Beside the requests of people.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn_on(work, &Handle::current());
    }

    /// Behind them.
    pub(crate) fn spawn_behind(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn_on(work, &self.background);
    }

    fn spawn_on(&self, work: impl Future<Output = ()> + Send + 'static, handle: &Handle) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended are taken out as others come, so that the set stays small.
        while set.try_join_next().is_some() {}
        set.spawn_on(work, handle);
    }

    /// Waits until all have ended, those too that others start meanwhile.
    pub(crate) async fn wait(&self) {
        loop {
            let mut set = std::mem::take(&mut *self.set.lock().unwrap_or_else(PoisonError::into_inner));
            if set.is_empty() {
                return;
            }
            while set.join_next().await.is_some() {}
        }
    }
}
