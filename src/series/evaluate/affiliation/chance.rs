//! The chance that a random point of a zone lies farther away, summed over an interval.
//!
//! All of it is linear between a few points, so that areas of trapezoids are exact.

/// Points from one up to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Interval {
    pub(super) fn length(self) -> f64 {
        self.to - self.from
    }

    /// What two intervals share; `None` of no length.
    pub(super) fn shared(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// Over the points of an alarm in the zone of an event: the chance to lie farther from the event.
pub(super) fn of_alarm(alarm: Interval, event: Interval, zone: Interval) -> f64 {
    // As far as this there are points on either side of the event.
    let both_sides = (event.from - zone.from).min(zone.to - event.to);
    let chance = |distance: f64| {
        1.0 - (event.length() + distance.min(both_sides) + distance) / zone.length()
    };
    let outside = |from: f64, to: f64| match from < to {
        true => area(chance, Interval { from, to }, &[both_sides]),
        false => 0.0,
    };
    let left = outside((event.from - alarm.to).max(0.0), event.from - alarm.from);
    let right = outside((alarm.from - event.to).max(0.0), alarm.to - event.to);
    alarm.shared(event).map_or(0.0, Interval::length) + left + right
}

/// Over the points of (a part of) an event: the chance that a random point of the zone lies farther from them
/// than the alarm that is nearest.
pub(super) fn of_event(event: Interval, alarm: Interval, zone: Interval) -> f64 {
    let outside = |part: Option<Interval>, edge: f64| {
        let Some(part) = part else { return 0.0 };
        let chance = |point: f64| {
            let distance = (point - edge).abs();
            let both_sides = (point - zone.from).min(zone.to - point);
            1.0 - (distance.min(both_sides) + distance) / zone.length()
        };
        let middles =
            [(zone.from + edge) / 2.0, (zone.from + zone.to) / 2.0, (zone.to + edge) / 2.0];
        area(chance, part, &middles)
    };
    let left =
        outside(event.shared(Interval { from: f64::NEG_INFINITY, to: alarm.from }), alarm.from);
    let right = outside(event.shared(Interval { from: alarm.to, to: f64::INFINITY }), alarm.to);
    event.shared(alarm).map_or(0.0, Interval::length) + left + right
}

/// Area below a function that is linear between `bends`, which are ascending.
fn area(function: impl Fn(f64) -> f64, over: Interval, bends: &[f64]) -> f64 {
    let inner = bends.iter().copied().filter(|bend| over.from < *bend && *bend < over.to);
    let mut sum = 0.0;
    let mut from = over.from;
    for to in inner.chain([over.to]) {
        sum += (to - from) * f64::midpoint(function(from), function(to));
        from = to;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_exact_between_bends() {
        // |x| from −1 to 2: ½ + 2.
        assert_eq!(area(f64::abs, Interval { from: -1.0, to: 2.0 }, &[-5.0, 0.0, 9.0]), 2.5);
    }

    #[test]
    fn an_alarm_on_both_sides_of_an_event_counts_on_both() {
        // Zone 0 … 10, event 4 … 6, alarm 3 … 8: two points within; left from d = 0 to 1 and right to 2, with
        // 1 − (2 + 2d)/10: 0.8 − 0.2d. 2 + (0.8 − 0.1) + (1.6 − 0.4) = 3.9.
        let [zone, event, alarm] =
            [(0.0, 10.0), (4.0, 6.0), (3.0, 8.0)].map(|(from, to)| Interval { from, to });
        assert!((of_alarm(alarm, event, zone) - 3.9).abs() < 1e-14);
        assert_eq!(of_event(event, alarm, zone), 2.0);
    }
}
