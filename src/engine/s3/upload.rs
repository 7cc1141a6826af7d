//! A file becomes an object: by one PUT, or by parts that count only once all are there.

use std::path::Path as FsPath;

use futures::{TryStreamExt, stream};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// A file up to this size is one PUT; a larger one has parts of it.
pub(crate) const PART_BYTES: usize = 8 << 20;
/// Parts under way at a time.
const CONCURRENT: usize = 4;

/// Uploads `file`. Until the upload is done readers see the object that was there, and where it
/// fails nothing of it is left.
///
/// # Errors
/// The file cannot be read, or the store refuses.
pub(crate) async fn upload(
    store: &dyn ObjectStore,
    file: &FsPath,
    location: &Path,
) -> Result<(), object_store::Error> {
    let mut file = File::open(file).await.map_err(unread)?;
    let size = file.metadata().await.map_err(unread)?.len();
    if size <= PART_BYTES as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await.map_err(unread)?;
        return store.put(location, bytes.into()).await.map(drop);
    }
    let mut upload = store.put_multipart(location).await?;
    let done = match send_parts(upload.as_mut(), file).await {
        Ok(()) => upload.complete().await.map(drop),
        failed => failed,
    };
    if done.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(%error, "parts of a failed upload may be left; a lifecycle rule of the bucket removes them");
    }
    done
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    file: File,
) -> Result<(), object_store::Error> {
    let parts = stream::try_unfold(file, |mut file| async move {
        let mut part = Vec::with_capacity(PART_BYTES);
        (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await.map_err(unread)?;
        Ok::<_, object_store::Error>((!part.is_empty()).then_some((part, file)))
    });
    parts
        .map_ok(|part| upload.put_part(part.into()))
        .try_buffer_unordered(CONCURRENT)
        .try_collect()
        .await
}

fn unread(error: std::io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "staging", source: Box::new(error) }
}
