//! `sql`, `models`, `runs`, `plan`, `check`, `train` and `score`.

use serde_json::Value;

use crate::market::{closes, csv, revise};
use crate::workshop::{MODELS, Workshop, changed, tree};

#[test]
fn sql_reads_and_never_writes() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let before = tree(&workshop.path(""));
    for query in [
        "COPY errors TO 'leak.csv'",
        "COPY (SELECT 1) TO 'leak.parquet' STORED AS PARQUET",
        "CREATE TABLE mine AS SELECT * FROM errors",
        "CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION 'prices.csv'",
        "INSERT INTO errors SELECT * FROM errors",
        "DELETE FROM errors",
        "DROP TABLE errors",
        "SET datafusion.execution.target_partitions = 1",
        "SELECT * FROM 'prices.csv'",
        "EXPLAIN ANALYZE COPY errors TO 'leak.csv'",
    ] {
        let ran = workshop.oddlot(&["sql", "-p", "job.toml", query]).ends_with(78);
        assert!(ran.stderr.starts_with("error: "), "{query}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{query}");
    }
    assert_eq!(changed(&before, &tree(&workshop.path(""))), [""; 0]);
}

#[test]
fn models_and_runs_list_what_happened() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let first = workshop.run();
    workshop.oddlot(&["score", "job.toml", "--date", "2016-12-30"]).ok();
    let list = |what: &str, place: &[&str]| -> Vec<Value> {
        let ran = workshop.oddlot(&[&[what], place].concat()).ok();
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let models = list("models", &["job.toml"]);
    let names: Vec<&str> = models.iter().map(|row| row["model"].as_str().unwrap()).collect();
    assert_eq!(names, MODELS);
    let mut ids: Vec<&str> = models.iter().map(|row| row["model_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, workshop.model_ids());
    // LSTM of 4 units over one feature: 4 gates × (4 × (1 + 4) + 4) = 96, and 4 + 1 of the dense layer.
    assert_eq!(models[2]["n_parameters"], 101);

    let runs = list("runs", &["--root", "out"]);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["run_id"], first["run_id"]);
    let said = |idx: usize, key: &str| runs[idx][key].clone();
    assert_eq!([said(0, "command"), said(1, "command")], ["run", "score"]);
    assert_eq!([said(0, "n_cells_replaced"), said(1, "n_cells_replaced")], [28, 0]);
    assert_eq!([said(0, "n_cells"), said(1, "n_cells")], [28, 4]);
    assert_eq!(said(0, "n_rows"), 3 * 1826);
}

#[test]
fn plan_and_check_and_dry_runs_change_nothing() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    let commands: [&[&str]; 5] = [
        &["check", "job.toml"],
        &["plan", "job.toml"],
        &["plan", "job.toml", "--full-refresh"],
        &["run", "job.toml", "--dry-run"],
        &["train", "job.toml", "--dry-run"],
    ];
    let look = || commands.map(|command| workshop.oddlot(command).ok().json());
    let stale = |plans: &[Value; 5]| [1, 2, 3, 4].map(|at| plans[at]["cells_stale"].clone());

    // Before there is any output, after it, and after a price has changed.
    let before = tree(&workshop.path(""));
    assert_eq!(stale(&look()), [28, 28, 28, 28]);
    assert_eq!(changed(&before, &tree(&workshop.path(""))), [""; 0]);
    assert!(!workshop.path("out").exists(), "not even an empty folder");

    workshop.run();
    let before = tree(&workshop.path(""));
    assert_eq!(stale(&look()), [0, 28, 0, 0]);
    assert_eq!(changed(&before, &tree(&workshop.path(""))), [""; 0]);

    revise(&mut prices, "AAA", "2016-12-30", 101, 100);
    workshop.prices(&csv(&prices));
    let before = tree(&workshop.path(""));
    let plans = look();
    // The last windows of 2015 ended in January: a day of December is nothing to them.
    assert_eq!(stale(&plans), [4, 28, 4, 4]);
    assert_eq!(changed(&before, &tree(&workshop.path(""))), [""; 0]);
}

#[test]
fn train_and_then_score_is_the_same_as_run() {
    let at_once = Workshop::with_prices(&csv(&closes()));
    at_once.run();
    let by_steps = Workshop::with_prices(&csv(&closes()));
    // Without a model there is nothing to score with.
    let early = by_steps.oddlot(&["score", "job.toml"]).ends_with(5);
    assert!(early.stderr.contains("were never trained"), "{}", early.stderr);
    assert!(by_steps.cells().is_empty());

    by_steps.oddlot(&["train", "job.toml"]).ok();
    assert!(by_steps.cells().is_empty(), "`train` writes no data");
    by_steps.oddlot(&["score", "job.toml"]).ok();
    assert_eq!(changed(&at_once.cells(), &by_steps.cells()), [""; 0]);
    assert_eq!(at_once.model_ids(), by_steps.model_ids());
    let models = "SELECT model_id, model, threshold, spec FROM models ORDER BY model";
    assert_eq!(at_once.sql(models), by_steps.sql(models));
}

#[test]
fn after_a_retrain_a_table_shows_the_new_models_only_and_all_shows_the_old_rows_too() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    workshop.prices(&csv(&prices));
    // Only the newest year is scored by the new models.
    workshop.oddlot(&["run", "job.toml", "--from", "2016-01-01"]).ok();
    let years = |table: &str| {
        let query = "SELECT min(year), max(year), count(DISTINCT model_id) FROM ";
        workshop.one(&format!("{query}{table}"))
    };
    for table in ["errors", "reconstructions"] {
        assert_eq!(years(table), "2016,2016,5", "{table}");
        assert_eq!(years(&format!("{table}_all")), "2010,2016,10", "{table}_all");
    }
    assert!(years("anomalies").starts_with("2016,2016,"));
    assert!(years("events_all").starts_with("2010,2016,"));
    // The next run without a range mends the rest.
    assert_eq!(workshop.run()["cells_replaced"], 24);
    assert_eq!(years("errors_all"), "2010,2016,5");
}
