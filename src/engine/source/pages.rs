//! The headers of a column chunk's pages, read without unpacking a page.
//!
//! Parquet writes them in Thrift's compact protocol; of a header only the few numbers are kept that
//! say how large the page gets. Nothing is allocated, whatever a header claims.
//!
//! Source: the Parquet format, `parquet.thrift`, `PageHeader`; Thrift's compact protocol.

/// What a page header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) kind: Kind,
    /// Bytes of the page as it is stored, its header not counted.
    pub(super) stored_bytes: i64,
    /// Bytes of the page once it is unpacked.
    pub(super) unpacked_bytes: i64,
    /// Its values, nulls included.
    pub(super) n_values: i64,
    /// How its values are written.
    pub(super) encoding: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Dictionary,
    /// An index page, which readers skip.
    #[default]
    Other,
}

/// `DELTA_BYTE_ARRAY`: a text is written as what differs from the text before it.
pub(super) const BY_DIFFERENCE: i64 = 7;

/// Levels of nested structs; a page header has three.
const DEPTH_MAX: usize = 8;

/// The pages of a chunk, in their order; `None` in place of a header that makes no sense.
pub(super) struct Pages<'a> {
    rest: &'a [u8],
}

impl<'a> Pages<'a> {
    /// The pages of a whole column chunk.
    pub(super) fn of(chunk: &'a [u8]) -> Self {
        Self { rest: chunk }
    }
}

impl Iterator for Pages<'_> {
    type Item = Option<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut input = Input { rest: self.rest };
        let page = page(&mut input).filter(|page| {
            let after = usize::try_from(page.stored_bytes).ok();
            match after.and_then(|stored| input.rest.get(stored..)) {
                Some(rest) => {
                    self.rest = rest;
                    page.unpacked_bytes >= 0 && page.n_values >= 0
                }
                None => false,
            }
        });
        if page.is_none() {
            self.rest = &[];
        }
        Some(page)
    }
}

fn page(input: &mut Input) -> Option<Page> {
    let mut page = Page::default();
    input.fields(0, |input, id, kind| match (id, kind) {
        (1, I32) => {
            page.kind = match input.number()? {
                0 | 3 => Kind::Data,
                2 => Kind::Dictionary,
                _ => Kind::Other,
            };
            Some(())
        }
        (2, I32) => input.number().map(|bytes| page.unpacked_bytes = bytes),
        (3, I32) => input.number().map(|bytes| page.stored_bytes = bytes),
        // The headers of a data page, of a dictionary page, and of a data page of version 2.
        (5 | 7 | 8, STRUCT) => input.fields(1, |input, field, kind| match (id, field, kind) {
            (_, 1, I32) => input.number().map(|n| page.n_values = n),
            (5 | 7, 2, I32) | (8, 4, I32) => input.number().map(|code| page.encoding = code),
            _ => input.skip(kind, 2),
        }),
        _ => input.skip(kind, 1),
    })?;
    Some(page)
}

/// Types of Thrift's compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    fn advance(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    /// Hands each field of a struct, its id and its type to `read`.
    fn fields(
        &mut self,
        depth: usize,
        mut read: impl FnMut(&mut Self, i64, u8) -> Option<()>,
    ) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => self.number()?,
                delta => id.checked_add(i64::from(delta))?,
            };
            read(self, id, head & 0x0f)?;
        }
    }

    /// Passes over a value.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.advance(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.advance(8),
            BINARY => {
                let bytes = self.varint()?;
                self.advance(bytes)
            }
            LIST | SET => {
                let head = self.byte()?;
                let n = match head >> 4 {
                    15 => self.varint()?,
                    n => u64::from(n),
                };
                // An element takes a byte at least, so that a forged count ends with the input.
                for _ in 0..n {
                    match head & 0x0f {
                        TRUE | FALSE => self.advance(1)?,
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
                Some(())
            }
            STRUCT => self.fields(depth, |input, _, kind| input.skip(kind, depth + 1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of 3 values in 5 bytes that unpack to 40, and its body.
    const DATA: [u8; 15] = [0x15, 0, 0x15, 80, 0x15, 10, 0x2c, 0x15, 6, 0, 0, 9, 9, 9, 9];

    #[test]
    fn a_page_is_told_by_its_header_and_the_next_one_follows_its_body() {
        let mut chunk = DATA.to_vec();
        chunk.push(9);
        // A dictionary of 2 values that are not packed.
        chunk.extend([0x15, 4, 0x15, 4, 0x15, 4, 0x4c, 0x15, 4, 0x15, 4, 0, 0, 7, 7]);
        let pages: Vec<Page> = Pages::of(&chunk).map(Option::unwrap).collect();
        let data = Page {
            kind: Kind::Data,
            stored_bytes: 5,
            unpacked_bytes: 40,
            n_values: 3,
            encoding: 0,
        };
        let dictionary = Page {
            kind: Kind::Dictionary,
            stored_bytes: 2,
            unpacked_bytes: 2,
            n_values: 2,
            encoding: 2,
        };
        assert_eq!(pages, [data, dictionary]);
    }

    #[test]
    fn a_body_that_is_cut_off_and_a_header_of_nonsense_end_the_walk() {
        assert_eq!(Pages::of(&DATA).collect::<Vec<_>>(), [None]);
        for nonsense in [&[0xff; 40][..], &[0x19; 40], &[0x1c; 40], &[0x19, 0xf3, 0xff], &[0x15]] {
            assert_eq!(Pages::of(nonsense).collect::<Vec<_>>(), [None], "{nonsense:?}");
        }
        // Minus one value.
        let mut negative = DATA.to_vec();
        negative[8] = 1;
        negative.push(9);
        assert_eq!(Pages::of(&negative).collect::<Vec<_>>(), [None]);
    }
}
