//! The training and validation windows of all tickers in one buffer.
//!
//! Shapes: values `[row, feature]` of all tickers one after the other, scaled. A window lies wholly
//! inside its span; windows stand in the order in which tickers were added, each ticker's in time
//! order.

use crate::history::{History, HistoryError};
use crate::model::{FitError, TrainingWindows};
use crate::scale::Scaler;
use crate::split::{Span, Split};
use crate::statistics::to_real;
use crate::windows::{ShapeError, Windows};

/// Collects scaled windows, ticker by ticker.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    length: usize,
    features: usize,
    values: Vec<f32>,
    train: Vec<u32>,
    validation: Vec<u32>,
}

/// A ticker's windows cannot be added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainingSetError {
    /// The history contradicts itself.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The history has other windows than the set, or all windows together have too many values.
    #[error(transparent)]
    Shape(#[from] FitError),
}

impl TrainingSet {
    /// No window yet.
    pub fn new(length: usize, features: usize) -> Self {
        Self { length, features, values: Vec::new(), train: Vec::new(), validation: Vec::new() }
    }

    /// Adds the windows of one ticker that lie wholly inside the training or the validation span.
    ///
    /// # Errors
    /// The history contradicts itself or the set, or the set would hold more than 2³² values.
    pub fn add(
        &mut self,
        history: &History<'_>,
        scaler: &Scaler,
        split: &Split,
    ) -> Result<(), TrainingSetError> {
        history.check()?;
        let shapes = [history.length, history.features, scaler.features()];
        if shapes != [self.length, self.features, self.features] {
            Err(self.shape(format!("{} × {}", history.length, history.features)))?;
        }
        // Rows after validation are never looked at.
        let last_day = split.spans().validation_to;
        let n_rows = history.days.partition_point(|&day| day <= last_day);
        for end in history.window_ends().take_while(|&end| end < n_rows) {
            let first = end + 1 - self.length;
            let element = self.values.len() + first * self.features;
            let start = u32::try_from(element)
                .map_err(|_| self.shape(format!("more than {} values in all", u32::MAX)))?;
            match split.window_span(history.days[first], history.days[end]) {
                Some(Span::Train) => self.train.push(start),
                Some(Span::Validation) => self.validation.push(start),
                _ => {}
            }
        }
        let scaled = history.scaled(scaler);
        self.values.extend_from_slice(&scaled[..n_rows * self.features]);
        Ok(())
    }

    /// Hands the last `share` of the training windows over to validation, as Keras's `validation_split`: they
    /// share rows with the training windows before them. Only to reproduce published systems.
    ///
    /// `floor(n × (1 - share))` windows stay: of 7,752 and a tenth, 6,976.
    pub fn hold_out_last(&mut self, share: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds down a share of a count"
        )]
        let kept = (to_real(self.train.len()) * (1.0 - share)).floor() as usize;
        let held_out = self.train.split_off(kept.min(self.train.len()));
        self.validation.splice(0..0, held_out);
    }

    /// The windows, to train on.
    ///
    /// # Errors
    /// Never for a set of one row or more a window.
    pub fn windows(&self) -> Result<TrainingWindows<'_>, ShapeError> {
        let of = |starts| Windows::new(&self.values, starts, self.length, self.features);
        Ok(TrainingWindows { train: of(&self.train)?, validation: of(&self.validation)? })
    }

    fn shape(&self, found: String) -> FitError {
        FitError::Shape { expected: format!("{} × {}", self.length, self.features), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::OwnedHistory;
    use crate::scale::ScalerParts;
    use crate::split::Spans;

    fn scaler() -> Scaler {
        let parts = ScalerParts { mean: vec![1.0], sd: vec![2.0], min: vec![0.0], max: vec![9.0] };
        Scaler::try_from(parts).unwrap()
    }

    #[test]
    fn windows_lie_wholly_inside_their_span_and_are_scaled() {
        // Days 0 … 9; train to day 3, validation to day 6: windows of two rows end on days
        // 1 2 3 | 5 6; the one that ends on day 4 begins in training.
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        let history = OwnedHistory::new(&values, 1, 2);
        let split =
            Split::try_from(Spans { train_to: 3, validation_to: 6, calibration_to: 8 }).unwrap();
        let mut set = TrainingSet::new(2, 1);
        set.add(&history.view(), &scaler(), &split).unwrap();
        set.add(&history.view(), &scaler(), &split).unwrap();
        let windows = set.windows().unwrap();
        assert_eq!(windows.train.starts(), [0, 1, 2, 7, 8, 9]);
        assert_eq!(windows.validation.starts(), [4, 5, 11, 12]);
        // 4 and 5, less 1, over 2.
        assert_eq!(windows.validation.get(2), [1.5, 2.0]);
    }

    #[test]
    fn the_last_share_of_the_training_windows_is_held_out() {
        let values: Vec<f64> = (0..7782).map(f64::from).collect();
        let history = OwnedHistory::new(&values, 1, 31);
        let spans = Spans { train_to: 7781, validation_to: 7781, calibration_to: 7781 };
        let mut set = TrainingSet::new(31, 1);
        set.add(&history.view(), &scaler(), &Split::try_from(spans).unwrap()).unwrap();
        set.hold_out_last(0.1);
        let windows = set.windows().unwrap();
        // 7,752 windows: Keras learns from int(7752 * 0.9) and is watched by the rest.
        assert_eq!((windows.train.len(), windows.validation.len()), (6976, 776));
        assert_eq!(windows.validation.starts()[0], 6976);
        set.hold_out_last(1.0);
        assert!(set.windows().unwrap().train.is_empty());
    }

    #[test]
    fn a_history_with_other_windows_is_refused() {
        let history = OwnedHistory::new(&[1.0; 5], 1, 3);
        let split =
            Split::try_from(Spans { train_to: 3, validation_to: 6, calibration_to: 8 }).unwrap();
        let refused = TrainingSet::new(2, 1).add(&history.view(), &scaler(), &split);
        assert!(matches!(refused, Err(TrainingSetError::Shape(_))));
    }

    #[test]
    fn an_empty_set_has_no_windows() {
        let set = TrainingSet::new(2, 1);
        let windows = set.windows().unwrap();
        assert!(windows.train.is_empty() && windows.validation.is_empty());
    }
}
