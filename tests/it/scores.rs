//! Thresholds and scores from the pipeline file to the tables.

use std::fs;

use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Workshop};

const SEVERITY: &str = include_str!("../../sql/results/rate_severity.sql");
const CONTRIBUTIONS: &str = include_str!("../../sql/results/share_contributions.sql");

/// Return and range of two days: two features that err together.
const PAIR: &str = "-- pair: the return, and that of two days
-- features first, second
-- lookback 3
-- causal yes
SELECT ticker, ts, trade_date, segment, is_break, price_defect,
  ln(value / lag(value, 1) OVER days) AS first,
  ln(value / lag(value, 2) OVER days) AS second
FROM segmented_prices
WINDOW days AS (PARTITION BY ticker, segment ORDER BY ts)
";

const QUANTILE: &str = "[threshold.quantile]\nq = 0.995";

fn workshop(threshold: &str) -> Workshop {
    let workshop = Workshop::new(&PIPELINE.replace(QUANTILE, threshold));
    workshop.prices(&csv(&closes()));
    workshop
}

/// The numbers of a CSV answer.
fn numbers(rows: &[String]) -> Vec<f64> {
    rows.iter().map(|row| row.parse().unwrap()).collect()
}

#[test]
fn every_threshold_goes_from_the_file_to_the_result_in_words() {
    let each = [
        ("autoencoder", "peaks]\nrate = 0.01\ninitial = 0.95"),
        ("forecaster", "conformal]\nalpha = 0.01"),
        ("ewma", "budget]\nalerts = 10"),
        ("robust", "dynamic]"),
        ("persistence", "mad]\nk = 6"),
    ];
    let own: Vec<String> =
        each.iter().map(|(model, own)| format!("[models.{model}.threshold.{own}\n")).collect();
    let workshop = workshop(&format!("{}[threshold.k_sigma]\nk = 4", own.concat()));
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    let line = |model: &str| {
        let is_rates = |line: &&str| line.starts_with(&format!("{model} ")) && line.contains('…');
        let mut lines = ran.stdout.lines().filter(is_rates);
        lines.next_back().unwrap_or_else(|| panic!("{}", ran.stdout)).to_owned()
    };
    for (model, words) in [
        ("autoencoder", "exceeded at 1.00 % by a generalised Pareto tail (shape "),
        ("forecaster", "conformal p-value of at most 0.01 among 783 calibration scores: level "),
        ("ewma", "at most 10 alerts per 1,000 ticker-days, of 783 calibration scores: level "),
        ("robust", "Hundman's epsilon over 783 calibration scores: level "),
        ("persistence", "median + 6 × 1.4826 × MAD of 783 calibration scores: level "),
    ] {
        assert!(line(model).contains(words), "{model}: {}", line(model));
    }
    assert!(line("forecaster").contains("≤ 1.00 %") && line("ewma").contains("≤ 1.00 %"));
    assert!(
        line("robust").contains("no rate stated") && line("persistence").contains("no rate stated")
    );

    // What is flagged is what a p-value of at most α says, and the budget of 10 in 1,000 holds.
    let conformal = "SELECT count(*) FROM errors WHERE model = 'forecaster' AND rule = 'model' \
        AND is_anomaly <> (p_value <= 0.01)";
    assert_eq!(workshop.one(conformal), "0");
    let spent = "SELECT count(*) FROM errors WHERE model = 'ewma' AND split = 'calibration' \
        AND is_anomaly AND rule = 'model'";
    assert!(workshop.one(spent).parse::<u32>().unwrap() <= 7, "10 · 783 / 1,000 = 7.83");
    // So says the list of models.
    let listed =
        workshop.command(&["models", "job.toml"]).env("ODDLOT_LOG", "info").output().unwrap();
    let listed = String::from_utf8(listed.stderr).unwrap();
    let words = "ewma: at most 10 alerts per 1,000 ticker-days, of 783 calibration scores: level ";
    assert!(listed.contains(words), "{listed}");
    // The JSON of the last line has the same figures.
    let models = ran.json()["models"].as_array().unwrap().clone();
    let of = |name: &str| models.iter().find(|model| model["model"] == name).unwrap().clone();
    assert_eq!(of("forecaster")["stated_rate"], 0.01);
    assert!(of("robust")["stated_rate"].is_null());
    let realised = of("forecaster")["realised_rate"].as_f64().unwrap();
    let low = of("forecaster")["realised_interval"][0].as_f64().unwrap();
    let high = of("forecaster")["realised_interval"][1].as_f64().unwrap();
    assert!(low <= realised && realised <= high);
}

