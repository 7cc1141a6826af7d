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
