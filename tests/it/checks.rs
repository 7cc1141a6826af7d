//! `[checks]`: rows of the source that are failures are told, taken out, or stop the run.

use crate::market::{closes, csv, revise};
use crate::workshop::{PIPELINE, Workshop, changed};

/// A decimal slip of `AAA` in the test span.
fn slipped() -> String {
    let mut prices = closes();
    revise(&mut prices, "AAA", "2015-06-01", 1, 100);
    csv(&prices)
}

fn with(checks: &str) -> Workshop {
    let workshop = Workshop::new(&format!("{PIPELINE}{checks}"));
    workshop.prices(&slipped());
    workshop
}

#[test]
fn without_checks_nothing_is_checked_and_check_data_makes_them_all() {
    let workshop = with("");
    assert_eq!(workshop.run()["checks"].as_array().map(Vec::len), Some(0));
    let plain = workshop.oddlot(&["check", "job.toml"]).ok();
    assert!(!plain.stdout.contains("check jumps"), "{}", plain.stdout);
    let ran = workshop.oddlot(&["check", "job.toml", "--data"]).ok();
    for line in [
        "check jumps (warn): 1 row of 1 ticker: AAA 2015-06-01, ",
        "check duplicate_rows (warn): nothing",
        "check stale_prices (warn): nothing",
        "check future_dates (warn): nothing",
        "check zero_volume is not made: `source.columns` has no volume",
        "check ohlc_order is not made: `source.columns` has no open, high, low, close",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    let told = &ran.json()["checks"][0];
    assert_eq!((&told["check"], &told["rows"]), (&"jumps".into(), &1.into()));
}

#[test]
fn a_warning_changes_no_cell_and_is_told_in_the_result_and_in_ticker_status() {
    let without = with("");
    without.run();
    let workshop = with("[checks]\n");
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert_eq!(changed(&without.cells(), &workshop.cells()), [""; 0]);
    assert!(
        ran.stderr.contains("warn jumps: 1 row of 1 ticker: AAA 2015-06-01, "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.json()["checks"][0]["severity"], "warn");
    let reason = workshop.one("SELECT status, reason FROM ticker_status WHERE reason IS NOT NULL");
    assert!(reason.contains("ok,") && reason.contains("check jumps finds 1 row (2015-06-01, "));
    // Tightening a warning rewrites nothing.
    workshop.write("job.toml", &format!("{PIPELINE}[checks]\njumps = \"warn\"\n"));
    assert_eq!(workshop.run()["cells_replaced"], 0);
}

#[test]
fn a_row_that_is_taken_out_is_a_day_without_a_number_and_makes_its_cells_stale() {
    let workshop = with("");
    workshop.run();
    let score = "SELECT count(*) FROM errors WHERE ticker = 'AAA' AND model = 'ewma' AND trade_date = '2015-06-01'";
    assert_eq!(workshop.one(score), "1");
    let (before, models) = (workshop.cells(), workshop.model_ids());
    let earlier = "SELECT * EXCLUDE (year) FROM errors WHERE trade_date < '2015-01-01' ORDER BY ticker, ts, model";
    let rows_before = workshop.sql(earlier);
    workshop.write("job.toml", &format!("{PIPELINE}[checks]\njumps = \"drop\"\n"));
    let ran = workshop.oddlot(&["run", "job.toml"]).ok();
    assert!(ran.json()["cells_replaced"].as_u64() > Some(0), "{}", ran.stdout);
    assert_eq!(ran.json()["partial"], 1);
    assert!(ran.stderr.contains("check jumps takes out 1 row (2015-06-01"), "{}", ran.stderr);
    let day = |what: &str| {
        workshop.one(&format!(
            "SELECT {what} FROM errors WHERE ticker = 'AAA' AND model = 'ewma' AND trade_date = '2015-06-01'"
        ))
    };
    assert_eq!(day("rule, skip_reason, is_anomaly"), "break,check,true");
    // Nobody sees the number any more: the next day's return begins anew.
    let next = workshop.one("SELECT is_anomaly FROM errors WHERE ticker = 'AAA' AND model = 'ewma' AND trade_date = '2015-06-02'");
    assert_eq!(next, "false");
    // Nothing is learnt from the test span, and no row of a year that it cannot touch is another.
    assert_eq!(workshop.model_ids(), models);
    assert_eq!(workshop.sql(earlier), rows_before);
    assert_eq!(workshop.run()["cells_replaced"], 0);
    // What is off is as if there were no checks.
    workshop.write("job.toml", &format!("{PIPELINE}[checks]\njumps = \"off\"\n"));
    workshop.run();
    assert_eq!(changed(&before, &workshop.cells()), [""; 0]);
}

#[test]
fn a_check_that_stops_ends_with_3_before_anything_is_written() {
    let workshop = with("[checks]\njumps = \"stop\"\n");
    for command in ["run", "plan", "check", "train"] {
        let told = workshop.oddlot(&[command, "job.toml"]).ends_with(3).stderr;
        for words in [
            "error: the check `jumps` stops the run",
            "--> job.toml:30:9",
            "no such row: a price three times that of the row before, or a third of it",
            "1 row of 1 ticker: AAA 2015-06-01, ",
        ] {
            assert!(told.contains(words), "{words}\n{told}");
        }
    }
    assert_eq!(workshop.out().len(), 0);
}

#[test]
fn a_check_of_the_users_own_is_a_file_whose_rows_are_failures() {
    let workshop = with("[checks.too_high]\nsql = \"high.sql\"\n");
    let sql = "-- too_high: dearer than anything\n-- severity  stop\nSELECT ticker, ts, 'high' AS found FROM prices WHERE value > 1000000\n";
    workshop.write("high.sql", sql);
    workshop.oddlot(&["run", "job.toml"]).ok();
    workshop.write("high.sql", &sql.replace("1000000", "0"));
    let told = workshop.oddlot(&["run", "job.toml"]).ends_with(3).stderr;
    assert!(told.contains("the check `too_high` stops the run\n  --> job.toml:29:9"), "{told}");
    assert!(told.contains("of 3 tickers: 0005 2010-01-01, high; AAA 2010-01-01, high"), "{told}");
    // The file says otherwise.
    let file = format!("{PIPELINE}[checks.too_high]\nsql = \"high.sql\"\nseverity = \"warn\"\n");
    workshop.write("job.toml", &file);
    workshop.oddlot(&["run", "job.toml"]).ok();
    workshop.write("high.sql", "SELECT ticker FROM prices");
    let told = workshop.oddlot(&["check", "job.toml"]).ends_with(78).stderr;
    assert!(told.contains("does not give column `ts`"), "{told}");
}

#[test]
fn mistakes_in_checks_are_told_all_at_once_with_their_lines() {
    let checks = "[checks]\njmps = \"warn\"\nstale_prices = \"loud\"\nzero_volume = \"warn\"\nfuture_dates = \"drop\"\n[checks.own]\nsqll = \"x.sql\"\n[checks.gone]\nsql = \"gone.sql\"\n";
    let workshop = Workshop::new(&format!("{PIPELINE}{checks}"));
    let told = workshop.oddlot(&["check", "job.toml"]).ends_with(78).stderr;
    for words in [
        "there is no check `jmps`\n  --> job.toml:30:1",
        "did you mean `jumps`?",
        "`checks.stale_prices` is none of its choices\n  --> job.toml:31:16",
        "unknown key `sqll` in [checks.own]\n  --> job.toml:35:1",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let checks = checks.replace("jmps", "jumps").replace("loud", "warn").replace("sqll", "sql");
    workshop.write("job.toml", &format!("{PIPELINE}{checks}"));
    let told = workshop.oddlot(&["check", "job.toml"]).ends_with(78).stderr;
    for words in [
        "the check `zero_volume` has nothing to look at\n  --> job.toml:32:15",
        "the columns volume in `source.columns`",
        "the check `future_dates` cannot take rows out\n  --> job.toml:33:16",
        "cannot read the check query\n  --> job.toml:37:7",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
}
