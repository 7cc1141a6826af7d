//! Matrix products on register tiles.
//!
//! Shapes: left operand `[rows, terms]` with free strides, right operand `[terms, columns]` row-major, result
//! `[rows, columns]` row-major; columns are whole vectors.

use super::lanes::{Lanes, Panel, Strided, Work};

/// `out (+)= a · b`
pub(crate) struct Product<'a, S: Lanes> {
    /// Left operand.
    pub(crate) a: Strided<'a, S::E>,
    /// Right operand.
    pub(crate) b: Panel<'a, S::E>,
    /// Result.
    pub(crate) out: &'a mut [S::E],
    /// From one row of the result to the next.
    pub(crate) out_row: usize,
    /// Rows of the result.
    pub(crate) rows: usize,
    /// Columns of the result, a multiple of the lanes.
    pub(crate) columns: usize,
    /// Terms of a sum.
    pub(crate) terms: usize,
    /// Terms that are summed at a time: so many rows of the right operand stay in the first-level cache
    /// while all rows of the result pass by.
    pub(crate) slice: usize,
    /// Whether to add to what `out` holds.
    pub(crate) accumulate: bool,
}

/// Calls `$call` with `$R` the `$rows` of a block, which only a constant keeps in registers. What a tile of
/// `$S` never has is not compiled.
macro_rules! with_rows {
    ($S:ident, $rows:expr, $R:ident => $call:expr) => {
        with_rows!(@ $S, $rows, $R, $call, 1 2 3 4 5 6)
    };
    (@ $S:ident, $rows:expr, $R:ident, $call:expr, $($n:literal)+) => {
        match $rows {
            $($n if const { $n <= $S::ROWS } => {
                const $R: usize = $n;
                $call
            })+
            _ => unreachable!("a block has at most {} rows", $S::ROWS),
        }
    };
}
pub(crate) use with_rows;

/// Splits `n` into as few parts of at most `most` as it takes, of nearly one size: `(start, size)`.
#[inline(always)]
pub(crate) fn balanced(n: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = n.div_ceil(most);
    let (size, longer) = (n / parts.max(1), n % parts.max(1));
    (0..parts).map(move |part| (part * size + part.min(longer), size + usize::from(part < longer)))
}

impl<S: Lanes> Work<S> for Product<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(mut self, s: S) {
        let mut done = 0;
        while done < self.terms {
            let terms = self.slice.min(self.terms - done);
            let accumulate = self.accumulate || done > 0;
            for (vector, width) in balanced(self.columns / S::N, 4) {
                let column = vector * S::N;
                let from = done * self.b.row + column;
                let b = Panel { values: &self.b.values[from..], row: self.b.row };
                for (row, rows) in balanced(self.rows, S::ROWS) {
                    let a = self.a.from(row, done);
                    let to = row * self.out_row + column;
                    match width {
                        1 => {
                            with_rows!(S, rows, R => self.block::<R, 1>(s, a, b, terms, to, accumulate))
                        }
                        2 => {
                            with_rows!(S, rows, R => self.block::<R, 2>(s, a, b, terms, to, accumulate))
                        }
                        3 => {
                            with_rows!(S, rows, R => self.block::<R, 3>(s, a, b, terms, to, accumulate))
                        }
                        _ => {
                            with_rows!(S, rows, R => self.block::<R, 4>(s, a, b, terms, to, accumulate))
                        }
                    }
                }
            }
            done += terms;
        }
    }
}

impl<S: Lanes> Product<'_, S> {
    /// One register tile of the result, at `to`.
    #[inline(always)]
    fn block<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        a: Strided<'_, S::E>,
        b: Panel<'_, S::E>,
        terms: usize,
        to: usize,
        accumulate: bool,
    ) {
        let mut acc = [[s.splat(S::E::default()); NV]; MR];
        if accumulate {
            for m in 0..MR {
                for v in 0..NV {
                    acc[m][v] = s.load(self.out, to + m * self.out_row + v * S::N);
                }
            }
        }
        s.tile::<MR, NV>(terms, a, b, &mut acc);
        for m in 0..MR {
            for v in 0..NV {
                s.store(acc[m][v], self.out, to + m * self.out_row + v * S::N);
            }
        }
    }
}
