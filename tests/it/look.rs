//! `chart` and `report PIPELINE`: their figures are those of the tables, and nothing is changed by looking.

use crate::cloud::Cloud;
use crate::market::{closes, csv, revise};
use crate::workshop::{Workshop, changed, tree};

/// Generated prices with a day that nobody expects, and one that is a slip of the decimal point.
fn odd_prices() -> String {
    let mut closes = closes();
    revise(&mut closes, "AAA", "2015-06-10", 115, 100);
    revise(&mut closes, "TRUE", "2015-06-10", 112, 100);
    revise(&mut closes, "AAA", "2016-03-14", 1, 10);
    csv(&closes)
}

fn workshop() -> Workshop {
    let workshop = Workshop::with_prices(&odd_prices());
    workshop.run();
    workshop
}

fn text(workshop: &Workshop, name: &str) -> String {
    std::fs::read_to_string(workshop.path(name)).unwrap()
}

#[test]
fn a_chart_shows_the_flags_that_the_tables_have_and_changes_nothing() {
    let workshop = workshop();
    let out = workshop.out();
    let range = ["--from", "2015-01-01", "--to", "2016-12-30"];
    for model in ["forecaster", "autoencoder", "ewma"] {
        let chart = |file: &str| {
            let of = ["chart", "AAA", "-p", "job.toml", "--model", model, "-o", file];
            workshop.oddlot(&[&of[..], &range].concat()).ok().json()
        };
        let told = chart("a.svg");
        let of_range = format!(
            "ticker = 'AAA' AND model = '{model}' AND trade_date BETWEEN '2015-01-01' AND '2016-12-30'"
        );
        let flags = workshop.one(&format!("SELECT count(*) FROM anomalies WHERE {of_range}"));
        assert_ne!(flags, "0");
        assert_eq!(told["flags"].to_string(), flags, "{model}");
        let rows = workshop.one(&format!("SELECT count(*) FROM errors WHERE {of_range}"));
        assert_eq!(told["rows"].to_string(), rows, "{model}");
        let svg = text(&workshop, "a.svg");
        // Each flag is told above, where prices are, and below, where scores are.
        assert_eq!(svg.matches("class=\"told\"").count(), 2 * flags.parse::<usize>().unwrap());
        // A tenth of the price is shown beside the others.
        assert!(
            svg.contains("\nclose, logarithmic\n") && svg.contains("2015-06-10, observed "),
            "{svg}"
        );
        assert!(svg.contains("2016-03-14, observed"));
        chart("b.svg");
        assert_eq!(svg, text(&workshop, "b.svg"));
    }
    let png = ["chart", "AAA", "-p", "job.toml", "-o", "a.png"];
    workshop.oddlot(&png).ok();
    assert_eq!(std::fs::read(workshop.path("a.png")).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");
    workshop.oddlot(&["chart", "AAA", "-p", "job.toml", "-o", "a.html"]).ok();
    assert!(text(&workshop, "a.html").contains("flagged rows, newest first"));
    // Without the pipeline there is no price, and the feature is drawn.
    workshop.oddlot(&["chart", "AAA", "-o", "c.svg"]).ok();
    assert!(text(&workshop, "c.svg").contains("\nlog_return\n"));
    assert_eq!(changed(&out, &workshop.out()), [""; 0]);
}

#[test]
fn prices_and_their_band_hold_the_flags_apart_from_the_calm_days() {
    let workshop = workshop();
    let of = [
        "chart",
        "TRUE",
        "-p",
        "job.toml",
        "--model",
        "forecaster",
        "--from",
        "2015-06-01",
        "--to",
        "2015-06-30",
    ];
    let told = workshop.oddlot(&[&of[..], &["-o", "a.html"]].concat()).ok();
    assert!(told.json()["flags"].as_u64().unwrap() >= 1);
    let page = text(&workshop, "a.html");
    // +12 % on top of the day's own move.
    let row = page.split("<tr>").find(|row| row.contains(">2015-06-10<")).unwrap();
    assert!(row.contains("+1") && row.contains("2 × or more"), "{row}");
    // The terminal draws the same rows.
    let shown = workshop.oddlot(&of).ok().stdout;
    assert!(
        shown.starts_with("TRUE · close, model forecaster of pipeline job: 22 rows, "),
        "{shown}"
    );
    assert!(shown.contains("2015-06-10") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_day_is_explained_by_the_figures_of_the_tables() {
    let workshop = workshop();
    let explain = |ticker: &str, day: &str| {
        let of = ["chart", ticker, "-p", "job.toml", "--model", "forecaster", "--explain", day];
        workshop.oddlot(&of).ok().stdout
    };
    let told = explain("AAA", "2015-06-10");
    let key = "ticker = 'AAA' AND model = 'forecaster' AND trade_date = '2015-06-10'";
    let score: f64 =
        workshop.one(&format!("SELECT score FROM errors WHERE {key}")).parse().unwrap();
    let ratio: f64 =
        workshop.one(&format!("SELECT threshold_ratio FROM errors WHERE {key}")).parse().unwrap();
    let id = workshop.one(&format!("SELECT model_id FROM errors WHERE {key}"));
    for line in [
        format!("AAA on 2015-06-10: flagged by forecaster, {ratio:.2} times its threshold"),
        format!("  score              {score:.4}"),
        "the 8 rows up to it".to_owned(),
        "2015-06-10 *".to_owned(),
        format!("  forecaster {id}, lstm_forecaster"),
        "market-wide (2 of 3 tickers are flagged".to_owned(),
        "also flagged: TRUE (".to_owned(),
        "log_return".to_owned(),
        "what the other models say".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}\n{told}");
    }
    assert!(explain("AAA", "2016-03-14").contains("flagged by the break rule"));
    assert!(explain("0005", "2010-01-01").contains("not scored by forecaster: history_short"));
}

#[test]
fn a_report_has_the_figures_of_the_tables() {
    let workshop = workshop();
    let told = workshop.oddlot(&["report", "job.toml", "-o", "report.html"]).ok().json();
    let page = text(&workshop, "report.html");
    let events = workshop.one("SELECT count(*) FROM events");
    assert_eq!(told["events"].to_string(), events);
    for model in ["forecaster", "ewma"] {
        let flags = workshop.one(&format!(
            "SELECT count(*) FROM anomalies WHERE model = '{model}' AND split = 'test'"
        ));
        let row = page.split("<tr>").find(|row| row.contains(&format!("scope=\"row\">{model}<")));
        assert!(row.unwrap().contains(&format!("data-v=\"{flags}\"")), "{model} {flags}");
    }
    let run = workshop.one("SELECT max(run_id) FROM runs");
    for id in workshop.model_ids().iter().chain([&run]) {
        assert!(page.contains(id), "{id}");
    }
    // Losses of both networks, the broken day among the issues, no request to anybody.
    assert!(page.contains("Losses of forecaster") && page.contains("Losses of autoencoder"));
    assert!(page.contains("a jump that no trade explains"));
    assert!(!page.contains("src="));
    workshop.oddlot(&["report", "job.toml", "-o", "again.html"]).ok();
    assert_eq!(page, text(&workshop, "again.html"));
    workshop.oddlot(&["report", "job.toml"]).ok();
    assert_eq!(page, text(&workshop, "job-report.html"));
}

#[test]
fn what_is_not_there_is_told_with_what_there_is() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let told = workshop.oddlot(&["chart", "AAA", "-p", "job.toml"]).ends_with(3).stderr;
    assert!(told.contains("there is no output here"), "{told}");
    std::fs::create_dir(workshop.path("out")).unwrap();
    for command in [&["chart", "AAA", "-p", "job.toml"][..], &["report", "job.toml"]] {
        let told = workshop.oddlot(command).ends_with(3).stderr;
        assert!(
            told.contains("nothing to look at yet") && told.contains("`oddlot run job.toml`"),
            "{told}"
        );
    }
    workshop.run();
    let before = tree(&workshop.path(""));
    let fails = |arguments: &[&str], code: i32, words: &str| {
        let of = [&["chart"], arguments, &["-p", "job.toml"]].concat();
        let ran = workshop.oddlot(&of).ends_with(code);
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    };
    fails(&["aab"], 3, "did you mean `AAA`?");
    fails(&["'; DROP TABLE errors; --"], 3, "one of 3 tickers");
    fails(&["AAA", "--model", "forcaster"], 3, "did you mean `forecaster`?");
    fails(&["AAA", "--feature", "close"], 3, "one of log_return");
    fails(&["AAA", "-o", "a.gif"], 78, ".svg, .png or .html");
    fails(&["AAA", "-o", "nowhere/a.svg"], 73, "the chart cannot be written");
    fails(&["AAA", "--explain", "2016-03-13"], 3, "has no row on that day");
    fails(&["AAA", "--from", "2016-01-02", "--to", "2016-01-01"], 2, "earlier than --from");
    workshop.oddlot(&["report"]).ends_with(2);
    assert_eq!(changed(&before, &tree(&workshop.path(""))), [""; 0]);
    // A source that is gone costs the prices and nothing else.
    std::fs::rename(workshop.path("prices"), workshop.path("elsewhere")).unwrap();
    let told = workshop.oddlot(&["chart", "AAA", "-p", "job.toml", "-o", "a.svg"]).ok().stderr;
    assert!(told.contains("note: no prices, as the source cannot be read"), "{told}");
    assert!(text(&workshop, "a.svg").contains("\nlog_return\n"));
}

#[test]
fn charts_and_reports_are_made_of_buckets_too() {
    let cloud = Cloud::with_prices(&odd_prices());
    cloud.oddlot(&["run", "job.toml"]).ok();
    let before = cloud.everything();
    let chart = ["chart", "AAA", "-p", "job.toml", "-o", "a.svg"];
    assert!(cloud.oddlot(&chart).ok().json()["flags"].as_u64().unwrap() >= 1);
    cloud.oddlot(&["report", "job.toml", "-o", "a.html"]).ok();
    cloud.oddlot(&["chart", "AAA", "--root", "s3://tables/base"]).ok();
    assert_eq!(changed(&before, &cloud.everything()), [""; 0]);
}
