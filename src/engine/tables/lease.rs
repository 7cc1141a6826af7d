//! A lease on a bucket: one run at a time of a part, of training, of the commit of a pipeline, whichever machine
//! it is on.
//!
//! `_state/leases/pipeline=<slug>/<what>.json` names the holder, since and until when it holds, and a token that
//! rises with every holder. It is made by a put that fails where an object is, and renewed or taken over by one that
//! fails where the object is another than was read. A holder that is late finds the token of its successor
//! before it replaces a cell (Gray & Cheriton 1989, "Leases"; fencing tokens: Kleppmann 2016).
//!
//! Clocks may differ by [`SKEW`]. A folder on a disk has the lock of its files instead, which ends with the
//! process that holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::root::{cannot_read, cannot_write};
use crate::s3::{Cause, failure_in};
use crate::{Error, Kind, Report, Result};

/// How long a lease holds without a sign of life.
const TERM: Duration = Duration::from_secs(60);
/// How often the holder gives one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// By how much two clocks may differ.
const SKEW: Duration = Duration::from_secs(30);
/// Others may come first so many times.
const TRIES: usize = 5;
/// A put that gets no answer is tried so often.
const TRIES_OF_PUT: usize = 3;

/// What tells the time.
pub type Clock = fn() -> DateTime<Utc>;

/// Who asks for a lease.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The run.
    pub run_id: String,
    /// Where it is at work: who shares it shares the locks of its files too, so that a lease of the same place
    /// belongs to a run that is dead.
    pub place: String,
    /// Its process there.
    pub process: u32,
    /// By which it lives.
    pub clock: Clock,
}

/// What the object says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The run that holds it.
    pub run_id: String,
    /// Where that is at work.
    pub place: String,
    /// Its process there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Since when it holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Rises with every holder.
    token: u64,
    /// Until when, if it gives no sign of life.
    pub until: DateTime<Utc>,
}

/// How a lease was asked for and answered.
#[derive(Debug)]
pub enum Asked {
    /// It is ours.
    Held(Lease),
    /// It is another's.
    Busy(Terms),
    /// The store knows no conditional put.
    Unknown,
}

/// A lease that is renewed for as long as it lives.
#[derive(Debug)]
pub struct Lease {
    object: Arc<Object>,
    heart: JoinHandle<()>,
}

/// The object of a lease, and what is known of it.
#[derive(Debug)]
struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    place: String,
    clock: Clock,
    /// Our terms, and the version of the object that says so.
    own: Mutex<(Terms, UpdateVersion)>,
    is_lost: AtomicBool,
}

/// Asks for the lease at `path` of `store`, which messages call `place`.
pub(super) async fn ask(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    place: &str,
    holder: &Holder,
) -> Result<Asked> {
    let asked = ask_at(store, path, place, holder, (holder.clock)()).await?;
    Ok(match asked {
        Answer::Held(object) => {
            let object = Arc::new(object);
            let beating = Arc::clone(&object);
            let heart = tokio::spawn(async move {
                while !beating.is_lost.load(Ordering::Relaxed) {
                    tokio::time::sleep(HEARTBEAT).await;
                    beating.renew((beating.clock)()).await;
                }
            });
            Asked::Held(Lease { object, heart })
        }
        Answer::Busy(terms) => Asked::Busy(terms),
        Answer::Unknown => Asked::Unknown,
    })
}

enum Answer {
    Held(Object),
    Busy(Terms),
    Unknown,
}

async fn ask_at(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    place: &str,
    holder: &Holder,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let at = Path::from(path);
    for tries in 1..=TRIES {
        let found = read(store.as_ref(), &at).await.map_err(|error| cannot_read(place, &error))?;
        let (token, mode) = match found {
            None => (1, PutMode::Create),
            // What cannot be read was cut off, and holds nothing.
            Some((None, version)) => (1, PutMode::Update(version)),
            Some((Some(terms), version)) => {
                let is_dead = terms.place == holder.place || terms.until + SKEW < now;
                if !is_dead && terms.run_id != holder.run_id {
                    return Ok(Answer::Busy(terms));
                }
                (terms.token + 1, PutMode::Update(version))
            }
        };
        let terms = Terms {
            run_id: holder.run_id.clone(),
            place: holder.place.clone(),
            process: Some(holder.process),
            since: Some(now),
            token,
            until: now + TERM,
        };
        match put(store.as_ref(), &at, &terms, mode).await {
            Ok(version) => {
                return Ok(Answer::Held(Object {
                    store: Arc::clone(store),
                    path: at,
                    place: place.to_owned(),
                    clock: holder.clock,
                    own: Mutex::new((terms, version)),
                    is_lost: AtomicBool::new(false),
                }));
            }
            // Another came first, or our own first try did and its answer was lost: read again.
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {}
            // The client does not repeat by itself what must not be done twice.
            Err(error) if is_unanswered(&error) && tries < TRIES_OF_PUT => {}
            Err(StoreError::NotImplemented { .. }) => return Ok(Answer::Unknown),
            Err(error) => return Err(cannot_write(place, &error)),
        }
    }
    Err(Error::new(
        Kind::Store,
        Report::new("a lease of this pipeline changes hands all the time")
            .at(place)
            .expected("one run at a time")
            .found(format!("{TRIES} tries, each of them too late"))
            .hint("run the same command again"),
    ))
}

