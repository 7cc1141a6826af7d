//! Line numbers: where a byte of the text stands, and what its line says.

/// Longest piece of a line shown as an example, in characters.
const SHOWN_CHARS: usize = 80;

/// Start of every line of a text, so that a byte offset becomes a line number.
#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let after_newlines =
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self { starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// Line of the byte at `offset`, counted from 1.
    pub(super) fn number(&self, offset: usize) -> u64 {
        self.starts.partition_point(|start| *start <= offset) as u64
    }

    /// The text of a line, shortened, with control characters escaped.
    pub(super) fn content(&self, text: &str, number: u64) -> String {
        let line_idx = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.starts.get(line_idx) else { return String::new() };
        let end = self.starts.get(line_idx + 1).map_or(text.len(), |next| next - 1);
        shown(text.get(*start..end).unwrap_or_default().trim_end_matches('\r'))
    }
}

/// Any text of the input, safe to print: one line, no control characters, at most 80 characters.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (char_idx, c) in text.chars().enumerate() {
        if char_idx == SHOWN_CHARS {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_belongs_to_the_line_whose_newline_has_not_come() {
        let text = "ab\ncd\n";
        let lines = Lines::of(text);
        assert_eq!([0, 2, 3, 5].map(|offset| lines.number(offset)), [1, 1, 2, 2]);
        assert_eq!(lines.content(text, 2), "cd");
    }

    #[test]
    fn crlf_is_no_part_of_the_content() {
        let text = "a\r\nb";
        let lines = Lines::of(text);
        assert_eq!((lines.content(text, 1), lines.content(text, 2)), ("a".into(), "b".into()));
    }

    #[test]
    fn an_escape_sequence_is_shown_not_sent_to_the_terminal() {
        assert_eq!(shown("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), SHOWN_CHARS + 1);
    }
}
