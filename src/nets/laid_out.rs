//! Windows to learn from whose target lies in them: engines name a target by where it begins.
//!
//! Most targets are rows of their window. One that is made of them ([`Target::NextEverywhere`] repeats the last
//! row) is written behind what the network reads, window by window, in a buffer of its own.

use oddlot_series::{FitError, Target, Windows};

use crate::network::Network;

/// Windows, each followed by its target where that is none of its rows.
pub(crate) struct LaidOut {
    values: Vec<f32>,
    starts: Vec<u32>,
    rows: usize,
    features: usize,
}

impl LaidOut {
    /// `None` where the target of `network` is made of rows of the window as they lie.
    ///
    /// # Errors
    /// More values than a start can tell.
    pub(crate) fn new(network: &Network, windows: Windows<'_>) -> Result<Option<Self>, FitError> {
        let spec = &network.spec;
        if spec.target != Target::NextEverywhere {
            return Ok(None);
        }
        let rows = 2 * spec.rows_read();
        let size = rows * spec.features;
        let too_many = |_| FitError::Shape {
            expected: format!("at most {} values in all", u32::MAX),
            found: format!("{} windows of {size}", windows.len()),
        };
        let n_values = u32::try_from(windows.len() * size).map_err(too_many)?;
        let mut values = Vec::with_capacity(windows.len() * size);
        for window in windows.iter() {
            values.extend_from_slice(network.input(window));
            values.extend_from_slice(&spec.target_of(window));
        }
        let starts = (0..n_values).step_by(size.max(1)).collect();
        Ok(Some(Self { values, starts, rows, features: spec.features }))
    }

    /// The windows, of twice as many rows as the network reads.
    ///
    /// # Errors
    /// Never: they were laid out here.
    pub(crate) fn windows(&self) -> Result<Windows<'_>, FitError> {
        Windows::new(&self.values, &self.starts, self.rows, self.features)
            .map_err(|error| FitError::Engine(error.to_string()))
    }
}
