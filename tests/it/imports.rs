//! `oddlot import` as a person meets it: what it says, how it ends, and that `run` reads the result.

use std::fs;
use std::io::Write;

use serde_json::Value;

use crate::hostile::names;
use crate::market::{closes, csv};
use crate::workshop::{Workshop, tree};

/// The count of each oddity in the last line of stdout.
fn oddities(json: &Value) -> Vec<(String, u64)> {
    let oddities = json["oddities"].as_array().unwrap().iter();
    oddities
        .map(|oddity| {
            (oddity["oddity"].as_str().unwrap().to_owned(), oddity["count"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn a_packed_file_with_semicolons_decimal_commas_and_old_dates_runs_as_the_plain_one_does() {
    let plain = Workshop::with_prices(&csv(&closes()));
    // The same rows, as a spreadsheet far away might have written them: newest first, CR LF, day
    // first, a mark at the start, no newline at the end, in gzip, under a name that lies.
    let text = csv(&closes());
    let mut rows: Vec<String> = text
        .lines()
        .skip(1)
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            let (ticker, date, close) = (cells[0], cells[1], cells[2]);
            let (year, rest) = date.split_once('-').unwrap();
            let (month, day) = rest.split_once('-').unwrap();
            format!("{ticker};{day}.{month}.{year};{}", close.replace('.', ","))
        })
        .collect();
    rows.reverse();
    let odd = format!("\u{feff}ticker;date;close\r\n{}", rows.join("\r\n"));
    let workshop = Workshop::new(crate::workshop::PIPELINE);
    let file = fs::File::create(workshop.path("prices.csv")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(odd.as_bytes()).unwrap();
    gzip.finish().unwrap();
    let import = ["import", "prices.csv", "-o", "prices", "--name", "prices"];
    let told = oddities(&workshop.oddlot(&import).ok().json());
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["compressed", "byte-order-mark", "crlf", "no-last-newline", "delimiter"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(names.contains(&"decimal-comma") && names.contains(&"newest-first"), "{names:?}");
    let result = |workshop: &Workshop| fs::read(workshop.path("prices/prices.parquet")).unwrap();
    assert_eq!(result(&workshop), result(&plain));
}

#[test]
fn a_refused_import_costs_its_code_and_names_the_place_and_the_mend() {
    let workshop = Workshop::new("");
    workshop.write("good.csv", "date,close\n2020-01-02,1\n");
    workshop.oddlot(&["import", "good.csv", "-o", "out", "--name", "x"]).ok();
    let before = tree(&workshop.path("out"));
    let cases = [
        ("parquet.csv", b"PAR1....PAR1".as_slice(), "", 3, "a Parquet file"),
        ("cut.csv", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b", "", 3, "it ends too early"),
        ("binary.csv", b"\x7fELF\0\0\0", "", 3, "binary data: byte 4 is NUL"),
        ("latin.csv", b"date,close\n2020-01-02,\xa31\n", "", 3, "latin.csv:2:12"),
        ("ragged.csv", b"date,close\n2020-01-02,1,2\n", "", 3, "ragged.csv:2"),
        ("order.csv", b"date,close\n03/04/2020,1\n", "", 3, "--date-format %d/%m/%Y"),
        ("odd.csv", b"date,close\r\n2020-01-02,1\r\n", "--on crlf=refuse", 3, "crlf=keep"),
        ("good.csv", b"date,close\n2020-01-02,1\n", "--columns clsoe", 78, "`close`"),
        ("good.csv", b"date,close\n2020-01-02,1\n", "--on crfl=refuse", 2, "`crlf`"),
    ];
    for (name, bytes, more, code, expected) in cases {
        fs::write(workshop.path(name), bytes).unwrap();
        let more: Vec<&str> = more.split_whitespace().collect();
        let arguments = [&["import", name, "-o", "out", "--name", "x"], more.as_slice()].concat();
        let ran = workshop.oddlot(&arguments).ends_with(code);
        assert!(ran.stderr.contains(expected), "{name}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{name}");
        assert_eq!(tree(&workshop.path("out")), before, "{name}");
    }
    workshop.oddlot(&["import", "good.csv", "-o", "good.csv"]).ends_with(73);
    let ran = workshop.oddlot(&["import", "good.csv", "-o", "s3://prices/eod"]).ends_with(78);
    assert!(ran.stderr.contains("an import writes to a local folder"), "{}", ran.stderr);
    assert!(!workshop.path("s3:").exists());
}

#[test]
fn hostile_tickers_go_through_import_and_reach_no_terminal() {
    let names = names();
    let mut text = String::from("ticker,date,close\n");
    for ticker in &names {
        let ticker = ticker.replace('"', "\"\"");
        // Newest first, so that the report names them.
        text.push_str(&format!("\"{ticker}\",2020-01-03,9\n\"{ticker}\",2020-01-02,1\n"));
    }
    let workshop = Workshop::new("");
    workshop.write("x.csv", &text);
    let ran = workshop.oddlot(&["import", "x.csv", "-o", "prices", "--examples", "99"]).ok();
    assert!(!ran.stdout.contains('\u{1b}'));
    let report = ran.stdout.lines().rev().skip(1).collect::<Vec<_>>();
    assert!(report.iter().all(|line| line.chars().count() < 200), "{report:?}");
    assert!(
        ran.stdout.contains("line\\nbreak 2020-01-03: +800.0 %, from 1 to 9"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.json()["tickers"], names.len());
    assert_eq!(tree(&workshop.path("")).keys().filter(|name| name.ends_with("x")).count(), 0);
}

#[test]
fn a_topic_of_help_lists_every_oddity_with_what_can_be_done() {
    let help = Workshop::new("").oddlot(&["help", "oddities"]).ok().stdout;
    for line in [
        "ohlc               keep, drop, refuse   rows with high below low",
        "duplicate          refuse, first, last  rows of a ticker and time met before",
        "short-history      keep, drop, refuse   tickers with fewer sessions",
    ] {
        assert!(help.contains(line), "{line} in {help}");
    }
}

#[test]
fn made_up_prices_are_read_like_any_others() {
    let pipeline = crate::workshop::PIPELINE
        .replace("2011-12-31", "1995-12-29")
        .replace("2012-12-31", "1996-06-28")
        .replace("2013-12-31", "1997-06-30");
    let workshop = Workshop::new(&pipeline);
    let spec = ["import", "--generate", "tickers=4,days=1200,seed=7"];
    let made = workshop.oddlot(&[&spec[..], &["-o", "prices"]].concat()).ok().json();
    let file = [&spec[..], &["-o", "one/other.parquet", "--threads", "1"]].concat();
    workshop.oddlot(&file).ok();
    let bytes = |name: &str| fs::read(workshop.path(name)).unwrap();
    assert_eq!(bytes("prices/prices.parquet"), bytes("one/other.parquet"));
    // The 1,200th session of the exchange, which was closed on 1994-04-27:
    // numpy.busday_offset("1994-01-03", 1199, holidays=…) with the holidays of its almanac.
    assert_eq!((&made["first"], &made["last"]), (&"1994-01-03".into(), &"1998-10-01".into()));
    let done = workshop.run();
    assert_eq!((&done["tickers"], &done["failed"]), (&made["tickers"], &0.into()));
    let rows = "SELECT count(*), min(trade_date) FROM errors WHERE model = 'ewma'";
    assert_eq!(workshop.one(rows), format!("{},1994-01-03", made["rows"]));
    let wrong = [&spec[..], &["-o", "x", "--columns", "adjusted"]].concat();
    let refused = workshop.oddlot(&wrong).ends_with(78);
    assert!(refused.stderr.contains("open, high, low, close, volume"), "{}", refused.stderr);
}
