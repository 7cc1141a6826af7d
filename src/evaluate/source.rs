//! Where scores come from: the tables of a pipeline, or a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use oddlot_engine::labelled::{GivenScores, Labels};
use oddlot_engine::query::ScoredRow;
use oddlot_engine::{Error, Report};
use oddlot_series::evaluate::{LENGTH_WITHOUT_PERIOD, length_rank};

use super::{Scored, Series};
use crate::cli::{EvaluateArgs, Score, Split};
use crate::diagnostic::name;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Two numbers nearer than this share are one that was divided and multiplied.
const SAME_SHARE: f64 = 1e-9;

/// So many examples are told.
const TOLD_MAX: usize = 3;

/// What is to be evaluated, and what is to be told of it.
#[derive(Debug)]
pub struct Given {
    /// Tickers with a row in the span, in their order.
    pub series: Vec<Series>,
    /// What a reader of the figures should know.
    pub notes: Vec<String>,
    /// What is odd about the labels.
    pub warnings: Vec<Report>,
}

/// The rows of one ticker before labels and span.
struct Rows {
    ticker: String,
    ts: Vec<i64>,
    is_in: Vec<bool>,
    values: Option<Vec<f64>>,
    is_numbered: bool,
    detectors: Vec<Scored>,
}

/// The scores of a pipeline's models, with the first feature of each row.
///
/// # Errors
/// `Data`: it has not run, no row lies in the span, or no label meets a row.
pub fn of_pipeline(
    rows: Vec<ScoredRow>,
    values: Vec<(String, i64, f64)>,
    labels: &Labels,
    args: &EvaluateArgs,
) -> Result<Given, Error> {
    let has_test = rows.iter().any(|row| *row.split == *"test");
    let span = args.split.unwrap_or(if has_test { Split::Test } else { Split::All });
    let mut values_of: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
    for (ticker, ts, value) in values {
        values_of.entry(ticker).or_default().insert(ts, value);
    }
    let by_hindsight = deciding(&rows);
    let mut notes = Vec::new();
    let mut tickers: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<ScoredRow>>> = BTreeMap::new();
    for row in rows {
        let models = tickers.entry(row.ticker.clone()).or_default();
        models.entry(row.model.clone()).or_default().push(row);
    }
    let mut all = Vec::new();
    for (ticker, models) in tickers {
        // A model may be newer than some rows: there it has said nothing.
        let spans: BTreeMap<i64, Arc<str>> =
            models.values().flatten().map(|row| (row.ts, row.split.clone())).collect();
        let ts: Vec<i64> = spans.keys().copied().collect();
        let is_in =
            spans.values().map(|split| span.name().is_none_or(|span| **split == *span)).collect();
        let known = values_of.remove(&*ticker).unwrap_or_default();
        let value = |ts: &i64| known.get(ts).copied().unwrap_or(f64::NAN);
        let values = (!known.is_empty()).then(|| ts.iter().map(value).collect());
        let mut detectors = Vec::new();
        for (model, rows) in models {
            let by_ts: BTreeMap<i64, &ScoredRow> = rows.iter().map(|row| (row.ts, row)).collect();
            let each = || ts.iter().map(|ts| by_ts.get(ts).copied());
            let decides = if by_hindsight[&model] { Score::Hindsight } else { Score::Causal };
            let asked = args.score.unwrap_or(decides);
            let scores = each().map(|row| row.map_or(f64::NAN, |row| score(row, asked))).collect();
            let is_flagged = |row: Option<&ScoredRow>| row.is_some_and(|row| row.is_anomaly);
            let flags = (asked == decides).then(|| each().map(is_flagged).collect());
            if flags.is_none() {
                let which = if decides == Score::Causal { "causal" } else { "hindsight" };
                push_once(
                    &mut notes,
                    format!(
                        "the threshold of {model} is one for its {which} score: no figures at its own"
                    ),
                );
            }
            detectors.push(Scored { name: model.to_string(), scores, flags });
        }
        let is_numbered = are_row_numbers(&ts);
        let ticker = ticker.to_string();
        all.push(Rows { ticker, ts, is_in, values, is_numbered, detectors });
    }
    let all_rows = || "all rows".to_owned();
    notes.insert(0, span.name().map_or_else(all_rows, |span| format!("rows of the {span} span")));
    join(all, labels, args, notes)
}

