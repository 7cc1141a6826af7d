//! The small charts of a report: losses, scores, alarm rates, events in time, drift.

use crate::chart::Severity;
use crate::number::{DAY_US, fixed, iso_day, percent, printable};
use crate::page::{Drift, EventLine, LossCurve, ModelResult, Scores};
use crate::picture::{Anchor, Ink, Mark, Part, Picture, Zoom, text_width};
use crate::scale::{Scale, extent, time_ticks};

const FONT: f64 = 12.0;
/// As closely as that events in time are shown.
const DAYS_SHOWN: f64 = 10.0;
const LABEL: (f64, Ink, Anchor) = (FONT, Ink::Muted, Anchor::Start);

/// The panel of a small chart.
struct Panel {
    picture: Picture,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Panel {
    fn new((width, height): (f64, f64), left: f64, title: String, told: String) -> Self {
        let mut picture = Picture::new((width, height), title, told);
        picture.rect((0.0, 0.0), (width, height), Ink::Paper);
        Self { picture, left, right: width - 12.0, top: 26.0, bottom: height - 40.0 }
    }

    fn down(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    fn y_axis(&mut self, ticks: &[(f64, String)], title: &str) {
        self.picture.text((4.0, 11.0), title, LABEL);
        for (y, label) in ticks {
            self.picture.line(vec![(self.left, *y), (self.right, *y)], Ink::Grid, 1.0);
            let at = (self.left - 6.0, *y);
            self.picture.text(at, label.as_str(), (FONT, Ink::Muted, Anchor::End));
        }
    }

    fn x_axis(&mut self, ticks: &[(f64, String)], title: &str) {
        let (left, right, bottom) = (self.left, self.right, self.bottom);
        self.picture.line(vec![(left, bottom), (right, bottom)], Ink::Axis, 1.0);
        self.picture.part(Part::TimeTicks);
        for (x, label) in ticks {
            self.picture.line(vec![(*x, bottom), (*x, bottom + 4.0)], Ink::Axis, 1.0);
            let half = text_width(label, FONT) / 2.0;
            let at = (x.clamp(half, right + 10.0 - half), bottom + 13.0);
            self.picture.text(at, label.as_str(), (FONT, Ink::Muted, Anchor::Middle));
        }
        self.picture.part(Part::Still);
        let middle = ((left + right) / 2.0, bottom + 29.0);
        self.picture.text(middle, title, (FONT, Ink::Muted, Anchor::Middle));
    }
}

/// Training and validation loss by epoch; `None` without an epoch.
pub(crate) fn losses(curve: &LossCurve) -> Option<Picture> {
    let n = curve.train.len().max(curve.validation.len());
    let (low, high) = extent(curve.train.iter().chain(&curve.validation).copied())?;
    let best = curve.best_epoch;
    let told = format!("Loss per value of {n} epochs; the weights of epoch {best} were kept.");
    let title = format!("Losses of {}", printable(&curve.model));
    let mut panel = Panel::new((340.0, 200.0), 52.0, title, told);
    let pad = 0.06 * (high - low);
    let y = Scale::linear((low - pad, high + pad), panel.down());
    let x = Scale::linear((1.0, n.max(2) as f64), panel.across());
    panel.y_axis(&y.placed(4), "loss per value");
    let whole = |ticks: Vec<(f64, String)>| -> Vec<(f64, String)> {
        ticks.into_iter().filter(|(value, _)| value.fract() == 0.0 && *value >= 1.0).collect()
    };
    let ticks = whole(x.ticks(6)).into_iter().map(|(value, _)| (x.at(value), fixed(value, 0)));
    panel.x_axis(&ticks.collect::<Vec<_>>(), "epoch");
    let parts = [
        ("training", &curve.train, Ink::Observed),
        ("validation", &curve.validation, Ink::Expected),
    ];
    let mut at = panel.right;
    for (name, values, ink) in parts {
        let points: Vec<(f64, f64)> = values
            .iter()
            .enumerate()
            .filter(|(_, loss)| loss.is_finite())
            .map(|(idx, loss)| (x.at(idx as f64 + 1.0), y.at(*loss)))
            .collect();
        for point in &points {
            let mark = if ink == Ink::Observed { Mark::Circle } else { Mark::Diamond };
            panel.picture.mark(*point, mark, ink, 2.2);
        }
        panel.picture.line(points, ink, 1.6);
        panel.picture.text((at, 11.0), name, (FONT, ink, Anchor::End));
        at -= text_width(name, FONT) + 14.0;
    }
    if best > 0 && best as usize <= n {
        let x = x.at(f64::from(best));
        let (top, bottom) = (panel.top, panel.bottom);
        panel.picture.dashes((x, top), (x, bottom), Ink::Threshold, 1.2);
        let (at, anchor) = match x > (panel.left + panel.right) / 2.0 {
            true => (x - 5.0, Anchor::End),
            false => (x + 5.0, Anchor::Start),
        };
        panel.picture.text((at, top + 6.0), "kept", (FONT, Ink::Threshold, anchor));
    }
    Some(panel.picture)
}

/// Shares of rows by score over threshold, of the calibration and of the test span.
pub(crate) fn histogram(scores: &Scores) -> Option<Picture> {
    let share = |bins: &[(f64, u64)]| -> Vec<(f64, f64)> {
        let n: u64 = bins.iter().map(|(_, n)| n).sum();
        bins.iter().map(|(from, count)| (*from, *count as f64 / n.max(1) as f64)).collect()
    };
    let [calibration, test] = [&scores.calibration, &scores.test].map(|bins| share(bins));
    let shares =
        calibration.iter().chain(&test).map(|(_, share)| *share).filter(|share| *share > 0.0);
    let (low, high) = extent(shares)?;
    let last = calibration.iter().chain(&test).map(|(from, _)| *from).fold(1.0, f64::max);
    let width = scores.bin;
    let above = |bins: &[(f64, f64)]| -> f64 {
        bins.iter().filter(|(from, _)| *from >= 1.0 - 1e-9).map(|(_, share)| share).sum()
    };
    let told = format!(
        "Share of rows by score over threshold. Above the threshold lie {} of the calibration rows and {} of the test rows.",
        percent(above(&calibration)),
        percent(above(&test))
    );
    let title = format!("Scores of {}", printable(&scores.model));
    let mut panel = Panel::new((340.0, 200.0), 58.0, title, told);
    let floor = low / 1.6;
    let y = Scale::log((floor, high * 1.3), panel.down());
    let x = Scale::linear((0.0, last + width), panel.across());
    let ticks: Vec<(f64, String)> = y
        .ticks(4)
        .into_iter()
        .map(|(value, _)| {
            let digits = (-(100.0 * value).log10().floor()).clamp(0.0, 6.0) as usize;
            (y.at(value), format!("{} %", fixed(100.0 * value, digits)))
        })
        .collect();
    panel.y_axis(&ticks, "share of rows");
    panel.x_axis(&x.placed(6), "score ÷ threshold");
    for (from, share) in test.iter().filter(|(_, share)| *share > 0.0) {
        let ink = if *from >= 1.0 - 1e-9 { Ink::Medium } else { Ink::Band };
        let (left, right) = (x.at(*from) + 0.7, x.at(from + width) - 0.7);
        panel.picture.rect((left, y.within(*share)), (right, panel.bottom), ink);
        let middle = ((left + right) / 2.0, y.within(*share));
        let words =
            format!("test, {} to {}: {}", fixed(*from, 1), fixed(from + width, 1), percent(*share));
        panel.picture.hover(middle, words);
    }
    for (from, share) in calibration.iter().filter(|(_, share)| *share > 0.0) {
        let level = y.within(*share);
        let ends = vec![(x.at(*from) + 0.7, level), (x.at(from + width) - 0.7, level)];
        panel.picture.line(ends, Ink::Observed, 2.0);
    }
    let threshold = x.at(1.0);
    panel.picture.dashes((threshold, panel.top), (threshold, panel.bottom), Ink::Threshold, 1.4);
    let end = panel.right;
    panel.picture.text((end, 11.0), "— calibration", (FONT, Ink::Text, Anchor::End));
    let next = end - text_width("— calibration", FONT) - 12.0;
    panel.picture.rect((next - 36.0, 6.0), (next - 26.0, 16.0), Ink::Band);
    panel.picture.text((next, 11.0), "test", (FONT, Ink::Text, Anchor::End));
    Some(panel.picture)
}

/// Stated alarm rates beside realised ones with their intervals.
pub(crate) fn rates(models: &[ModelResult]) -> Option<Picture> {
    let highs = models.iter().flat_map(|model| {
        [model.realised.map(|realised| realised.interval.1), model.stated_rate]
            .into_iter()
            .flatten()
    });
    let (_, high) = extent(highs)?;
    let names = models.iter().map(|model| text_width(&printable(&model.name), FONT));
    let left = names.fold(40.0, f64::max).min(220.0) + 14.0;
    let height = 66.0 + 26.0 * models.len() as f64;
    let told = "Stated alarm rate of each model, and the realised one with its 95 % interval.";
    let mut panel = Panel::new((700.0, height), left, "Alarm rates".into(), told.into());
    let x = Scale::linear((0.0, 1.08 * high), panel.across());
    let ticks: Vec<(f64, String)> = x
        .ticks(8)
        .into_iter()
        .map(|(value, _)| {
            (x.at(value), format!("{} %", fixed(100.0 * value, if high < 0.05 { 1 } else { 0 })))
        })
        .collect();
    for (x, _) in &ticks {
        let (top, bottom) = (panel.top, panel.bottom);
        panel.picture.line(vec![(*x, top), (*x, bottom)], Ink::Grid, 1.0);
    }
    panel.x_axis(&ticks, "share of test rows flagged");
    panel.picture.line(vec![(left, 11.0), (left + 22.0, 11.0)], Ink::Expected, 2.0);
    panel.picture.mark((left + 11.0, 11.0), Mark::Circle, Ink::Expected, 4.0);
    panel.picture.text(
        (left + 28.0, 11.0),
        "realised, 95 % interval",
        (FONT, Ink::Text, Anchor::Start),
    );
    panel.picture.mark((left + 190.0, 11.0), Mark::Diamond, Ink::Threshold, 4.5);
    panel.picture.text((left + 202.0, 11.0), "stated", (FONT, Ink::Text, Anchor::Start));
    for (idx, model) in models.iter().enumerate() {
        let y = panel.top + 16.0 + 26.0 * idx as f64;
        let name = printable(&model.name);
        panel.picture.text((left - 8.0, y), name, (FONT, Ink::Text, Anchor::End));
        if let Some(realised) = model.realised {
            let (low, high) = realised.interval;
            panel.picture.line(vec![(x.at(low), y), (x.at(high), y)], Ink::Expected, 2.0);
            for end in [low, high] {
                panel.picture.line(
                    vec![(x.at(end), y - 4.0), (x.at(end), y + 4.0)],
                    Ink::Expected,
                    2.0,
                );
            }
            let at = (x.at(realised.rate), y);
            panel.picture.mark(at, Mark::Circle, Ink::Expected, 4.5);
            let words = format!("{} to {}", percent(low), percent(high));
            panel.picture.hover(at, format!("realised {}, {words}", percent(realised.rate)));
        }
        if let Some(stated) = model.stated_rate {
            panel.picture.mark((x.at(stated), y), Mark::Diamond, Ink::Threshold, 4.5);
        }
    }
    Some(panel.picture)
}

/// Events by time and strength, and where the test span begins.
pub(crate) fn timeline(events: &[EventLine], test_from: Option<i32>) -> Option<Picture> {
    let days = |event: &EventLine| f64::from(event.peak_day) * DAY_US as f64;
    let (first, last) = extent(events.iter().map(days))?;
    let ratios = events.iter().filter_map(|event| event.ratio);
    let high = extent(ratios).map_or(2.0, |(_, high)| high.max(1.5));
    let told =
        format!("{} events by the day of their peak and by score over threshold.", events.len());
    let mut panel = Panel::new((960.0, 240.0), 44.0, "Events in time".into(), told);
    let is_log = high > 6.0;
    let y = match is_log {
        true => Scale::log((0.9, high * 1.15), panel.down()),
        false => Scale::linear((0.9, high * 1.05), panel.down()),
    };
    let x = Scale::linear((first, last), (panel.left + 8.0, panel.right - 8.0));
    let title = if is_log {
        "score ÷ threshold at the peak, logarithmic"
    } else {
        "score ÷ threshold at the peak"
    };
    panel.y_axis(&y.placed(5), title);
    let ticks = time_ticks(first as i64, last as i64, 10).into_iter();
    panel.x_axis(
        &ticks.map(|(ts, label)| (x.at(ts as f64), label)).collect::<Vec<_>>(),
        "day of the peak",
    );
    if let Some(day) =
        test_from.filter(|day| (first..last).contains(&(f64::from(*day) * DAY_US as f64)))
    {
        let at = x.at(f64::from(day) * DAY_US as f64);
        let (top, bottom) = (panel.top, panel.bottom);
        panel.picture.part(Part::Point { panel: None, at: (at, top) });
        panel.picture.dashes((at, top), (at, bottom), Ink::Threshold, 1.4);
        let words = format!("test span from {}", iso_day(day));
        let (point, anchor) = match at > 480.0 {
            true => (at - 6.0, Anchor::End),
            false => (at + 6.0, Anchor::Start),
        };
        panel.picture.text((point, top + 2.0), words, (FONT, Ink::Threshold, anchor));
    }
    // The strongest last, on top.
    for event in events.iter().rev() {
        let severity = Severity::of(event.ratio);
        let (mark, ink) = severity.look();
        let at = (x.at(days(event)), event.ratio.map_or(panel.top + 8.0, |ratio| y.within(ratio)));
        panel.picture.part(Part::Point { panel: None, at });
        panel.picture.mark(at, mark, ink, 3.6);
        panel.picture.hover(at, event_words(event));
    }
    panel.picture.part(Part::Still);
    panel.picture.zoom = (first < last).then(|| Zoom {
        times: (first, last),
        at: (panel.left + 8.0, panel.right - 8.0),
        plot: (panel.left, panel.right),
        least: DAYS_SHOWN * DAY_US as f64,
        row: DAY_US as f64,
        what: "event",
        times_drawn: 1,
        panels: Vec::new(),
    });
    let mut end = panel.right;
    for severity in Severity::ALL.into_iter().rev() {
        if !events.iter().any(|event| Severity::of(event.ratio) == severity) {
            continue;
        }
        let (mark, ink) = severity.look();
        panel.picture.text((end, 11.0), severity.words(), (FONT, Ink::Text, Anchor::End));
        end -= text_width(severity.words(), FONT) + 12.0;
        panel.picture.mark((end, 11.0), mark, ink, 4.0);
        end -= 16.0;
    }
    Some(panel.picture)
}

fn event_words(event: &EventLine) -> String {
    let ratio = event
        .ratio
        .map_or_else(|| "break".into(), |ratio| format!("{} × threshold", fixed(ratio, 2)));
    format!(
        "{} {}, {}, {ratio}",
        printable(&event.ticker),
        iso_day(event.peak_day),
        printable(&event.models)
    )
}

/// Mean score over threshold by quarter, beside its mean over the calibration span.
pub(crate) fn drift(of: &Drift) -> Option<Picture> {
    let (first, last) = extent(of.quarters.iter().map(|quarter| f64::from(quarter.from)))?;
    let means = of.quarters.iter().map(|quarter| quarter.mean_ratio);
    let (low, high) = extent(means.chain(of.calibration_mean))?;
    let title = format!("Drift of {}", printable(&of.model));
    let told = format!(
        "Mean score over threshold by quarter, from {} to {}.",
        of.quarters.first().map_or_else(String::new, |quarter| iso_day(quarter.from)),
        of.quarters.last().map_or_else(String::new, |quarter| iso_day(quarter.from))
    );
    let mut panel = Panel::new((340.0, 180.0), 44.0, title, told);
    let y = Scale::linear((low.min(0.0), high * 1.08), panel.down());
    let x = Scale::linear((first, last), (panel.left + 4.0, panel.right - 4.0));
    panel.y_axis(&y.placed(4), "mean score ÷ threshold");
    let day = |days: f64| (days as i64) * DAY_US;
    let ticks = time_ticks(day(first), day(last), 5).into_iter();
    let ticks = ticks.map(|(ts, label)| (x.at((ts / DAY_US) as f64), label));
    panel.x_axis(&ticks.collect::<Vec<_>>(), "quarter");
    if let Some(mean) = of.calibration_mean {
        let at = y.at(mean);
        let (left, right) = (panel.left, panel.right);
        panel.picture.dashes((left, at), (right, at), Ink::Threshold, 1.4);
        let words = format!("calibration {}", fixed(mean, 2));
        panel.picture.text((right, 11.0), words, (FONT, Ink::Threshold, Anchor::End));
    }
    let points =
        of.quarters.iter().map(|quarter| (x.at(f64::from(quarter.from)), y.at(quarter.mean_ratio)));
    panel.picture.line(points.collect(), Ink::Expected, 1.6);
    for quarter in &of.quarters {
        let at = (x.at(f64::from(quarter.from)), y.at(quarter.mean_ratio));
        let words = format!(
            "from {}: mean {}, {} of {} rows flagged",
            iso_day(quarter.from),
            fixed(quarter.mean_ratio, 3),
            quarter.n_flags,
            quarter.n
        );
        panel.picture.hover(at, words);
    }
    Some(panel.picture)
}
