//! Whether the last `n` rows of a partition make a window, and if not, why.

/// What a row is worth to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    /// All features present and finite.
    Complete,
    /// A feature is NULL.
    Null,
    /// A feature is NaN, infinite, or too large for `f32` where `f32` is asked.
    NotFinite,
}

/// Why there is no window that ends at a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Fewer than `n` rows since the partition's first complete row: rows before it are
    /// warm-up (a return has no value on its first day), not defects.
    HistoryShort,
    /// One of the last `n` rows holds a NULL.
    NullValue,
    /// One of the last `n` rows holds a value that is not finite (and none holds a NULL).
    NotFinite,
}

impl Reason {
    /// As it stands in `skip_reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HistoryShort => "history_short",
            Self::NullValue => "null_value",
            Self::NotFinite => "not_finite",
        }
    }
}

/// Distances back from the newest row of a partition, in rows, the newest counting as 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// To the first complete row; 0 while there is none.
    history: usize,
    /// To the newest NULL, if any.
    null: Option<usize>,
    /// To the newest value that is not finite, if any.
    not_finite: Option<usize>,
}

impl Run {
    /// Takes the partition's next row.
    pub(super) fn push(&mut self, quality: Quality) {
        let step = |distance: Option<usize>| distance.map(|rows| rows.saturating_add(1));
        self.null = if quality == Quality::Null { Some(1) } else { step(self.null) };
        self.not_finite =
            if quality == Quality::NotFinite { Some(1) } else { step(self.not_finite) };
        if self.history > 0 || quality == Quality::Complete {
            self.history = self.history.saturating_add(1);
        }
    }

    /// Why the last `length` rows make no window; `None` when they do.
    pub(super) fn reason(&self, length: usize) -> Option<Reason> {
        let within = |distance: Option<usize>| distance.is_some_and(|rows| rows <= length);
        if self.history < length {
            Some(Reason::HistoryShort)
        } else if within(self.null) {
            Some(Reason::NullValue)
        } else if within(self.not_finite) {
            Some(Reason::NotFinite)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(qualities: &[Quality], length: usize) -> Vec<Option<Reason>> {
        let mut run = Run::default();
        qualities
            .iter()
            .map(|&quality| {
                run.push(quality);
                run.reason(length)
            })
            .collect()
    }

    #[test]
    fn a_null_blocks_exactly_the_windows_that_hold_it() {
        use Quality::{Complete, Null};
        let found = reasons(&[Complete, Complete, Null, Complete, Complete], 2);
        let (short, null) = (Some(Reason::HistoryShort), Some(Reason::NullValue));
        assert_eq!(found, [short, None, null, null, None]);
    }

    #[test]
    fn rows_before_the_first_complete_one_are_warm_up() {
        use Quality::{Complete, NotFinite, Null};
        let found = reasons(&[Null, NotFinite, Complete, Complete], 2);
        let short = Some(Reason::HistoryShort);
        assert_eq!(found, [short, short, short, None]);
    }

    #[test]
    fn a_null_is_named_before_an_infinity() {
        use Quality::{Complete, NotFinite, Null};
        let found = reasons(&[Complete, Complete, Null, NotFinite, Complete, Complete], 2);
        let null = Some(Reason::NullValue);
        assert_eq!(found[2..], [null, null, Some(Reason::NotFinite), None]);
    }
}
