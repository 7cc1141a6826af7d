//! What is told of a file as a whole, and of several mistakes in it.

use super::*;

#[test]
fn several_mistakes_at_once_in_the_order_of_the_file() {
    let text = BASE
        .replace("ts = \"date\"", "ts = 7")
        .replace("length = 30", "length = 1\nmax_gap_day = 5")
        .replace(
            "units = 16\nlatent = 4",
            "units = 0\nlatent = 4\ndropout = 1.0\nactivation = \"rleu\"",
        )
        .replace("q = 0.995", "q = 95")
        .replace("root = \"out\"", "parts = -1");
    assert_snapshot!(told_of(&text), @r#"
    error: `source.columns.ts` has the wrong type
      --> pipelines/p.toml:3:37
      expected  a text in quotes, not empty
      found     a whole number: ts = 7
      hint: for example `ts = "date"`

    error: `windows.length` is out of range
      --> pipelines/p.toml:9:10
      expected  a whole number from 2 to 4096
      found     length = 1
      hint: for example `length = 30`

    error: unknown key `max_gap_day` in [windows]
      --> pipelines/p.toml:10:1
      expected  one of length, sql, max_gap_days, break_log_return
      found     max_gap_day = 5
      hint: did you mean `max_gap_days`?

    error: `models.ae.detector.lstm_autoencoder.units` is out of range
      --> pipelines/p.toml:18:9
      expected  a whole number from 1 to 4096
      found     units = 0
      hint: delete `units` for the default, 64

    error: `models.ae.detector.lstm_autoencoder.dropout` is out of range
      --> pipelines/p.toml:20:11
      expected  a number with 0 <= rate < 1
      found     dropout = 1.0
      hint: delete `dropout` for the default, 0.2

    error: `models.ae.detector.lstm_autoencoder.activation` is none of its choices
      --> pipelines/p.toml:21:14
      expected  one of "tanh", "relu"
      found     activation = "rleu"
      hint: did you mean "relu"?

    error: `threshold.quantile.q` is out of range
      --> pipelines/p.toml:27:5
      expected  a number with 0 < q < 1
      found     q = 95
      hint: for example `q = 0.995`

    error: `output.root` is missing
      --> pipelines/p.toml:29:2
      expected  a text in quotes, not empty
      found     no `root` in [output]
      hint: add `root = "../out"`

    error: `output.parts` is out of range
      --> pipelines/p.toml:30:9
      expected  a whole number from 1 to 1024
      found     parts = -1
      hint: delete `parts` for the default, 1

    9 mistakes found
    "#);
}

#[test]
fn a_file_without_any_table() {
    assert_snapshot!(told_of("# nothing here\n"), @r#"
    error: [source] is missing
      --> pipelines/p.toml
      expected  a table [source]
      found     no `source` in the file
      hint: add [source] with `path` and `columns`

    error: [features] is missing
      --> pipelines/p.toml
      expected  a table [features]
      found     no `features` in the file
      hint: add [features] with `sql = "builtin:log_return"`

    error: [windows] is missing
      --> pipelines/p.toml
      expected  a table [windows]
      found     no `windows` in the file
      hint: add [windows] with `length = 30`

    error: [split] is missing
      --> pipelines/p.toml
      expected  a table [split]
      found     no `split` in the file
      hint: add [split] with `train_to`, `validation_to` and `calibration_to`

    error: [models] is missing
      --> pipelines/p.toml
      expected  a table [models]
      found     no `models` in the file
      hint: add [models.autoencoder.detector.lstm_autoencoder]

    error: [output] is missing
      --> pipelines/p.toml
      expected  a table [output]
      found     no `output` in the file
      hint: add [output] with `root = "../out"`

    6 mistakes found
    "#);
}

#[test]
fn a_missing_table_and_a_missing_key() {
    assert_snapshot!(told("[windows]\nlength = 30", ""), @r"
    error: [windows] is missing
      --> pipelines/p.toml
      expected  a table [windows]
      found     no `windows` in the file
      hint: add [windows] with `length = 30`
    ");
    assert_snapshot!(told("length = 30", ""), @r"
    error: `windows.length` is missing
      --> pipelines/p.toml:8:2
      expected  a whole number from 2 to 4096
      found     no `length` in [windows]
      hint: add `length = 30`
    ");
}

#[test]
fn a_pipeline_name_that_is_none() {
    let error = Plan::from_text("pipelines/S&P 500.toml", BASE, Path::new("/nowhere"), &shell);
    assert_snapshot!(diagnostic::error(&error.unwrap_err(), Colour::Never), @r"
    error: `S&P 500` cannot name a pipeline
      --> pipelines/S&P 500.toml
      expected  a file name of 1 to 64 lowercase letters, digits and _, then .toml
      found     pipelines/S&P 500.toml
      hint: call it s_p_500.toml
    ");
}

#[test]
fn a_file_that_is_not_toml() {
    assert_snapshot!(told("length = 30", "length = "), @r#"
    error: this is not TOML: a value is missing
      --> pipelines/p.toml:9:10
      expected  a value after =
      found     length =
      hint: write a number, a "text", true or false
    "#);
    assert_snapshot!(told("[windows]", "[windows"), @r#"
    error: this is not TOML: unclosed table
      --> pipelines/p.toml:8:9
      expected  `]`
      found     [windows
      hint: texts stand in "quotes", tables are headed by [name]
    "#);
    assert_snapshot!(told("length = 30", "length = 30\nlength = 31"), @r"
    error: this is not TOML: duplicate key
      --> pipelines/p.toml:10:1
      expected  each key once
      found     length = 31
      hint: delete one of the two
    ");
    assert_snapshot!(told("root = \"out\"", "root = \"out"), @r#"
    error: this is not TOML: invalid basic string
      --> pipelines/p.toml:27:12
      expected  `"`
      found     root = "out
      hint: texts stand in "quotes", tables are headed by [name]
    "#);
}

#[test]
fn a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sp500.toml"), BASE).unwrap();
    let path = folder.path().join("sp550.toml");
    let error = Plan::load(&path, &shell).unwrap_err();
    let text = diagnostic::error(&error, Colour::Never);
    assert_snapshot!(text.replace(&folder.path().display().to_string(), "DIR"), @r"
    error: cannot read the pipeline file
      --> DIR/sp550.toml
      expected  a pipeline file (TOML)
      found     no such file
      hint: there is DIR/sp500.toml
    ");
}

#[test]
fn no_broken_file_breaks_the_reader() {
    for (cut, _) in BASE.char_indices() {
        let texts = [
            BASE[..cut].to_owned(),
            format!("{}{}", &BASE[..cut], &BASE[cut + 1..]),
            format!("{}é${{{}", &BASE[..cut], &BASE[cut..]),
        ];
        for text in texts {
            // Never a panic, and never "neither a plan nor a mistake", which is a bug of ours.
            if let Err(error) = read(&text) {
                assert_eq!(error.kind, Kind::Config, "{text}");
            }
        }
    }
}

#[test]
fn every_message_names_place_expectation_finding_and_mend() {
    for (start, _) in BASE.char_indices().filter(|(start, _)| BASE[*start..].starts_with(" = ")) {
        let rest = &BASE[start..];
        let end = start + rest.find('\n').unwrap();
        for value in ["\"\"", "nan", "-1", "true", "[]", "{}", "1979-05-27T07:32:00Z", ""] {
            let text = format!("{} = {value}{}", &BASE[..start], &BASE[end..]);
            let Err(error) = read(&text) else { continue };
            for report in error.reports {
                let parts = [&report.place, &report.expected, &report.found, &report.hint];
                assert!(parts.into_iter().all(|part| part.is_some()), "{report}");
            }
        }
    }
}

#[test]
fn a_file_that_is_not_utf8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    std::fs::write(&path, b"[source]\npath = \"\xff\"\n").unwrap();
    let text = diagnostic::error(&Plan::load(&path, &shell).unwrap_err(), Colour::Never);
    assert_snapshot!(text.replace(&folder.path().display().to_string(), "DIR"), @r"
    error: the pipeline file is not UTF-8 text
      --> DIR/p.toml:2:9
      expected  UTF-8
      found     bytes that are no character
      hint: save it as UTF-8 in your editor
    ");
}
