//! Events as models tell them, joined where they speak of the same days.

use super::EventSummary;

/// An event as one model tells it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) model: String,
    /// First and last flagged day.
    pub(super) days: (i32, i32),
    pub(super) peak_day: i32,
    pub(super) return_pct: Option<f64>,
    pub(super) ratio: f64,
}

/// The events of one ticker: those whose days overlap are one, with the peak of the strongest.
pub(super) fn join(ticker: &str, mut told: Vec<Told>) -> Vec<EventSummary> {
    told.sort_by(|a, b| a.days.cmp(&b.days).then_with(|| a.model.cmp(&b.model)));
    let mut groups: Vec<Vec<Told>> = Vec::new();
    let mut last_day = i32::MIN;
    for event in told {
        let (first, last) = event.days;
        match groups.last_mut() {
            Some(group) if first <= last_day => group.push(event),
            _ => groups.push(vec![event]),
        }
        last_day = last_day.max(last);
    }
    groups.into_iter().filter_map(|group| summary(ticker, group)).collect()
}

/// `None` of no events.
fn summary(ticker: &str, mut group: Vec<Told>) -> Option<EventSummary> {
    let first = group.iter().map(|event| event.days.0).min()?;
    let last = group.iter().map(|event| event.days.1).max()?;
    group.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then_with(|| a.model.cmp(&b.model)));
    let peak = group.first()?.clone();
    let mut models: Vec<String> = Vec::new();
    for event in group {
        if !models.contains(&event.model) {
            models.push(event.model);
        }
    }
    Some(EventSummary {
        ticker: ticker.to_owned(),
        days: (first, last),
        peak_day: peak.peak_day,
        return_pct: peak.return_pct,
        ratio: peak.ratio,
        models,
    })
}

/// Keeps the `n` strongest, strongest first; of equals the first by ticker and day.
pub(super) fn keep_strongest(events: &mut Vec<EventSummary>, n: usize) {
    events.sort_by(|a, b| {
        b.ratio.total_cmp(&a.ratio).then_with(|| (&a.ticker, a.days).cmp(&(&b.ticker, b.days)))
    });
    events.truncate(n);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(model: &str, days: (i32, i32), peak_day: i32, ratio: f64) -> Told {
        Told { model: model.into(), days, peak_day, return_pct: Some(f64::from(peak_day)), ratio }
    }

    #[test]
    fn events_of_overlapping_days_are_one_with_the_peak_of_the_strongest() {
        let joined = join(
            "A",
            vec![
                told("b", (5, 9), 6, 2.0),
                told("a", (1, 5), 2, 1.5),
                told("c", (9, 9), 9, 3.0),
                told("a", (8, 8), 8, 1.2),
                told("a", (10, 12), 11, 9.0),
            ],
        );
        // Days 1 … 5, 5 … 9, 8 and 9 hang together; day 10 only touches.
        let strongest = EventSummary {
            ticker: "A".into(),
            days: (1, 9),
            peak_day: 9,
            return_pct: Some(9.0),
            ratio: 3.0,
            models: vec!["c".into(), "b".into(), "a".into()],
        };
        assert_eq!(joined.len(), 2);
        assert_eq!(joined[0], strongest);
        assert_eq!((joined[1].days, joined[1].peak_day), ((10, 12), 11));
    }

    #[test]
    fn a_long_event_joins_all_that_lie_within_it() {
        let joined = join(
            "A",
            vec![
                told("a", (1, 20), 3, 1.1),
                told("b", (4, 4), 4, 5.0),
                told("b", (15, 16), 15, 7.0),
            ],
        );
        assert_eq!(joined.len(), 1);
        assert_eq!((joined[0].peak_day, joined[0].days), (15, (1, 20)));
        assert_eq!(joined[0].models, ["b", "a"]);
    }

    #[test]
    fn of_equally_strong_events_the_first_by_ticker_and_day_are_kept() {
        let mut events = join("B", vec![told("a", (1, 1), 1, 2.0)]);
        events.extend(join("A", vec![told("a", (7, 7), 7, 2.0), told("a", (3, 3), 3, 2.0)]));
        events.extend(join("C", vec![told("a", (9, 9), 9, f64::MAX)]));
        keep_strongest(&mut events, 3);
        let kept: Vec<(&str, i32)> =
            events.iter().map(|event| (event.ticker.as_str(), event.peak_day)).collect();
        assert_eq!(kept, [("C", 9), ("A", 3), ("A", 7)]);
        assert!(join("A", Vec::new()).is_empty());
    }
}
