//! `retrain`: when a model that is there is made anew.

use crate::market::{Close, closes, csv, revise, until};
use crate::workshop::{PIPELINE, Workshop, changed};

/// One network and one baseline under a `retrain` at the top of the file.
fn pipeline(retrain: &str) -> String {
    let (start, end) =
        (PIPELINE.find("[models.forecaster").unwrap(), PIPELINE.find("[models.ewma").unwrap());
    let few = PIPELINE[..start].to_owned() + &PIPELINE[end..];
    let few = few
        .replace("[models.robust.detector.robust_z]\n", "")
        .replace("[models.persistence.detector.persistence]\n", "");
    format!("{retrain}\n{few}")
}

fn workshop(retrain: &str, prices: &[Close]) -> Workshop {
    let workshop = Workshop::new(&pipeline(retrain));
    workshop.prices(&csv(prices));
    workshop
}

fn restated() -> Vec<Close> {
    let mut prices = closes();
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    prices
}

#[test]
fn never_keeps_a_model_whose_training_rows_were_restated_and_says_so() {
    let workshop = workshop("retrain = \"never\"", &closes());
    workshop.run();
    let ids = workshop.model_ids();
    workshop.prices(&csv(&restated()));
    let kept = "kept, though its training rows have changed: retrain = \"never\"";
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok();
    assert_eq!(plan.stdout.matches(kept).count(), 2, "{}", plan.stdout);
    assert!(plan.stdout.contains("rows of AAA in 2011-03"), "{}", plan.stdout);
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(ran.stdout.contains(&format!("autoencoder is {kept}")), "{}", ran.stdout);
    assert_eq!(ran.json()["kept_models"], serde_json::json!(["autoencoder", "ewma"]));
    assert_eq!(workshop.model_ids(), ids);
    // The restated rows are scored all the same; only those.
    assert!(ran.json()["cells_replaced"].as_u64().unwrap() > 0);
    let again = workshop.run();
    assert_eq!(
        (&again["cells_replaced"], &again["kept_models"][0]),
        (&0.into(), &"autoencoder".into())
    );
    let score = workshop.oddlot(&["score", "job.toml"]).ok();
    assert!(score.stderr.contains(kept), "{}", score.stderr);

    // Other settings ask for another model; another threshold for another threshold.
    let other = pipeline("retrain = \"never\"").replace("q = 0.995", "q = 0.99");
    workshop.write("job.toml", &other);
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert_eq!(plan.matches("calibrate: only the threshold has changed").count(), 4, "{plan}");
    workshop.write("job.toml", &other.replace("units = 4", "units = 5"));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert!(
        plan.contains("autoencoder      train: its settings, SQL or version have changed"),
        "{plan}"
    );
    // And who asks for everything gets it.
    workshop.write("job.toml", &pipeline("retrain = \"never\""));
    let refreshed = workshop.oddlot(&["run", "job.toml", "--full-refresh"]).ok().json();
    assert_eq!(refreshed.get("kept_models"), None);
    assert_ne!(workshop.model_ids(), ids);
}

#[test]
fn when_stale_trains_again_and_one_model_may_be_left_alone() {
    let own = pipeline("retrain = \"when_stale\"").replace(
        "[models.ewma.detector",
        "[models.ewma]\nretrain = \"never\"\n[models.ewma.detector",
    );
    let workshop = Workshop::new(&own);
    workshop.prices(&csv(&closes()));
    workshop.run();
    let ids = workshop.model_ids();
    workshop.prices(&csv(&restated()));
    let ran = workshop.run();
    assert_eq!(ran["kept_models"], serde_json::json!(["ewma"]));
    let now = workshop.model_ids();
    assert_eq!(now.len(), 3, "the autoencoder is new");
    assert!(ids.iter().all(|id| now.contains(id)), "the old one stays");
    assert_eq!(workshop.one("SELECT count(*) FROM models"), "3");
    // Where nothing else is said, it is the same.
    workshop.write("job.toml", &pipeline(""));
    assert!(
        workshop.oddlot(&["plan", "job.toml"]).ok().stdout.contains("train: its training rows")
    );
}

