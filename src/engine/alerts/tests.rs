use std::sync::Arc;

use super::*;
use crate::judged::rows_of;
use crate::judged::tests::{Nobody, judges, rows};
use crate::query::untold_alerts;
use crate::score::Scorer;
use crate::tables::run_tables::{RunRow, write_alerts};
use crate::tables::{CellWriter, OutputRoot, Table};
use crate::testing::{floats, session_of, texts};

/// 40 rows, days 30 … 39 in the test span, day 39 far out.
fn anomalies() -> RecordBatch {
    let mut values: Vec<f64> = (0..40).map(|k| f64::from(k * k).sin()).collect();
    values[39] = 50.0;
    let judges = judges(&["a"], Arc::new(Nobody));
    rows_of(Table::Anomalies, &judges.score(&rows("A", &values, 1, &[])).unwrap()).unwrap()
}

#[test]
fn the_flags_of_the_test_span_are_alerts_and_earlier_ones_are_not() {
    let anomalies = anomalies();
    let spans = texts(&anomalies, "split");
    let is_test = |row: &usize| spans[*row].as_deref() == Some("test");
    let test: Vec<usize> = (0..anomalies.num_rows()).filter(is_test).collect();
    assert!(!test.is_empty() && test.len() < anomalies.num_rows());
    let alerts = of(&anomalies).unwrap();
    assert_eq!(alerts.len(), test.len());
    for (alert, row) in alerts.iter().zip(test) {
        assert!(alert.trade_date >= 30);
        assert_eq!(alert.ts, i64::from(alert.trade_date) * 86_400_000_000);
        assert_eq!(Some(&alert.event_id), texts(&anomalies, "event_id")[row].as_ref());
        assert_eq!(alert.score, floats(&anomalies, "score")[row]);
    }
    assert!(of(&anomalies.project(&[0]).unwrap()).is_err());
}

fn run(run_id: &str) -> RunRow {
    RunRow {
        run_id: run_id.to_owned(),
        status: "complete",
        command: "run",
        started_at: 0,
        finished_at: 0,
        config_hash: String::new(),
        tool_version: "",
        machine: String::new(),
        n_tickers: 1,
        n_failed: 0,
        n_rows: 40,
        n_cells: 1,
        n_cells_replaced: 1,
        n_alerts: 0,
        model_ids: Vec::new(),
    }
}

#[tokio::test]
async fn a_flag_is_told_once_whether_or_not_the_run_that_told_it_was_completed() {
    let folder = tempfile::tempdir().unwrap();
    let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
    let staging = root.staging("r1").unwrap();
    let context = session_of(8192);
    let untold = async |models: &[&str], years| {
        untold_alerts(&context, root.name(), "p", models, years).await.unwrap()
    };
    assert!(untold(&["id-of-ewma"], (1970, 1970)).await.is_empty(), "no table yet");

    // A run was killed after its cells: there is neither an alert nor a row in `runs`.
    let mut writer =
        CellWriter::create(Table::Anomalies, "p", 1, [(1970, 0)], Vec::new(), &staging).unwrap();
    writer.write(&anomalies()).unwrap();
    for cell in writer.finish().unwrap() {
        root.commit(&cell.file, &cell.cell.path()).await.unwrap();
    }
    let flags = of(&anomalies()).unwrap();
    let both = ["id-of-ewma", "id-of-robust"];
    assert_eq!(untold(&both, (1970, 1970)).await, flags);
    assert!(untold(&both, (1971, 1980)).await.is_empty(), "other years");
    assert!(untold(&["of-another-model"], (1970, 1970)).await.is_empty());

    // Told, and killed before its row in `runs`.
    let (told, rest) = flags.split_at(1);
    write_alerts(&root, &staging, "p", &run("r2"), told).await.unwrap();
    assert_eq!(untold(&both, (1970, 1970)).await, rest);
    // A model trained anew tells the same day under the same name only once.
    write_alerts(&root, &staging, "p", &run("r3"), rest).await.unwrap();
    assert!(untold(&both, (1970, 1970)).await.is_empty());
}
