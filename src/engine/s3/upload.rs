//! A file becomes an object: by one PUT, or by parts that count only once all are there.

use std::path::Path as FsPath;
use std::sync::OnceLock;

use futures::{TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::Report;

/// A file up to this size is one PUT; a larger one has parts of it.
pub(crate) const PART_BYTES: usize = 8 << 20;
/// Parts under way at a time.
const CONCURRENT: usize = 4;

static PUT_BYTES: OnceLock<u64> = OnceLock::new();

/// Files above so many bytes are uploaded by parts from now on, be it a single one: for tests.
///
/// # Errors
/// What is no number of bytes.
pub fn set_put_bytes(setting: &str) -> Result<(), Report> {
    let bytes = setting.parse().ok().filter(|bytes| (1..=PART_BYTES as u64).contains(bytes));
    let bytes = bytes.ok_or_else(|| {
        Report::new("this is no size of a file")
            .at("ODDLOT_S3_PUT_BYTES")
            .expected(format!("a number of bytes up to {PART_BYTES}"))
            .found(setting)
            .hint("unset it: it is for tests")
    })?;
    // A second setting would be a mistake of ours, and the first one stands.
    PUT_BYTES.get_or_init(|| bytes);
    Ok(())
}

/// Uploads `file`. Until the upload is done readers see the object that was there, and where it
/// fails nothing of it is left.
///
/// # Errors
/// The file cannot be read, or the store refuses.
pub(crate) async fn upload(
    store: &dyn ObjectStore,
    file: &FsPath,
    location: &Path,
) -> Result<(), Error> {
    let mut file = File::open(file).await.map_err(unread)?;
    let size = file.metadata().await.map_err(unread)?.len();
    if size <= PUT_BYTES.get().copied().unwrap_or(PART_BYTES as u64) {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await.map_err(unread)?;
        return store.put(location, bytes.into()).await.map(drop);
    }
    let old = found(store, location).await?;
    let mut upload = store.put_multipart(location).await?;
    let done = match send_parts(upload.as_mut(), file).await {
        Ok(()) => match upload.complete().await {
            Ok(_) => return Ok(()),
            // It may be done, and only the answer be lost; a second try then finds no such upload.
            Err(error) => match found(store, location).await {
                Ok(Some(new)) if new.size == size && is_another(&new, old.as_ref()) => {
                    return Ok(());
                }
                _ => Err(error),
            },
        },
        failed => failed,
    };
    if done.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(%error, "parts of a failed upload may be left; a lifecycle rule of the bucket removes them");
    }
    done
}

/// What is there, if anything is.
async fn found(store: &dyn ObjectStore, location: &Path) -> Result<Option<ObjectMeta>, Error> {
    match store.head(location).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `new` was put after `old`. Nobody but the holder of the lease writes here.
fn is_another(new: &ObjectMeta, old: Option<&ObjectMeta>) -> bool {
    old.is_none_or(|old| old.e_tag != new.e_tag || old.last_modified < new.last_modified)
}

async fn send_parts(upload: &mut dyn MultipartUpload, file: File) -> Result<(), Error> {
    let parts = stream::try_unfold(file, |mut file| async move {
        let mut part = Vec::with_capacity(PART_BYTES);
        (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await.map_err(unread)?;
        Ok::<_, Error>((!part.is_empty()).then_some((part, file)))
    });
    parts
        .map_ok(|part| upload.put_part(part.into()))
        .try_buffer_unordered(CONCURRENT)
        .try_collect()
        .await
}

fn unread(error: std::io::Error) -> Error {
    Error::Generic { store: "staging", source: Box::new(error) }
}
