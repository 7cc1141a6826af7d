//! `oddlot demo`, `init` and `schema`, as somebody meets them who has nothing but the binary.

use std::process::Command;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};

use crate::workshop::{Ran, Running, Workshop, parquet, python, tree};

/// A file of the repository.
fn shipped(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Prices of `ticker`, every day: `n` of them.
fn prices(n: i32) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values((0..n).map(|day| 100.0 + f64::from(day * 37 % 11))))
}

fn days(n: i32) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values((0..n).map(|day| 17_000 + day)))
}

fn texts(n: i32, of: impl Fn(i32) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..n).map(of)))
}

fn write(workshop: &Workshop, file: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = workshop.path(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    std::fs::write(path, parquet(&rows, None)).unwrap();
}

/// `oddlot init mine --from …`, and nothing is left where it is refused.
fn init(workshop: &Workshop, arguments: &[&str]) -> Ran {
    let ran = workshop.oddlot(&[&["init", "mine", "--from"], arguments].concat());
    assert_eq!(workshop.path("mine.toml").exists(), ran.code == Some(0), "{}", ran.stderr);
    ran
}

fn text(workshop: &Workshop) -> String {
    std::fs::read_to_string(workshop.path("mine.toml")).unwrap()
}

#[test]
fn the_demo_needs_an_empty_folder_and_nothing_but_the_binary() {
    let workshop = Workshop::new("");
    // There is a file in this one.
    let ran = workshop.oddlot(&["demo"]).ends_with(73);
    assert!(ran.stderr.contains("the folder is not empty") && ran.stderr.contains("job.toml"));
    assert_eq!(tree(&workshop.path("")).len(), 1);

    let mut running = Running::start(workshop.command(&["demo", "new/demo"]));
    running.until("wrote new/demo/pipelines/sp500.toml");
    running.signal("TERM");
    running.ended();
    for file in ["pipelines/sp500.toml", "data/sp500/sp500.parquet"] {
        let written = std::fs::read(workshop.path(&format!("new/demo/{file}"))).unwrap();
        assert_eq!(written, std::fs::read(shipped(file)).unwrap(), "{file}");
    }
    workshop.oddlot(&["check", "new/demo/pipelines/sp500.toml"]).ok();
    // What is there is not mixed up with, and can be gone on with.
    let ran = workshop.oddlot(&["demo", "new/demo"]).ends_with(73);
    assert!(ran.stderr.contains("oddlot run new/demo/pipelines/sp500.toml"), "{}", ran.stderr);
    workshop.write("file", "");
    workshop.oddlot(&["demo", "file"]).ends_with(73);
}

#[test]
fn every_source_that_is_shipped_gets_a_pipeline_or_a_question() {
    for (file, expected) in [
        ("data/sp500/*.parquet", "builtin:volatility_scaled_return"),
        ("data/births", "builtin:log_return"),
        ("data/seeds/fakes.parquet", "length = 10"),
    ] {
        let workshop = Workshop::new("");
        let ran = init(&workshop, &[&shipped(file)]).ok();
        assert!(text(&workshop).contains(expected), "{file}: {}", text(&workshop));
        workshop.oddlot(&["check", "mine.toml"]).ok();
        // What was chosen is told and stands in the file.
        let notes = ran.json()["notes"].as_array().unwrap().clone();
        assert!(notes.len() > 5, "{notes:?}");
        let written = text(&workshop).replace("\n#   ", " ");
        for note in &notes {
            assert!(written.contains(note.as_str().unwrap()), "{note}");
        }
        assert!(written.lines().count() > 30);
    }
    for (file, code, told) in [
        ("data/labelled/labels.parquet", 2, "several columns have dates"),
        ("data/seeds/confidences.parquet", 2, "several columns could be the price"),
        ("data/seeds/ramps.parquet", 3, "too few rows"),
        ("data/sp500/events.csv", 2, "oddlot import"),
        ("data/nowhere/*.parquet", 3, "no file"),
        ("data/toy/class_confidence.parquet", 2, "--column close=class"),
    ] {
        let workshop = Workshop::new("");
        let ran = init(&workshop, &[&shipped(file)]).ends_with(code);
        assert!(ran.stderr.contains(told), "{file}: {}", ran.stderr);
    }
}

#[test]
fn names_are_read_in_any_case_and_what_is_chosen_can_be_said() {
    let workshop = Workshop::new("");
    let columns = vec![
        ("Trade Date", days(500)),
        ("RIC", texts(500, |_| "VOD.L".into())),
        ("Name", texts(500, |_| "Vodafone".into())),
        ("Adj Close", prices(500)),
        ("Close", prices(500)),
        ("Volume", prices(500)),
    ];
    write(&workshop, "eod/a.parquet", columns);
    init(&workshop, &["eod"]).ok();
    let columns = "columns = { ticker = \"RIC\", ts = \"Trade Date\", value = \"Adj Close\"";
    assert!(text(&workshop).contains(columns), "{}", text(&workshop));
    assert!(text(&workshop).contains("volume = \"Volume\""));
    workshop.oddlot(&["check", "mine.toml", "--data"]).ok();
    // Never over a file that is there.
    let before = text(&workshop);
    workshop.oddlot(&["init", "mine", "--from", "eod"]).ends_with(73);
    assert_eq!(text(&workshop), before);
    workshop.oddlot(&["init", "Mine", "--from", "eod"]).ends_with(2);

    std::fs::remove_file(workshop.path("mine.toml")).unwrap();
    init(&workshop, &["eod", "--column", "close=Close", "--column", "ticker=Name"]).ok();
    let columns = "columns = { ticker = \"Name\", ts = \"Trade Date\", value = \"Close\"";
    assert!(text(&workshop).contains(columns), "{}", text(&workshop));
    std::fs::remove_file(workshop.path("mine.toml")).unwrap();
    let ran = init(&workshop, &["eod", "--column", "close=close"]).ends_with(2);
    assert!(ran.stderr.contains("Adj Close"), "{}", ran.stderr);
}

#[test]
fn hostile_files_get_a_question_or_a_pipeline_that_says_what_they_hold() {
    // Two columns that nobody can tell apart, and none at all.
    let workshop = Workshop::new("");
    write(
        &workshop,
        "a.parquet",
        vec![("date", days(90)), ("close", prices(90)), ("CLOSE", prices(90))],
    );
    let ran = init(&workshop, &["a.parquet"]).ends_with(2);
    assert!(ran.stderr.contains("two columns could be the close"), "{}", ran.stderr);
    init(&workshop, &["a.parquet", "--column", "close=CLOSE"]).ok();
    assert!(text(&workshop).contains("value = \"CLOSE\""));

    let workshop = Workshop::new("");
    write(
        &workshop,
        "a.parquet",
        vec![("date", days(90)), ("note", texts(90, |day| format!("{day}")))],
    );
    let ran = init(&workshop, &["a.parquet"]).ends_with(2);
    assert!(ran.stderr.contains("no column has a price"), "{}", ran.stderr);

    // One row.
    let workshop = Workshop::new("");
    write(&workshop, "a.parquet", vec![("date", days(1)), ("close", prices(1))]);
    let ran = init(&workshop, &["a.parquet"]).ends_with(3);
    assert!(ran.stderr.contains("60 rows at least"), "{}", ran.stderr);

    // A file's name and a column's that mean something in TOML, in a comment, in `${…}`.
    let workshop = Workshop::new("");
    let file = "it's \"${HOME}\" #1 [x].parquet";
    let odd = "px\n${USER} = \"1\"";
    write(&workshop, file, vec![("date", days(90)), (odd, prices(90))]);
    init(&workshop, &["*.parquet"]).ok();
    let done = workshop.oddlot(&["check", "mine.toml"]).ok();
    assert!(done.stdout.contains("1 ticker"), "{}", done.stdout);

    // Several tickers in one file, and nothing that says so.
    let workshop = Workshop::new("");
    let twice = Arc::new(Date32Array::from_iter_values((0..400).map(|row| 17_000 + row / 2)));
    let codes = texts(400, |row| format!("\u{202e}{}\n'; DROP", row % 2));
    write(&workshop, "a.parquet", vec![("code", codes), ("date", twice), ("close", prices(400))]);
    let ran = init(&workshop, &["a.parquet"]).ends_with(2);
    assert!(ran.stderr.contains("--column ticker=code"), "{}", ran.stderr);
    init(&workshop, &["a.parquet", "--column", "ticker=code"]).ok();
}

#[test]
fn a_ticker_a_file_wants_folders_that_name_them() {
    let workshop = Workshop::new("");
    for ticker in ["AAPL", "MSFT"] {
        let columns = || vec![("date", days(200)), ("close", prices(200))];
        write(&workshop, &format!("flat/{ticker}.parquet"), columns());
        write(&workshop, &format!("prices/ticker={ticker}/{ticker}.parquet"), columns());
    }
    let ran = init(&workshop, &["flat"]).ends_with(2);
    assert!(ran.stderr.contains("prices/ticker=AAPL/AAPL.parquet"), "{}", ran.stderr);
    init(&workshop, &["prices"]).ok();
    let done = workshop.oddlot(&["check", "mine.toml"]).ok();
    assert!(done.stdout.contains("2 tickers"), "{}", done.stdout);
    std::fs::remove_file(workshop.path("mine.toml")).unwrap();
    init(&workshop, &["flat/AAPL.parquet"]).ok();
    assert!(text(&workshop).contains("ticker = \"AAPL\""), "{}", text(&workshop));
}

#[test]
fn rows_a_month_apart_are_no_gaps_and_values_below_zero_no_prices() {
    let workshop = Workshop::new("");
    let months = Date32Array::from_iter_values((0..200).map(|month| 9_000 + month * 30));
    let spread: ArrayRef = Arc::new(Float64Array::from_iter_values(
        (0..200).map(|month| f64::from(month * 37 % 11) - 5.0),
    ));
    write(&workshop, "a.parquet", vec![("date", Arc::new(months)), ("spread", spread)]);
    init(&workshop, &["a.parquet"]).ok();
    let text = text(&workshop);
    for part in ["max_gap_days = 90", "builtin:close", "break_log_return = false"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Instants are dates too.
    let workshop = Workshop::new("");
    let hours = (0..2000).map(|hour| 1_600_000_000_000_000 + hour * 3_600_000_000);
    let hours: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(hours));
    write(&workshop, "a.parquet", vec![("time", hours), ("last", prices(2000))]);
    init(&workshop, &["a.parquet"]).ok();
}

#[test]
fn the_last_screen_says_what_to_try_next_and_it_can_be_tried() {
    let workshop = Workshop::with_prices(&crate::market::csv(&crate::market::closes()));
    let quiet = workshop.oddlot(&["run", "job.toml", "--quiet", "--date", "2016-12-30"]).ok();
    assert!(!quiet.stdout.contains("try next"), "{}", quiet.stdout);
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    // The last line is for programs.
    assert!(ran.json()["cells_replaced"].as_u64().unwrap() > 0);
    assert!(ran.stdout.contains("tables are in out/tables; try next"), "{}", ran.stdout);
    let commands = ran.stdout.lines().filter(|line| line.starts_with("  oddlot "));
    let commands: Vec<&str> = commands.map(str::trim).collect();
    assert_eq!(commands.len(), 3, "{}", ran.stdout);
    for command in commands {
        let done = Ran::from(crate::readme::shell(&workshop, command).output().unwrap());
        assert_eq!(done.code, Some(0), "{command}: {}", done.stderr);
    }
    // Nothing has changed, and nothing is worth a look.
    let idle = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(!idle.stdout.contains("try next"), "{}", idle.stdout);
}

#[test]
fn run_tables_have_the_columns_that_help_tells() {
    let workshop = Workshop::with_prices(&crate::market::csv(&crate::market::closes()));
    workshop.run();
    let told = workshop.oddlot(&["help", "tables"]).ok().stdout;
    for table in ["models", "runs", "ticker_status", "alerts"] {
        let query = format!("SELECT * FROM {table}");
        let arguments = ["sql", "-p", "job.toml", "--format", "csv", query.as_str()];
        let answer = workshop.oddlot(&arguments).ok().stdout;
        let columns = answer.lines().next().unwrap().replace(',', " ");
        let (_, after) = told.split_once(&format!("\n{table}  ")).unwrap();
        let lines = after.lines().skip(1).take_while(|line| line.starts_with("  "));
        let lines: Vec<&str> = lines.map(str::trim).collect();
        let mut named: Vec<String> = lines.join(" ").split(' ').map(str::to_owned).collect();
        let mut found: Vec<String> = columns.split(' ').map(str::to_owned).collect();
        found.retain(|column| !["pipeline", "year"].contains(&column.as_str()));
        named.sort();
        found.sort();
        assert_eq!(found, named, "{table}");
    }
}

#[test]
fn schema_completions_and_pages_are_printed_whole() {
    let workshop = Workshop::new("");
    let schema = workshop.oddlot(&["schema"]).ok().stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = workshop.oddlot(&["completions", shell]).ok().stdout;
        assert!(script.contains("as-of"), "{shell}");
    }
    for arguments in [&["man"][..], &["man", "run"]] {
        let page = workshop.oddlot(arguments).ok().stdout;
        assert!(page.contains(".TH oddlot"), "{page}");
    }
    let ran = workshop.oddlot(&["man", "rum"]).ends_with(2);
    assert!(
        ran.stderr.contains("did you mean `runs`?") || ran.stderr.contains("`run`"),
        "{}",
        ran.stderr
    );
    workshop.oddlot(&["help", "models", "export"]).ok();
    workshop.oddlot(&["help", "nonsense"]).ends_with(2);
}

#[test]
fn every_shipped_pipeline_is_valid_by_the_schema_and_mistakes_are_not() {
    let Some(python) = python("jsonschema") else { return };
    let mut validate = Command::new(&python);
    validate.arg(shipped("tests/schema/validate.py")).arg(env!("CARGO_BIN_EXE_oddlot"));
    let told = Ran::from(validate.output().unwrap()).ok().stdout;
    let n = std::fs::read_dir(shipped("pipelines")).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "toml")
    });
    assert!(told.starts_with(&format!("{} pipelines are valid", n.count())), "{told}");
}
