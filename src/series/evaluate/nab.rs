//! The score of the Numenta Anomaly Benchmark: early flags earn most, false ones cost.
//!
//! Each event is a window. Its first flag earns `σ(y) = 2/(1 + e^{5y}) − 1` of where it lies in the window, from
//! 1 at the first row to nearly 0 at the last (`y` runs from −1 to −1/length, and σ is divided by σ(−1)). A missed
//! window costs `fn`; a flag outside costs up to `fp`, less just behind a window (`y` in lengths of that window).
//! The first 15 % of the rows, at most 750, are probation and do not count. 100 is every window flagged at its
//! first row and nothing else, 0 is no flag at all; false flags lead below 0.
//!
//! Shapes: labels and flags `[time]`. Source: Lavin and Ahmad, ICMLA 2015, "Evaluating Real-Time Anomaly
//! Detection Algorithms", as NAB 1.1 scores. We differ where that divides by nought: flags behind a window of one
//! row cost all of `fp`.

use super::ranges::ranges;
use crate::statistics::to_real;

/// Share of the rows in probation, and how many rows it counts of at most.
const PROBATION: f64 = 0.15;
const PROBATION_ROWS_OF: usize = 5_000;

/// Farther than so many lengths behind a window a false flag costs all.
const FAR: f64 = 3.0;

/// What is earned and lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NabProfile {
    /// A window that is flagged at its first row earns this.
    pub true_positive: f64,
    /// A flag far from any window costs this.
    pub false_positive: f64,
    /// A missed window costs this.
    pub false_negative: f64,
}

impl NabProfile {
    /// The published standard.
    pub const STANDARD: Self =
        Self { true_positive: 1.0, false_positive: 0.11, false_negative: 1.0 };
    /// False flags cost twice as much.
    pub const REWARD_LOW_FALSE_POSITIVES: Self = Self { false_positive: 0.22, ..Self::STANDARD };
    /// Missed windows cost twice as much.
    pub const REWARD_LOW_FALSE_NEGATIVES: Self = Self { false_negative: 2.0, ..Self::STANDARD };
}

/// What was earned of what there was. Those of several series add up, as NAB adds them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Nab {
    /// Earned, less lost.
    pub raw: f64,
    /// What a detector without a flag has.
    pub without_flags: f64,
    /// What the best detector has.
    pub perfect: f64,
}

impl Nab {
    /// 100 for the best detector, 0 for one without a flag; `None` without a window.
    pub fn score(&self) -> Option<f64> {
        let range = self.perfect - self.without_flags;
        (range > 0.0).then(|| 100.0 * (self.raw - self.without_flags) / range)
    }

    /// Adds another series.
    pub fn add(&mut self, other: &Self) {
        self.raw += other.raw;
        self.without_flags += other.without_flags;
        self.perfect += other.perfect;
    }
}

/// What flags earn on one series.
pub fn nab(labels: &[bool], flags: &[bool], profile: NabProfile) -> Nab {
    let probation = probation(labels.len());
    let windows = ranges(labels);
    let mut nab = Nab::default();
    for window in windows.iter().filter(|window| window.end > probation) {
        let scored = window.start.max(probation)..window.end;
        // The earliest flag earns most.
        let first = scored.into_iter().find(|&row_idx| flags[row_idx]);
        nab.raw += first.map_or(-profile.false_negative, |row_idx| {
            let position = -to_real(window.end - row_idx) / to_real(window.len());
            profile.true_positive * sigmoid(position) / sigmoid(-1.0)
        });
        nab.without_flags -= profile.false_negative;
        nab.perfect += profile.true_positive;
    }
    for row_idx in (probation..labels.len()).filter(|&row_idx| flags[row_idx] && !labels[row_idx]) {
        let n_before = windows.partition_point(|window| window.end <= row_idx);
        let position = n_before.checked_sub(1).map_or(f64::INFINITY, |last| {
            let window = &windows[last];
            to_real(row_idx + 1 - window.end) / to_real(window.len() - 1)
        });
        nab.raw += profile.false_positive * sigmoid(position);
    }
    nab
}

/// Rows that do not count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 … 750")]
fn probation(n: usize) -> usize {
    (PROBATION * to_real(n.min(PROBATION_ROWS_OF))) as usize
}