#[test]
fn the_result_holds_the_realised_rate_of_every_model_against_the_stated_one() {
    let workshop = workshop(QUANTILE);
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(ran.stdout.contains("stated rate"), "{}", ran.stdout);
    let rates = "SELECT model, 100.0 * avg(CAST(is_anomaly AS INT)) FROM errors \
        WHERE split = 'test' AND rule = 'model' GROUP BY model ORDER BY model";
    for row in workshop.sql(rates) {
        let (model, realised) = row.split_once(',').unwrap();
        let is_rates = |line: &&str| line.starts_with(&format!("{model} ")) && line.contains('…');
        let line = ran.stdout.lines().rfind(is_rates);
        let line = line.unwrap_or_else(|| panic!("{}", ran.stdout));
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
        assert_eq!(cells[1], "0.50 %", "{line}");
        let realised: f64 = realised.parse().unwrap();
        // Two digits would say little of less than a tenth of a percent.
        let realised = match realised > 0.0 && realised < 0.1 {
            true => format!("{realised:.4} %"),
            false => format!("{realised:.2} %"),
        };
        assert_eq!(cells[2], realised, "{line}");
        assert!(cells[3].contains(" … "), "{line}");
        assert!(cells[4].starts_with("quantile 0.995 of 783 calibration scores: level "), "{line}");
    }
}

#[test]
fn severity_rises_with_the_score_and_compares_across_tickers() {
    let severities = |calibration: &str| {
        let workshop = workshop(&format!("{QUANTILE}\n[calibration]\n{calibration}"));
        workshop.run();
        let severity = format!("SELECT severity FROM ({}) ORDER BY severity", body(SEVERITY));
        let all = numbers(&workshop.sql(&severity));
        assert!(all.iter().all(|severity| (0.0..=100.0).contains(severity)));
        (workshop, *all.last().unwrap())
    };
    // 783 calibration days have no p-value below 1/784, which is 48.24; a tail goes on.
    assert!(severities("p_values = \"tail\"").1 > 50.0);
    let (workshop, most) = severities("scope = \"ticker\"\nmin_rows = 100");
    // 261 days of a ticker have none below 1/262.
    assert!((most - 40.305).abs() < 0.001, "{most}");
    let falls = format!(
        "SELECT count(*) FROM ({}) s JOIN errors e USING (pipeline, ticker, ts, model) \
         JOIN (SELECT * FROM errors) f ON e.ticker = f.ticker AND e.model = f.model \
         AND f.trade_date = '2016-01-04' AND f.score > e.score AND f.p_value > e.p_value",
        body(SEVERITY)
    );
    assert_eq!(workshop.one(&falls), "0");
    // Each ticker's own calibration days are spread alike, whatever the size of its moves.
    let calm = format!(
        "SELECT count(*) FROM (SELECT ticker, model, avg(severity) AS mean FROM ({}) s \
         JOIN errors USING (pipeline, ticker, ts, model) WHERE split = 'calibration' \
         AND rule = 'model' GROUP BY ticker, model) WHERE abs(mean - 7.24) > 0.6",
        body(SEVERITY)
    );
    // The mean of −100/6 · log10 of a uniform p is 100/6 · log10 e = 7.24.
    assert_eq!(workshop.one(&calm), "0");
}

