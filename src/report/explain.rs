//! Why a day was flagged, or why it was not: in words and figures.

use std::fmt::Write;

use crate::number::{change, count, fixed, iso, iso_day, or_dash, percent, printable, short};

/// What is known of one row of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Whose.
    pub ticker: String,
    /// Which pipeline's.
    pub pipeline: String,
    /// µs since 1970-01-01 UTC.
    pub ts: i64,
    /// The model.
    pub model: String,
    /// Its span: `train`, `validation`, `calibration`, `test`.
    pub split: String,
    /// Whether it is flagged.
    pub is_anomaly: bool,
    /// Whether later rows may still change what hindsight says.
    pub is_interim: bool,
    /// What decided: `model`, `fallback`, `break`.
    pub rule: Option<String>,
    /// Why the row has no window of its own.
    pub skip_reason: Option<String>,
    /// The causal score.
    pub score: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// The score that decided over the threshold.
    pub ratio: Option<f64>,
    /// Share of calibration scores below it, 0 to 100.
    pub percentile: Option<f64>,
    /// Share of calibration scores as high.
    pub p_value: Option<f64>,
    /// 0 to 100, from the p-value.
    pub severity: Option<f64>,
    /// Mean absolute error over the window that ends here.
    pub window_error: Option<f64>,
    /// The price, where the source was read.
    pub price: Option<f64>,
    /// The expectation as a price.
    pub price_expected: Option<f64>,
    /// Change of the price since the row before, percent.
    pub return_pct: Option<f64>,
    /// Each feature of the row, the largest share first.
    pub features: Vec<Contribution>,
    /// The rows of the window, oldest first; the last is the row itself.
    pub window: Vec<Step>,
    /// The event that it is part of.
    pub event: Option<EventSpan>,
    /// What the pipeline's models say of the same row.
    pub models: Vec<Opinion>,
    /// The other tickers of that instant.
    pub market: Market,
    /// Where the model comes from.
    pub lineage: Option<crate::page::Lineage>,
}

/// One feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contribution {
    /// Its name.
    pub feature: String,
    /// As observed.
    pub value: Option<f64>,
    /// As expected.
    pub expected: Option<f64>,
    /// Flagged below.
    pub lower: Option<f64>,
    /// Flagged above.
    pub upper: Option<f64>,
    /// Its share of the squared score.
    pub share: Option<f64>,
}

/// One row of the window, by the feature with the largest share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// µs UTC.
    pub ts: i64,
    /// As observed.
    pub value: Option<f64>,
    /// As expected when it was the newest row.
    pub expected: Option<f64>,
    /// Its own score over the threshold.
    pub ratio: Option<f64>,
    /// Whether it is flagged.
    pub is_anomaly: bool,
}

/// A run of flagged rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventSpan {
    /// First flagged day, since 1970-01-01.
    pub from: i32,
    /// Last flagged day.
    pub to: i32,
    /// Its peak.
    pub peak_day: i32,
    /// Flagged rows.
    pub n_points: u64,
    /// Score over threshold at the peak.
    pub ratio: Option<f64>,
}

/// What a model says of the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opinion {
    /// The model.
    pub model: String,
    /// Its score over its threshold.
    pub ratio: Option<f64>,
    /// Whether it flags the row.
    pub is_anomaly: bool,
}

/// The same model at the same instant, over all tickers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Market {
    /// Tickers with a score, this one included.
    pub n_scored: u64,
    /// Of them, flagged.
    pub n_flagged: u64,
    /// Flagged tickers other than this one, the strongest first.
    pub flagged: Vec<(String, Option<f64>)>,
    /// Share of rows that the model flags on other days.
    pub usual_share: Option<f64>,
}

