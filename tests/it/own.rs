//! Models of each ticker's own, through the whole program.

use std::collections::BTreeMap;
use std::fs;

use crate::market::{Close, closes, csv, date, revise, ticker_from};
use crate::workshop::{PIPELINE, Ran, Workshop};

/// The pipeline of the workshop with a forecaster, a baseline that learns and one that does not, of each ticker's
/// own; and the usual weighted average of all.
fn pipeline(parts: usize) -> String {
    let (head, rest) = PIPELINE.split_once("[models.").unwrap();
    let (_, tail) = rest.split_once("[threshold.quantile]").unwrap();
    let models = "[models.forecaster]\nscope = \"per_ticker\"\n\
                  [models.forecaster.detector.lstm_forecaster]\nunits = 4\n\
                  [models.forecaster.train]\nepochs = 2\n\
                  [models.median]\nscope = \"per_ticker\"\nmin_rows = 100\n\
                  [models.median.detector.median_distance]\n\
                  [models.ewma.detector.ewma_z]\n";
    format!("{head}{models}[threshold.quantile]{tail}parts = {parts}\n")
}

fn with(parts: usize, closes: &[Close]) -> Workshop {
    let workshop = Workshop::new(&pipeline(parts));
    workshop.prices(&csv(closes));
    workshop
}

/// Everything that the tables say of the forecaster for `ticker`, but for the pack's id.
fn said_of(workshop: &Workshop, ticker: &str) -> Vec<String> {
    let query = format!(
        "SELECT * EXCEPT (model_id) FROM errors WHERE ticker = '{ticker}' AND model <> 'ewma' \
         ORDER BY model, ts"
    );
    let rows = workshop.sql(&query);
    assert!(rows.len() > 3000, "{}", rows.len());
    rows
}

/// The weights of one ticker as they are exported.
fn weights_of(workshop: &Workshop, ticker: &str) -> Vec<u8> {
    let arguments = ["models", "export", "job.toml", "forecaster", "--layout", "pytorch"];
    workshop.oddlot(&[&arguments[..], &["--ticker", ticker, "-o", "w.safetensors"]].concat()).ok();
    fs::read(workshop.path("w.safetensors")).unwrap()
}

/// The packs in use, by pointer.
fn packs(workshop: &Workshop) -> BTreeMap<String, String> {
    let all = workshop.out().into_iter().filter(|(path, _)| path.starts_with("_state/models/"));
    let id = |json: Vec<u8>| -> String {
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        json["model_id"].as_str().unwrap().to_owned()
    };
    all.map(|(path, json)| (path, id(json))).collect()
}

#[test]
fn a_ticker_gets_the_bits_that_it_gets_alone_whoever_learns_beside_it_on_any_number_of_threads() {
    let all = closes();
    let together = with(1, &all);
    together.oddlot(&["run", "job.toml", "--threads", "3"]).ok();
    let alone: Vec<Close> = all.iter().filter(|row| row.ticker == "AAA").cloned().collect();
    let alone = with(1, &alone);
    alone.oddlot(&["run", "job.toml", "--threads", "1"]).ok();
    assert_eq!(weights_of(&together, "AAA"), weights_of(&alone, "AAA"));
    assert_ne!(weights_of(&together, "AAA"), weights_of(&together, "TRUE"));
    assert_eq!(said_of(&together, "AAA"), said_of(&alone, "AAA"));
    // Other parts make other packs of the same models.
    let parts = with(3, &all);
    parts.oddlot(&["run", "job.toml", "--threads", "2"]).ok();
    assert_eq!(said_of(&together, "TRUE"), said_of(&parts, "TRUE"));
    assert_eq!(parts.oddlot(&["run", "job.toml"]).ok().json()["nothing_to_do"], true);
    parts.oddlot(&["verify", "job.toml"]).ok();
    let again = with(3, &all);
    again.oddlot(&["run", "job.toml", "--threads", "7"]).ok();
    assert_eq!((again.cells(), again.model_ids()), (parts.cells(), parts.model_ids()));
}

