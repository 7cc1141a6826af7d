//! At most so many alerts per 1,000 ticker-days.
//!
//! Shapes: scores `[n]` → level `[]`. Units: those of the scores. Scores that are not finite do not count.
//! On the calibration scores, each of which is a ticker-day, the budget holds whatever they are: where
//! scores tie at the level none of them is flagged. Later days keep to it as far as they are like those.

use serde::{Deserialize, Serialize};

use super::{Uncalibrated, ascending, level_below};
use crate::range::OutOfRange;
use crate::statistics::to_real;

/// `[threshold.budget]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByBudget {
    /// Per 1,000 ticker-days.
    pub alerts: Alerts,
}

/// Alerts per 1,000 ticker-days.
///
/// Invariant: `0 < alerts < 1000`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alerts(f64);

impl Alerts {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// As a share of ticker-days.
    pub fn rate(self) -> f64 {
        self.0 / 1000.0
    }
}

impl TryFrom<f64> for Alerts {
    type Error = OutOfRange;

    fn try_from(alerts: f64) -> Result<Self, OutOfRange> {
        if alerts > 0.0 && alerts < 1000.0 {
            Ok(Self(alerts))
        } else {
            Err(OutOfRange { what: "alerts", expected: "0 < alerts < 1000", found: alerts })
        }
    }
}

impl From<Alerts> for f64 {
    fn from(alerts: Alerts) -> f64 {
        alerts.0
    }
}

impl ByBudget {
    /// The lowest calibration score that no more than the budget exceed.
    ///
    /// # Errors
    /// No finite score.
    pub fn calibrate(&self, scores: &[f64]) -> Result<f64, Uncalibrated> {
        let sorted = ascending(scores)?;
        // Rounded down: the next alert would be one too many.
        let allowed = self.alerts.get() * to_real(sorted.len()) / 1000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounds down")]
        Ok(level_below(&sorted, allowed as usize))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(alerts: f64, scores: &[f64]) -> Result<f64, Uncalibrated> {
        ByBudget { alerts: Alerts::try_from(alerts).unwrap() }.calibrate(scores)
    }

    #[test]
    fn two_alerts_in_ten_days_leave_the_two_largest_above_the_level() {
        // 200 of 1,000 of ten days are two: above 8 lie 9 and 10.
        let scores: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(level(200.0, &scores), Ok(8.0));
        assert_eq!(level(299.0, &scores), Ok(8.0));
        assert_eq!(level(300.0, &scores), Ok(7.0));
        assert_eq!(level(99.0, &scores), Ok(10.0));
        // 9 9 9 tie at the level: none of them is flagged rather than one too many.
        assert_eq!(level(400.0, &[1.0, 9.0, 9.0, 9.0, 10.0]), Ok(9.0));
    }

    #[test]
    fn the_level_agrees_with_numpy() {
        // python3 -c "import numpy as np; x=np.sin(np.arange(400.)**2)**2; print([repr(np.partition(x,399-m)[399-m]) for m in (2,4)])"
        let scores: Vec<f64> = (0..400).map(|k| f64::from(k * k).sin().powi(2)).collect();
        for (alerts, golden) in [5.0, 10.0].into_iter().zip(GOLDEN) {
            assert!((level(alerts, &scores).unwrap() - golden).abs() < 1e-15, "{alerts}");
        }
    }
    const GOLDEN: [f64; 2] = [0.9999848358352603, 0.9999197495663739];

    #[test]
    fn degenerate_scores() {
        assert_eq!(level(5.0, &[]), Err(Uncalibrated::NoScores));
        assert_eq!(level(5.0, &[f64::NAN]), Err(Uncalibrated::NoScores));
        assert_eq!(level(999.0, &[3.0]), Ok(3.0));
        assert_eq!(level(999.0, &[3.0; 40]), Ok(3.0));
        for outside in [0.0, -1.0, 1000.0, f64::NAN, f64::INFINITY] {
            assert!(Alerts::try_from(outside).is_err(), "{outside}");
        }
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_one_more_alert_would_break_it(
            scores in prop::collection::vec(0_u8..50, 1..300),
            alerts in 0.1_f64..999.0,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let level = level(alerts, &scores).unwrap();
            let allowed = alerts * to_real(scores.len()) / 1000.0;
            let above = |level: f64| scores.iter().filter(|&&score| score > level).count();
            prop_assert!(to_real(above(level)) <= allowed);
            // The next lower level adds all scores that tie at this one.
            prop_assert!(to_real(above(level.next_down())) > allowed);
        }
    }
}
