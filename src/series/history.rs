//! One ticker's rows, whole and in time order.
//!
//! Shapes: `values` `[time, feature]`, interleaved. A value that is not finite is missing.

use crate::scale::Scaler;
use crate::statistics::to_single;

/// One ticker's rows. All slices have one element a row, but for those that are `[time, feature]`.
///
/// Checked once, where it is scored: see [`History::check`].
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    /// Trading date, days since 1970-01-01, not descending.
    pub days: &'a [i32],
    /// Feature values, `[time, feature]`.
    pub values: &'a [f64],
    /// Values of a row.
    pub features: usize,
    /// What a value is multiplied with to undo its scaling by the feature SQL (a volatility-scaled
    /// return gives the return), `[time, feature]`.
    pub feature_scales: Option<&'a [f64]>,
    /// The price a row is about; `None` where the feature SQL gives none.
    pub reference_prices: Option<&'a [f64]>,
    /// Rows of one segment stand together and have neither gap nor break between them.
    pub segments: &'a [i64],
    /// Rows that are a break; each begins a segment.
    pub breaks: &'a [bool],
    /// Rows at which a full window ends: it covers `row_idx + 1 - length ..= row_idx`.
    pub windowed: &'a [bool],
    /// Rows of a window.
    pub length: usize,
}

/// A history contradicts itself: our own mistake, not the data's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// A slice has another length than `days`.
    #[error("{what}: expected {expected} elements, found {found}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Rows, or rows × features.
        expected: usize,
        /// Elements it has.
        found: usize,
    },
    /// There is no feature or a window has no row.
    #[error("expected at least one feature and one row a window")]
    Empty,
    /// A row is dated before the row above it.
    #[error("row {row_idx} is dated before row {}", row_idx - 1)]
    Order {
        /// The later row.
        row_idx: usize,
    },
    /// A window is said to end where the segment is too short or a value is missing.
    #[error(
        "row {row_idx} ends no full window: {n_rows} whole rows of its segment, {length} needed"
    )]
    Window {
        /// The last row of the window.
        row_idx: usize,
        /// Whole rows of the segment up to there.
        n_rows: usize,
        /// Rows a window needs.
        length: usize,
    },
}

/// Why a detector did not score a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The history has not enough rows yet.
    HistoryShort,
    /// Not enough rows since a gap between dates.
    Gap,
    /// Not enough rows since a break, or the break itself.
    Break,
    /// A value is missing within the rows that the detector needs.
    NullValue,
    /// The rows before do not vary, so that no error can be called large.
    NoScale,
    /// A value or the expectation of it is too large to compute with.
    NotFinite,
    /// The ticker ought to have a model of its own and has none.
    NoModel,
}

impl SkipReason {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::HistoryShort => "history_short",
            Self::Gap => "gap",
            Self::Break => "break",
            Self::NullValue => "null_value",
            Self::NoScale => "no_scale",
            Self::NotFinite => "not_finite",
            Self::NoModel => "no_model",
        }
    }
}