/// Whether each model's flags are those of its hindsight score.
fn deciding(rows: &[ScoredRow]) -> BTreeMap<Arc<str>, bool> {
    let mut votes: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
    let is_same = |a: f64, b: f64| (a - b).abs() <= SAME_SHARE * a.abs().max(b.abs());
    for row in rows {
        let (causal, hindsight) = votes.entry(row.model.clone()).or_default();
        *causal += u64::from(is_same(row.deciding, row.score));
        *hindsight += u64::from(is_same(row.deciding, row.score_hindsight));
    }
    votes.into_iter().map(|(model, (causal, hindsight))| (model, hindsight > causal)).collect()
}

/// A break is above all scores: it is flagged whatever they are.
fn score(row: &ScoredRow, which: Score) -> f64 {
    match which {
        _ if row.is_break => f64::INFINITY,
        Score::Causal => row.score,
        // Where a fallback decided, there is no hindsight.
        Score::Hindsight if row.score_hindsight.is_nan() => row.deciding,
        Score::Hindsight => row.score_hindsight,
    }
}

/// Whether instants are what a source makes of row numbers: every day one, from the first of 1970 on.
fn are_row_numbers(ts: &[i64]) -> bool {
    let is_next = |pair: &[i64]| pair[1] - pair[0] == DAY_US;
    matches!(ts.first(), Some(&(0 | DAY_US))) && ts.windows(2).all(is_next)
}

/// The scores of a file.
///
/// # Errors
/// `Data`: no label meets a row.
pub fn of_file(
    given: BTreeMap<String, GivenScores>,
    labels: &Labels,
    args: &EvaluateArgs,
) -> Result<Given, Error> {
    let rows = given.into_iter().map(|(ticker, given)| {
        let above = |limit: f64| given.scores.iter().map(|score| *score > limit).collect();
        let flags = args.threshold.map(above).or(given.flags);
        let named = args.column.clone().unwrap_or_else(|| "score".to_owned());
        Rows {
            ticker,
            is_in: vec![true; given.ts.len()],
            ts: given.ts,
            values: given.values,
            is_numbered: given.is_numbered,
            detectors: vec![Scored { name: named, scores: given.scores, flags }],
        }
    });
    let rows: Vec<Rows> = rows.collect();
    let mut notes = Vec::new();
    if rows.iter().all(|rows| rows.detectors.iter().all(|scored| scored.flags.is_none())) {
        notes.push(
            "the scores have no threshold of their own; give one with `--threshold`".to_owned(),
        );
    }
    join(rows, labels, args, notes)
}

