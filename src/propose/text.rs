//! The pipeline file that is proposed.

use std::fmt::Write;

use super::Asked;
use super::amounts::{Amounts, Feature};
use super::columns::Columns;

/// Enough to look at the files.
pub(super) fn draft(from: &str, columns: &Columns) -> String {
    format!(
        "{}[features]\nsql = \"builtin:close\"\n[windows]\nlength = 2\n[split]\ntrain = 0.6\nvalidation = 0.1\n\
         calibration = 0.2\n[models.robust.detector.robust_z]\n[threshold.quantile]\nq = 0.995\n[output]\nroot = \"out\"\n",
        source(from, columns)
    )
}

fn source(from: &str, columns: &Columns) -> String {
    let mut roles = Vec::new();
    roles.extend(columns.ticker.iter().map(|column| ("ticker", column)));
    roles.extend(columns.ts.iter().map(|column| ("ts", column)));
    roles.push(("value", &columns.value));
    roles.extend(columns.further.iter().map(|(role, column)| (role.as_str(), column)));
    let roles = roles.into_iter().map(|(role, column)| format!("{role} = {}", quoted(column)));
    let roles = roles.collect::<Vec<_>>().join(", ");
    let literal = columns.literal.as_deref();
    let ticker = literal.map_or_else(String::new, |name| format!("ticker = {}\n", quoted(name)));
    format!("[source]\npath = {}\n{ticker}columns = {{ {roles} }}\n", quoted(from))
}

/// A text of TOML; `${` is no variable in it.
fn quoted(text: &str) -> String {
    toml::Value::from(text.replace("${", "$${")).to_string()
}

/// The whole file.
pub(super) fn pipeline(asked: &Asked<'_>, columns: &Columns, amounts: &Amounts) -> String {
    let name = asked.name;
    let mut text = format!("# {name}: {}\n#\n", amounts.extent);
    for (command, what) in [
        ("check", "look for mistakes in this file"),
        ("plan ", "what a run would do, and why"),
        ("run  ", "train, score, write tables to out/"),
    ] {
        let _ = writeln!(text, "#   oddlot {command} {name}.toml     {what}");
    }
    text.push_str("#\n# Proposed by `oddlot init`, which chose\n");
    for note in columns.notes.iter().chain(&amounts.notes[1..]) {
        let _ = writeln!(text, "{}", comment(note));
    }
    text.push_str("# Paths are relative to this file. What is left out has a default.\n\n");
    text.push_str(&source(asked.from, columns));
    let _ = write!(
        text,
        "\n[features]\n# What the models see. Others: builtin:close, builtin:log_return, builtin:volatility_scaled_return,\n\
         # builtin:market_residual, or an SQL file.\nsql = \"builtin:{}\"\n\n\
         [windows]\nlength = {}                              # a model looks at so many rows at a time\n",
        amounts.feature.name(),
        amounts.length,
    );
    if let Some(most) = amounts.max_gap_days {
        let _ = writeln!(
            text,
            "max_gap_days = {most}                       # a longer pause cuts the history"
        );
    }
    if amounts.feature == Feature::Close {
        text.push_str("break_log_return = false                 # these are no prices: no jump cuts the history\n");
    }
    text.push_str(&split(amounts));
    if let Some(rows) = amounts.min_rows {
        let _ = write!(
            text,
            "\n[universe]\nmin_rows = {rows}                            # tickers with fewer are told and left out\n"
        );
    }
    text.push_str(&models(amounts));
    let _ = write!(
        text,
        "\n[threshold.quantile]                     # flag a score that this share of calibration scores stays below\n\
         q = {}\n\n[output]\nroot = \"out\"\n",
        amounts.quantile
    );
    if amounts.parts > 1 {
        let _ = writeln!(
            text,
            "parts = {}                                # files that a year of a table is split into, by ticker",
            amounts.parts
        );
    }
    text
}

/// A note, in lines of a screen.
fn comment(note: &str) -> String {
    let mut text = "# -".to_owned();
    let mut length = text.len();
    for word in note.split(' ') {
        let long = word.chars().count() + 1;
        if length + long > 100 {
            text.push_str("\n#  ");
            length = 4;
        }
        text.push(' ');
        text.push_str(word);
        length += long;
    }
    text
}

fn split(amounts: &Amounts) -> String {
    match &amounts.spans {
        Some([train, validation, calibration]) => format!(
            "\n[split]                                  # each span ends on its date; what follows is the test span\n\
             train_to = \"{train}\"                  # to learn from\n\
             validation_to = \"{validation}\"             # to stop training in time\n\
             calibration_to = \"{calibration}\"            # to set the threshold\n"
        ),
        None => "\n[split]                                  # shares of the rows; what is left is the test span\n\
             train = 0.6\nvalidation = 0.1\ncalibration = 0.2\n"
            .to_owned(),
    }
}

fn models(amounts: &Amounts) -> String {
    let units = amounts.units;
    let train = |name: &str| match amounts.has_many_windows {
        true => format!("[models.{name}.train]\nepochs = 3\nbatch_size = 256\n"),
        false => String::new(),
    };
    let mut text = format!(
        "\n# Two networks: one tells windows from few numbers, one foretells the next row …\n\n\
         [models.autoencoder.detector.lstm_autoencoder]\nunits = {units}\nlatent = 4\nhide_newest = true\n{}\n\
         [models.forecaster.detector.lstm_forecaster]\nunits = {units}\n{}\n\
         # … and rules without any learning. A network is worth its time only where it does better than these.\n\n",
        train("autoencoder"),
        train("forecaster"),
    );
    if amounts.feature != Feature::Close {
        text.push_str("[models.ewma.detector.ewma_z]            # the return over its exponentially weighted volatility\n\n");
    }
    text.push_str(
        "[models.robust.detector.robust_z]        # distance from the median, in median deviations\n\n\
         [models.persistence.detector.persistence]  # the next row is as this one\n",
    );
    text
}
