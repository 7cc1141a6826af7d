//! A real S3 server over a folder, for tests: `<folder>/<bucket>/<key>`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::host::{S3Host, VirtualHost};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// The one user that the server knows.
pub const ACCESS_KEY: &str = "AKIAODDLOTTEST";
/// Its password, to be found in no output.
pub const SECRET_KEY: &str = "s3cr3t+of/oddlot=tests";
/// Below this name every bucket has a host of its own.
pub const DOMAIN: &str = "s3.test";

/// Asked before each request, with its operation and its key; a code refuses it.
pub type Rule = Arc<dyn Fn(&str, &str) -> Option<S3ErrorCode> + Send + Sync>;

/// Serves the buckets of `folder` at `address` (port 0 takes a free one) until it is dropped; tells
/// the address once it listens.
pub async fn serve(
    folder: &Path,
    address: &str,
    rule: Rule,
    tell: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let mut service = S3ServiceBuilder::new(Buckets::of(folder)?);
    service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    service.set_access(Access(rule));
    service.set_host(Hosts);
    let service = service.build();
    let listener = TcpListener::bind(address).await?;
    tell(listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        // Small answers would wait for each other's acknowledgement, 40 ms a request.
        socket.set_nodelay(true)?;
        let service = service.clone();
        // A client that hangs up in the middle of a request is killed, or tested.
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// The buckets of a folder. [`FileSystem`] looks whether a condition holds and then writes, so that of two conditional
/// puts at once both might win: here they take turns.
pub struct Buckets {
    files: FileSystem,
    turn: Mutex<()>,
}

impl Buckets {
    /// Those of `folder`.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let files = FileSystem::new(folder);
        let files = files.map_err(|error| io::Error::other(format!("{error:?}")))?;
        Ok(Self { files, turn: Mutex::default() })
    }
}

/// [`S3`] for [`Buckets`]: what is told, and the operations that are the files' own.
macro_rules! buckets {
    ({ $($told:item)* } $($operation:ident $input:ident $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Buckets {
            $($told)*
            $(async fn $operation(
                &self,
                request: S3Request<$input>,
            ) -> S3Result<S3Response<$output>> {
                self.files.$operation(request).await
            })*
        }
    };
}

buckets! {
    {
        async fn put_object(
            &self,
            mut request: S3Request<PutObjectInput>,
        ) -> S3Result<S3Response<PutObjectOutput>> {
            let input = &mut request.input;
            if input.if_match.is_none() && input.if_none_match.is_none() {
                return self.files.put_object(request).await;
            }
            // All of the body first: nobody waits for one that is withheld.
            if let Some(body) = input.body.take() {
                let broken = |error: s3s::StdError| s3_error!(IncompleteBody, "{error}");
                let pieces: Vec<_> = body.try_collect().await.map_err(broken)?;
                input.body = Some(Body::from(pieces.concat()).into());
            }
            let _turn = self.turn.lock().await;
            self.files.put_object(request).await
        }
        async fn complete_multipart_upload(
            &self,
            request: S3Request<CompleteMultipartUploadInput>,
        ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
            let _turn = self.turn.lock().await;
            self.files.complete_multipart_upload(request).await
        }
    }
    abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput;
    copy_object CopyObjectInput CopyObjectOutput;
    create_bucket CreateBucketInput CreateBucketOutput;
    create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput;
    delete_bucket DeleteBucketInput DeleteBucketOutput;
    delete_object DeleteObjectInput DeleteObjectOutput;
    delete_objects DeleteObjectsInput DeleteObjectsOutput;
    get_bucket_location GetBucketLocationInput GetBucketLocationOutput;
    get_object GetObjectInput GetObjectOutput;
    head_bucket HeadBucketInput HeadBucketOutput;
    head_object HeadObjectInput HeadObjectOutput;
    list_buckets ListBucketsInput ListBucketsOutput;
    list_objects ListObjectsInput ListObjectsOutput;
    list_objects_v2 ListObjectsV2Input ListObjectsV2Output;
    list_parts ListPartsInput ListPartsOutput;
    upload_part UploadPartInput UploadPartOutput;
    upload_part_copy UploadPartCopyInput UploadPartCopyOutput;
}

/// Nobody without credentials, and nothing that the rule refuses.
struct Access(Rule);

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "who are you?"));
        }
        let key = request.s3_path().as_object().map_or("", |(_, key)| key);
        match (self.0)(request.s3_op().name(), key) {
            Some(code) => Err(S3Error::with_message(code, "as the test wants it")),
            None => Ok(()),
        }
    }
}

/// `bucket.s3.test` beside whatever address the server has.
struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let bucket = host.strip_suffix(DOMAIN).and_then(|host| host.strip_suffix('.'));
        let server = VirtualHost::new(DOMAIN);
        Ok(bucket.into_iter().fold(server, |server, bucket| server.with_bucket(bucket)))
    }
}
