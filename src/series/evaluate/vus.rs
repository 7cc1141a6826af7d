//! Volume under the surface: areas that forgive labels which begin or end a little early or late.
//!
//! Around each event the label fades from 1 to √½ over half a buffer, `√(1 − d/w)` at distance `d`. For each
//! buffer `w` from 0 to the window, the curves of true-positive rate, false-positive rate and precision are
//! taken at 250 thresholds, and the volumes are the means of the areas below them. A flag within a fading
//! label counts by it, and the true-positive rate is multiplied by the share of events that have a flag.
//!
//! Shapes: labels and scores `[time]` -> two numbers. Units: none; random scores give about the share of
//! labelled rows.
//!
//! Source: Paparrizos et al., VLDB 2022, "Volume Under the Surface"; as `RangeAUC_volume_opt` of TSB-AD 1.5
//! computes it, to rounding. Where that takes every threshold through every row for every buffer, a row here
//! is told once from which threshold on it is flagged; the rest are sums over the rows near events.

use super::ranges::{ranges, widened};
use super::ranking::known;
use crate::statistics::to_real;

mod first_flag;

use first_flag::{FirstFlags, THRESHOLDS};

/// Both volumes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vus {
    /// Under the precision-recall surface.
    pub pr: f64,
    /// Under the receiver operating characteristic surface.
    pub roc: f64,
}

/// The volumes with buffers of 0 … `window` rows, at 250 thresholds.
///
/// # Shapes
/// labels and scores `[time]`. `None` without an anomalous row, or without another; a row without a score
/// (NaN) counts as the lowest.
pub fn vus(labels: &[bool], scores: &[f64], window: usize) -> Option<Vus> {
    let surface = Surface::new(labels, &known(scores), window)?;
    let (mut pr, mut roc) = (0.0, 0.0);
    let mut fading = vec![0.0; labels.len()];
    for buffer in 0..=window {
        let areas = surface.areas(buffer, &mut fading);
        pr += areas.pr;
        roc += areas.roc;
    }
    let n_buffers = to_real(window + 1);
    Some(Vus { pr: pr / n_buffers, roc: roc / n_buffers })
}

/// What all buffers share.
struct Surface {
    n: usize,
    /// First and one past the last row of each event.
    events: Vec<std::ops::Range<usize>>,
    n_labelled: f64,
    first_flags: FirstFlags,
    /// Rows that are flagged at each threshold, and those of them that are labelled.
    n_flagged: Vec<f64>,
    n_labelled_flagged: Vec<f64>,
    /// Rows outside every event that the widest buffer reaches.
    near: Vec<usize>,
}

impl Surface {
    fn new(labels: &[bool], scores: &[f64], window: usize) -> Option<Self> {
        let events = ranges(labels);
        let n = labels.len();
        let n_labelled = labels.iter().filter(|is_labelled| **is_labelled).count();
        if n_labelled == 0 || n_labelled == n {
            return None;
        }
        let first_flags = FirstFlags::new(scores);
        let mut is_near = vec![false; n];
        for event in &events {
            is_near[widened(event, window / 2, n)].fill(true);
        }
        let near = (0..n).filter(|&row_idx| is_near[row_idx] && !labels[row_idx]).collect();
        let weight = |row_idx: usize| to_real(usize::from(labels[row_idx]));
        Some(Self {
            n,
            n_labelled: to_real(n_labelled),
            n_flagged: first_flags.running(0..n, |_| 1.0),
            n_labelled_flagged: first_flags.running(0..n, weight),
            near,
            events,
            first_flags,
        })
    }

    /// The areas for one buffer; `fading` is scratch, zero on rows that are not near.
    fn areas(&self, buffer: usize, fading: &mut [f64]) -> Vus {
        self.fade(buffer, fading);
        let faded_flagged = self.first_flags.running(self.near.iter().copied(), |row| fading[row]);
        for &row_idx in &self.near {
            fading[row_idx] = 0.0;
        }
        let found = self.found(buffer);
        let mut areas = Vus { pr: 0.0, roc: 0.0 };
        let (mut tpr_before, mut fpr_before) = (0.0, 0.0);
        for threshold_idx in 0..THRESHOLDS {
            let n_true = self.n_labelled_flagged[threshold_idx] + faded_flagged[threshold_idx];
            // Half of what the buffers add counts as to be found.
            let n_positive = self.n_labelled + faded_flagged[threshold_idx] / 2.0;
            let recall = (n_true / n_positive).min(1.0);
            let tpr = recall * found[threshold_idx];
            let fpr = (self.n_flagged[threshold_idx] - n_true) / (to_real(self.n) - n_positive);
            areas.pr += (tpr - tpr_before) * (n_true / self.n_flagged[threshold_idx]);
            areas.roc += (fpr - fpr_before) * (tpr + tpr_before) / 2.0;
            (tpr_before, fpr_before) = (tpr, fpr);
        }
        areas.roc += (1.0 - fpr_before) * (1.0 + tpr_before) / 2.0;
        areas
    }

    /// The label outside events: what each of them adds, at most 1.
    fn fade(&self, buffer: usize, fading: &mut [f64]) {
        let reach = buffer / 2;
        let label_at: Vec<f64> = (0..=reach)
            .map(|distance| (1.0 - to_real(distance) / to_real(buffer.max(1))).sqrt())
            .collect();
        for event in &self.events {
            let reached = widened(event, reach, self.n);
            for row_idx in event.end..reached.end {
                fading[row_idx] += label_at[row_idx + 1 - event.end];
            }
            for row_idx in reached.start..event.start {
                fading[row_idx] += label_at[event.start - row_idx];
            }
        }
        for &row_idx in &self.near {
            fading[row_idx] = fading[row_idx].min(1.0);
        }
    }

    /// Share of events that have a flag in their buffer at each threshold; events whose buffers touch are one.
    fn found(&self, buffer: usize) -> Vec<f64> {
        let reach = buffer / 2;
        let mut counts = vec![0.0; THRESHOLDS];
        let mut n_events = 0_usize;
        let mut rows = 0..0;
        for (event_idx, event) in self.events.iter().enumerate() {
            let reached = widened(event, reach, self.n);
            rows = if rows.is_empty() { reached } else { rows.start..reached.end };
            let next = self.events.get(event_idx + 1);
            if next.is_none_or(|next| event.end + 2 * reach <= next.start) {
                counts[self.first_flags.first_in(rows.clone())] += 1.0;
                n_events += 1;
                rows = 0..0;
            }
        }
        let mut so_far = 0.0;
        for count in &mut counts {
            so_far += *count;
            *count = so_far / to_real(n_events);
        }
        counts
    }
}

#[cfg(test)]
mod tests;
