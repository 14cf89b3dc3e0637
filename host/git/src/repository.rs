//! One store: the objects of one repository as one credential sees it, and the checkouts made of them. One update at a time.

use crate::{
    Ask, Checkout, GitError, Wire, clean,
    held::Held,
    kept::{Kept, Tip},
    pack,
    protocol::{self, Server},
    refs::Named,
    tree::{Source, Stopped},
};
use cap_std::{ambient_authority, fs::Dir};
use gix_hash::Kind;
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Mutex;

/// See the module.
pub(crate) struct Repository {
    folder: PathBuf,
    held: Arc<Held>,
    turn: Mutex<Turn>,
    /// Counts who asks and what begins, so that it can be told which was first.
    order: AtomicU64,
}

struct Turn {
    kept: Kept,
    /// When the last update of a name began, and what it came to.
    last: HashMap<String, (u64, String)>,
}

/// Packs, one for each fetch, of which a store has so many at most. Then all is fetched anew, into one.
const PACKS: usize = 32;

impl Repository {
    pub(crate) fn new(folder: PathBuf, url: &str) -> Result<Self, GitError> {
        let checkouts = folder.join("checkouts");
        make(&checkouts)?;
        let kept = Kept::read(&folder, url);
        clean::generations(&folder, &objects(kept.generation));
        let held = Held::new(checkouts);
        Ok(Self {
            turn: Mutex::new(Turn {
                kept,
                last: HashMap::new(),
            }),
            held,
            folder,
            order: AtomicU64::new(0),
        })
    }

    /// The newest commit of what is asked for. Who waited while another asked for the same takes what that one is given, if it began
    /// after this one asked.
    pub(crate) async fn update(&self, ask: &Ask<'_>, wire: &dyn Wire) -> Result<Arc<Checkout>, GitError> {
        let name = ask.reference.unwrap_or_default();
        let asked = self.order.fetch_add(1, Ordering::Relaxed);
        let mut turn = self.turn.lock().await;
        let known = turn.last.get(name).filter(|(began, _)| *began > asked);
        if let Some((_, commit)) = known {
            let commit = commit.clone();
            return self.checkout(&mut turn, &commit, ask).await;
        }
        let began = self.order.fetch_add(1, Ordering::Relaxed);
        let server = protocol::greet(wire, ask).await?;
        let tip = server.tip().await?;
        if !turn.kept.has(tip.commit()) {
            self.fetch(&mut turn.kept, &server, &tip).await?;
        }
        let checkout = self.checkout(&mut turn, tip.commit(), ask).await?;
        let commit = tip.commit().to_owned();
        if turn.kept.refs.get(name) != Some(&commit) {
            turn.kept.refs.insert(name.to_owned(), commit.clone());
            turn.kept.write(&self.folder)?;
        }
        turn.last.insert(name.to_owned(), (began, commit));
        self.held.keep(turn.kept.refs.values().cloned());
        let held = self.held.clone();
        drop(tokio::task::spawn_blocking(move || held.sweep()));
        Ok(checkout)
    }

    /// What the last update of a name came to; none where there was none. Asks nobody.
    pub(crate) async fn newest(&self, ask: &Ask<'_>) -> Result<Option<Arc<Checkout>>, GitError> {
        let mut turn = self.turn.lock().await;
        let commit = turn.kept.refs.get(ask.reference.unwrap_or_default()).cloned();
        match commit {
            Some(commit) => self.checkout(&mut turn, &commit, ask).await.map(Some),
            None => Ok(None),
        }
    }

    /// A commit that is here; none where it is not. Asks nobody.
    pub(crate) async fn at(&self, commit: &str, ask: &Ask<'_>) -> Result<Option<Arc<Checkout>>, GitError> {
        let mut turn = self.turn.lock().await;
        match turn.kept.has(commit) {
            true => self.checkout(&mut turn, commit, ask).await.map(Some),
            false => Ok(None),
        }
    }

    /// Forgets names that nobody asks for any more, unless an update is under way.
    pub(crate) fn forget_but(&self, names: &HashSet<&str>) {
        let Ok(mut turn) = self.turn.try_lock() else { return };
        let before = turn.kept.refs.len();
        turn.kept.refs.retain(|name, _| names.contains(name.as_str()));
        if turn.kept.refs.len() == before {
            return;
        }
        if let Err(error) = turn.kept.write(&self.folder) {
            tracing::warn!("{error}");
        }
        self.held.keep(turn.kept.refs.values().cloned());
        self.held.sweep();
    }