/// Labels the rows of the span.
fn join(
    all: Vec<Rows>,
    labels: &Labels,
    args: &EvaluateArgs,
    mut notes: Vec<String>,
) -> Result<Given, Error> {
    let mut warnings = Vec::new();
    let mut n_matched = 0_usize;
    let (mut missed, mut n_missed) = (Vec::new(), 0_usize);
    let mut series = Vec::new();
    let mut has_values = true;
    for rows in &all {
        let marked = labels.mark(&rows.ticker, &rows.ts);
        n_matched += marked.labels.iter().filter(|is_anomalous| **is_anomalous).count();
        n_missed += marked.unmatched.len();
        let room = TOLD_MAX.saturating_sub(missed.len());
        missed.extend(marked.unmatched.iter().take(room).map(|interval| interval.place.clone()));
        has_values &= rows.values.is_some();
        if rows.is_in.contains(&true) {
            series.push(within(rows, &marked.labels, labels, args));
        }
    }
    let unknown: Vec<&String> = labels
        .tickers
        .keys()
        .filter(|ticker| !all.iter().any(|rows| rows.ticker == **ticker))
        .collect();
    if !unknown.is_empty() {
        warnings.push(unknown_tickers(&unknown, &all, labels));
    }
    if n_missed > 0 {
        let report = Report::new(format!("{n_missed} labels meet no row")).at(missed.join(", "));
        warnings.push(
            report
                .expected("the day or time of a row that was scored")
                .hint("a date means all rows of that day, a time one row; rows are in UTC"),
        );
    }
    let n_labelled: usize = labels.tickers.values().map(Vec::len).sum();
    if n_labelled > 0 && n_matched == 0 {
        let mut reports = vec![Report::new("no label meets a row").at(labels.name.as_str())];
        reports.extend(warnings);
        return Err(Error { kind: oddlot_engine::Kind::Data, reports });
    }
    if series.is_empty() {
        let report = Report::new("there is no row to evaluate").found(notes.join("; "));
        return Err(Error::data(report.hint("`--split all` takes all rows")));
    }
    if !has_values {
        notes.push("there are no values: no [one-liner], and windows of 125 rows unless `--window` says otherwise".to_owned());
    }
    silent(&series, &mut notes);
    Ok(Given { series, notes, warnings })
}

/// The rows of the span.
fn within(rows: &Rows, marked: &[bool], labels: &Labels, args: &EvaluateArgs) -> Series {
    let kept: Vec<usize> = (0..rows.ts.len()).filter(|&row_idx| rows.is_in[row_idx]).collect();
    let numbers =
        |column: &[f64]| kept.iter().map(|&row_idx| column[row_idx]).collect::<Vec<f64>>();
    let truths =
        |column: &[bool]| kept.iter().map(|&row_idx| column[row_idx]).collect::<Vec<bool>>();
    let period = |values: &Vec<f64>| {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        length_rank(&finite)
    };
    let days = || kept.iter().map(|&row_idx| rows.ts[row_idx] as f64 / DAY_US as f64).collect();
    Series {
        ticker: rows.ticker.clone(),
        group: labels.groups.get(&rows.ticker).cloned(),
        days: (!rows.is_numbered).then(days),
        labels: truths(marked),
        values: rows.values.as_deref().map(numbers),
        window: match args.window {
            Some(window) => usize::from(window),
            None => rows.values.as_ref().map_or(LENGTH_WITHOUT_PERIOD, period),
        },
        detectors: rows
            .detectors
            .iter()
            .map(|scored| Scored {
                name: scored.name.clone(),
                scores: numbers(&scored.scores),
                flags: scored.flags.as_deref().map(truths),
            })
            .collect(),
    }
}

fn unknown_tickers(unknown: &[&String], all: &[Rows], labels: &Labels) -> Report {
    let some = |tickers: &mut dyn Iterator<Item = &String>| {
        tickers.take(TOLD_MAX).map(|ticker| name(ticker)).collect::<Vec<_>>().join(", ")
    };
    let title = format!("{} labelled tickers have no score", unknown.len());
    Report::new(title)
        .at(labels.name.as_str())
        .expected(format!("tickers such as {}", some(&mut all.iter().map(|rows| &rows.ticker))))
        .found(some(&mut unknown.iter().copied()))
}

/// Detectors that leave rows out.
fn silent(series: &[Series], notes: &mut Vec<String>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for scored in series.iter().flat_map(|series| &series.detectors) {
        *counts.entry(scored.name.as_str()).or_default() +=
            scored.scores.iter().filter(|score| score.is_nan()).count();
    }
    for (model, n_rows) in counts.into_iter().filter(|(_, n_rows)| *n_rows > 0) {
        notes.push(format!(
            "{n_rows} rows have no score of {}: they count as the lowest",
            name(model)
        ));
    }
}

fn push_once(notes: &mut Vec<String>, note: String) {
    if !notes.contains(&note) {
        notes.push(note);
    }
}