/// Last days of training and calibration of the autoencoder that the tables' rows come from.
fn spans(workshop: &Workshop) -> String {
    let query = "SELECT DISTINCT train_to, validation_to, calibration_to FROM models \
        WHERE model_id IN (SELECT model_id FROM errors_all WHERE model = 'autoencoder')";
    workshop.one(query)
}

#[test]
fn every_so_many_days_of_the_data_the_split_moves_on() {
    // 2013-12-31 and 400 days is 2015-02-04.
    let moving = "retrain = \"every 400d\"";
    let workshop = workshop(moving, &until(&closes(), "2015-02-04"));
    workshop.run();
    assert_eq!(
        spans(&workshop),
        "2011-12-31,2012-12-31,2013-12-31",
        "no day would be left to test on"
    );
    workshop.prices(&csv(&until(&closes(), "2015-02-05")));
    let plan = workshop.oddlot(&["plan", "job.toml"]).ok().stdout;
    assert_eq!(plan.matches("train: the split has moved on with the data").count(), 4, "{plan}");
    workshop.run();
    assert_eq!(spans(&workshop), "2013-02-03,2014-02-04,2015-02-04");
    assert_eq!(workshop.model_ids().len(), 4, "the old models stay");
    let alerts = workshop.sql("SELECT * FROM alerts ORDER BY run_id, ticker, ts, model");

    // Later nights of the same step train nothing; an earlier instant does not move it back.
    workshop.prices(&csv(&until(&closes(), "2015-03-02")));
    workshop.run();
    assert_eq!(workshop.model_ids().len(), 4);
    workshop.oddlot(&["run", "job.toml", "--as-of", "2014-06-02T22:00:00Z"]).ok();
    assert_eq!(workshop.model_ids().len(), 4);
    let still = workshop.sql("SELECT * FROM alerts ORDER BY run_id, ticker, ts, model");
    assert!(alerts.iter().all(|alert| still.contains(alert)));

    // One run over the same rows comes to the same: the clock and the order of nights decide nothing.
    let fresh = self::workshop(moving, &until(&closes(), "2015-03-02"));
    fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
}

#[test]
fn as_of_an_instant_the_split_is_where_it_was_then() {
    let workshop = workshop("retrain = \"every 400d\"", &closes());
    workshop.oddlot(&["run", "job.toml", "--as-of", "2015-02-03T22:00:00Z"]).ok();
    assert_eq!(spans(&workshop), "2011-12-31,2012-12-31,2013-12-31");
    workshop.run();
    // 1,095 days after the end of calibration: two steps.
    assert_eq!(spans(&workshop), "2014-03-10,2015-03-11,2016-03-10");
}

#[test]
fn a_retrain_that_says_nothing_is_refused_with_its_line() {
    let refused = |text: &str| {
        let workshop = Workshop::new(text);
        workshop.prices(&csv(&closes()));
        workshop.oddlot(&["check", "job.toml"]).ends_with(78).stderr
    };
    let wrong = refused(&pipeline("retrain = \"every 90 days\""));
    assert!(wrong.contains("job.toml:1:") && wrong.contains("every 90d"), "{wrong}");
    let misspelt = refused(&pipeline("retrian = \"never\""));
    assert!(misspelt.contains("did you mean `retrain`?"), "{misspelt}");
    let own = pipeline("").replace(
        "[models.ewma.detector",
        "[models.ewma]\nretrain = \"every 9d\"\n[models.ewma.detector",
    );
    assert!(refused(&own).contains("cannot have a split of its own"));
    let archive = "retrain = \"every 90d\"\nprofile = \"archive\"\n[source]\npath = \"prices/*.parquet\"\n\
        columns = { ticker = \"ticker\", ts = \"date\", value = \"close\" }\n[output]\nroot = \"out\"\n";
    assert!(refused(archive).contains("no split that could move on"));
}
