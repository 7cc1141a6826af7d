//! A real S3 server over a folder, for tests: `<folder>/<bucket>/<key>`.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

/// The one user that the server knows.
pub const ACCESS_KEY: &str = "AKIAODDLOTTEST";
/// Its password, to be found in no output.
pub const SECRET_KEY: &str = "s3cr3t+of/oddlot=tests";

/// Serves the buckets of `folder` at `address` (port 0 takes a free one) until it is dropped; tells
/// the address once it listens.
pub async fn serve(folder: &Path, address: &str, tell: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let files = FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
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
