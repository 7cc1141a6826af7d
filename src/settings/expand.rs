//! `${VAR}` and `${VAR:-default}` in the texts of a pipeline file.
//!
//! Expanded after parsing, so that no value can change the shape of the file, and only in the file's
//! own strings: an SQL file is read as it stands. `$${` gives a literal `${`.

use oddlot_engine::Report;

use super::{
    Mistakes,
    tree::{Entry, Value},
};

/// Looks a variable up; `std::env::var(..).ok()` in the binary, a table in tests.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Expands every text below `entries` in place.
pub fn expand_all(entries: &mut [Entry], variables: Variables<'_>, mistakes: &Mistakes<'_>) {
    for entry in entries {
        let span = entry.span();
        match &mut entry.value {
            Value::Table(inner) => expand_all(inner, variables, mistakes),
            Value::Text(text) => match expand(text, variables) {
                Ok(expanded) => *text = expanded,
                Err(report) => {
                    let written = mistakes.document().excerpt(span);
                    mistakes.add(Some(entry.value_span.start), report.found(written));
                    entry.value = Value::Told;
                }
            },
            _ => {}
        }
    }
}

/// One text. An empty variable counts as unset, as `:-` has it in the shell.
fn expand(text: &str, variables: Variables<'_>) -> Result<String, Report> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            expanded.push_str(&rest[..start - 1]);
            expanded.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        expanded.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let end = inner.find('}').ok_or_else(unclosed)?;
        expanded.push_str(&lookup(&inner[..end], variables)?);
        rest = &inner[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn lookup(reference: &str, variables: Variables<'_>) -> Result<String, Report> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        return Err(Report::new(format!("`{name}` is not the name of a variable"))
            .expected("letters, digits and _, not starting with a digit")
            .hint("write ${VAR} or ${VAR:-default}; a literal ${ is written $${"));
    }
    match (variables(name).filter(|value| !value.is_empty()), default) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Report::new(format!("the variable `{name}` is not set"))
            .expected(format!("`{name}` in the environment, not empty"))
            .hint(format!("`export {name}=…`, or give a default: ${{{name}:-…}}"))),
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn unclosed() -> Report {
    Report::new("a variable is not closed")
        .expected("${VAR} or ${VAR:-default}")
        .hint("add the closing }; a literal ${ is written $${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str) -> Option<String> {
        match name {
            "BUCKET" => Some("prices".into()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${BUCKET}".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        assert_eq!(expand("s3://${BUCKET}/eod/", &shell).unwrap(), "s3://prices/eod/");
        assert_eq!(expand("${ABSENT:-a}/${EMPTY:-b}/${BUCKET:-c}", &shell).unwrap(), "a/b/prices");
        assert_eq!(expand("${ABSENT:-}x", &shell).unwrap(), "x");
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(expand("${NESTED}", &shell).unwrap(), "${BUCKET}");
    }

    #[test]
    fn a_doubled_dollar_and_a_bare_dollar_stay() {
        assert_eq!(expand("$${BUCKET} $BUCKET $", &shell).unwrap(), "${BUCKET} $BUCKET $");
    }

    #[test]
    fn unset_empty_unclosed_and_misnamed_variables_are_mistakes() {
        assert_eq!(
            expand("${ABSENT}", &shell).unwrap_err().title,
            "the variable `ABSENT` is not set"
        );
        assert_eq!(
            expand("${EMPTY}", &shell).unwrap_err().title,
            "the variable `EMPTY` is not set"
        );
        assert_eq!(expand("a${BUCKET", &shell).unwrap_err().title, "a variable is not closed");
        assert_eq!(
            expand("${1X}", &shell).unwrap_err().title,
            "`1X` is not the name of a variable"
        );
    }
}
