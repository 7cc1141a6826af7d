//! The S3 server of the tests as a process of its own:
//!
//! ```sh
//! cargo run --example s3_server -- FOLDER [ADDRESS] [BUCKET…]     # 127.0.0.1:0 takes a free port
//! ```
//! It prints its URL, and then the variables that make oddlot use it, and serves until it is killed.
#![allow(clippy::print_stdout, unreachable_pub, reason = "a program for tests, not a library")]

#[path = "../it/server.rs"]
mod server;

use std::io::{Error, Write};
use std::path::PathBuf;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::other("s3_server FOLDER [ADDRESS] [BUCKET…]"))?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    std::fs::create_dir_all(&folder)?;
    for bucket in arguments {
        std::fs::create_dir_all(folder.join(bucket))?;
    }
    server::serve(&folder, &address, Arc::new(|_, _| None), |address| {
        println!("http://{address}");
        println!("AWS_ENDPOINT_URL=http://{address} AWS_ALLOW_HTTP=true AWS_REGION=us-east-1");
        println!(
            "AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}",
            server::ACCESS_KEY,
            server::SECRET_KEY
        );
        // Whoever started it waits for these lines.
        let _ = std::io::stdout().flush();
    })
    .await
}
