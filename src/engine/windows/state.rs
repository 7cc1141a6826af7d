//! What one window function remembers between two batches, and how it takes the next one.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, ListViewArray, StringArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, internal_err};

use super::function::{Function, Rolling, item};
use super::run::{Quality, Reason, Run};
use crate::rolling;

/// The tail of the newest partition: at most `length - 1` rows.
#[derive(Debug)]
pub(super) struct State {
    rolling: Rolling,
    /// Interleaved `[row, feature]`; NaN where missing.
    carry: Vec<f64>,
    run: Run,
    /// True rows of the newest partition so far.
    count: i64,
}

impl State {
    pub(super) fn new(rolling: Rolling) -> Self {
        Self { rolling, carry: Vec::new(), run: Run::default(), count: 0 }
    }

    /// The function's results for one batch: see [`super::streamed::Stream::push`].
    pub(super) fn push(
        &mut self,
        values: &[ArrayRef],
        partitions: &[Range<usize>],
        continues: bool,
    ) -> Result<ArrayRef> {
        if self.rolling.function == Function::RunningCount {
            return self.count(&values[0], partitions, continues);
        }
        let columns = float_columns(values)?;
        let n_rows = columns.first().map_or(0, |column| column.len());
        let features = columns.len();

        if !continues {
            self.carry.clear();
        }
        let mut rows = std::mem::take(&mut self.carry);
        let n_carried = rows.len() / features.max(1);
        interleave(&columns, &mut rows);
        let reasons = self.reasons(&columns, partitions, continues);
        let frames = Frames { rows, n_carried, features, length: self.rolling.length };
        let results = self.results(&frames, &reasons);
        self.carry = frames.tail(partitions, continues);
        debug_assert_eq!(results.len(), n_rows);
        Ok(results)
    }

    fn count(
        &mut self,
        condition: &ArrayRef,
        partitions: &[Range<usize>],
        continues: bool,
    ) -> Result<ArrayRef> {
        let Some(condition) = condition.as_boolean_opt() else {
            return internal_err!("running_count over {}", condition.data_type());
        };
        let mut counts = Vec::with_capacity(condition.len());
        for (partition_idx, partition) in partitions.iter().enumerate() {
            if partition_idx > 0 || !continues {
                self.count = 0;
            }
            for row in partition.clone() {
                self.count += i64::from(condition.is_valid(row) && condition.value(row));
                counts.push(self.count);
            }
        }
        Ok(Arc::new(Int64Array::from(counts)))
    }

    /// For each row of the batch, why it has no window.
    fn reasons(
        &mut self,
        columns: &[&Float64Array],
        partitions: &[Range<usize>],
        continues: bool,
    ) -> Vec<Option<Reason>> {
        let as_f32 = matches!(self.rolling.function, Function::Window | Function::Reason);
        let mut reasons = Vec::with_capacity(columns.first().map_or(0, |column| column.len()));
        for (partition_idx, partition) in partitions.iter().enumerate() {
            if partition_idx > 0 || !continues {
                self.run = Run::default();
            }
            for row in partition.clone() {
                self.run.push(quality(columns, row, as_f32));
                reasons.push(self.run.reason(self.rolling.length));
            }
        }
        reasons
    }

    fn results(&self, frames: &Frames, reasons: &[Option<Reason>]) -> ArrayRef {
        let lambda = self.rolling.lambda;
        match self.rolling.function {
            Function::Window => Arc::new(frames.views(reasons)),
            Function::Reason => {
                let names = reasons.iter().map(|reason| reason.map(Reason::name));
                Arc::new(names.collect::<StringArray>())
            }
            Function::Mean => frames.map(reasons, rolling::mean),
            Function::Std => frames.map(reasons, rolling::standard_deviation),
            Function::Median => {
                let mut scratch = Vec::with_capacity(frames.length);
                frames.map(reasons, |frame| rolling::median(frame, &mut scratch))
            }
            Function::Ewma => frames.map(reasons, |frame| rolling::ewma(frame, lambda)),
            // Counted above, from booleans.
            Function::RunningCount => Arc::new(Int64Array::from(Vec::<i64>::new())),
        }
    }
}

