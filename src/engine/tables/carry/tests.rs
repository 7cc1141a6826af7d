use std::sync::Arc;

use super::*;
use crate::judged::rows_of;
use crate::judged::tests::{Nobody, judges, rows};
use crate::score::Scorer;
use crate::tables::Table;

/// 40 rows of `ticker` in 1970 as the rows of `table`, with a flag at the end.
fn judged(table: Table, ticker: &str, last: f64) -> RecordBatch {
    let mut values: Vec<f64> = (0..40).map(|k| f64::from(k * k).sin()).collect();
    values[39] = last;
    let rows = rows(ticker, &values, 1, &[]);
    rows_of(table, &judges(&["a"], Arc::new(Nobody)).score(&rows).unwrap()).unwrap()
}

fn metadata(model_ids: &str) -> Vec<(String, String)> {
    vec![("oddlot.model_ids".to_owned(), model_ids.to_owned())]
}

fn stage(table: Table, folder: &Path, batches: &[RecordBatch]) -> StagedCell {
    fs::create_dir_all(folder).unwrap();
    let mut writer =
        CellWriter::create(table, "p", 1, [(1970, 0)], metadata("m1"), folder).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap().remove(0)
}

/// The cell that is there, made of `batches`, and what becomes of `staged` beside it.
async fn carried(
    table: Table,
    there: &[RecordBatch],
    staged: &[RecordBatch],
    model_ids: &str,
) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
    let staging = root.staging("r1").unwrap();
    let object = stage(table, &staging, there);
    root.commit(&object.file, &object.cell.path()).await.unwrap();
    let chosen = stage(table, &staging, staged);
    let cells = [chosen.cell.clone()];
    let carried = Carried::fetch(&root, cells, |_| metadata(model_ids), &staging).await?;
    let made = Made { metadata: &metadata("m1"), parts: 1 };
    let whole = carried.over(chosen, &made, |ticker| ticker == "B")?;
    Ok(fs::read(whole.file).unwrap())
}

#[tokio::test]
async fn chosen_rows_beside_carried_ones_are_the_cell_that_a_run_of_all_would_have_written() {
    for table in Table::ALL {
        let of = |ticker, last| judged(table, ticker, last);
        let (a, c) = (of("A", 50.0), of("C", 0.0));
        let there = [a.clone(), of("B", 0.0), c.clone()];
        let folder = tempfile::tempdir().unwrap();
        let all = stage(table, folder.path(), &[a, of("B", 70.0), c]);
        let found = carried(table, &there, &[of("B", 70.0)], "m1").await.unwrap();
        assert!(found == fs::read(&all.file).unwrap(), "{}", table.name());
        // A chosen ticker without rows any more is gone, and no other.
        let all = stage(table, folder.path(), &[there[0].clone(), there[2].clone()]);
        let found = carried(table, &there, &[], "m1").await.unwrap();
        assert!(found == fs::read(&all.file).unwrap(), "{}", table.name());
    }
}

#[tokio::test]
async fn a_ticker_of_more_rows_than_a_batch_stays_in_one_piece() {
    // Read back in batches of 1,024, three of them.
    let long = |ticker: &str, last: f64| {
        let mut values: Vec<f64> = (0..3_000).map(|k| f64::from(k).sin()).collect();
        values[2_999] = last;
        let mut rows = rows(ticker, &values, 1, &[]);
        // Hours, so that all are of one year.
        rows.ts.iter_mut().for_each(|ts| *ts /= 24);
        let judged = judges(&["a"], Arc::new(Nobody)).score(&rows).unwrap();
        rows_of(Table::Errors, &judged).unwrap()
    };
    let there = [long("A", 1.0), long("B", 1.0), long("C", 1.0)];
    let folder = tempfile::tempdir().unwrap();
    let all = [there[0].clone(), long("B", 9.0), there[2].clone()];
    let all = stage(Table::Errors, folder.path(), &all);
    let found = carried(Table::Errors, &there, &[long("B", 9.0)], "m1").await.unwrap();
    assert!(found == fs::read(&all.file).unwrap());
}

#[tokio::test]
async fn rows_of_other_models_are_not_carried_over() {
    let there = [judged(Table::Errors, "A", 0.0)];
    let error = carried(Table::Errors, &there, &[], "m2").await.unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    let found = error.reports[0].found.as_deref();
    assert_eq!(found, Some("rows that were made with other models"));
}
