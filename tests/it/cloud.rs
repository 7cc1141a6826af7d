//! An S3 server in this process, with a bucket of prices and one for tables, beside a workshop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};

use s3s::S3ErrorCode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::{ACCESS_KEY, SECRET_KEY, serve};
use crate::workshop::{PIPELINE, Ran, Workshop, tree};

/// A session's token, to be found in no output.
pub const SESSION_TOKEN: &str = "t0ken/of+a=session";

/// An operation, a part of a key, and what it is refused with.
type Fault = (&'static str, String, fn() -> S3ErrorCode);

/// An operation, a part of a key, and what happens before it is answered.
type Happening = (&'static str, String, Box<dyn FnOnce() + Send>);

/// The server, its folder, and a workshop whose pipeline reads and writes there.
pub struct Cloud {
    pub workshop: Workshop,
    pub address: SocketAddr,
    folder: TempDir,
    fault: Arc<Mutex<Option<Fault>>>,
    happening: Arc<Mutex<Option<Happening>>>,
    /// Objects of these names are gone when they are put again.
    forgotten: Arc<Mutex<Option<String>>>,
    /// Operations so far, with their keys.
    asked: Arc<Mutex<Vec<(String, String)>>>,
    _server: Runtime,
}

impl Cloud {
    /// [`PIPELINE`] on buckets, over `csv`.
    pub fn with_prices(csv: &str) -> Self {
        let cloud = Self::new(PIPELINE);
        cloud.workshop.prices(csv);
        cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
        cloud
    }

    /// `pipeline` with its source and its output on buckets.
    pub fn new(pipeline: &str) -> Self {
        let pipeline = pipeline
            .replace("\"prices/*.parquet\"", "\"s3://prices/eod/*.parquet\"")
            .replace("root = \"out\"", "root = \"s3://tables/base\"");
        let folder = TempDir::new().unwrap();
        for bucket in ["prices", "tables"] {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        let (fault, asked) = (Arc::new(Mutex::new(None::<Fault>)), Arc::new(Mutex::default()));
        let happening = Arc::new(Mutex::new(None::<Happening>));
        let forgotten = Arc::new(Mutex::new(None::<String>));
        let server = Runtime::new().unwrap();
        let (tell, told) = mpsc::channel();
        let refused = rule(Arc::clone(&fault), Arc::clone(&happening), Arc::clone(&asked));
        let (path, rule) = (folder.path().to_owned(), heedless(refused, &folder, &forgotten));
        server.spawn(async move {
            serve(&path, "127.0.0.1:0", rule, |address| tell.send(address).unwrap()).await
        });
        let address = told.recv().unwrap();
        let workshop = Workshop::new(&pipeline);
        Self { workshop, address, folder, fault, happening, forgotten, asked, _server: server }
    }

    /// Copies a file of the workshop into a bucket.
    pub fn upload(&self, file: &str, object: &str) {
        let target = self.folder.path().join(object);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(self.workshop.path(file), target).unwrap();
    }

    /// The binary, pointed to the server by the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.address));
        command.env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command
    }

    /// The binary with nothing of S3 in its environment but that it tries once.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = self.workshop.command(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
                command.env_remove(name);
            }
        }
        command.env("AWS_MAX_ATTEMPTS", "1").env("TMPDIR", self.workshop.path(""));
        command
    }

    /// Runs the binary.
    pub fn oddlot(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// The answer of `oddlot sql` over the bucket as CSV, without the header.
    pub fn sql(&self, query: &str) -> Vec<String> {
        let ran = self.oddlot(&["sql", "-p", "job.toml", "--format", "csv", query]).ok();
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// Every data cell below the root, by its path below `tables`, with its bytes.
    pub fn cells(&self) -> BTreeMap<String, Vec<u8>> {
        let files = tree(&self.folder.path().join("tables/base/tables")).into_iter();
        files.filter(|(path, _)| path.contains("/part-")).collect()
    }

    /// Everything that the server keeps, with its own notes.
    pub fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        tree(self.folder.path())
    }

    /// Objects below the output root.
    pub fn out(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.folder.path().join("tables/base"))
    }

    /// From now on `operation` on keys with `part` in them is refused.
    pub fn refuse(&self, operation: &'static str, part: &str, code: fn() -> S3ErrorCode) {
        *self.fault.lock().unwrap() = Some((operation, part.to_owned(), code));
    }

    /// At the next `operation` on a key with `part` in it, `act` happens before the answer.
    pub fn before(&self, operation: &'static str, part: &str, act: impl FnOnce() + Send + 'static) {
        *self.happening.lock().unwrap() = Some((operation, part.to_owned(), Box::new(act)));
    }

    /// The file that the server keeps an object in.
    pub fn file(&self, object: &str) -> PathBuf {
        self.folder.path().join(object)
    }

    /// From now on a put of a key with `part` in it replaces what is there, whatever it was to hold against it:
    /// like a server that takes no notice of `If-None-Match`.
    pub fn forget_preconditions(&self, part: &str) {
        *self.forgotten.lock().unwrap() = Some(part.to_owned());
    }

    /// From now on nothing is refused.
    pub fn relent(&self) {
        *self.forgotten.lock().unwrap() = None;
        *self.fault.lock().unwrap() = None;
    }

    /// Keys of the requests of one operation so far.
    pub fn asked(&self, operation: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(of, _)| of == operation).map(|(_, key)| key.clone()).collect()
    }
}

/// As `rule`, and the object that is to be put is not there any more when the server looks.
fn heedless(
    rule: crate::server::Rule,
    folder: &TempDir,
    forgotten: &Arc<Mutex<Option<String>>>,
) -> crate::server::Rule {
    let (tables, forgotten) = (folder.path().join("tables"), Arc::clone(forgotten));
    Arc::new(move |operation, key| {
        let forgotten = forgotten.lock().unwrap();
        if operation == "PutObject" && forgotten.as_ref().is_some_and(|part| key.contains(part)) {
            drop(std::fs::remove_file(tables.join(key)));
        }
        rule(operation, key)
    })
}

fn rule(
    fault: Arc<Mutex<Option<Fault>>>,
    happening: Arc<Mutex<Option<Happening>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
) -> crate::server::Rule {
    Arc::new(move |operation, key| {
        asked.lock().unwrap().push((operation.to_owned(), key.to_owned()));
        let awaited = |(of, part, _): &mut Happening| *of == operation && key.contains(&**part);
        if let Some((_, _, act)) = happening.lock().unwrap().take_if(awaited) {
            act();
        }
        let fault = fault.lock().unwrap();
        let (refused, part, code) = fault.as_ref()?;
        (*refused == operation && key.contains(part.as_str())).then(code)
    })
}