#[test]
fn never_keeps_a_ticker_s_own_model_whose_rows_were_restated_beside_a_newcomer_s() {
    let mut all = closes();
    let workshop =
        with(1, &all.iter().filter(|row| row.ticker != "TRUE").cloned().collect::<Vec<_>>());
    let never = format!("retrain = \"never\"\n{}", pipeline(1));
    workshop.write("job.toml", &never);
    workshop.run();
    let kept = weights_of(&workshop, "AAA");
    revise(&mut all, "AAA", "2011-03-01", 101, 100);
    workshop.prices(&csv(&all));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    let why = "train: no model yet, 1 of 3 tickers (TRUE); \
               kept, though its training rows have changed: retrain = \"never\", 1 of 3 tickers (AAA)";
    assert_eq!(plan.matches(why).count(), 2, "{plan}");
    let ran = workshop.run();
    assert_eq!(ran["kept_models"], serde_json::json!(["forecaster", "median", "ewma"]));
    assert_eq!(weights_of(&workshop, "AAA"), kept);
    let again = workshop.run();
    assert_eq!((&again["cells_replaced"], &again["kept_models"]), (&0.into(), &ran["kept_models"]));
    // Another threshold keeps the weights, other layers do not.
    workshop.write("job.toml", &never.replace("q = 0.995", "q = 0.99"));
    workshop.run();
    assert_eq!(weights_of(&workshop, "AAA"), kept);
    workshop.write("job.toml", &never.replace("units = 4", "units = 5"));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    let made =
        "model forecaster       train: its settings, SQL or version have changed, 3 of 3 tickers";
    assert!(plan.contains(made), "{plan}");
}

#[test]
fn one_restated_ticker_is_trained_again_and_the_others_are_carried_over() {
    let mut all = closes();
    let workshop = with(3, &all);
    workshop.run();
    let (before, cells) = (packs(&workshop), workshop.cells());
    let kept = ["0005", "TRUE"].map(|ticker| weights_of(&workshop, ticker));
    revise(&mut all, "AAA", "2011-03-01", 101, 100);
    workshop.prices(&csv(&all));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok();
    let why = "train: its training rows have changed, 1 of 3 tickers (AAA)";
    assert!(plan.stdout.contains(why), "{}", plan.stdout);
    assert!(plan.stdout.contains("model ewma"), "{}", plan.stdout);
    let mut command = workshop.command(&["run", "job.toml"]);
    let ran: Ran = command.env("ODDLOT_LOG", "info").output().unwrap().into();
    let n_learnt = all.iter().filter(|row| row.ticker == "AAA" && row.date < date("2014-01-01"));
    let learnt = format!("learnt rows={} ", n_learnt.count());
    assert_eq!(ran.stderr.matches(&learnt).count(), 2, "{learnt}of either model: {}", ran.stderr);
    let after = packs(&workshop);
    let changed: Vec<&String> =
        before.keys().filter(|path| before[*path] != after[*path]).collect();
    let of_part = changed.iter().find(|path| path.contains("part-")).unwrap();
    let part = of_part.rsplit('/').next().unwrap();
    // A pack of each of the two models, of the same part; the weighted average learns nothing but its threshold.
    let of_own = changed.iter().filter(|path| path.ends_with(part)).count();
    assert_eq!(of_own, 2, "{changed:?}");
    assert_eq!(["0005", "TRUE"].map(|ticker| weights_of(&workshop, ticker)), kept);
    let fresh = with(3, &all);
    fresh.run();
    assert_eq!(workshop.cells(), fresh.cells());
    assert_eq!(packs(&workshop), packs(&fresh));
    assert!(workshop.cells() != cells);
}

