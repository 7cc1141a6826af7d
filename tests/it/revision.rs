//! A price of the past is revised: the cells that it reaches change, and only those.

use crate::daily::causal;
use crate::market::{closes, csv, revise};
use crate::workshop::{Workshop, changed, year_of};

#[test]
fn a_revised_price_changes_the_cells_it_reaches_and_no_other() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let (cells, model_ids) = (workshop.cells(), workshop.model_ids());
    let before = causal(&workshop, "2015-06-09");

    revise(&mut prices, "TRUE", "2015-06-10", 11, 10);
    workshop.prices(&csv(&prices));
    let done = workshop.run();
    let replaced = changed(&cells, &workshop.cells());
    // A baseline looks 250 rows back, so that 2016 may change; 2014 is too far from June.
    assert!(replaced.iter().all(|cell| [2015, 2016].contains(&year_of(cell))), "{replaced:?}");
    let written = |table: &str, year: i32| {
        replaced.contains(&format!("{table}/pipeline=job/year={year}/part-00000.parquet"))
    };
    for table in ["errors", "reconstructions", "anomalies", "events"] {
        assert!(written(table, 2015), "{table}: {replaced:?}");
    }
    assert!(written("errors", 2016), "{replaced:?}");
    assert_eq!(done["cells_replaced"], replaced.len());
    assert_eq!(workshop.model_ids(), model_ids, "a test day teaches nothing");
    assert_eq!(causal(&workshop, "2015-06-09"), before, "what came earlier stays");
    let flags =
        "SELECT count(*) FROM anomalies WHERE ticker = 'TRUE' AND trade_date = '2015-06-10'";
    assert_eq!(workshop.one(flags), "5", "ten deviations are flagged by every model");

    // The same as if it had never been otherwise.
    let fresh = Workshop::with_prices(&csv(&prices));
    fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
}

#[test]
fn a_price_revised_in_the_training_span_trains_again_and_score_only_warns() {
    let mut prices = closes();
    let workshop = Workshop::with_prices(&csv(&prices));
    workshop.run();
    let model_ids = workshop.model_ids();
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    workshop.prices(&csv(&prices));

    let plan = workshop.oddlot(&["plan", "job.toml"]).ok();
    let why = "train: its training rows have changed";
    assert_eq!(plan.stdout.matches(&format!("{why}\n")).count(), 5, "{}", plan.stdout);

    let score = workshop.oddlot(&["score", "job.toml"]).ok();
    let warning = "price rows have changed since this model was trained";
    assert_eq!(score.stderr.matches(warning).count(), 5, "{}", score.stderr);
    assert_eq!(workshop.model_ids(), model_ids, "`score` never trains");

    let run = workshop.command(&["run", "job.toml"]).env("ODDLOT_LOG", "info").output().unwrap();
    let run = crate::workshop::Ran::from(run).ok();
    assert_eq!(run.stderr.matches(why).count(), 5, "{}", run.stderr);
    assert_eq!(workshop.model_ids().len(), 10, "the old models stay beside the new");
    let kept = "SELECT count(*) FROM errors_all WHERE model_id IN ('$ids')";
    assert_eq!(workshop.one(&kept.replace("$ids", &model_ids.join("','"))), "0");
}
