//! A bucket whose errors are [`S3Failure`]s, and whose objects do not change under a reader.
//!
//! A Parquet file is read piece by piece, footer first. Where it is replaced in between, the pieces
//! are of two files: each piece is held against what was listed, or read first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, RetryConfig,
    UploadPart,
};

use super::failure::{Cause, S3Failure};
use crate::pin::Pin;

/// A bucket.
#[derive(Debug)]
pub(super) struct S3Store {
    inner: Arc<dyn ObjectStore>,
    told: Told,
    /// Objects as they were first seen.
    seen: Arc<Mutex<HashMap<Path, Pin>>>,
    /// How lists that are cut off go on.
    retry: Retry,
}

/// What the client does not do by itself: it tries requests again, and the rest of an object that is cut off, but
/// not the rest of a list.
#[derive(Clone, Copy, Debug)]
struct Retry {
    n_retries: usize,
    wait: Duration,
}

/// A list is begun so often where it ended; each time the client tries as often as it was told.
const LIST_RETRIES: usize = 3;

/// Makes the client's errors ours.
#[derive(Clone, Debug)]
struct Told {
    bucket: Arc<str>,
    credentials: Arc<str>,
}

impl Told {
    fn error(&self, error: object_store::Error) -> object_store::Error {
        let failure = S3Failure::of(&error, &self.credentials);
        match error {
            // What is missing, or not as asked for, is for the caller to see.
            object_store::Error::NotFound { path, .. } if failure.cause != Cause::NoBucket => {
                object_store::Error::NotFound { path, source: Box::new(failure) }
            }
            object_store::Error::Precondition { path, .. } => {
                object_store::Error::Precondition { path, source: Box::new(failure) }
            }
            object_store::Error::NotModified { path, .. } => {
                object_store::Error::NotModified { path, source: Box::new(failure) }
            }
            object_store::Error::AlreadyExists { path, .. } => {
                object_store::Error::AlreadyExists { path, source: Box::new(failure) }
            }
            _ => failure.into_store_error(),
        }
    }
}

impl S3Store {
    pub(super) fn new(
        inner: Arc<dyn ObjectStore>,
        bucket: &str,
        credentials: Arc<str>,
        retry: &RetryConfig,
    ) -> Self {
        let told = Told { bucket: bucket.into(), credentials };
        let n_retries = retry.max_retries.min(LIST_RETRIES);
        let retry = Retry { n_retries, wait: retry.backoff.init_backoff };
        Self { inner, told, seen: Arc::default(), retry }
    }

