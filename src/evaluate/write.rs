//! Figures as programs read them.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Threshold;
use super::mean::{Evaluation, Part, Row};

/// One object; an undefined figure is null.
pub fn json(evaluation: &Evaluation) -> Value {
    let parts = |parts: &[Part]| -> Vec<Value> {
        parts
            .iter()
            .map(|part| json!({ "name": part.name, "models": models(&part.rows) }))
            .collect()
    };
    json!({
        "tickers": evaluation.n_tickers,
        "tickers_without_anomaly": evaluation.unlabelled.len(),
        "rows": evaluation.n_rows,
        "rows_anomalous": evaluation.n_anomalous,
        "events": evaluation.n_events,
        "vus_window_min": evaluation.windows.0,
        "vus_window_max": evaluation.windows.1,
        "models": models(&evaluation.all),
        "by_group": parts(&evaluation.groups),
        "by_ticker": parts(&evaluation.tickers),
        "notes": evaluation.notes,
    })
}

fn models(rows: &[Row]) -> Vec<Value> {
    let model = |row: &Row| {
        let mut model = Map::new();
        model.insert("model".to_owned(), json!(row.name));
        model.insert("is_null".to_owned(), json!(row.is_null()));
        for threshold in Threshold::ALL {
            let values = row.values[threshold as usize].iter();
            let figures: Map<String, Value> =
                values.map(|(figure, value)| ((*figure).to_owned(), json!(value))).collect();
            model.insert(threshold.name().to_owned(), Value::Object(figures));
        }
        Value::Object(model)
    };
    rows.iter().map(model).collect()
}

/// One line a figure; an undefined one is empty.
pub fn csv(evaluation: &Evaluation) -> String {
    let mut text = "scope,name,model,is_null,threshold,metric,value\n".to_owned();
    write_rows(&mut text, "all", "", &evaluation.all);
    for (scope, parts) in [("group", &evaluation.groups), ("ticker", &evaluation.tickers)] {
        for part in parts {
            write_rows(&mut text, scope, &part.name, &part.rows);
        }
    }
    text
}

fn write_rows(text: &mut String, scope: &str, name: &str, rows: &[Row]) {
    for row in rows {
        for threshold in Threshold::ALL {
            for (metric, value) in &row.values[threshold as usize] {
                let value = value.map_or_else(String::new, |value| value.to_string());
                let (name, model, is_null) = (quoted(name), quoted(&row.name), row.is_null());
                let threshold = threshold.name();
                let _ =
                    writeln!(text, "{scope},{name},{model},{is_null},{threshold},{metric},{value}");
            }
        }
    }
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}