#[test]
fn without_a_pooled_model_only_the_cells_of_a_restated_ticker_are_stale() {
    let mut all = closes();
    let own_only = pipeline(3).replace("[models.ewma.detector.ewma_z]\n", "");
    let workshop = Workshop::new(&own_only);
    workshop.prices(&csv(&all));
    workshop.run();
    let before = workshop.cells();
    revise(&mut all, "AAA", "2011-03-01", 101, 100);
    workshop.prices(&csv(&all));
    let planned = workshop.oddlot(&["plan", "job.toml"]).ok();
    workshop.run();
    let after = workshop.cells();
    let changed: Vec<&String> =
        after.keys().filter(|cell| before.get(*cell) != after.get(*cell)).collect();
    let part = |cell: &str| cell.rsplit('/').next().unwrap().to_owned();
    let parts: std::collections::BTreeSet<String> = changed.iter().map(|cell| part(cell)).collect();
    assert_eq!(parts.len(), 1, "{changed:?}");
    let of_all = |key: &str| planned.json()[key].as_u64().unwrap();
    assert_eq!(of_all("cells_stale") * 3, of_all("cells"), "{}", planned.stdout);
    let why = "rows of AAA in 2011-03; to be trained first: forecaster, median";
    assert!(planned.stdout.contains(why), "{}", planned.stdout);
}

