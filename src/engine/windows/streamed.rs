//! The functions that stream, and what each remembers between two batches.

use std::any::Any;
use std::ops::Range;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::logical_expr::PartitionEvaluator;

use super::function::{Function, Rolling};
use super::lag::{Lag, Shift};
use super::state::State;

/// A function with its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Streamed {
    /// A window, its reason, a statistic or a count.
    Rolling(Rolling),
    /// The row before.
    Lag(Lag),
}

impl Streamed {
    /// What `evaluator` computes, if it is one of ours.
    pub(super) fn of(evaluator: &dyn PartitionEvaluator) -> Option<Self> {
        let evaluator: &dyn Any = evaluator;
        let rolling = evaluator.downcast_ref().copied().map(Self::Rolling);
        rolling.or_else(|| evaluator.downcast_ref().copied().map(Self::Lag))
    }

    /// Arguments after the values.
    pub(super) fn n_parameters(self) -> usize {
        match self {
            Self::Rolling(rolling) => rolling.function.n_parameters(),
            Self::Lag(_) => 0,
        }
    }

    /// Whether its results never fall within a partition.
    pub(super) fn is_running_count(self) -> bool {
        matches!(self, Self::Rolling(Rolling { function: Function::RunningCount, .. }))
    }

    /// Before the first batch.
    pub(super) fn begin(self) -> Stream {
        match self {
            Self::Rolling(rolling) => Stream::Rolling(State::new(rolling)),
            Self::Lag(lag) => Stream::Lag(Shift::new(lag)),
        }
    }
}

/// Where a function stands.
#[derive(Debug)]
pub(super) enum Stream {
    /// See [`State`].
    Rolling(State),
    /// See [`Shift`].
    Lag(Shift),
}

impl Stream {
    /// The function's results for one batch.
    ///
    /// `partitions` are the batch's runs of equal partition keys, in order and without gaps;
    /// the first continues the partition of the batch before if `continues`.
    pub(super) fn push(
        &mut self,
        values: &[ArrayRef],
        partitions: &[Range<usize>],
        continues: bool,
    ) -> Result<ArrayRef> {
        match self {
            Self::Rolling(state) => state.push(values, partitions, continues),
            Self::Lag(shift) => shift.push(values, partitions, continues),
        }
    }
}
