//! Night after night over the turn of a year: what is read is what the new day needs, and what is written is
//! what a backfill of everything writes.

use crate::market::{Close, closes, csv, date, revise, until};
use crate::workshop::{PIPELINE, Ran, Workshop, changed};

/// In three parts, hindsight smoothed, and events that may pause.
fn in_parts() -> String {
    PIPELINE.replace("root = \"out\"\n", "root = \"out\"\nparts = 3\n")
        + "[events]\nmax_gap_rows = 2\n[merge.smoothing.mean]\nrows = 5\n"
}

/// Jumps around New Year, so that events go on over it; `0005` is shut for a fortnight, and `TRUE` begins late.
fn prices() -> Vec<Close> {
    let mut all = closes();
    for day in ["2015-12-30", "2015-12-31", "2016-01-01", "2016-01-04"] {
        revise(&mut all, "AAA", day, 120, 100);
    }
    let is_shut = |row: &Close| {
        row.ticker == "0005" && row.date > date("2015-12-10") && row.date < date("2015-12-28")
    };
    let is_early = |row: &Close| row.ticker == "TRUE" && row.date < date("2015-06-01");
    all.retain(|row| !is_shut(row) && !is_early(row));
    all
}

/// Runs the job; the rows that it judged.
fn judged(workshop: &Workshop) -> (Ran, usize) {
    let ran = workshop.command(&["run", "job.toml"]).env("ODDLOT_LOG", "info").output().unwrap();
    let ran = Ran::from(ran).ok();
    let line = ran.stderr.lines().find(|line| line.contains("scored rows=")).unwrap().to_owned();
    let rows = line.split("rows=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    (ran, rows)
}

#[test]
fn nights_over_the_turn_of_the_year_give_the_cells_of_one_backfill() {
    let all = prices();
    let nightly = Workshop::new(&in_parts());
    nightly.prices(&csv(&until(&all, "2015-12-29")));
    let (_, backfilled) = judged(&nightly);
    for night in ["2015-12-31", "2016-01-05", "2016-02-11"] {
        let until = until(&all, night);
        nightly.prices(&csv(&until));
        let (ran, rows) = judged(&nightly);
        let fresh = Workshop::new(&in_parts());
        fresh.prices(&csv(&until));
        let whole = fresh.run();
        assert_eq!(changed(&nightly.cells(), &fresh.cells()), [""; 0], "{night}");
        assert_eq!(ran.json()["models"], whole["models"], "{night}");
        assert_eq!(whole["models"].as_array().unwrap().len(), 5);
        // A year, the 250 rows that a baseline looks back on, and what a month is rounded to.
        assert!(rows * 3 < backfilled * 2, "{night}: {rows} of {backfilled} rows");
    }
}

#[test]
fn a_part_without_a_new_row_is_not_read() {
    let all = prices();
    let workshop = Workshop::new(&in_parts());
    let until = until(&all, "2016-02-11");
    workshop.prices(&csv(&until));
    workshop.run();
    let of_aaa = |row: &&Close| row.ticker == "AAA" && row.date == date("2016-02-12");
    let one_more: Vec<Close> = until.iter().chain(all.iter().filter(of_aaa)).cloned().collect();
    workshop.prices(&csv(&one_more));
    let (ran, rows) = judged(&workshop);
    let n_aaa = until.iter().filter(|row| row.ticker == "AAA").count();
    assert!(rows * 3 < n_aaa * 2, "{rows} rows, of {n_aaa} of AAA");
    assert_eq!(ran.json()["cells_replaced"], 2, "nothing is flagged: errors and reconstructions");
}

#[test]
fn queries_of_the_users_own_are_read_from_the_beginning_part_by_part() {
    let own = include_str!("../../sql/features/log_return.sql");
    let pipeline = in_parts().replace("builtin:log_return", "features.sql");
    let workshop = |prices: &[Close]| {
        let workshop = Workshop::new(&pipeline);
        workshop.write("features.sql", own);
        workshop.prices(&csv(prices));
        workshop
    };
    let all = prices();
    let nightly = workshop(&until(&all, "2016-02-11"));
    let (_, backfilled) = judged(&nightly);
    let night = until(&all, "2016-02-12");
    nightly.prices(&csv(&night));
    let (_, rows) = judged(&nightly);
    assert_eq!(rows, backfilled + 3, "every row, and one more of each ticker");
    let fresh = workshop(&night);
    fresh.run();
    assert_eq!(changed(&nightly.cells(), &fresh.cells()), [""; 0]);
    // What the query gives is what the embedded one of the same text gives.
    let embedded = Workshop::new(&in_parts());
    embedded.prices(&csv(&night));
    embedded.run();
    let scores = "SELECT count(*), sum(score), sum(score_hindsight) FROM errors";
    assert_eq!(fresh.one(scores), embedded.one(scores));
}