/// Carried rows and the batch's rows, end to end.
struct Frames {
    rows: Vec<f64>,
    n_carried: usize,
    features: usize,
    length: usize,
}

impl Frames {
    /// Windows as views over one buffer of all rows, 4 bytes a value.
    fn views(&self, reasons: &[Option<Reason>]) -> ListViewArray {
        let start = |row: usize| (self.n_carried + row + 1 - self.length) * self.features;
        let size = self.length * self.features;
        let starts = reasons.iter().enumerate();
        let starts: Vec<i32> = starts
            .map(|(row, reason)| if reason.is_none() { element(start(row)) } else { 0 })
            .collect();
        let sizes: Vec<i32> =
            reasons.iter().map(|reason| if reason.is_none() { element(size) } else { 0 }).collect();
        let present = NullBuffer::from_iter(reasons.iter().map(Option::is_none));
        let values = Float32Array::from_iter_values(self.rows.iter().map(|&value| narrow(value)));
        ListViewArray::new(item(), starts.into(), sizes.into(), Arc::new(values), Some(present))
    }

    /// `statistic` of every full frame.
    fn map(
        &self,
        reasons: &[Option<Reason>],
        mut statistic: impl FnMut(&[f64]) -> f64,
    ) -> ArrayRef {
        let of_row = |(row, reason): (usize, &Option<Reason>)| {
            let end = self.n_carried + row + 1;
            reason.is_none().then(|| statistic(&self.rows[end - self.length..end]))
        };
        Arc::new(reasons.iter().enumerate().map(of_row).collect::<Float64Array>())
    }

    /// The newest partition's last `length - 1` rows.
    fn tail(mut self, partitions: &[Range<usize>], continues: bool) -> Vec<f64> {
        let n_rows = self.rows.len() / self.features.max(1);
        let start = match partitions {
            [] => 0,
            [_] if continues => 0,
            [.., last] => self.n_carried + last.start,
        };
        let keep = (n_rows - start).min(self.length - 1);
        self.rows.drain(..(n_rows - keep) * self.features);
        self.rows.shrink_to_fit();
        self.rows
    }
}

/// The features: each argument is one, or a struct of several.
fn float_columns(values: &[ArrayRef]) -> Result<Vec<&Float64Array>> {
    let mut columns = Vec::with_capacity(values.len());
    for value in values {
        match value.data_type() {
            DataType::Float64 => columns.push(value.as_primitive::<Float64Type>()),
            DataType::Struct(_) => {
                for column in value.as_struct().columns() {
                    match column.as_primitive_opt::<Float64Type>() {
                        Some(column) => columns.push(column),
                        None => return internal_err!("a window over {}", column.data_type()),
                    }
                }
            }
            other => return internal_err!("a window over {other}"),
        }
    }
    Ok(columns)
}

fn quality(columns: &[&Float64Array], row: usize, as_f32: bool) -> Quality {
    let finite = |value: f64| if as_f32 { narrow(value).is_finite() } else { value.is_finite() };
    if columns.iter().any(|column| column.is_null(row)) {
        Quality::Null
    } else if columns.iter().all(|column| finite(column.value(row))) {
        Quality::Complete
    } else {
        Quality::NotFinite
    }
}

fn interleave(columns: &[&Float64Array], rows: &mut Vec<f64>) {
    let n_rows = columns.first().map_or(0, |column| column.len());
    rows.reserve_exact(n_rows * columns.len());
    for row in 0..n_rows {
        for column in columns {
            rows.push(if column.is_null(row) { f64::NAN } else { column.value(row) });
        }
    }
}

/// A statistic as a network's input: the nearest `f32`, infinite where too large.
fn narrow(value: f64) -> f32 {
    value as f32
}

/// An element's index as a ListView holds it; a batch's rows stay far below 2^31 elements.
fn element(idx: usize) -> i32 {
    i32::try_from(idx).unwrap_or(i32::MAX)
}