impl Market {
    /// Whether the day was odd for many, or for this one where it is flagged.
    pub fn words(&self, is_flagged: bool) -> String {
        let Self { n_scored, n_flagged, .. } = self;
        if *n_scored <= 1 {
            return "the only ticker of the pipeline on that day: nothing to compare with".into();
        }
        let share = *n_flagged as f64 / *n_scored as f64;
        let usual = self.usual_share.unwrap_or(0.0);
        let others = self.flagged.len() as u64;
        let verdict = match () {
            _ if share >= 0.2 => "market-wide",
            _ if *n_flagged >= 5 && share > 4.0 * usual => {
                "more than one company: a sector, or the market"
            }
            _ if !is_flagged => "a day like others",
            _ if others == 0 => "idiosyncratic: no other ticker is flagged",
            _ => "idiosyncratic: no more tickers are flagged than on other days",
        };
        let usual = self
            .usual_share
            .map_or_else(String::new, |usual| format!(", usually {}", percent(usual)));
        format!(
            "{verdict} ({} of {} tickers are flagged, {}{usual})",
            count(*n_flagged),
            count(*n_scored),
            percent(share)
        )
    }
}

/// Other tickers that are named.
const NAMED: usize = 12;

/// The explanation as text.
pub fn text(row: &Explanation) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = tell(&mut text, row);
    text
}

fn tell(text: &mut String, row: &Explanation) -> std::fmt::Result {
    let name = printable(&row.ticker);
    writeln!(text, "{name} on {}: {}\n", iso(row.ts), verdict(row))?;
    for (what, value) in figures(row) {
        writeln!(text, "  {what:<18} {value}")?;
    }
    if !row.features.is_empty() {
        writeln!(text, "\nwhat it saw")?;
        let mut lines = vec![
            ["feature", "observed", "expected", "flagged outside", "share"].map(str::to_owned),
        ];
        lines.extend(row.features.iter().map(|of| {
            let bounds = of.lower.zip(of.upper);
            let bounds = bounds.map(|(low, high)| format!("{} … {}", short(low), short(high)));
            [
                of.feature.clone(),
                or_dash(of.value, short),
                or_dash(of.expected, short),
                bounds.unwrap_or_else(|| "–".into()),
                or_dash(of.share, percent),
            ]
        }));
        columns(text, &lines)?;
    }
    if !row.window.is_empty() {
        let n = row.window.len();
        writeln!(text, "\nthe {n} rows up to it, each with the error of its own day")?;
        let mut lines =
            vec![["time", "observed", "expected", "error", "score/threshold"].map(str::to_owned)];
        lines.extend(row.window.iter().map(|step| {
            let error = step.value.zip(step.expected).map(|(value, expected)| value - expected);
            [
                format!("{}{}", iso(step.ts), if step.is_anomaly { " *" } else { "" }),
                or_dash(step.value, short),
                or_dash(step.expected, short),
                or_dash(error, short),
                format!("{} {}", or_dash(step.ratio, |ratio| fixed(ratio, 2)), bar(step.ratio)),
            ]
        }));
        columns(text, &lines)?;
        writeln!(text, "  * flagged; # a quarter of the threshold, | the threshold")?;
    }
    if row.models.len() > 1 {
        writeln!(text, "\nwhat the other models say")?;
        let mut lines = vec![["model", "score/threshold", ""].map(str::to_owned)];
        lines.extend(row.models.iter().map(|opinion| {
            let flag = if opinion.is_anomaly { "flagged" } else { "" };
            [
                printable(&opinion.model),
                or_dash(opinion.ratio, |ratio| fixed(ratio, 2)),
                flag.into(),
            ]
        }));
        columns(text, &lines)?;
    }
    writeln!(text, "\nthe market\n  {}", row.market.words(row.is_anomaly))?;
    let named: Vec<String> = row
        .market
        .flagged
        .iter()
        .take(NAMED)
        .map(|(ticker, ratio)| match ratio {
            Some(ratio) => format!("{} ({})", printable(ticker), fixed(*ratio, 2)),
            None => format!("{} (break)", printable(ticker)),
        })
        .collect();
    if !named.is_empty() {
        let more = row.market.flagged.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(text, "  also flagged: {}{more}", named.join(", "))?;
    }
    if let Some(model) = &row.lineage {
        let [train, validation, calibration] = model.spans.map(iso_day);
        writeln!(
            text,
            "\nthe model\n  {} {}, {}",
            printable(&model.model),
            model.model_id,
            model.detector
        )?;
        writeln!(
            text,
            "  trained {} UTC by run {}, window of {} rows",
            iso(model.trained_at),
            model.run_id,
            model.window_length
        )?;
        writeln!(
            text,
            "  trained to {train}, validated to {validation}, calibrated to {calibration} on {} scores",
            count(model.n_calibration)
        )?;
    }
    Ok(())
}