/// Whether nobody knows what became of a put.
fn is_unanswered(error: &StoreError) -> bool {
    failure_in(error).is_some_and(|failure| failure.cause == Cause::NoAnswer)
}

/// The terms at `path`, `None` where they cannot be read, and the version of the object.
async fn read(
    store: &dyn ObjectStore,
    path: &Path,
) -> Result<Option<(Option<Terms>, UpdateVersion)>, StoreError> {
    let found = match store.get(path).await {
        Ok(found) => found,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let version =
        UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
    let terms = serde_json::from_slice(&found.bytes().await?).ok();
    Ok(Some((terms, version)))
}

async fn put(
    store: &dyn ObjectStore,
    path: &Path,
    terms: &Terms,
    mode: PutMode,
) -> Result<UpdateVersion, StoreError> {
    let json = serde_json::to_vec_pretty(terms)
        .map_err(|error| StoreError::Generic { store: "lease", source: Box::new(error) })?;
    let options = PutOptions { mode, ..PutOptions::default() };
    Ok(store.put_opts(path, json.into(), options).await?.into())
}

impl Object {
    /// Gives a sign of life. What fails is tried again with the next; what is another's by now is lost.
    async fn renew(&self, now: DateTime<Utc>) {
        let mut own = self.own.lock().await;
        let (terms, version) = &*own;
        let renewed = Terms { until: now + TERM, ..terms.clone() };
        let mode = PutMode::Update(version.clone());
        match put(self.store.as_ref(), &self.path, &renewed, mode).await {
            Ok(version) => *own = (renewed, version),
            Err(StoreError::Precondition { .. } | StoreError::NotFound { .. }) => {
                // A renewal whose answer was lost is ours all the same.
                match read(self.store.as_ref(), &self.path).await {
                    Ok(Some((Some(found), version))) if found.token == own.0.token => {
                        *own = (found, version);
                    }
                    Ok(_) => self.is_lost.store(true, Ordering::Relaxed),
                    Err(_) => {}
                }
            }
            Err(error) => tracing::debug!(%error, "the lease could not be renewed"),
        }
    }

    /// That it is ours still.
    async fn check(&self, now: DateTime<Utc>) -> Result<()> {
        let own = self.own.lock().await.0.clone();
        let found = match self.is_lost.load(Ordering::Relaxed) || own.until < now {
            true => None,
            false => {
                let found = read(self.store.as_ref(), &self.path).await;
                found
                    .map_err(|error| cannot_read(&self.place, &error))?
                    .and_then(|(terms, _)| terms)
            }
        };
        match found {
            Some(found) if found.token == own.token && found.run_id == own.run_id => Ok(()),
            found => Err(lost(&self.place, &own, found)),
        }
    }
}

fn lost(place: &str, own: &Terms, found: Option<Terms>) -> Error {
    let found = match found {
        Some(other) => format!("it is held by run {} now", other.run_id),
        None => format!(
            "it ran out at {}, and could not be renewed",
            own.until.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
    };
    Error::new(
        Kind::Store,
        Report::new("this run has lost its lease")
            .at(place)
            .expected("a sign of life every quarter of a minute")
            .found(found)
            .hint("run the same command again; no cell was half replaced"),
    )
}

impl Lease {
    /// That it is ours still: asked before each cell is replaced.
    ///
    /// # Errors
    /// [`Kind::Store`]: another run holds it, or it could not be renewed in time.
    pub(super) async fn check(&self) -> Result<()> {
        self.object.check((self.object.clock)()).await
    }

    /// Gives it up, if it is ours still. Where that fails it ends by itself.
    pub async fn release(&self) {
        self.heart.abort();
        if self.check().await.is_err() {
            return;
        }
        let own = self.object.own.lock().await;
        let ended = Terms { until: DateTime::<Utc>::UNIX_EPOCH, ..own.0.clone() };
        let mode = PutMode::Update(own.1.clone());
        drop(put(self.object.store.as_ref(), &self.object.path, &ended, mode).await);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

#[cfg(test)]
mod tests {
    use datafusion::object_store::memory::InMemory;

    use super::*;

    const PATH: &str = "_state/leases/pipeline=job/part-00000.json";

    fn store() -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    fn holder(run_id: &str, place: &str) -> Holder {
        let clock = || at(0);
        Holder { run_id: run_id.to_owned(), place: place.to_owned(), process: 7, clock }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    async fn asks(store: &Arc<dyn ObjectStore>, who: &Holder, second: i64) -> Answer {
        ask_at(store, PATH, "s3://b/out", who, at(second)).await.unwrap()
    }

    async fn held(store: &Arc<dyn ObjectStore>, who: &Holder, second: i64) -> Object {
        match asks(store, who, second).await {
            Answer::Held(object) => object,
            Answer::Busy(terms) => panic!("{terms:?}"),
            Answer::Unknown => panic!("unknown"),
        }
    }

    #[tokio::test]
    async fn the_second_is_told_who_holds_it_and_until_when() {
        let store = store();
        let first = held(&store, &holder("r1", "here"), 0).await;
        let Answer::Busy(terms) = asks(&store, &holder("r2", "there"), 89).await else {
            panic!("two hold it");
        };
        assert_eq!((terms.run_id.as_str(), terms.token, terms.until), ("r1", 1, at(60)));
        assert_eq!((terms.process, terms.since), (Some(7), Some(at(0))));
        first.renew(at(80)).await;
        let Answer::Busy(terms) = asks(&store, &holder("r2", "there"), 169).await else {
            panic!("two hold it");
        };
        assert_eq!(terms.since, Some(at(0)), "a sign of life is no new beginning");
        assert!(first.check(at(139)).await.is_ok());
    }

    #[tokio::test]
    async fn who_gives_no_sign_of_life_is_followed_and_finds_out_before_it_writes() {
        let store = store();
        let first = held(&store, &holder("r1", "here"), 0).await;
        // A minute, and half a minute for clocks that differ.
        let second = held(&store, &holder("r2", "there"), 91).await;
        assert_eq!(second.own.lock().await.0.token, 2);
        // By its own clock, which is slow, the first would still hold it.
        let error = first.check(at(50)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Store);
        assert_eq!(error.reports[0].found.as_deref(), Some("it is held by run r2 now"));
        first.renew(at(92)).await;
        assert!(first.is_lost.load(Ordering::Relaxed));
        assert!(second.check(at(92)).await.is_ok());
    }

    #[tokio::test]
    async fn a_holder_whose_time_is_up_does_not_trust_itself() {
        let store = store();
        let only = held(&store, &holder("r1", "here"), 0).await;
        assert!(only.check(at(60)).await.is_ok());
        let error = only.check(at(61)).await.unwrap_err();
        assert!(error.reports[0].found.as_deref().unwrap().starts_with("it ran out at 2027-"));
    }

    #[tokio::test]
    async fn a_run_of_the_same_place_is_dead_or_it_would_hold_the_lock_of_its_file() {
        let store = store();
        drop(held(&store, &holder("r1", "here"), 0).await);
        let second = held(&store, &holder("r2", "here"), 1).await;
        assert_eq!(second.own.lock().await.0.token, 2);
    }

    #[tokio::test]
    async fn a_put_whose_answer_was_lost_is_ours() {
        let store = store();
        // It came through, and the client tries again.
        drop(held(&store, &holder("r1", "here"), 0).await);
        let again = held(&store, &holder("r1", "elsewhere"), 0).await;
        assert!(again.check(at(1)).await.is_ok());
        // So with a renewal: the object has another version than we know of.
        let (terms, version) = again.own.lock().await.clone();
        let longer = Terms { until: at(500), ..terms };
        put(store.as_ref(), &Path::from(PATH), &longer, PutMode::Update(version)).await.unwrap();
        again.renew(at(10)).await;
        assert!(again.check(at(499)).await.is_ok());
    }

    #[tokio::test]
    async fn one_that_is_given_up_or_damaged_is_free() {
        let store = store();
        let Asked::Held(lease) = ask(&store, PATH, "p", &holder("r1", "here")).await.unwrap()
        else {
            panic!("busy");
        };
        lease.check().await.unwrap();
        lease.release().await;
        let Asked::Held(second) = ask(&store, PATH, "p", &holder("r2", "there")).await.unwrap()
        else {
            panic!("busy");
        };
        drop(second);
        store.put(&Path::from(PATH), "{".into()).await.unwrap();
        drop(held(&store, &holder("r3", "there"), 0).await);
    }

    #[tokio::test]
    async fn of_many_that_ask_at_once_one_holds_it() {
        for _ in 0..50 {
            let store = store();
            let asking = (0..8).map(|run| {
                let store = Arc::clone(&store);
                let who = holder(&format!("r{run}"), &format!("p{run}"));
                tokio::spawn(async move { matches!(asks(&store, &who, 0).await, Answer::Held(_)) })
            });
            let mut n_held = 0;
            for asked in asking.collect::<Vec<_>>() {
                n_held += usize::from(asked.await.unwrap());
            }
            assert_eq!(n_held, 1);
        }
    }
}
