//! Memory that a thread keeps from one batch to the next.
//!
//! Every buffer is aligned to a cache line. When it is dropped its memory goes to a list of its thread, from
//! which the next buffer of that size takes it, so that training allocates in its first batch only. A list
//! belongs to one thread: models that train side by side do not wait for each other.
#![allow(unsafe_code, reason = "lines of bytes are read as numbers")]

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::real::Real;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;
/// A thread keeps at most so many buffers, of so many lines in all (64 MiB).
const KEPT_BUFFERS: usize = 256;
const KEPT_LINES: usize = 1 << 20;

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; LINE_BYTES]);

/// What a thread keeps.
struct Kept {
    buffers: Vec<Vec<Line>>,
    n_lines: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), n_lines: 0 }) };
}

impl Kept {
    /// Of exactly `n_lines` lines; what came back last is found first.
    fn take(&mut self, n_lines: usize) -> Option<Vec<Line>> {
        let found = self.buffers.iter().rposition(|lines| lines.len() == n_lines)?;
        self.n_lines -= n_lines;
        Some(self.buffers.remove(found))
    }

    fn put(&mut self, lines: Vec<Line>) {
        if self.buffers.len() < KEPT_BUFFERS && self.n_lines + lines.len() <= KEPT_LINES {
            self.n_lines += lines.len();
            self.buffers.push(lines);
        }
    }
}

/// Numbers, aligned to a cache line.
pub(crate) struct Buffer<E: Real> {
    lines: Vec<Line>,
    len: usize,
    numbers: std::marker::PhantomData<E>,
}

impl<E: Real> Buffer<E> {
    /// `len` numbers of any value: what the memory was last used for.
    pub(crate) fn any(len: usize) -> Self {
        let n_lines = (len * size_of::<E>()).div_ceil(LINE_BYTES);
        let kept = KEPT.with_borrow_mut(|kept| kept.take(n_lines));
        let lines = kept.unwrap_or_else(|| vec![Line([0; LINE_BYTES]); n_lines]);
        Self { lines, len, numbers: std::marker::PhantomData }
    }

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Self::any(len);
        buffer.fill(E::default());
        buffer
    }
}

impl<E: Real> Deref for Buffer<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        // SAFETY: `lines` holds at least `len · size_of::<E>()` initialised bytes, aligned to 64, which is
        // more than E needs; `Real` is f32 or f64, for which all bit patterns are numbers.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<E: Real> DerefMut for Buffer<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as in `deref`; the exclusive borrow of `self` is one of `lines`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<E: Real> Drop for Buffer<E> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // A thread that is ending has no list any more; then the memory is freed.
        let _ = KEPT.try_with(|kept| kept.borrow_mut().put(lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_for_the_same_size_and_is_aligned() {
        let first: Buffer<f32> = Buffer::zeros(100);
        let address = first.as_ptr();
        assert_eq!(address.align_offset(64), 0);
        drop(first);
        let other: Buffer<f32> = Buffer::any(200);
        assert_ne!(other.as_ptr(), address);
        let mut again: Buffer<f32> = Buffer::any(100);
        assert_eq!((again.as_ptr(), again.len()), (address, 100));
        again[99] = 3.0;
        assert_eq!(again[99], 3.0);
    }

    #[test]
    fn zeros_are_zero_in_used_memory() {
        let mut used: Buffer<f64> = Buffer::any(16);
        used.fill(7.0);
        drop(used);
        assert_eq!(Buffer::<f64>::zeros(16)[..], [0.0; 16]);
        assert!(Buffer::<f64>::any(0).is_empty());
    }
}