fn verdict(row: &Explanation) -> String {
    let model = printable(&row.model);
    let by = match row.rule.as_deref() {
        Some("break") => {
            "by the break rule: the price jumped as no trade explains, or cannot be used"
        }
        Some("fallback") => "by the fallback rule, as the row has no full window",
        _ => "",
    };
    match (row.is_anomaly, row.ratio) {
        (true, Some(ratio)) if by.is_empty() => {
            format!("flagged by {model}, {} times its threshold", fixed(ratio, 2))
        }
        (true, _) => format!("flagged {by}"),
        (false, Some(ratio)) => {
            format!("not flagged by {model}; its score is {} of the threshold", percent(ratio))
        }
        (false, None) => match &row.skip_reason {
            Some(reason) => format!("not scored by {model}: {}", printable(reason)),
            None => format!("not scored by {model}"),
        },
    }
}

fn figures(row: &Explanation) -> Vec<(&'static str, String)> {
    let mut figures = vec![("span", row.split.clone())];
    if let Some(price) = row.price {
        let change =
            row.return_pct.map_or_else(String::new, |percent| format!(", {}", change(percent)));
        figures.push(("price", format!("{}{change}", short(price))));
    } else if let Some(percent) = row.return_pct {
        figures.push(("return", change(percent)));
    }
    let mut of = |what, value: Option<f64>, write: &dyn Fn(f64) -> String| {
        figures.extend(value.map(|value| (what, write(value))));
    };
    of("expected price", row.price_expected, &short);
    of("score", row.score, &|score| fixed(score, 4));
    of("threshold", row.threshold, &|threshold| fixed(threshold, 4));
    of("score/threshold", row.ratio, &|ratio| fixed(ratio, 3));
    of("percentile", row.percentile, &|percentile| {
        format!("{} % of the calibration scores are lower", fixed(percentile, 2))
    });
    of("p-value", row.p_value, &|p| short(p));
    of("severity", row.severity, &|severity| {
        format!("{} of 100, by the p-value", fixed(severity, 0))
    });
    of("window error", row.window_error, &|error| {
        format!("{} on average over its window, in scaled units", fixed(error, 4))
    });
    if let Some(event) = &row.event {
        let ratio = or_dash(event.ratio, |ratio| fixed(ratio, 2));
        figures.push((
            "event",
            format!(
                "{} flagged rows from {} to {}, peak {} ({ratio})",
                event.n_points,
                iso_day(event.from),
                iso_day(event.to),
                iso_day(event.peak_day)
            ),
        ));
    }
    if let Some(reason) = &row.skip_reason {
        figures.push(("no window", printable(reason)));
    }
    if row.is_interim {
        figures.push(("interim", "later rows may still change what hindsight says".into()));
    }
    figures
}

/// A hash for each quarter of the threshold, and a bar where the threshold is.
fn bar(ratio: Option<f64>) -> String {
    let Some(ratio) = ratio else { return String::new() };
    let n = (4.0 * ratio).round().clamp(0.0, 16.0) as usize;
    match n > 4 {
        true => format!("####|{}", "#".repeat(n - 4)),
        false => format!("{:<4}|", "#".repeat(n)),
    }
}

/// Columns two blanks apart; the first to the left, figures to the right, the last as it is.
fn columns<const N: usize>(text: &mut String, lines: &[[String; N]]) -> std::fmt::Result {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for line in lines {
        let mut told = String::from(" ");
        for (idx, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            told.push_str(&match idx {
                0 => format!(" {cell}{padding}"),
                idx if idx + 1 == N => format!("  {cell}"),
                _ => format!("  {padding}{cell}"),
            });
        }
        writeln!(text, "{}", told.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
