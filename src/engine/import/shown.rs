//! Text of the input, safe to print.

/// Longest piece shown, in characters.
const SHOWN_CHARS: usize = 80;

/// Any text of the input, safe to print: one line, at most 80 characters, and with everything
/// escaped that steers a terminal, turns the direction of what follows, or cannot be seen.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => escaped(&text[..end]) + "…",
        None => escaped(text),
    }
}

/// The same in full length: for paths, whose end matters.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || is_unseen(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// Marks of direction and width, separators, tags.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_not_sent() {
        assert_eq!(shown("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(shown("a\u{202e}b\u{9b}c\nd"), "a\\u{202e}b\\u{9b}c\\nd");
    }

    #[test]
    fn letters_of_any_script_are_shown_as_they_are() {
        assert_eq!(shown("تداول 🦀 ÄÖ"), "تداول 🦀 ÄÖ");
    }

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!(shown(&"x".repeat(300)).chars().count(), SHOWN_CHARS + 1);
    }
}