    /// Forgets what was seen of an object that is written or removed.
    fn forget(&self, location: &Path) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.remove(location);
        }
    }

    /// The first sight of an object counts; whether this is still the same.
    fn is_as_seen(&self, location: &Path, found: &Pin) -> bool {
        let Ok(mut seen) = self.seen.lock() else { return true };
        let first = seen.entry(location.clone()).or_insert_with(|| found.clone());
        let is_same = first.is(found);
        if is_same {
            // It may say more than the list did.
            first.clone_from(found);
        }
        is_same
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.told.bucket)
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.forget(location);
        let put = self.inner.put_opts(location, payload, options).await;
        put.map_err(|error| self.told.error(error))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.forget(location);
        let upload = self.inner.put_multipart_opts(location, options).await;
        let inner = upload.map_err(|error| self.told.error(error))?;
        Ok(Box::new(Upload { inner, told: self.told.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_piece = options.range.is_some();
        let found = self.inner.get_opts(location, options).await;
        let mut found = found.map_err(|error| self.told.error(error))?;
        // A whole object is one answer and cannot be of two; it is also how a newer one is seen.
        if is_piece && !self.is_as_seen(location, &Pin::of(&found.meta)) {
            let what = format!("s3://{}/{location} is another than before", self.told.bucket);
            let failure = S3Failure::new(Cause::Replaced, what, &self.told.credentials);
            return Err(failure.into_store_error());
        }
        if let GetResultPayload::Stream(bytes) = found.payload {
            let told = self.told.clone();
            let bytes = bytes.map_err(move |error| told.error(error)).boxed();
            found.payload = GetResultPayload::Stream(bytes);
        }
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (told, seen) = (self.told.clone(), Arc::clone(&self.seen));
        let deleted = self.inner.delete_stream(locations).inspect_ok(move |location| {
            if let Ok(mut seen) = seen.lock() {
                seen.remove(location);
            }
        });
        deleted.map_err(move |error| told.error(error)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (told, seen) = (self.told.clone(), Arc::clone(&self.seen));
        let listed = Listing {
            page: self.inner.list(prefix),
            store: Arc::clone(&self.inner),
            prefix: prefix.cloned(),
            last: None,
            retry: self.retry,
        };
        let listed = stream::unfold(listed, Listing::next);
        let listed = listed.map_err(move |error| told.error(error));
        let listed = listed.inspect_ok(move |meta| {
            if let Ok(mut seen) = seen.lock() {
                seen.insert(meta.location.clone(), Pin::of(meta));
            }
        });
        listed.boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut n_left = self.retry.n_retries;
        loop {
            match self.inner.list_with_delimiter(prefix).await {
                Err(error) if n_left > 0 && is_cut_off(&error) => {
                    n_left -= 1;
                    tokio::time::sleep(self.retry.wait).await;
                }
                listed => return listed.map_err(|error| self.told.error(error)),
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.forget(to);
        self.inner.copy_opts(from, to, options).await.map_err(|error| self.told.error(error))
    }
}

/// A list that goes on behind its last object where it is cut off.
struct Listing {
    page: BoxStream<'static, Result<ObjectMeta>>,
    store: Arc<dyn ObjectStore>,
    prefix: Option<Path>,
    last: Option<Path>,
    retry: Retry,
}

impl Listing {
    async fn next(mut self) -> Option<(Result<ObjectMeta>, Self)> {
        loop {
            match self.page.next().await? {
                Ok(found) => {
                    self.last = Some(found.location.clone());
                    return Some((Ok(found), self));
                }
                Err(error) if self.retry.n_retries > 0 && is_cut_off(&error) => {
                    self.retry.n_retries -= 1;
                    tokio::time::sleep(self.retry.wait).await;
                    self.page = match &self.last {
                        Some(last) => self.store.list_with_offset(self.prefix.as_ref(), last),
                        None => self.store.list(self.prefix.as_ref()),
                    };
                }
                failed => return Some((failed, self)),
            }
        }
    }
}

fn is_cut_off(error: &object_store::Error) -> bool {
    S3Failure::of(error, &Arc::from("")).cause == Cause::NoAnswer
}

/// An upload by parts whose errors are ours.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    told: Told,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, told) = (self.inner.put_part(data), self.told.clone());
        Box::pin(async move { part.await.map_err(|error| told.error(error)) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await.map_err(|error| self.told.error(error))
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await.map_err(|error| self.told.error(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    fn store() -> (Arc<InMemory>, S3Store) {
        let inner = Arc::new(InMemory::new());
        (
            Arc::clone(&inner),
            S3Store::new(inner, "bucket", "nobody".into(), &RetryConfig::default()),
        )
    }

    #[tokio::test]
    async fn pieces_of_two_objects_are_never_put_together() {
        let (inner, store) = store();
        let path = Path::from("cell.parquet");
        inner.put(&path, "old bytes".into()).await.unwrap();
        assert_eq!(store.get_range(&path, 4..9).await.unwrap(), "bytes");
        // Another process replaces the object, with one of the same size.
        inner.put(&path, "new bytes".into()).await.unwrap();
        let error = store.get_range(&path, 0..3).await.unwrap_err();
        assert_eq!(super::super::failure_in(&error).unwrap().cause, Cause::Replaced);
        // Whoever lists again, or takes the whole, sees the new one.
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "new bytes");
        let _: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(store.get_range(&path, 0..3).await.unwrap(), "new");
    }

    #[tokio::test]
    async fn what_is_written_or_removed_here_is_read_anew() {
        let (_, store) = store();
        let path = Path::from("cell.parquet");
        store.put(&path, "old".into()).await.unwrap();
        assert_eq!(store.get_range(&path, 0..3).await.unwrap(), "old");
        store.put(&path, "newer".into()).await.unwrap();
        assert_eq!(store.get_range(&path, 0..3).await.unwrap(), "new");
        store.delete(&path).await.unwrap();
        store.put(&path, "newest".into()).await.unwrap();
        assert_eq!(store.get_range(&path, 3..6).await.unwrap(), "est");
    }
}
