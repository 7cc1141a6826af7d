//! `profile = "archive"`: series of any kind, scored in hindsight by what learns from them.

use crate::workshop::{Workshop, changed};

const PIPELINE: &str = r#"
profile = "archive"
[source]
path = "series/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "value" }
[models.autoencoder.detector.lstm_autoencoder]
units = 4
steps = 12
[models.forecaster.detector.lstm_forecaster]
units = 4
steps = 12
[models.median.detector.median_distance]
[output]
root = "out"
"#;

/// Two years of days and a gap of two more after them.
fn date(row: usize) -> String {
    let day = if row < 500 { row } else { row + 700 };
    let date = chrono::NaiveDate::from_ymd_opt(2014, 1, 1).unwrap();
    (date + chrono::Days::new(day as u64)).to_string()
}

/// Below zero, constant, missing in places, and with jumps by a factor of ten.
fn value(ticker: &str, row: usize) -> String {
    let wave = (row as f64 * 0.41).sin();
    match ticker {
        "deep" => format!("{:.4}", -5.0 + wave),
        "flat" => "7.25".to_owned(),
        "holes" if row % 97 == 5 => String::new(),
        "holes" => format!("{:.4}", 3.0 * wave),
        _ => format!("{:.4}", if row % 200 < 100 { 1.5 + wave } else { 150.0 + wave }),
    }
}

const TICKERS: [&str; 4] = ["deep", "flat", "holes", "steps/of 10"];

fn csv(tickers: &[&str]) -> String {
    let mut text = "ticker,ts,value\n".to_owned();
    for ticker in tickers {
        for row in 0..600 {
            text += &format!("{ticker},{},{}\n", date(row), value(ticker, row));
        }
    }
    text
}

fn workshop(csv: &str) -> Workshop {
    let workshop = Workshop::new(PIPELINE);
    series(&workshop, csv);
    workshop
}

fn series(workshop: &Workshop, csv: &str) {
    workshop.write("series.csv", csv);
    workshop.oddlot(&["import", "series.csv", "-o", "series", "--name", "series"]).ok();
}

#[test]
fn series_below_zero_constant_with_gaps_and_jumps_are_scored_row_by_row() {
    let workshop = workshop(&csv(&TICKERS));
    let check = workshop.oddlot(&["check", "job.toml"]).ok();
    assert!(check.stdout.contains("split      none: all rows teach"), "{}", check.stdout);
    let ran = workshop.run();
    assert_eq!(
        (&ran["tickers"], &ran["failed"], &ran["alerts"]),
        (&4.into(), &0.into(), &0.into())
    );

    // Every row that has a value has a hindsight score and no other; every other row has a reason.
    let counts = workshop.sql(
        "SELECT model, count(*), count(score_hindsight), count(score), count(skip_reason), \
         min(skip_reason), min(split), max(split) FROM errors GROUP BY model ORDER BY model",
    );
    // 600 rows of four tickers; `holes` lacks 7 (rows 5, 102 … 587).
    let expected = |model: &str| format!("{model},2400,2393,0,7,null_value,train,train");
    assert_eq!(counts, ["autoencoder", "forecaster", "median"].map(expected));
    let rules = "SELECT DISTINCT rule FROM errors WHERE rule IS NOT NULL";
    assert_eq!(workshop.sql(rules), ["model"], "neither jumps nor holes are flagged by a rule");
    // Each series has its own threshold, and a hundredth of it is flagged; of a constant nothing.
    let flags = workshop.sql(
        "SELECT ticker, count(DISTINCT threshold), sum(CAST(is_anomaly AS INT)) FROM errors \
         WHERE model = 'median' GROUP BY ticker ORDER BY ticker",
    );
    assert_eq!(flags, ["deep,1,6", "flat,1,0", "holes,1,6", "steps/of 10,1,6"]);
    let wrong = "SELECT count(*) FROM errors WHERE is_anomaly AND \
                 (threshold_ratio IS NULL OR p_value IS NULL OR p_value > 0.02 OR percentile < 98)";
    assert_eq!(workshop.one(wrong), "0");
    let ratio = "SELECT count(*) FROM errors WHERE is_anomaly <> coalesce(score_hindsight > threshold, false)";
    assert_eq!(workshop.one(ratio), "0");
    assert_ne!(workshop.one("SELECT count(*) FROM events"), "0");
    // The settings are the model: nothing was calibrated, nothing has weights.
    let models =
        "SELECT model, threshold IS NULL, n_calibration, n_parameters FROM models ORDER BY model";
    assert_eq!(
        workshop.sql(models),
        ["autoencoder,true,0,0", "forecaster,true,0,0", "median,true,0,0"]
    );
}

