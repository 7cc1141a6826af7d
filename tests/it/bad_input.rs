//! Bad inputs and configurations: the message that a person reads, the exit code that a scheduler
//! reads, and that nothing is written.
//!
//! Each test runs the program in a folder of its own and holds all three in one snapshot:
//! [`Folder::told`] gives stderr and exit code, and fails if any file or folder came, went or
//! changed.

#![allow(clippy::expect_used, reason = "a test that cannot set up its folder has failed")]

mod full;
mod model;
mod output;
mod rows;
mod settings;
mod shared;
mod source;
mod sql;
mod threshold;
mod weights;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A job without networks over `data/prices/`; each test breaks one thing in it.
const JOB: &str = r#"[source]
path = "../data/prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }

[features]
sql = "builtin:log_return"

[windows]
length = 10

[split]
train_to = "2020-02-29"
validation_to = "2020-03-31"
calibration_to = "2020-05-31"

[models.ewma.detector.ewma_z]
lambda = 0.94

[threshold.quantile]
q = 0.99

[output]
root = "../out"
"#;

/// A folder with `pipelines/job.toml` and `data/`; the program runs in it.
pub struct Folder(TempDir);

impl Folder {
    /// With the job as it stands, and no data.
    pub fn new() -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder"));
        folder.write("pipelines/job.toml", JOB);
        folder
    }

    /// With 180 good days of two tickers.
    pub fn with_prices() -> Self {
        let folder = Self::new();
        folder.import(&[prices("AAA", 180), prices("BBB", 180)].concat());
        folder
    }

    /// Puts one piece of the job in another's place.
    pub fn change(&self, from: &str, to: &str) {
        let path = self.path("pipelines/job.toml");
        let text = fs::read_to_string(&path).expect("the job");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).expect("the job can be written");
    }

    /// Writes a text.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    /// `ticker,date,close` rows to `data/prices/prices.parquet`.
    fn import(&self, rows: &str) {
        self.write("prices.csv", format!("ticker,date,close\n{rows}"));
        let columns = ["--columns", "close"];
        let done =
            self.run(&[&["import", "prices.csv", "-o", "data/prices"][..], &columns].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::remove_file(self.path("prices.csv")).expect("the CSV can go");
    }

    /// The answer of a query to `data/prices/prices.parquet`, in whatever types it has.
    fn answer(&self, query: &str) {
        fs::create_dir_all(self.path("empty")).expect("a folder can be made");
        let done = self.run(&["sql", "--root", "empty", "--format", "parquet", query]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        self.write("data/prices/prices.parquet", done.stdout);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oddlot"));
        command.args(arguments).current_dir(self.0.path()).env_remove("ODDLOT_LOG");
        command
    }

    /// What `oddlot run` tells of the job.
    fn told_by_run(&self) -> String {
        self.told(&["run", "pipelines/job.toml"])
    }

    /// What the program tells and how it ends. It must say nothing on stdout and write nothing.
    fn told(&self, arguments: &[&str]) -> String {
        self.told_by(&mut self.command(arguments))
    }

    /// As [`Self::told`], of a program that is started in its own way.
    pub fn told_by(&self, command: &mut Command) -> String {
        let before = self.tree();
        let done = command.env_remove("ODDLOT_LOG").output().expect("the program starts");
        assert_eq!(String::from_utf8_lossy(&done.stdout), "");
        let after = self.tree();
        let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(&before), "nothing comes and nothing goes");
        assert!(after == before, "nothing changes");

        let mut told = String::from_utf8(done.stderr).expect("UTF-8");
        let folder = self.0.path();
        for folder in [folder.to_owned(), folder.canonicalize().expect("a folder")] {
            told = told.replace(&folder.display().to_string(), "<dir>");
        }
        let code = done.status.code().expect("an exit code");
        let _ = write!(told, "exit {code}");
        told
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        list(self.0.path(), &mut tree);
        tree
    }
}

/// Every file with its bytes, every folder with `None`.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn list(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(&path, tree);
            tree.insert(path, None);
        } else {
            let bytes = fs::read(&path).expect("a file can be read");
            tree.insert(path, Some(bytes));
        }
    }
}

/// `n` days of a ticker from 2020-01-01 on: prices between 100 and 112 without a pattern of note.
fn prices(ticker: &str, n: usize) -> String {
    rows(ticker, (0..n).map(|day| (100 + day * 7 % 13).to_string()))
}

/// A ticker's days from 2020-01-01 on, a cell each.
fn rows(ticker: &str, cells: impl IntoIterator<Item = String>) -> String {
    const DAYS: [usize; 6] = [31, 29, 31, 30, 31, 30];
    let dates = (1..=6).flat_map(|month| (1..=DAYS[month - 1]).map(move |day| (month, day)));
    let line = |((month, day), cell)| format!("{ticker},2020-{month:02}-{day:02},{cell}\n");
    dates.zip(cells).map(line).collect()
}

#[test]
fn the_job_that_every_test_breaks_is_a_good_one() {
    let folder = Folder::with_prices();
    let done = folder.run(&["run", "pipelines/job.toml"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(folder.path("out/tables/errors").is_dir());
    assert!(!folder.path("out/_staging").exists());
}