/// A query without its comments and order, to stand in another.
fn body(query: &str) -> String {
    let lines =
        query.lines().filter(|line| !line.starts_with("--") && !line.starts_with("ORDER BY"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn contributions_of_features_add_up_to_the_score() {
    let workshop = workshop(QUANTILE);
    workshop.write("pair.sql", PAIR);
    let job = fs::read_to_string(workshop.path("job.toml")).unwrap();
    workshop.write("job.toml", &job.replace("builtin:log_return", "pair.sql"));
    workshop.run();
    let sums = format!(
        "SELECT count(*), min(total), max(total) FROM (SELECT sum(share) AS total FROM ({}) \
         GROUP BY pipeline, ticker, ts, model)",
        body(CONTRIBUTIONS)
    );
    let row = workshop.one(&sums);
    let cells: Vec<f64> = row.split(',').map(|cell| cell.parse().unwrap()).collect();
    assert!(
        cells[0] > 20_000.0 && (cells[1] - 1.0).abs() < 1e-9 && (cells[2] - 1.0).abs() < 1e-9,
        "{row}"
    );
    // score² · 2 is the sum of squared scaled errors; a feature's share of it is its own square. The scale
    // is what the bounds tell: reach = threshold · √2.
    let exact = format!(
        "SELECT max(abs(share - power(error / (upper_bound - expected) * threshold * sqrt(2.0), 2) \
         / (2.0 * power(score, 2)))) \
         FROM ({}) JOIN reconstructions USING (pipeline, ticker, ts, model, feature) \
         JOIN errors USING (pipeline, ticker, ts, model) WHERE score > 0.01 AND rule = 'model'",
        body(CONTRIBUTIONS)
    );
    let worst: f64 = workshop.one(&exact).parse().unwrap();
    assert!(worst < 1e-9, "{worst}");
}

#[test]
fn norms_and_smoothing_reach_the_tables_and_are_stored_with_the_model() {
    let plain = workshop(QUANTILE);
    plain.run();
    let smoothed = workshop(&format!(
        "{QUANTILE}\n[score]\nnorm = \"mahalanobis\"\n[score.smoothing.mean]\nrows = 3\n\
         [merge]\nmethod = \"max\"\n[merge.smoothing.median]\nrows = 3"
    ));
    smoothed.run();
    let score = "SELECT score FROM errors WHERE model = 'ewma' AND ticker = 'AAA' \
        AND trade_date BETWEEN '2015-03-02' AND '2015-03-06' ORDER BY ts";
    let (raw, found) = (numbers(&plain.sql(score)), numbers(&smoothed.sql(score)));
    assert_eq!((raw.len(), found.len()), (5, 5));
    // One feature: |(|z| − μ)|/σ with μ and σ of the validation days, then the mean of three.
    let stored = smoothed.model_ids().into_iter().find_map(|id| {
        let text =
            fs::read_to_string(smoothed.path(&format!("out/models/{id}/model.json"))).unwrap();
        let model: serde_json::Value = serde_json::from_str(&text).unwrap();
        (model["name"] == "ewma").then_some(model)
    });
    let shape = &stored.unwrap()["form"]["norm"]["mahalanobis"];
    let (mean, sd) = (shape["mean"][0].as_f64().unwrap(), shape["root"][0].as_f64().unwrap());
    let distances: Vec<f64> = raw.iter().map(|z| ((z - mean) / sd).abs()).collect();
    for k in 2..5 {
        let expected = distances[k - 2..=k].iter().sum::<f64>() / 3.0;
        assert!((found[k] - expected).abs() < 1e-9, "{found:?} {distances:?}");
    }
    // A new day changes nothing that was causal: the smoothed pipeline rescored equals itself.
    let before = smoothed.cells();
    smoothed.oddlot(&["score", "job.toml", "--from", "2016-01-01", "--to", "2016-12-30"]).ok();
    assert_eq!(smoothed.cells(), before);
    let hindsight = "SELECT count(*) FROM errors WHERE model = 'autoencoder' \
        AND score_hindsight IS NULL AND rule = 'model'";
    assert_eq!(smoothed.one(hindsight), "0");
}

#[test]
fn pruning_takes_back_flags_of_hindsight_that_do_not_stand_out() {
    let dynamic = "[threshold.dynamic]\n[merge]\ndecides = true";
    let (all, pruned) =
        (workshop(dynamic), workshop(&dynamic.replace("c]\n", "c]\nprune = 0.5\n")));
    all.run();
    pruned.run();
    let flags = "SELECT ticker, ts FROM errors WHERE model = 'autoencoder' AND is_anomaly \
        ORDER BY ticker, ts";
    let (all, pruned) = (all.sql(flags), pruned.sql(flags));
    assert!(pruned.len() < all.len(), "{} {}", pruned.len(), all.len());
    assert!(pruned.iter().all(|flag| all.contains(flag)));
}