/// −1 … 1: positive within a window, negative behind it.
fn sigmoid(position: f64) -> f64 {
    if position > FAR { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::ranges::rows_of;

    const PROFILES: [NabProfile; 3] = [
        NabProfile::STANDARD,
        NabProfile::REWARD_LOW_FALSE_POSITIVES,
        NabProfile::REWARD_LOW_FALSE_NEGATIVES,
    ];

    fn raw(n: usize, windows: &[(usize, usize)], flags: &[usize]) -> [f64; 3] {
        let flags: Vec<(usize, usize)> = flags.iter().map(|&row_idx| (row_idx, row_idx)).collect();
        PROFILES.map(|profile| nab(&rows_of(n, windows), &rows_of(n, &flags), profile).raw)
    }

    #[test]
    fn published_scores_of_published_flags() {
        // NAB 1.1, results/ARTime/realTraffic/ARTime_speed_7578.csv: 1,127 rows, four windows; the rows after
        // probation whose anomaly_score reaches 0.317486, and ARTime_{standard,reward_low_…}_scores.csv.
        let windows = [(303, 331), (740, 768), (909, 937), (945, 973)];
        let flags = [276, 317, 362, 628, 631, 753, 921, 923, 924, 931, 959];
        let found = raw(1127, &windows, &flags);
        let published = [3.107_731_398_027_840_3, 2.668_595_536_395_282_7, 3.107_731_398_027_840_3];
        for (found, published) in found.into_iter().zip(published) {
            // Eight terms, each rounded to 16 digits.
            assert!((found - published).abs() < 1e-14, "{found} {published}");
        }
    }

    #[test]
    fn published_scores_of_detectors_that_find_nothing() {
        // results/ARTime, iio_us-east-1_i-a2eb1cd9_NetworkIn.csv: two windows missed, three false flags far away.
        let found = raw(1243, &[(218, 280), (308, 370)], &[1000, 1100, 1200]);
        for (found, published) in found.into_iter().zip([-2.33, -2.66, -4.33]) {
            assert!((found - published).abs() < 1e-14, "{found} {published}");
        }
        // art_daily_no_noise.csv: no window, one false flag. art_noisy.csv: no flag either.
        assert_eq!(raw(4032, &[], &[2000])[..2], [-0.11, -0.22]);
        assert_eq!(raw(4032, &[], &[]), [0.0; 3]);
    }

    #[test]
    fn published_scores_of_single_rows() {
        // The same file has what a flag on each row of a window of 29 rows would earn, and behind it cost.
        let alone = |flag: usize| {
            let flags = rows_of(1127, &[(flag, flag)]);
            nab(&rows_of(1127, &[(303, 331)]), &flags, NabProfile::STANDARD).raw
        };
        let within = [(303, 1.0), (304, 0.997_467_323_774_369_5), (331, 0.087_160_683_834_129_14)];
        for (row_idx, published) in within {
            assert!((alone(row_idx) - published).abs() < 1e-15, "{row_idx}");
        }
        let behind = [
            (332, -0.009_795_412_917_274_83),
            (349, -0.101_501_036_745_009_07),
            (415, -0.109_999_932_701_510_08),
            (416, -0.11),
        ];
        for (row_idx, published) in behind {
            assert!((alone(row_idx) + 1.0 - published).abs() < 1e-15, "{row_idx}");
        }
    }

    #[test]
    fn the_best_detector_has_100_and_a_silent_one_0() {
        let labels = rows_of(100, &[(30, 39), (60, 60)]);
        let first = rows_of(100, &[(30, 30), (60, 60)]);
        for profile in PROFILES {
            assert_eq!(nab(&labels, &first, profile).score(), Some(100.0));
            assert_eq!(nab(&labels, &[false; 100], profile).score(), Some(0.0));
            assert!(nab(&labels, &[true; 100], profile).score().unwrap() < 0.0);
        }
    }

    #[test]
    fn probation_is_a_seventh_or_so_of_the_first_5_000_rows_and_does_not_count() {
        assert_eq!(
            [probation(0), probation(99), probation(4032), probation(90_000)],
            [0, 14, 604, 750]
        );
        // A window within it is none; of one that reaches out the rest counts.
        assert_eq!(nab(&rows_of(100, &[(3, 9)]), &[true; 100], NabProfile::STANDARD).perfect, 0.0);
        let reaching =
            nab(&rows_of(100, &[(10, 19)]), &rows_of(100, &[(10, 14)]), NabProfile::STANDARD);
        assert_eq!(reaching.raw, -1.0);
    }

    #[test]
    fn degenerate_rows_have_no_score() {
        assert_eq!(nab(&[], &[], NabProfile::STANDARD).score(), None);
        assert_eq!(nab(&[false; 9], &[true; 9], NabProfile::STANDARD).score(), None);
        // Behind a window of one row a false flag costs all.
        let found = nab(&rows_of(40, &[(10, 10)]), &rows_of(40, &[(11, 11)]), NabProfile::STANDARD);
        assert_eq!(found.raw, -1.11);
    }

    proptest! {
        #[test]
        fn a_false_flag_more_never_earns_and_series_add_up(
            rows in prop::collection::vec(any::<(bool, bool)>(), 1..60),
            at in any::<prop::sample::Index>(),
        ) {
            let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let mut flags: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let before = nab(&labels, &flags, NabProfile::STANDARD);
            let row_idx = at.index(labels.len());
            if !labels[row_idx] && !flags[row_idx] {
                flags[row_idx] = true;
                prop_assert!(nab(&labels, &flags, NabProfile::STANDARD).raw <= before.raw);
            }
            let mut twice = before;
            twice.add(&before);
            prop_assert_eq!(twice.score(), before.score());
        }
    }
}