#[test]
fn threads_company_and_order_change_no_bit() {
    let all = workshop(&csv(&TICKERS));
    all.oddlot(&["run", "job.toml", "--threads", "1"]).ok();
    let cells = all.cells();
    for threads in ["2", "7"] {
        all.oddlot(&["run", "job.toml", "--full-refresh", "--threads", threads]).ok();
        assert_eq!(changed(&cells, &all.cells()), [""; 0], "--threads {threads}");
    }
    let rows = "SELECT ticker, ts, model, score_hindsight, threshold, p_value FROM errors \
                WHERE ticker = 'deep' ORDER BY ts, model";
    let alone = workshop(&csv(&["deep"]));
    alone.run();
    assert_eq!(all.sql(rows), alone.sql(rows), "a series' scores do not depend on the others");
}

#[test]
fn a_changed_row_makes_all_years_of_its_part_stale_and_nothing_else() {
    let workshop = workshop(&csv(&TICKERS));
    workshop.write("job.toml", &PIPELINE.replace("root = \"out\"", "root = \"out\"\nparts = 2"));
    let first = workshop.run();
    assert_eq!(first["cells"], first["cells_replaced"]);
    assert_eq!(workshop.run()["cells_replaced"], 0);
    let before = workshop.cells();
    let models = workshop.model_ids();

    // The last row of one ticker: what was said of its first rows has seen it.
    let last = format!("deep,{},", date(599));
    let (head, tail) =
        csv(&TICKERS).split_once(&last).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let tail = tail.split_once('\n').unwrap().1;
    series(&workshop, &format!("{head}{last}99\n{tail}"));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok();
    assert!(plan.stdout.contains("year=2014"), "{}", plan.stdout);
    workshop.run();
    assert_eq!(workshop.model_ids(), models, "the settings are the model");
    let now = workshop.cells();
    let changed = changed(&before, &now);
    let years: std::collections::BTreeSet<&str> = changed
        .iter()
        .filter(|path| path.starts_with("errors/"))
        .map(|path| path.split('/').nth(2).unwrap())
        .collect();
    assert_eq!(years.into_iter().collect::<Vec<_>>(), ["year=2014", "year=2015", "year=2017"]);
    let parts: std::collections::BTreeSet<&str> =
        changed.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(parts.len(), 1, "{changed:?}");
}

#[test]
fn a_run_is_repeated_scored_and_refreshed_like_any_other() {
    let workshop = workshop(&csv(&["deep"]));
    let untrained = workshop.oddlot(&["score", "job.toml"]);
    assert_eq!(untrained.code, Some(5), "{}", untrained.stderr);
    let trained = workshop.oddlot(&["train", "job.toml"]).ok();
    assert!(trained.stdout.contains("a threshold of each ticker's own"), "{}", trained.stdout);
    workshop.oddlot(&["score", "job.toml"]).ok();
    let before = workshop.cells();
    assert_eq!(workshop.run()["cells_replaced"], 0);
    // Another seed is another model.
    workshop.write("job.toml", &PIPELINE.replace("steps = 12", "steps = 12\nseed = 5"));
    workshop.run();
    assert_ne!(changed(&before, &workshop.cells()), [""; 0]);
    let verified = workshop.oddlot(&["verify", "job.toml"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn rows_may_be_numbered() {
    let workshop = workshop(&csv(&["deep"]));
    let mut text = "ticker,row,value\n".to_owned();
    for row in 0..600 {
        text += &format!("deep,{row},{}\n", value("deep", row));
    }
    workshop.write("numbered.csv", &text);
    let import = ["import", "numbered.csv", "-o", "series", "--name", "series", "--row-number"];
    workshop.oddlot(&import).ok();
    workshop.write("job.toml", &PIPELINE.replace("\"date\"", "\"ts\""));
    workshop.run();
    assert_eq!(
        workshop.one("SELECT count(score_hindsight) FROM errors WHERE model = 'median'"),
        "600"
    );
}