    /// Whether it can be removed: nobody reads of it, and no update is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.turn.try_lock().is_ok() && !self.held.is_read()
    }

    async fn fetch(&self, kept: &mut Kept, server: &Server<'_>, tip: &Named) -> Result<(), GitError> {
        let ask = server.ask;
        let mut next = kept.clone();
        if self.is_full(&next, ask.bounds.pack_bytes) {
            next.restart();
        }
        let objects = self.objects(&next);
        make(&objects.join("pack"))?;
        // A server that would send all that was before a commit does not know that it is not here.
        let here = next.tips.iter().filter(|tip| server.shallow || !tip.shallow);
        let here: Vec<Tip> = here.cloned().collect();
        let sent = server.pack(&tip.object, &here).await?;
        let shallow = sent.shallow.iter().any(|commit| commit == tip.commit());
        let interrupt = Interrupt::default();
        let bytes = pack::receive(sent.lines, ask, objects.clone(), interrupt.flag()).await?;
        let (commit, url, bounds) = (tip.commit().to_owned(), ask.url.to_owned(), *ask.bounds);
        let is_here = blocking(move || {
            let handle = open(&objects)?;
            let never = AtomicBool::new(false);
            let source = Source {
                objects: &handle,
                url: &url,
                bounds: &bounds,
                interrupt: &never,
            };
            Ok(source.has(&commit))
        });
        if !is_here.await? {
            return Err(GitError::Unusable(format!(
                "{}: `{}` stands for no commit, or the git server did not send it",
                ask.url, tip.name
            )));
        }
        next.add(Tip {
            commit: tip.commit().to_owned(),
            shallow,
        });
        next.write(&self.folder)?;
        tracing::info!(url = ask.url, commit = tip.commit(), bytes, "fetched");
        let old = (next.generation != kept.generation).then(|| self.objects(kept));
        *kept = next;
        if let Some(old) = old {
            drop(tokio::task::spawn_blocking(move || clean::remove_folder(&old)));
        }
        Ok(())
    }

    /// Whether fetches have left so much that it is better to begin anew.
    fn is_full(&self, kept: &Kept, bytes: u64) -> bool {
        let all = std::fs::read_dir(self.objects(kept).join("pack"));
        let sizes = all
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some(entry.metadata().ok()?.len()));
        let (files, size) = sizes.fold((0, 0), |(files, size), one| (files + 1, size + one));
        files >= 2 * PACKS || size > bytes.saturating_mul(2)
    }

    fn objects(&self, kept: &Kept) -> PathBuf {
        self.folder.join(objects(kept.generation))
    }

    /// The files of a commit that is here.
    async fn checkout(&self, turn: &mut Turn, commit: &str, ask: &Ask<'_>) -> Result<Arc<Checkout>, GitError> {
        let checkout = match self.held.take(commit) {
            Some(known) => known,
            None => match self.write(&turn.kept, commit, ask).await {
                Ok(()) => self
                    .held
                    .take(commit)
                    .ok_or_else(|| GitError::Unavailable("the checkout that was made is gone again".into()))?,
                Err(Stopped::Other(error)) => return Err(error),
                Err(Stopped::Lost(why)) => {
                    // The disk lost something: what is here is of no use.
                    turn.kept.restart();
                    turn.kept.write(&self.folder)?;
                    let why = format!(
                        "{}: an object is not here any more, all is fetched anew: {why}",
                        ask.url
                    );
                    return Err(GitError::Unavailable(why));
                }
            },
        };
        // It may have been made for who may have more.
        if checkout.notes.files > ask.bounds.files {
            return Err(ask.bounds.files_count(ask.url));
        }
        if checkout.notes.bytes > ask.bounds.bytes {
            return Err(ask.bounds.files_bytes(ask.url));
        }
        Ok(checkout)
    }

    /// Writes the files beside their place, and renames their folder.
    async fn write(&self, kept: &Kept, commit: &str, ask: &Ask<'_>) -> Result<(), Stopped> {
        let (objects, held, commit) = (self.objects(kept), self.held.clone(), commit.to_owned());
        let (url, bounds) = (ask.url.to_owned(), *ask.bounds);
        let interrupt = Interrupt::default();
        let flag = interrupt.flag();
        let written = tokio::task::spawn_blocking(move || {
            let making = held.folder.join(clean::temporary("making"));
            let disk = |path: &Path, error: &std::io::Error| Stopped::Other(GitError::disk(path, error));
            let handle = open(&objects).map_err(|e| Stopped::Lost(e.to_string()))?;
            let source = Source {
                objects: &handle,
                url: &url,
                bounds: &bounds,
                interrupt: &flag,
            };
            let done = make(&making).map_err(Stopped::from).and_then(|()| {
                let into = Dir::open_ambient_dir(&making, ambient_authority()).map_err(|e| disk(&making, &e))?;
                let notes = source.write(&commit, &into)?;
                let text = serde_json::to_vec(&notes).map_err(|e| Stopped::Other(GitError::Disk(e.to_string())))?;
                let (beside, place) = (held.notes(&commit), held.folder.join(&commit));
                // One whose notes cannot be read.
                clean::remove_folder(&place);
                std::fs::write(&beside, text).map_err(|e| disk(&beside, &e))?;
                std::fs::rename(&making, &place).map_err(|e| disk(&place, &e))
            });
            if done.is_err() {
                clean::remove_folder(&making);
            }
            done
        });
        let written = written.await;
        written.map_err(|e| Stopped::Other(GitError::Disk(e.to_string())))?
    }
}

/// The folder of objects.
fn objects(generation: u64) -> String {
    format!("{}{generation}", clean::OBJECTS)
}

/// Tells a thread that nobody waits for it any more, when it is dropped.
#[derive(Default)]
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn open(objects: &Path) -> Result<gix_odb::Handle, GitError> {
    gix_odb::at(objects, Kind::Sha1).map_err(|e| GitError::disk(objects, &e))
}

fn make(folder: &Path) -> Result<(), GitError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.map_err(|e| GitError::disk(folder, &e))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| GitError::Disk(e.to_string()))?
}
