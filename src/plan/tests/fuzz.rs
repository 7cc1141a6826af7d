//! Pipeline files that nobody would write: never a panic, always a message with its place.
//!
//! A few hundred seeded cases are part of every test run. `ODDLOT_FUZZ_SECONDS=600 cargo test -p
//! oddlot --bin oddlot fuzz` goes on with other seeds for as long, and prints the seed of a failure.

#![allow(clippy::disallowed_methods, reason = "how long to go on comes from the environment")]

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::*;

/// What a case begins with: pipelines that are shipped, and one with everything.
const BASES: [&str; 4] = [
    BASE,
    include_str!("../../../pipelines/sp500.toml"),
    include_str!("../../../pipelines/births.toml"),
    EVERYTHING,
];

const EVERYTHING: &str = r#"[source]
path = "s3://${BUCKET:-b}/eod/**/*.parquet"
ticker = "SPX"
columns = { ts = 'date', value = "close", volume = "volume" }
sorted = true
[features]
sql = "builtin:close"
[windows]
length = 30
sql = "builtin:rolling"
max_gap_days = "off"
break_log_return = 0.5
[split]
train = 0.5
validation = 0.2
calibration = 0.2
[scaling.standard]
scope = "ticker"
[models]
a = { detector = { lstm_forecaster = { units = [8, 4], dropout = 0.1 } }, train = { epochs = 3, seed = 1 } }
[models.b.detector.robust_z]
window = 20
[models.b.threshold.fixed]
value = 3.0
[calibration]
scope = "ticker"
min_rows = 100
[merge]
how = "median"
[events]
max_gap_rows = 2
[universe]
min_rows = 300
[output]
root = "../out"
parts = 4
"#;

/// Pieces that change what a file means.
const PIECES: [&str; 48] = [
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "\t",
    "#",
    "\\",
    "\\u0000",
    "\\U0010FFFF",
    "${",
    "}",
    "${X}",
    "${BUCKET}",
    "${X:-${Y}}",
    "$",
    "-1",
    "0",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "9223372036854775808",
    "0x_",
    "1979-05-27T07:32:00Z",
    "2001-02-30",
    "true",
    "[source]",
    "[models]",
    "[models.\"\".detector]",
    "\"\" = 1",
    "builtin:",
    "s3://",
    "é",
    "\u{202e}",
    "\u{1b}[31m",
    "🙂",
    "\u{feff}",
];

/// One change to a text, at a place told in thousandths of it.
#[derive(Clone, Debug)]
enum Change {
    Insert(usize, usize),
    Replace(usize, usize, usize),
    Delete(usize, usize),
    Repeat(usize, usize, usize),
    Letter(usize, char),
    CutOff(usize),
    SwapLines(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..1000_usize;
    let piece = 0..PIECES.len();
    prop_oneof![
        (at.clone(), piece.clone()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (at.clone(), 1..30_usize, piece).prop_map(|(at, n, p)| Change::Replace(at, n, p)),
        (at.clone(), 1..60_usize).prop_map(|(at, n)| Change::Delete(at, n)),
        (at.clone(), 1..80_usize, 1..40_usize).prop_map(|(at, n, m)| Change::Repeat(at, n, m)),
        (at.clone(), any::<char>()).prop_map(|(at, letter)| Change::Letter(at, letter)),
        at.clone().prop_map(Change::CutOff),
        (at.clone(), at).prop_map(|(a, b)| Change::SwapLines(a, b)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let changed = (0..BASES.len(), vec(change(), 1..10))
        .prop_map(|(base, changes)| changes.iter().fold(BASES[base].to_owned(), apply));
    let pieces = vec(0..PIECES.len(), 0..40)
        .prop_map(|pieces| pieces.iter().map(|&piece| PIECES[piece]).collect());
    let letters = vec(any::<char>(), 0..200).prop_map(|letters| letters.into_iter().collect());
    prop_oneof![8 => changed, 1 => pieces, 1 => letters]
}

fn apply(text: String, change: &Change) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = |thousandths: usize| letters.len() * thousandths / 1000;
    let span = |from: usize, n: usize| at(from)..(at(from) + n).min(letters.len());
    match *change {
        Change::Insert(from, piece) => {
            let from = at(from);
            letters.splice(from..from, PIECES[piece].chars());
        }
        Change::Replace(from, n, piece) => {
            letters.splice(span(from, n), PIECES[piece].chars());
        }
        Change::Delete(from, n) => drop(letters.drain(span(from, n))),
        Change::Repeat(from, n, times) => {
            let span = span(from, n);
            let repeated = letters[span.clone()].repeat(times);
            letters.splice(span, repeated);
        }
        Change::Letter(from, letter) => {
            if let Some(old) = at(from).checked_sub(1) {
                letters[old] = letter;
            }
        }
        Change::CutOff(from) => letters.truncate(at(from)),
        Change::SwapLines(a, b) => {
            let mut lines: Vec<&str> = text.split('\n').collect();
            let [a, b] = [a, b].map(|line| lines.len() * line / 1000);
            lines.swap(a, b);
            return lines.join("\n");
        }
    }
    letters.into_iter().collect()
}

/// What must hold of any text.
fn check(text: &str) -> Result<(), TestCaseError> {
    match read(text) {
        Ok(plan) => {
            let again = read(text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(plan.config_hash(), again.config_hash());
            prop_assert!(!plan.to_string().is_empty());
        }
        Err(error) => {
            prop_assert_eq!(error.kind, Kind::Config);
            prop_assert!(!error.reports.is_empty());
            for report in &error.reports {
                is_whole(report, text)?;
            }
            let told = diagnostic::error(&error, Colour::Never);
            let is_plain = |letter: char| letter == '\n' || !letter.is_control();
            prop_assert!(told.chars().all(is_plain), "{told:?}");
        }
    }
    Ok(())
}

/// A title, a place in the file, what was expected and found, and the mend.
fn is_whole(report: &Report, text: &str) -> Result<(), TestCaseError> {
    prop_assert!(!report.title.is_empty());
    let Some(place) = &report.place else {
        return Err(TestCaseError::fail(format!("no place: {report}")));
    };
    let Some(place) = place.strip_prefix("pipelines/p.toml") else {
        return Err(TestCaseError::fail(format!("another file: {report}")));
    };
    let numbers: Vec<usize> = place.split(':').skip(1).filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        // What is missing altogether has no line.
        [] => prop_assert!(place.is_empty(), "{report}"),
        [line, column] => {
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert!((1..=lines.len()).contains(&line), "{report}");
            let letters = lines[line - 1].chars().count();
            prop_assert!((1..=letters + 1).contains(&column), "{report}");
        }
        _ => return Err(TestCaseError::fail(format!("half a place: {report}"))),
    }
    prop_assert!(report.expected.is_some() && report.found.is_some(), "{report}");
    prop_assert!(report.hint.is_some(), "{report}");
    Ok(())
}

#[test]
fn whatever_a_pipeline_file_says_is_read_or_told_with_its_place() {
    let seconds = std::env::var("ODDLOT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let (cases, end) = match seconds {
        None => (400, Instant::now()),
        Some(seconds) => (2_000, Instant::now() + Duration::from_secs(seconds)),
    };
    let mut seed = std::env::var("ODDLOT_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    loop {
        let rng_seed = RngSeed::Fixed(seed);
        let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
        let done = TestRunner::new(config).run(&text(), |text| check(&text));
        if let Err(error) = done {
            panic!("seed {seed}: {error}");
        }
        if Instant::now() >= end {
            break;
        }
        seed += 1;
    }
    println!("seeds up to {seed}, {cases} cases each");
}
