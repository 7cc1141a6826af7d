//! An event that runs on over years dirties the cell of the year it began in.

use crate::market::{closes, csv, until};
use crate::workshop::{PIPELINE, Workshop, changed};

/// The job without its networks and with a threshold that nearly every row exceeds.
fn always_flagged() -> String {
    let from = PIPELINE.find("[models.autoencoder.detector").unwrap();
    let to = PIPELINE.find("[models.ewma").unwrap();
    let without_networks = format!("{}{}", &PIPELINE[..from], &PIPELINE[to..]);
    without_networks
        .replace("[threshold.quantile]\nq = 0.995", "[threshold.fixed]\nvalue = 0.0000001")
}

#[test]
fn days_added_to_an_event_of_years_rewrite_the_cell_it_is_filed_under() {
    let all = closes();
    let workshop = Workshop::new(&always_flagged());
    workshop.prices(&csv(&until(&all, "2016-12-20")));
    workshop.run();
    let longest = workshop
        .one("SELECT extract(year FROM start_ts), n_points FROM events ORDER BY n_points DESC, start_ts LIMIT 1");
    let (year, n_points) = longest.split_once(',').unwrap();
    assert!(n_points.parse::<usize>().unwrap() > 500, "{longest}: no event of years");
    assert_ne!(year, "2016");

    let before = workshop.cells();
    workshop.prices(&csv(&all));
    workshop.run();
    let rewritten = changed(&before, &workshop.cells());
    let filed_under = format!("events/pipeline=job/year={year}/");
    assert!(rewritten.iter().any(|cell| cell.contains(&filed_under)), "{rewritten:?}");

    let fresh = Workshop::new(&always_flagged());
    fresh.prices(&csv(&all));
    fresh.run();
    assert_eq!(changed(&workshop.cells(), &fresh.cells()), [""; 0]);
}

#[test]
fn a_day_of_an_event_of_years_is_filed_under_its_beginning_though_only_that_day_is_asked_for() {
    let all = closes();
    let workshop = Workshop::new(&always_flagged());
    workshop.prices(&csv(&until(&all, "2016-12-20")));
    workshop.run();
    workshop.prices(&csv(&all));
    // The cells of the years before are left alone, and so do not ask for the years to be read.
    let asked = ["run", "job.toml", "--date", "2016-12-21"];
    let ran = workshop.command(&asked).env("ODDLOT_LOG", "info").output().unwrap();
    let ran = crate::workshop::Ran::from(ran).ok();
    assert!(ran.stderr.contains("the whole history is read"), "{}", ran.stderr);
    let fresh = Workshop::new(&always_flagged());
    fresh.prices(&csv(&all));
    fresh.run();
    let of_2016 = |workshop: &Workshop| {
        let mut cells = workshop.cells();
        cells.retain(|path, _| path.contains("/year=2016/"));
        cells
    };
    assert_eq!(of_2016(&workshop).len(), 4);
    assert_eq!(changed(&of_2016(&workshop), &of_2016(&fresh)), [""; 0]);
}