#[test]
fn a_ticker_with_too_few_rows_is_told_and_left_to_the_fallback() {
    let mut all = closes();
    all.retain(|row| row.ticker != "TRUE");
    // 2011-06-01 … 2011-12-30 are 153 weekdays, of whose returns 152 teach.
    all.extend(ticker_from("TRUE", date("2011-06-01")));
    let workshop = with(2, &all);
    let ran = workshop.oddlot(&["run", "job.toml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(ran.json()["failed"], 1);
    let why = "no `forecaster` of its own: 152 training rows, min_rows = 250";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    let of = |model: &str| {
        format!(
            "SELECT DISTINCT coalesce(rule, '-'), coalesce(skip_reason, '-') FROM errors \
             WHERE ticker = 'TRUE' AND model = '{model}' AND trade_date > '2012-06-01'"
        )
    };
    assert_eq!(workshop.sql(&of("forecaster")), ["fallback,no_model"]);
    assert_eq!(workshop.sql(&of("median")), ["model,-"], "100 rows are enough for it");
    // 0.5 % of the fallback's scores of its own calibration days lie above.
    let flags = "SELECT count(*) BETWEEN 1 AND 40 FROM errors WHERE ticker = 'TRUE' AND is_anomaly \
                 AND model = 'forecaster'";
    assert_eq!(workshop.one(flags), "true");
    let export = ["models", "export", "job.toml", "forecaster", "--layout", "keras"];
    let refused = workshop.oddlot(&[&export[..], &["--ticker", "TRUE"]].concat());
    assert_eq!(refused.code, Some(5));
    assert!(refused.stderr.contains("152 training rows"), "{}", refused.stderr);
    let refused = workshop.oddlot(&export);
    assert_eq!(refused.code, Some(5));
    assert!(refused.stderr.contains("--ticker TICKER"), "{}", refused.stderr);
    // Told again where nothing is made, with the same exit code; and forgiven where the pipeline says so.
    assert_eq!(workshop.oddlot(&["run", "job.toml"]).code, Some(1));
    assert_eq!(workshop.oddlot(&["train", "job.toml"]).code, Some(1));
    let forgiving = format!("{}\n[universe]\nmax_failed_tickers = 1\n", pipeline(2));
    workshop.write("job.toml", &forgiving);
    workshop.run();
}

#[test]
fn where_no_ticker_has_rows_enough_it_is_an_error_and_nothing_is_written() {
    let workshop = Workshop::new(&pipeline(1).replace("min_rows = 100", "min_rows = 10000"));
    workshop.prices(&csv(&closes()));
    let ran = workshop.oddlot(&["run", "job.toml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("no ticker can have its own `median`"), "{}", ran.stderr);
    assert!(workshop.cells().is_empty());
}

#[test]
fn another_threshold_keeps_the_weights_and_another_scope_lets_go_of_the_packs() {
    let all = closes();
    let workshop = with(2, &all);
    workshop.run();
    let kept = weights_of(&workshop, "AAA");
    workshop.write("job.toml", &pipeline(2).replace("q = 0.995", "q = 0.99"));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok();
    assert!(plan.stdout.contains("calibrate: only the threshold has changed"), "{}", plan.stdout);
    workshop.run();
    assert_eq!(weights_of(&workshop, "AAA"), kept);
    let fresh = Workshop::new(&pipeline(2).replace("q = 0.995", "q = 0.99"));
    fresh.prices(&csv(&all));
    fresh.run();
    assert_eq!(workshop.cells(), fresh.cells());

    let pooled =
        pipeline(2).replace("scope = \"per_ticker\"\n", "").replace("min_rows = 100\n", "");
    workshop.write("job.toml", &pooled);
    assert_eq!(workshop.oddlot(&["score", "job.toml"]).code, Some(5), "it was never trained");
    workshop.run();
    let pointers: Vec<String> = packs(&workshop).into_keys().collect();
    assert!(pointers.iter().all(|path| !path.contains("part-")), "{pointers:?}");
    workshop.oddlot(&["verify", "job.toml"]).ok();
    workshop.write("job.toml", &pipeline(2));
    workshop.run();
    assert_eq!(weights_of(&workshop, "AAA"), kept);
    let pointers: Vec<String> = packs(&workshop).into_keys().collect();
    assert!(!pointers.iter().any(|path| path.ends_with("/forecaster.json")), "{pointers:?}");
}

#[test]
fn a_damaged_pack_is_found_and_scores_nothing() {
    let workshop = with(1, &closes());
    workshop.run();
    let pack = packs(&workshop)["_state/models/pipeline=job/forecaster/part-00000.json"].clone();
    for file in ["weights.safetensors", "tickers.json"] {
        let path = workshop.path(&format!("out/models/{pack}/{file}"));
        let bytes = fs::read(&path).unwrap();
        let mut spoilt = bytes.clone();
        let middle = spoilt.len() / 2;
        spoilt[middle] ^= 1;
        fs::write(&path, &spoilt).unwrap();
        let verified = workshop.oddlot(&["verify", "job.toml"]);
        assert_eq!(verified.code, Some(5), "{}", verified.stderr);
        assert!(verified.stderr.contains(&format!("{file} has another checksum")));
        assert_eq!(
            workshop.oddlot(&["run", "job.toml", "--full-refresh", "--dry-run"]).code,
            Some(0)
        );
        let scored = workshop.oddlot(&["score", "job.toml", "--full-refresh"]);
        assert_eq!(scored.code, Some(5), "{}", scored.stderr);
        fs::write(&path, &bytes).unwrap();
    }
    workshop.oddlot(&["verify", "job.toml"]).ok();
}

#[test]
fn weights_of_one_network_are_not_imported_into_many() {
    let workshop = with(1, &closes());
    workshop.run();
    weights_of(&workshop, "AAA");
    let import =
        ["models", "import", "job.toml", "forecaster", "w.safetensors", "--layout", "pytorch"];
    let refused = workshop.oddlot(&import);
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(refused.stderr.contains("each ticker has its own `forecaster`"), "{}", refused.stderr);
}

#[test]
fn a_newcomer_is_left_to_the_fallback_until_models_may_be_trained() {
    let all = closes();
    let known: Vec<Close> = all.iter().filter(|row| row.ticker != "TRUE").cloned().collect();
    let workshop = with(1, &known);
    workshop.run();
    workshop.prices(&csv(&all));
    let scored = workshop.oddlot(&["score", "job.toml"]);
    assert_eq!(scored.code, Some(1), "{}", scored.stderr);
    assert!(scored.stderr.contains("it came after the models were trained"), "{}", scored.stderr);
    let models = "SELECT DISTINCT skip_reason FROM errors WHERE ticker = 'TRUE' \
                  AND model = 'forecaster' AND trade_date > '2010-02-01'";
    assert_eq!(workshop.sql(models), ["no_model"]);
    workshop.run();
    let fresh = with(1, &all);
    fresh.run();
    assert_eq!(workshop.cells(), fresh.cells());
}
