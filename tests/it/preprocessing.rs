//! Check figures of the seed systems for the series that is shipped.
//!
//! The figures are from Python, over the Parquet file alone:
//!
//! ```python
//! import datetime, math, pyarrow.parquet as parquet
//! rows = parquet.read_table("data/sp500/sp500.parquet").to_pylist()
//! first, last = datetime.date(1986, 1, 2), datetime.date(2018, 6, 29)
//! close = [row["close"] for row in rows if first <= row["date"] <= last]
//! returns = [math.log(b / a) for a, b in zip(close, close[1:])]
//! mean = lambda x: math.fsum(x) / len(x)
//! deviation = lambda x, ddof: math.sqrt(math.fsum((v - mean(x)) ** 2 for v in x) / (len(x) - ddof))
//! print(len(close), min(close), max(close), mean(close))
//! print(len(returns), mean(returns), deviation(returns, 1))
//! print([sum(abs(math.expm1(r)) > p / 100 for r in returns) for p in (2, 3, 4, 5)])
//! for n in (7782, 6553, 7003):
//!     m, s = mean(close[:n]), deviation(close[:n], 0)
//!     print(n, m, s, (close[0] - m) / s, (close[-1] - m) / s)
//! ```
//!
//! The seeds' own file has 58 closes that differ by more than .02, so that theirs end otherwise from
//! the seventh digit on (mean 1070.897411, first z -1.4751264).

use oddlot_series::{Fractions, History, Scaler, ScalerFit, Scaling, Span, Split};

use crate::workshop::Workshop;

/// Closes as the one feature of a job without networks.
fn closes() -> Workshop {
    let prices = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sp500/*.parquet");
    let workshop = Workshop::new(&format!(
        r#"
[source]
path = "{prices}"
columns = {{ ticker = "ticker", ts = "date", value = "close" }}
[features]
sql = "builtin:close"
[windows]
length = 30
[split]
train_to = "2011-12-22"
validation_to = "2012-12-31"
calibration_to = "2018-06-29"
[models.persistence.detector.persistence]
[threshold.quantile]
q = 0.995
[output]
root = "out"
"#
    ));
    workshop.oddlot(&["run", "job.toml", "--from", "1986-01-01", "--to", "2018-12-31"]).ok();
    workshop
}

/// The seeds' sessions, among all that are shipped.
const SPAN: &str = "trade_date BETWEEN '1986-01-02' AND '2018-06-29'";

/// Equal to so many parts of itself.
fn assert_close(found: &str, expected: f64, relative: f64) {
    let found: f64 = found.parse().unwrap();
    assert!((found / expected - 1.0).abs() < relative, "expected {expected}, found {found}");
}

#[test]
fn the_shipped_series_has_the_check_figures() {
    let workshop = closes();
    let prices = format!("FROM reconstructions WHERE feature = 'close' AND {SPAN}");
    let ends = workshop.one(&format!(
        "SELECT count(*), min(trade_date), max(trade_date), min(value), max(value) {prices}"
    ));
    assert_eq!(ends, "8192,1986-01-02,2018-06-29,203.49,2872.87");
    let days = workshop.sql(&format!(
        "SELECT trade_date {prices} AND value IN (203.49, 2872.87) ORDER BY trade_date"
    ));
    assert_eq!(days, ["1986-01-22", "2018-01-26"]);
    // 8,192 sums in another order differ by 1e-13 or so.
    assert_close(&workshop.one(&format!("SELECT avg(value) {prices}")), 1070.897569506836, 1e-12);

    let returns = format!(
        "WITH returns AS (SELECT trade_date, ln(value / lag(value) OVER (ORDER BY ts)) AS r {prices})"
    );
    let one = |what: &str| workshop.one(&format!("{returns} SELECT {what} FROM returns"));
    assert_eq!(one("count(r)"), "8191");
    // Of 8,191 values of .01, means cancel to .0003: two digits less.
    assert_close(&one("avg(r)"), 0.00031285978190309286, 1e-10);
    assert_close(&one("stddev_samp(r)"), 0.011392189713670916, 1e-12);
    // Plain returns, as the seeds count them; of log returns there are 534, 171, 72 and 36.
    let above =
        |percent: i32| one(&format!("count(*) FILTER (WHERE abs(exp(r) - 1) > {percent} / 100.0)"));
    assert_eq!([2, 3, 4, 5].map(above), ["533", "166", "76", "37"]);
}

#[test]
fn the_shipped_series_splits_and_scales_as_the_seeds_do() {
    let workshop = closes();
    let rows = workshop.sql(&format!(
        "SELECT CAST(trade_date AS INT), value FROM reconstructions WHERE {SPAN} ORDER BY ts"
    ));
    let (days, values): (Vec<i32>, Vec<f64>) = rows
        .iter()
        .map(|row| row.split_once(',').unwrap())
        .map(|(day, value)| (day.parse::<i32>().unwrap(), value.parse::<f64>().unwrap()))
        .unzip();
    let split = |train, validation| {
        Split::from_fractions(&days, &Fractions { train, validation, calibration: 0.0 }).unwrap()
    };
    let count = |split: &Split| {
        let of = |span| days.iter().filter(|day| split.span(**day) == span).count();
        [of(Span::Train), of(Span::Validation), of(Span::Test)]
    };
    // The seeds cut a span of n rows into n - 30 windows, each with the next close as its target.
    let windows = |rows: [usize; 3]| rows.map(|n| n.saturating_sub(30));

    let a = split(0.95, 0.0);
    assert_eq!(count(&a), [7782, 0, 410]);
    assert_eq!(windows(count(&a)), [7752, 0, 380]);
    let b = split(0.8, 0.0);
    assert_eq!(count(&b), [6553, 0, 1639]);
    assert_eq!(windows(count(&b)), [6523, 0, 1609]);
    // C takes a tenth of A's 7,782 rows, rounded up, for validation: 7,003 of them are left.
    let c = split(7003.0 / 8192.0, 779.0 / 8192.0);
    assert_eq!(count(&c), [7003, 779, 410]);
    assert_eq!(windows(count(&c)), [6973, 749, 380]);

    // Mean, population deviation, and the first and last close in its units.
    let scaled = [
        (a, 994.9464982523773, 532.3991722981456, -1.4751271961267713, 3.237088995289607),
        (b, 842.2107980314361, 417.2631609865183, -1.516119459325756, 4.49634517826313),
        (c, 882.898122147651, 433.6779793019333, -1.552553171437103, 4.232338198971512),
    ];
    for (split, mean, sd, first, last) in scaled {
        let scaler = scaler(&days, &values, &split);
        let found = [
            scaler.mean()[0],
            scaler.sd()[0],
            scaler.scale(0, values[0]),
            scaler.scale(0, values[8191]),
        ];
        for (found, expected) in found.into_iter().zip([mean, sd, first, last]) {
            assert!((found / expected - 1.0).abs() < 1e-12, "expected {expected}, found {found}");
        }
    }
}

/// The scaler that the product fits on the training span.
fn scaler(days: &[i32], values: &[f64], split: &Split) -> Scaler {
    let n = days.len();
    let history = History {
        days,
        values,
        features: 1,
        feature_scales: None,
        reference_prices: None,
        segments: &vec![0; n],
        breaks: &vec![false; n],
        windowed: &vec![false; n],
        length: 30,
    };
    let mut fit = ScalerFit::new(Scaling::default(), 1);
    fit.add("SPX", &history, split);
    fit.finish().unwrap().get("SPX").item.clone()
}
