//! Baselines that learn from training rows, through the whole program.

use crate::daily::causal;
use crate::market::{closes, csv, revise, until};
use crate::workshop::{PIPELINE, Workshop};

const MODELS: [&str; 6] = [
    "auto_regression",
    "k_means",
    "median_distance",
    "nearest_neighbour",
    "polynomial",
    "window_pca",
];

/// The pipeline of the workshop with these models in place of its own.
fn pipeline() -> String {
    let (head, rest) = PIPELINE.split_once("[models.").unwrap();
    let (_, tail) = rest.split_once("[threshold.quantile]").unwrap();
    let models = "[models.auto_regression.detector.auto_regression]\norder = 5\n\
                  [models.k_means.detector.k_means]\nrows = 4\n\
                  [models.nearest_neighbour.detector.nearest_neighbour]\nrows = 4\n\
                  [models.median_distance.detector.median_distance]\n\
                  [models.polynomial.detector.polynomial]\nrows = 12\ndegree = 1\n\
                  [models.window_pca.detector.window_pca]\nrows = 10\n";
    format!("{head}{models}[threshold.quantile]{tail}")
}

#[test]
fn they_flag_a_crash_on_its_day_and_change_nothing_older() {
    let mut all = closes();
    revise(&mut all, "AAA", "2016-12-30", 7, 10);
    let workshop = Workshop::new(&pipeline());
    workshop.prices(&csv(&until(&all, "2016-12-29")));
    workshop.run();
    let (rows, model_ids) = (causal(&workshop, "2016-12-29"), workshop.model_ids());

    workshop.prices(&csv(&all));
    workshop.run();
    assert_eq!(causal(&workshop, "2016-12-29"), rows, "bit for bit, and floats print in full");
    assert_eq!(workshop.model_ids(), model_ids, "none is fitted again");
    let flagged = "SELECT model FROM anomalies WHERE ticker = 'AAA' AND trade_date = '2016-12-30' \
                   ORDER BY model";
    assert_eq!(workshop.sql(flagged), MODELS);
    let unscored = "SELECT count(*) FROM errors WHERE score IS NULL AND trade_date >= '2010-02-01'";
    assert_eq!(workshop.one(unscored), "0");
    // A threshold at the .995 quantile of the calibration days: of 3 tickers' 781 later days 12 are due.
    let flags = "SELECT max(n) < 60 FROM (SELECT model, count(*) AS n FROM anomalies \
                 WHERE trade_date > '2013-12-31' GROUP BY model)";
    assert_eq!(workshop.one(flags), "true");
}
