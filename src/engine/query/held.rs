//! The beginning of an answer, held back so that it can still be taken back.

use std::io::{ErrorKind, Result, Write};

use crate::error::{Error, Kind, Report};

/// Bytes that are held: an answer that fits is written whole or not at all.
const HELD_BYTES_MAX: usize = 1 << 20;

/// Writes to another writer once there is too much to hold.
pub(super) struct Held<'a> {
    bytes: Vec<u8>,
    has_passed: bool,
    out: &'a mut (dyn Write + Send),
}

impl<'a> Held<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { bytes: Vec::new(), has_passed: false, out }
    }

    /// Forgets what is held; whether that was everything.
    pub(super) fn forget(&mut self) -> bool {
        self.bytes.clear();
        !self.has_passed
    }

    /// Writes what is held. A reader that has gone away (`| head`) has seen enough.
    pub(super) fn pass_on(&mut self) -> crate::Result<()> {
        match self.pass() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::new(
                Kind::Output,
                Report::new("the answer cannot be written")
                    .expected("a place to write to, with room left")
                    .found(error.to_string())
                    .hint("free some space, or ask for fewer rows"),
            )),
            _ => Ok(()),
        }
    }

    fn pass(&mut self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.has_passed = true;
        let bytes = std::mem::take(&mut self.bytes);
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

impl Write for Held<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > HELD_BYTES_MAX {
            self.pass()?;
        }
        Ok(bytes.len())
    }

    /// The writers in between flush row by row; what is held stays held.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_can_be_taken_back_and_what_has_passed_cannot() {
        let mut out = Vec::new();
        let mut held = Held::new(&mut out);
        held.write_all(b"wrong").unwrap();
        assert!(held.forget());
        held.write_all(&vec![b'x'; HELD_BYTES_MAX + 1]).unwrap();
        held.write_all(b"y").unwrap();
        assert!(!held.forget());
        held.write_all(b"z").unwrap();
        held.pass_on().unwrap();
        assert_eq!((out.len(), out.last()), (HELD_BYTES_MAX + 2, Some(&b'z')));
    }
}
