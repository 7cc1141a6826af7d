//! A folder of its own for each test, the binary, and what it has said and written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use datafusion::arrow::array::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use serde_json::Value;
use tempfile::TempDir;

/// Settings of a job on generated prices; small enough to be trained in a blink.
pub const PIPELINE: &str = r#"
[source]
path = "prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:log_return"
[windows]
length = 8
[split]
train_to = "2011-12-31"
validation_to = "2012-12-31"
calibration_to = "2013-12-31"
[models.autoencoder.detector.lstm_autoencoder]
units = 4
latent = 2
[models.autoencoder.train]
epochs = 1
[models.forecaster.detector.lstm_forecaster]
units = 4
[models.forecaster.train]
epochs = 1
[models.ewma.detector.ewma_z]
[models.robust.detector.robust_z]
[models.persistence.detector.persistence]
[threshold.quantile]
q = 0.995
[output]
root = "out"
"#;

/// The five models of [`PIPELINE`].
pub const MODELS: [&str; 5] = ["autoencoder", "ewma", "forecaster", "persistence", "robust"];

/// A folder with a pipeline file, its prices and its output.
pub struct Workshop {
    folder: TempDir,
}

/// How a command ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workshop {
    /// A folder with `pipeline` as `job.toml`.
    pub fn new(pipeline: &str) -> Self {
        let workshop = Self { folder: TempDir::new().unwrap() };
        workshop.write("job.toml", pipeline);
        workshop
    }

    /// [`PIPELINE`] over `csv`.
    pub fn with_prices(csv: &str) -> Self {
        let workshop = Self::new(PIPELINE);
        workshop.prices(csv);
        workshop
    }

    /// Replaces the prices.
    pub fn prices(&self, csv: &str) {
        self.write("prices.csv", csv);
        self.oddlot(&["import", "prices.csv", "-o", "prices", "--name", "prices"]).ok();
    }

    /// A path below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The binary with its arguments, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oddlot"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("ODDLOT_LOG", "warn").env("NO_COLOR", "1");
        command
    }

    /// Runs the binary.
    pub fn oddlot(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the pipeline, which must succeed; the JSON of its last line.
    pub fn run(&self) -> Value {
        self.oddlot(&["run", "job.toml"]).ok().json()
    }

    /// The answer of `oddlot sql` as CSV, without the header.
    pub fn sql(&self, query: &str) -> Vec<String> {
        let ran = self.oddlot(&["sql", "-p", "job.toml", "--format", "csv", query]).ok();
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// The single value of an answer.
    pub fn one(&self, query: &str) -> String {
        let rows = self.sql(query);
        assert_eq!(rows.len(), 1, "{query} gave {rows:?}");
        rows[0].clone()
    }

    /// Every data cell below `out`, by its path below `out/tables`, with its bytes.
    pub fn cells(&self) -> BTreeMap<String, Vec<u8>> {
        let files = tree(&self.path("out/tables")).into_iter();
        files.filter(|(path, _)| path.contains("/part-")).collect()
    }

    /// Every file below `out` with its bytes.
    pub fn out(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.path("out"))
    }

    /// The ids of the models that are stored.
    pub fn model_ids(&self) -> Vec<String> {
        let ids = fs::read_dir(self.path("out/models")).unwrap();
        let mut ids: Vec<String> =
            ids.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        ids.sort();
        ids
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ran {
    /// It must have ended with code 0.
    pub fn ok(self) -> Self {
        self.ends_with(0)
    }

    /// It must have ended with `code`.
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The last line of stdout.
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
    }
}

/// A process whose stderr is read as it comes; it waits at an armed failpoint until it is let go on.
pub struct Running {
    process: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        Self { process, stderr, told: String::new() }
    }

    /// Starts it, and waits until it is held at `failpoint`, as in `cell_moved:3`.
    pub fn held(mut command: Command, failpoint: &str) -> Self {
        command.env("ODDLOT_FAILPOINT", format!("{failpoint}=wait"));
        let mut running = Self::start(command);
        running.until(" held ");
        running
    }

    /// Waits until it has told `text`.
    pub fn until(&mut self, text: &str) {
        while !self.told.contains(text) {
            let n = self.stderr.read_line(&mut self.told).unwrap();
            assert!(n > 0, "it ended and never told {text:?}: {}", self.told);
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal, as in `TERM`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Lets it go on, and waits until it has ended.
    pub fn end(mut self) -> Ran {
        drop(self.process.stdin.take());
        self.ended()
    }

    /// Waits until it has ended, and does not let it go on.
    pub fn ended(mut self) -> Ran {
        let stdin = self.process.stdin.take();
        let mut stdout = String::new();
        self.stderr.read_to_string(&mut self.told).unwrap();
        self.process.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.process.wait().unwrap().code();
        drop(stdin);
        Ran { code, stdout, stderr: self.told }
    }
}

/// The Python that `ODDLOT_TEST_PYTHON` names, else `python3`; `None`, and a word about it, where it does not import
/// all of `modules`, as in `duckdb, polars`.
pub fn python(modules: &str) -> Option<String> {
    let python = std::env::var("ODDLOT_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    let is_there = imports.is_ok_and(|imports| imports.status.success());
    if !is_there {
        println!("skipped: {python} does not import {modules} (tests/readers/requirements.txt)");
    }
    is_there.then_some(python)
}

/// `rows` as a Parquet file.
pub fn parquet(rows: &RecordBatch, properties: Option<WriterProperties>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), properties).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    bytes
}

/// Every file below `folder`, by its path with `/`, with its bytes; nothing where there is none.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(String::new(), folder.to_path_buf())];
    while let Some((prefix, folder)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push((format!("{name}/"), entry.path())),
                false => drop(files.insert(name, fs::read(entry.path()).unwrap())),
            }
        }
    }
    files
}

/// The names that differ between two sets of files: other bytes, or only in one of them.
pub fn changed(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The year in the path of a cell.
pub fn year_of(cell: &str) -> i32 {
    let (_, rest) = cell.split_once("year=").unwrap();
    rest[..4].parse().unwrap()
}
