//! Windows over one shared values buffer.

/// Overlapping windows `[time, feature]` that share one values buffer, as `rolling_window` cuts them.
///
/// `starts[i]` is the element (not row) of `values` at which window `i` begins; its values are
/// interleaved `[time, feature]`, so that window `i` is `values[starts[i]..starts[i] + length * features]`.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a> {
    values: &'a [f32],
    starts: &'a [u32],
    length: usize,
    features: usize,
}

/// A window would reach outside the values buffer, or has no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "window {window_idx} needs elements {start}..{end} of a values buffer that holds {n_values}"
)]
pub struct ShapeError {
    /// Which window.
    pub window_idx: usize,
    /// Its first element.
    pub start: usize,
    /// One past its last element.
    pub end: usize,
    /// Elements in the buffer.
    pub n_values: usize,
}

impl<'a> Windows<'a> {
    /// Windows of `length` rows of `features` values that begin at the elements `starts`.
    ///
    /// # Errors
    /// A window that reaches outside `values`, or `length * features == 0`.
    pub fn new(
        values: &'a [f32],
        starts: &'a [u32],
        length: usize,
        features: usize,
    ) -> Result<Self, ShapeError> {
        let size = length * features;
        let outside =
            starts.iter().position(|&start| size == 0 || start as usize + size > values.len());
        match outside {
            Some(window_idx) => Err(ShapeError {
                window_idx,
                start: starts[window_idx] as usize,
                end: starts[window_idx] as usize + size,
                n_values: values.len(),
            }),
            None => Ok(Self { values, starts, length, features }),
        }
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no window.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Rows of a window.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Values of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shared values, interleaved `[time, feature]`.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// First element of each window.
    pub fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// Window `window_idx`, `[time, feature]` interleaved.
    pub fn get(&self, window_idx: usize) -> &'a [f32] {
        let start = self.starts[window_idx] as usize;
        &self.values[start..start + self.length * self.features]
    }

    /// All windows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + '_ {
        (0..self.len()).map(|window_idx| self.get(window_idx))
    }

    /// The windows `range` only; the values stay shared.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self { starts: &self.starts[range], ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_features_are_interleaved_by_row() {
        let values = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let windows = Windows::new(&values, &[0, 2], 2, 2).unwrap();
        assert_eq!(windows.get(1), [2.0, 20.0, 3.0, 30.0]);
        assert_eq!(windows.slice(1..2).get(0), windows.get(1));
    }

    #[test]
    fn a_window_past_the_end_is_refused() {
        let error = Windows::new(&[1.0, 2.0], &[0, 1], 2, 1).unwrap_err();
        assert_eq!((error.window_idx, error.end, error.n_values), (1, 3, 2));
        assert!(Windows::new(&[1.0], &[0], 0, 1).is_err());
    }
}
