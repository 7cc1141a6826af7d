//! Object stores whose objects do not change under a reader.
//!
//! A Parquet file is read in pieces: its length from the listing, then its footer, then pages. If a
//! run replaces the object in between, the pieces are of two files, and what is decoded of them is
//! noise or, worse, rows that never were. Here each object is pinned as it was first seen; a piece of
//! another one is an error, after which the reader begins anew.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::error::DataFusionError;
use futures::future::ready;
use futures::stream::{BoxStream, once};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::error::{Error, Kind, Report};
use crate::pin::Pin;
use crate::s3::REPLACED;

/// What a reader is told whose tables were replaced while it read.
const CHANGED: &str = "the tables have changed while they were read";

/// A store and what was seen in it.
#[derive(Debug)]
pub(super) struct Pinned {
    store: Arc<dyn ObjectStore>,
    pins: Pins,
}

#[derive(Clone, Debug, Default)]
struct Pins(Arc<Mutex<HashMap<Path, Pin>>>);

/// The object at `0` is another than the one that was seen first.
#[derive(Debug)]
struct Changed(String);

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was replaced", self.0)
    }
}

impl StdError for Changed {}

/// The error to tell if an object was replaced in between.
pub(crate) fn changed(cause: &DataFusionError) -> Option<Error> {
    let causes = std::iter::successors(Some(cause as &(dyn StdError + 'static)), |cause| {
        StdError::source(*cause)
    });
    let replaced = causes.filter_map(|cause| match cause.downcast_ref::<object_store::Error>() {
        Some(object_store::Error::Precondition { source, .. }) => source.downcast_ref::<Changed>(),
        _ => cause.downcast_ref::<Changed>(),
    });
    let Changed(object) = replaced.into_iter().next()?;
    let report = Report::new(CHANGED)
        .at(object.as_str())
        .expected("the object that was listed first")
        .found("another one: a run is replacing cells")
        .hint("ask again, or wait until the run has ended");
    Some(Error::new(Kind::Store, report))
}

/// Whether `error` is one after which a reader begins anew. A bucket sees by itself that an object was
/// replaced, and is asked first.
pub(super) fn is_changed(error: &Error) -> bool {
    error.reports.iter().any(|report| [CHANGED, REPLACED].contains(&report.title.as_str()))
}

impl Pins {
    /// Pins an object that was not seen before.
    ///
    /// # Errors
    /// It was, and was another.
    fn hold(&self, meta: &ObjectMeta) -> Result<()> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Pin::of(meta);
        let pin = pins.entry(meta.location.clone()).or_insert_with(|| found.clone());
        if pin.is(&found) {
            return Ok(());
        }
        let path = meta.location.to_string();
        let source = Box::new(Changed(path.clone()));
        Err(object_store::Error::Precondition { path, source })
    }
}

impl Pinned {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, pins: Pins::default() }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Pinned {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // What comes with the bytes says whose they are: a file stays the one that was opened.
        let result = self.store.get_opts(location, options).await?;
        self.pins.hold(&result.meta)?;
        Ok(result)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let pins = self.pins.clone();
        let listed = self.store.list(prefix);
        listed.and_then(move |meta| ready(pins.hold(&meta).map(|()| meta))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.store.list_with_delimiter(prefix).await?;
        listed.objects.iter().try_for_each(|meta| self.pins.hold(meta))?;
        Ok(listed)
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        once(ready(Err(read_only("delete")))).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

fn read_only(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "a store to read from".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use crate::s3::{Cause, S3Failure};

    #[tokio::test]
    async fn an_object_that_is_replaced_after_it_was_seen_is_an_error_and_another_reader_sees_it() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (cell, other) = (Path::from("tables/a"), Path::from("tables/b"));
        store.put(&cell, "old".into()).await.unwrap();
        store.put(&other, "old".into()).await.unwrap();
        let pinned = Pinned::new(Arc::clone(&store));
        let listed: Vec<_> = pinned.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 2);
        // Of the same size, within the same second.
        store.put(&cell, "new".into()).await.unwrap();
        assert_eq!(pinned.get_ranges(&other, &[0..1, 2..3]).await.unwrap(), ["o", "d"]);
        let error = pinned.get_ranges(&cell, &[0..1, 2..3]).await.unwrap_err();
        let error = changed(&DataFusionError::from(error)).unwrap();
        assert_eq!((error.kind, is_changed(&error)), (Kind::Store, true));
        assert_eq!(error.reports[0].place.as_deref(), Some("tables/a"));

        let anew = Pinned::new(store);
        assert_eq!(anew.get_range(&cell, 0..3).await.unwrap(), "new");
    }

    #[test]
    fn a_bucket_that_sees_it_first_makes_a_reader_begin_anew_too() {
        let begins_anew = |cause| {
            let failure = S3Failure { cause, found: String::new(), credentials: "nobody".into() };
            is_changed(&failure.error("s3://bucket/out", Kind::Data))
        };
        assert!(begins_anew(Cause::Replaced));
        assert!(!begins_anew(Cause::Temporary));
    }
}