impl<'a> History<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The values of one row, `[feature]`.
    pub fn row(&self, row_idx: usize) -> &'a [f64] {
        &self.values[row_idx * self.features..(row_idx + 1) * self.features]
    }

    /// Whether all values of a row are there.
    pub fn is_whole(&self, row_idx: usize) -> bool {
        self.row(row_idx).iter().all(|value| value.is_finite())
    }

    /// Whether the rows before and at `row_idx` belong to one segment.
    pub fn continues(&self, row_idx: usize) -> bool {
        row_idx > 0 && self.segments[row_idx - 1] == self.segments[row_idx]
    }

    /// First row of the segment of each row, `[time]`.
    pub fn segment_starts(&self) -> Vec<usize> {
        let mut start = 0;
        let start_of = |row_idx| {
            start = if self.continues(row_idx) { start } else { row_idx };
            start
        };
        (0..self.len()).map(start_of).collect()
    }

    /// Rows at which a full window ends.
    pub fn window_ends(&self) -> impl Iterator<Item = usize> + 'a {
        self.windowed.iter().enumerate().filter_map(|(row_idx, is_full)| is_full.then_some(row_idx))
    }

    /// Values as a network sees them, `[time, feature]`; missing ones stay NaN or infinite.
    pub fn scaled(&self, scaler: &Scaler) -> Vec<f32> {
        let scale =
            |(idx, value): (usize, &f64)| to_single(scaler.scale(idx % self.features, *value));
        self.values.iter().enumerate().map(scale).collect()
    }

    /// Checks the shapes and that every window is full.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn check(&self) -> Result<(), HistoryError> {
        if self.features == 0 || self.length == 0 {
            return Err(HistoryError::Empty);
        }
        let rows = self.len();
        let elements = rows * self.features;
        let lengths = [
            ("values", elements, self.values.len()),
            ("feature_scales", elements, self.feature_scales.map_or(elements, <[f64]>::len)),
            ("reference_prices", rows, self.reference_prices.map_or(rows, <[f64]>::len)),
            ("segments", rows, self.segments.len()),
            ("breaks", rows, self.breaks.len()),
            ("windowed", rows, self.windowed.len()),
        ];
        match lengths.into_iter().find(|(_, expected, found)| expected != found) {
            Some((what, expected, found)) => Err(HistoryError::Length { what, expected, found }),
            None => self.check_rows(),
        }
    }

    fn check_rows(&self) -> Result<(), HistoryError> {
        let mut n_rows = 0;
        for row_idx in 0..self.len() {
            if row_idx > 0 && self.days[row_idx] < self.days[row_idx - 1] {
                return Err(HistoryError::Order { row_idx });
            }
            n_rows = if self.continues(row_idx) { n_rows } else { 0 };
            n_rows = if self.is_whole(row_idx) { n_rows + 1 } else { 0 };
            if self.windowed[row_idx] && n_rows < self.length {
                return Err(HistoryError::Window { row_idx, n_rows, length: self.length });
            }
        }
        Ok(())
    }

    /// Why a detector that looks at `n_rows` rows up to and with `row_idx` could not score it;
    /// `None` where these rows are all there.
    pub(crate) fn skip_reason(&self, row_idx: usize, n_rows: usize) -> Option<SkipReason> {
        let mut first = row_idx;
        while self.continues(first) && row_idx + 1 - first < n_rows {
            first -= 1;
        }
        if !(first..=row_idx).all(|row_idx| self.is_whole(row_idx)) {
            return Some(SkipReason::NullValue);
        }
        if row_idx + 1 - first == n_rows {
            return None;
        }
        while self.continues(first) {
            first -= 1;
        }
        match first {
            _ if self.breaks[first] => Some(SkipReason::Break),
            0 => Some(SkipReason::HistoryShort),
            _ => Some(SkipReason::Gap),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A history that owns its rows: one segment, one day a row, windows wherever they are full.
    #[derive(Clone, Debug)]
    pub(crate) struct OwnedHistory {
        pub(crate) days: Vec<i32>,
        pub(crate) values: Vec<f64>,
        pub(crate) features: usize,
        pub(crate) feature_scales: Option<Vec<f64>>,
        pub(crate) reference_prices: Option<Vec<f64>>,
        pub(crate) segments: Vec<i64>,
        pub(crate) breaks: Vec<bool>,
        pub(crate) windowed: Vec<bool>,
        pub(crate) length: usize,
    }

    impl OwnedHistory {
        pub(crate) fn new(values: &[f64], features: usize, length: usize) -> Self {
            let n = values.len() / features;
            let mut history = Self {
                days: (0..i32::try_from(n).unwrap()).collect(),
                values: values.to_vec(),
                features,
                feature_scales: None,
                reference_prices: None,
                segments: vec![0; n],
                breaks: vec![false; n],
                windowed: vec![false; n],
                length,
            };
            history.cut_windows();
            history
        }

        /// Begins a segment at `row_idx`.
        pub(crate) fn cut(mut self, row_idx: usize, is_break: bool) -> Self {
            self.segments[row_idx..].iter_mut().for_each(|segment| *segment += 1);
            self.breaks[row_idx] = is_break;
            self.cut_windows();
            self
        }

        fn cut_windows(&mut self) {
            let (n, length) = (self.days.len(), self.length);
            self.windowed = (0..n)
                .map(|end| {
                    let history = self.view();
                    end + 1 >= length
                        && history.segments[end + 1 - length] == history.segments[end]
                        && (end + 1 - length..=end).all(|row_idx| history.is_whole(row_idx))
                })
                .collect();
        }

        pub(crate) fn view(&self) -> History<'_> {
            History {
                days: &self.days,
                values: &self.values,
                features: self.features,
                feature_scales: self.feature_scales.as_deref(),
                reference_prices: self.reference_prices.as_deref(),
                segments: &self.segments,
                breaks: &self.breaks,
                windowed: &self.windowed,
                length: self.length,
            }
        }
    }

    #[test]
    fn a_window_over_a_missing_value_is_refused() {
        let mut owned = OwnedHistory::new(&[1.0, f64::NAN, 3.0, 4.0], 1, 2);
        assert_eq!(owned.windowed, [false, false, false, true]);
        assert_eq!(owned.view().check(), Ok(()));
        owned.windowed[2] = true;
        let refused = HistoryError::Window { row_idx: 2, n_rows: 1, length: 2 };
        assert_eq!(owned.view().check(), Err(refused));
    }

    #[test]
    fn a_window_over_two_segments_is_refused() {
        let mut owned = OwnedHistory::new(&[1.0, 2.0, 3.0], 1, 2).cut(2, false);
        assert_eq!(owned.windowed, [false, true, false]);
        owned.windowed[2] = true;
        assert!(owned.view().check().is_err());
    }

    #[test]
    fn slices_of_other_lengths_and_descending_days_are_refused() {
        let mut owned = OwnedHistory::new(&[1.0, 2.0], 1, 1);
        owned.days = vec![2, 1];
        assert_eq!(owned.view().check(), Err(HistoryError::Order { row_idx: 1 }));
        owned.reference_prices = Some(vec![1.0]);
        let refused = HistoryError::Length { what: "reference_prices", expected: 2, found: 1 };
        assert_eq!(owned.view().check(), Err(refused));
        owned.length = 0;
        assert_eq!(owned.view().check(), Err(HistoryError::Empty));
    }

    #[test]
    fn an_empty_history_is_fine() {
        assert_eq!(OwnedHistory::new(&[], 2, 3).view().check(), Ok(()));
    }

    #[test]
    fn a_row_without_a_window_says_why() {
        let values = [1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0, 7.0, 8.0];
        let owned = OwnedHistory::new(&values, 1, 3).cut(4, false).cut(6, true);
        let reasons =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|row_idx| owned.view().skip_reason(row_idx, 3).unwrap());
        use SkipReason::{Break, Gap, HistoryShort, NullValue};
        let expected = [HistoryShort, HistoryShort, NullValue, NullValue, Gap, Gap, Break, Break];
        assert_eq!(reasons, expected);
        assert_eq!(owned.view().skip_reason(5, 2), None);
        assert_eq!(owned.view().segment_starts(), [0, 0, 0, 0, 4, 4, 6, 6]);
    }
}
