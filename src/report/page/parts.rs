//! The sections of a report.

use maud::{Markup, html};

use super::table::{Cell, figure, number, table, text, whole};
use super::{EventLine, Report, TopEvent};
use crate::chart::{self, Severity};
use crate::number::{change, count, fixed, iso_day, percent, printable};
use crate::picture::{Picture, Undrawable};
use crate::small;

/// A section with its head and the anchor that links point to.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

pub(super) fn section(id: &'static str, title: &'static str, body: Markup) -> Section {
    Section { id, title, body }
}

/// How to ask for what is not shown.
pub(super) fn rest(shown: usize, all: u64, what: &str, query: &str) -> Markup {
    html! {
        @if all > shown as u64 {
            p.note { (count(shown as u64)) " of " (count(all)) " " (what) " are shown. All of them:" }
            pre tabindex="0" { code { (query) } }
        }
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

/// Pictures side by side, under heads of their own.
fn grid(id: &str, pictures: Vec<(String, Picture)>) -> Result<Markup, Undrawable> {
    let drawn: Vec<(String, Markup)> = pictures
        .into_iter()
        .enumerate()
        .map(|(idx, (head, picture))| Ok((head, picture.inline(&format!("{id}-{idx}"))?)))
        .collect::<Result<_, Undrawable>>()?;
    Ok(
        html! { div.grid { @for (head, picture) in drawn { div { h3 { (head) } figure { (picture) } } } } },
    )
}

pub(super) fn summary(report: &Report) -> Section {
    let n_tickers: u64 = report.statuses.iter().map(|(_, n)| n).sum();
    let status =
        |name: &str| report.statuses.iter().find(|(of, _)| of == name).map_or(0, |(_, n)| *n);
    let strongest = report.events.first();
    let span = match report.test_days {
        Some((first, last)) => format!("{} … {}", iso_day(first), iso_day(last)),
        None => "no row lies in it".into(),
    };
    let what = if report.is_archive { "archive" } else { "test span" };
    let body = html! {
        dl.cards {
            div { dt { (what) } dd { (count(report.n_test_rows)) small { "rows, " (span) } } }
            div { dt { "tickers" } dd { (count(n_tickers)) small {
                (count(status("ok"))) " ok, " (count(status("partial"))) " partial, "
                (count(status("failed"))) " failed, " (count(status("skipped"))) " skipped"
            } } }
            div { dt { "events, all models and spans" } dd { (count(report.n_events)) small {
                "on " (count(report.n_flagged)) " ticker" @if report.n_flagged != 1 { "s" }
            } } }
            @if let Some(event) = strongest {
                div { dt { "strongest event of the " (what) } dd { (ratio_words(event.ratio)) small {
                    (printable(&event.ticker)) ", " (iso_day(event.peak_day))
                    @if let Some(percent) = event.return_pct { ", " (change(percent)) }
                } } }
            }
            @if let Some(share) = report.outside_share {
                div { dt { "outside the training range" } dd { (percent(share)) small { "of the values of the test span" } } }
            }
        }
        @if !report.verdicts.is_empty() { ul { @for verdict in &report.verdicts { li { (verdict) } } } }
    };
    section("summary", "Summary", body)
}

fn ratio_words(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "break".into(), |ratio| format!("{} ×", fixed(ratio, 2)))
}

pub(super) fn models(report: &Report) -> Result<Section, Undrawable> {
    let heads = [
        text("model"),
        text("detector"),
        number("held-out MAE"),
        text("of each"),
        text("its rivals"),
        number("threshold"),
        number("flags"),
        number("of rows"),
        number("events"),
        number("size"),
    ];
    let rows = report.models.iter().map(|model| {
        let rivals: Vec<String> =
            model.rivals.iter().map(|(name, mae)| format!("{name} {}", fixed(*mae, 4))).collect();
        let share = model.n_flags as f64 / report.n_test_rows.max(1) as f64;
        vec![
            Cell::Text(printable(&model.name)),
            Cell::Text(model.detector.clone()),
            figure(model.mae.map(|(mae, _)| mae), |mae| fixed(mae, 4)),
            Cell::Text(model.mae.map_or_else(String::new, |(_, of)| of.to_owned())),
            Cell::Text(if model.is_network { rivals.join(", ") } else { String::new() }),
            figure(model.threshold, |threshold| fixed(threshold, 3)),
            whole(model.n_flags),
            figure(Some(share), percent),
            whole(model.n_events),
            figure(model.correlation, |correlation| fixed(correlation, 3)),
        ]
    });
    let rates = report.models.iter().map(|model| {
        let interval = model.realised.map(|realised| realised.interval);
        vec![
            Cell::Text(printable(&model.name)),
            figure(model.stated_rate, percent),
            figure(model.realised.map(|realised| realised.rate), percent),
            figure(interval.map(|(low, _)| low), percent),
            figure(interval.map(|(_, high)| high), percent),
            Cell::Text(model.threshold_words.clone()),
        ]
    });
    let drawn = small::rates(&report.models).map(|picture| picture.inline("rates")).transpose()?;
    let body = html! {
        (table("Models and baselines on the test span. Errors are means per value, in training standard deviations; \
                size: correlation of the score with the plain size of the feature",
               &heads, rows.collect()))
        h3 { "Realised alarm rate against the stated one" }
        @if let Some(drawn) = drawn { figure.wide tabindex="0" aria-label="Alarm rates" { (drawn) } }
        (table("Share of test rows with a score of the model's own that it flagged, anomalies included; Wilson's 95 % \
                interval, which counts a run of flags by its design effect",
               &[text("model"), number("stated"), number("realised"), number("from"), number("to"), text("threshold")],
               rates.collect()))
    };
    Ok(section("models", "Models and baselines", body))
}

fn days(event: &EventLine) -> String {
    match event.from == event.to {
        true => iso_day(event.from),
        false => format!("{} … {}", iso_day(event.from), iso_day(event.to)),
    }
}

pub(super) fn events(report: &Report) -> Result<Section, Undrawable> {
    let test_from = report.test_days.map(|(first, _)| first).filter(|_| !report.is_archive);
    let drawn = small::timeline(&report.events, test_from);
    let drawn = drawn.map(|picture| picture.inline("timeline")).transpose()?;
    let heads = [
        text("ticker"),
        text("days"),
        text("peak"),
        text("span"),
        number("rows"),
        number("score ÷ threshold"),
        number("return at the peak"),
        text("model"),
    ];
    let rows: Vec<Vec<Cell>> = report
        .events
        .iter()
        .map(|event| {
            vec![
                Cell::Text(printable(&event.ticker)),
                Cell::Text(days(event)),
                Cell::Text(iso_day(event.peak_day)),
                Cell::Text(event.split.clone()),
                whole(event.n_points),
                Cell::Number(ratio_words(event.ratio), event.ratio.or(Some(f64::MAX))),
                figure(event.return_pct, change),
                Cell::Text(printable(&event.models)),
            ]
        })
        .collect();
    let query = format!(
        "SELECT * FROM events WHERE pipeline = {} ORDER BY peak_threshold_ratio DESC NULLS FIRST",
        quoted(&report.pipeline)
    );
    let n_shown = rows.len();
    let body = html! {
        @match drawn {
            Some(drawn) => figure.wide tabindex="0" aria-label="Events in time" { (drawn) figcaption { "Rest the pointer on a mark to read it; the table below has the same." } },
            None => p { "No event." },
        }
        @if n_shown > 0 { (table("Events, strongest first; those of the test span stand before the others", &heads, rows)) }
        (rest(n_shown, report.n_events, "events", &query))
    };
    Ok(section("events", "Events", body))
}

pub(super) fn top_events(report: &Report) -> Result<Section, Undrawable> {
    let pictures = report.charts.iter().map(|TopEvent { peak_day, series }| {
        let (ticker, model) = (printable(&series.ticker), printable(&series.model));
        let head = format!("{ticker}, {} · {model}", iso_day(*peak_day));
        (head, chart::small(series, (340.0, 210.0)))
    });
    let body = html! {
        (grid("top", pictures.collect())?)
        @if report.charts.is_empty() { p { "No event." } } @else {
            p.note {
                "Heavier line: observed; blue: expected; shaded: not flagged within; marks: ● "
                (Severity::Low.words()) ", ◆ " (Severity::Medium.words()) ", ▲ " (Severity::High.words()) ", ✕ "
                (Severity::Break.words()) ". "
            }
            p.note { code { "oddlot chart TICKER --explain DATE" } " tells more of a day." }
        }
    };
    Ok(section("top", "The strongest events of the test span", body))
}

pub(super) fn scores(report: &Report) -> Result<Section, Undrawable> {
    let pictures = report
        .scores
        .iter()
        .filter_map(|scores| Some((printable(&scores.model), small::histogram(scores)?)));
    let pictures: Vec<_> = pictures.collect();
    let body = html! {
        p { "Where the bars of the test span stand above the lines of the calibration span, scores have become larger \
             since the threshold was set. Both axes of shares are logarithmic; the last bar holds everything above." }
        @if pictures.is_empty() { p { "No scores." } }
        (grid("scores", pictures)?)
    };
    Ok(section("scores", "Scores and thresholds", body))
}

pub(super) fn training(report: &Report) -> Result<Section, Undrawable> {
    let pictures: Vec<_> = report
        .losses
        .iter()
        .filter_map(|curve| Some((printable(&curve.model), small::losses(curve)?)))
        .collect();
    let networks = report.lineage.iter().filter(|model| model.n_parameters > 0);
    let rows: Vec<Vec<Cell>> = networks
        .map(|model| {
            vec![
                Cell::Text(printable(&model.model)),
                whole(model.n_parameters),
                figure(model.best_epoch.map(f64::from), |epoch| fixed(epoch, 0)),
                figure(model.validation_loss, |loss| fixed(loss, 5)),
            ]
        })
        .collect();
    let body = html! {
        @if pictures.is_empty() && !rows.is_empty() {
            p { "No losses by epoch were kept of these models; train again to have them: " code { "oddlot train PIPELINE --full-refresh" } }
        }
        (grid("losses", pictures)?)
        @if rows.is_empty() { p { "No network in this pipeline." } } @else {
            (table("Networks, and the epoch whose weights were kept",
                   &[text("model"), number("weights"), number("epoch"), number("validation loss")], rows))
        }
    };
    Ok(section("training", "Training", body))
}

pub(super) fn drift(report: &Report) -> Result<Section, Undrawable> {
    let pictures: Vec<_> = report
        .drift
        .iter()
        .filter_map(|drift| Some((printable(&drift.model), small::drift(drift)?)))
        .collect();
    let lately = report.lately.iter().map(|of| {
        vec![
            Cell::Text(printable(&of.model)),
            whole(of.n_sessions),
            Cell::Text(iso_day(of.days.0)),
            Cell::Text(iso_day(of.days.1)),
            whole(of.n),
            figure(Some(of.psi), |psi| fixed(psi, 3)),
            figure(Some(of.ks), |ks| fixed(ks, 3)),
            figure(Some(of.p_value), |p_value| fixed(p_value, 4)),
        ]
    });
    let lately: Vec<Vec<Cell>> = lately.collect();
    let columns = [
        text("model"),
        number("sessions"),
        text("from"),
        text("to"),
        number("scores"),
        number("PSI"),
        number("KS"),
        number("p-value"),
    ];
    let body = html! {
        @if !lately.is_empty() {
            (table("Scores of the last sessions beside those of calibration", &columns, lately))
            p.note { "PSI: population stability index over the deciles of calibration, below 0.1 no change, above 0.25 a \
                      large one; KS: largest distance of the two distributions, its p-value as if all scores were \
                      independent." }
        }
        @for advice in report.lately.iter().filter_map(|of| of.advice.as_deref()) { p { (printable(advice)) "." } }
        p { "The mean score of a quarter over the threshold. Where it stays above the dashed mean of the calibration span, \
             days are no longer those that the threshold was set on: calibrate anew." }
        @if pictures.is_empty() { p { "No scores." } }
        (grid("drift", pictures)?)
    };
    Ok(section("drift", "Drift", body))
}
