//! How findings look on the terminal.

use std::fmt::Write as _;

use oddlot_engine::visible::is_invisible;
use oddlot_engine::{Error, Report};

/// Whether to colour what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For eyes on a terminal.
    Always,
    /// For files, pipes and tests.
    Never,
}

impl Colour {
    /// For a stream of this process, by its environment.
    pub fn of(is_terminal: bool) -> Self {
        let variable = |name| std::env::var(name).ok();
        let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
        Self::for_stream(is_terminal, no_color.as_deref(), term.as_deref())
    }

    /// Colour for a terminal, unless `NO_COLOR` says otherwise (<https://no-color.org>).
    pub fn for_stream(is_terminal: bool, no_color: Option<&str>, term: Option<&str>) -> Self {
        let is_wanted = no_color.is_none_or(str::is_empty) && term != Some("dumb");
        if is_terminal && is_wanted { Self::Always } else { Self::Never }
    }
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

/// An error with all its findings, ready to print, and a closing count where there are several.
pub fn error(error: &Error, colour: Colour) -> String {
    let mut text = String::new();
    for report in &error.reports {
        text.push_str(&finding(report, Severity::Error, colour));
        text.push('\n');
    }
    if error.reports.len() > 1 {
        let _ = writeln!(text, "{} mistakes found", error.reports.len());
    }
    text
}

/// One mistake, ready to print.
pub fn mistake(report: &Report, colour: Colour) -> String {
    finding(report, Severity::Error, colour)
}

/// One warning, ready to print.
pub fn warning(report: &Report, colour: Colour) -> String {
    finding(report, Severity::Warning, colour)
}

fn finding(report: &Report, severity: Severity, colour: Colour) -> String {
    let (label, code) = match severity {
        Severity::Error => ("error", "1;31"),
        Severity::Warning => ("warning", "1;33"),
    };
    let paint = |text: &str, code: &str| match colour {
        Colour::Always => format!("\x1b[{code}m{text}\x1b[0m"),
        Colour::Never => text.to_owned(),
    };
    let mut text = format!("{}: {}\n", paint(label, code), paint(&visible(&report.title), "1"));
    let mut line = |head: &str, code: &str, part: &Option<String>| {
        if let Some(part) = part {
            let _ = writeln!(text, "  {}{}", paint(head, code), visible(part));
        }
    };
    line("--> ", "1;34", &report.place);
    line("expected  ", "2", &report.expected);
    line("found     ", "2", &report.found);
    line("hint: ", "1;32", &report.hint);
    text
}

/// A ticker or a text with one in it: as [`visible`], and line breaks are told from spaces.
pub fn name(text: &str) -> String {
    match text {
        "" => "\"\"".to_owned(),
        text => {
            let escaped = text.replace('\n', "\\u{a}").replace('\t', "\\u{9}");
            visible(&escaped)
        }
    }
}

/// `1 ticker`, or how many.
pub fn tickers(n: usize) -> String {
    if n == 1 { "1 ticker".to_owned() } else { format!("{n} tickers") }
}

/// A text with every character that could steer a terminal or hide others made visible.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(' '),
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", c as u32);
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn example() -> Report {
        Report::new("window is longer than the shortest history")
            .at("pipelines/sp500.toml:14:10")
            .expected("length <= 251 (rows of BRK.B)")
            .found("length = 300")
            .hint("lower `windows.length`, or set `universe.min_rows = 301`")
    }

    #[test]
    fn a_finding_is_told_as_the_design_shows_it() {
        assert_snapshot!(error(&Error::config(example()), Colour::Never), @r"
        error: window is longer than the shortest history
          --> pipelines/sp500.toml:14:10
          expected  length <= 251 (rows of BRK.B)
          found     length = 300
          hint: lower `windows.length`, or set `universe.min_rows = 301`
        ");
    }

    #[test]
    fn a_plain_finding_reads_as_the_engine_prints_it() {
        let error_text = error(&Error::config(example()), Colour::Never);
        assert_eq!(error_text.trim_end(), Error::config(example()).to_string());
    }

    #[test]
    fn several_findings_are_counted() {
        let mut two = Error::config(example());
        two.reports.push(Report::new("another"));
        assert!(error(&two, Colour::Never).ends_with("error: another\n\n2 mistakes found\n"));
    }

    #[test]
    fn colour_needs_a_terminal_and_no_veto() {
        assert_eq!(Colour::for_stream(true, None, Some("xterm")), Colour::Always);
        assert_eq!(Colour::for_stream(true, Some(""), None), Colour::Always);
        assert_eq!(Colour::for_stream(true, Some("1"), None), Colour::Never);
        assert_eq!(Colour::for_stream(true, None, Some("dumb")), Colour::Never);
        assert_eq!(Colour::for_stream(false, None, None), Colour::Never);
    }

    #[test]
    fn a_name_is_told_so_that_no_other_looks_like_it() {
        assert_eq!(name("BRK/B"), "BRK/B");
        assert_eq!(name(""), "\"\"");
        assert_eq!(name("A\nB\tC\rD"), r"A\u{a}B\u{9}C\u{d}D");
        assert_eq!(name("\x1b[31mred\u{9b}"), r"\u{1b}[31mred\u{9b}");
        assert_eq!(name("A\u{2028}B\u{ad}\u{61c}\u{e0041}"), r"A\u{2028}B\u{ad}\u{61c}\u{e0041}");
        assert_eq!(name("🚀 שלום"), "🚀 שלום");
    }

    #[test]
    fn a_page_writes_out_the_same_characters_as_the_terminal() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = c.to_string();
            assert_eq!(oddlot_report::number::printable(&text), name(&text), "{:x}", c as u32);
        }
    }

    #[test]
    fn a_hostile_name_cannot_steer_the_terminal() {
        let report = Report::new("bad ticker \x1b[31m\u{202e}A\nB");
        let text = error(&Error::data(report), Colour::Never);
        assert_eq!(text, "error: bad ticker \\u{1b}[31m\\u{202e}A B\n\n");
    }
}
