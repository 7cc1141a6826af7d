//! Small roots with one thing wrong in each.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::array::{BooleanArray, Float64Array, Int32Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Schema};

use super::*;
use crate::tables::{CellWriter, Ledger, Origin, Table, schema};

/// Days of 2020 after the first, µs UTC.
fn instant(day: i64) -> i64 {
    1_577_836_800_000_000 + day * 86_400_000_000
}

/// Rows of `errors`: (ticker, day of 2020).
fn errors(keys: &[(&str, i64)], score: f64) -> RecordBatch {
    let schema = schema::of(Table::Errors);
    let column = |name: &str, data_type: &DataType| -> ArrayRef {
        let n = keys.len();
        match (name, data_type) {
            ("ticker", _) => Arc::new(StringArray::from_iter_values(keys.iter().map(|key| key.0))),
            ("ts", _) => {
                let ts = keys.iter().map(|key| instant(key.1));
                Arc::new(TimestampMicrosecondArray::from_iter_values(ts).with_timezone("UTC"))
            }
            ("score", _) => Arc::new(Float64Array::from(vec![score; n])),
            (_, DataType::Utf8) => Arc::new(StringArray::from(vec!["m"; n])),
            (_, DataType::Boolean) => Arc::new(BooleanArray::from(vec![false; n])),
            (_, DataType::Int32) => Arc::new(Int32Array::from(vec![1; n])),
            (_, DataType::Date32) => {
                Arc::new(datafusion::arrow::array::Date32Array::from(vec![18_262; n]))
            }
            (_, other) => new_null_array(other, n),
        }
    };
    let columns = schema.fields().iter().map(|field| column(field.name(), field.data_type()));
    let columns = columns.collect();
    RecordBatch::try_new(Arc::new(Schema::clone(&schema)), columns).unwrap()
}

struct Folder {
    _folder: tempfile::TempDir,
    root: OutputRoot,
    cell: Cell,
}

impl Folder {
    /// A root with one cell of `errors` that holds `rows`.
    async fn with(rows: &RecordBatch) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
        let staging = root.staging("r1").unwrap();
        let mut writer =
            CellWriter::create(Table::Errors, "job", 1, [(2020, 0)], Vec::new(), &staging).unwrap();
        writer.write(rows).unwrap();
        let staged = writer.finish().unwrap().remove(0);
        let span = (2020, 2020);
        let origin = Origin { run_id: "r1", fingerprint: "f", span, parts: 1, made_of: None };
        Ledger::new(root.clone()).commit(&staged, origin, &staging).await.unwrap();
        Self { _folder: folder, root, cell: staged.cell }
    }

    fn file(&self) -> std::path::PathBuf {
        self.root.local().unwrap().join(self.cell.path())
    }

    /// (gravity, problem, found) of each finding but the one that tells of no complete run.
    async fn findings(&self) -> Vec<(Gravity, &'static str, String)> {
        let mends = Mends { root: "out".into(), pipeline: Some(("job.toml".into(), "job".into())) };
        let survey = tables(&self.root, &mends).await.unwrap();
        let findings = survey.findings.into_iter().filter(|finding| finding.problem != "stale");
        findings
            .map(|finding| (finding.gravity, finding.problem, finding.report.found.unwrap()))
            .collect()
    }

    async fn damage(&self) -> String {
        let findings = self.findings().await;
        let [(Gravity::Damage, "damaged", found)] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        found.clone()
    }
}

#[tokio::test]
async fn a_whole_cell_is_counted_and_nothing_is_found() {
    let folder = Folder::with(&errors(&[("A", 0), ("A", 1), ("B", 0)], 1.0)).await;
    assert!(folder.findings().await.is_empty());
    let mends = Mends { root: "out/".into(), pipeline: None };
    let survey = tables(&folder.root, &mends).await.unwrap();
    assert_eq!((survey.tables["errors"].objects, survey.tables["errors"].rows), (1, 3));
    // No run has been committed: its rows are skipped by readers, which is told.
    let [stale] = survey.findings.as_slice() else { panic!("{:?}", survey.findings) };
    assert_eq!((stale.gravity, stale.problem), (Gravity::Leftover, "stale"));
    let hint = stale.report.hint.as_deref().unwrap();
    assert_eq!(hint, "`oddlot run` with the pipeline file of `job`: it completes them");
}

#[tokio::test]
async fn one_changed_byte_of_the_data_is_found_and_the_mend_deletes_the_object() {
    let folder = Folder::with(&errors(&[("A", 0), ("A", 1)], 1.0)).await;
    let mut bytes = std::fs::read(folder.file()).unwrap();
    // Within the footer's key-value metadata nothing that is decoded changes.
    let at = bytes.windows(6).rposition(|text| text == b"oddlot").unwrap();
    bytes[at] = b'O';
    std::fs::write(folder.file(), &bytes).unwrap();
    assert!(folder.damage().await.starts_with("SHA-256 "));
    let mends = Mends { root: "out".into(), pipeline: Some(("job.toml".into(), "job".into())) };
    let survey = tables(&folder.root, &mends).await.unwrap();
    let hint = survey.findings.iter().find(|finding| finding.problem == "damaged").unwrap();
    assert_eq!(
        hint.report.hint.as_deref(),
        Some(
            "delete out/tables/errors/pipeline=job/year=2020/part-00000.parquet, then `oddlot run job.toml`"
        )
    );
}

#[tokio::test]
async fn half_a_file_is_no_parquet_file() {
    let folder = Folder::with(&errors(&[("A", 0)], 1.0)).await;
    let bytes = std::fs::read(folder.file()).unwrap();
    std::fs::write(folder.file(), &bytes[..bytes.len() / 2]).unwrap();
    assert!(!folder.damage().await.is_empty());
}

#[tokio::test]
async fn rows_out_of_order_twice_or_of_another_year_are_found_with_their_number() {
    let found = async |keys: &[(&str, i64)]| Folder::with(&errors(keys, 1.0)).await.damage().await;
    assert_eq!(found(&[("A", 0), ("A", 1), ("A", 1)]).await, "row 3 has the key of row 2");
    assert_eq!(found(&[("A", 1), ("A", 0)]).await, "row 2 belongs before row 1");
    assert_eq!(found(&[("B", 0), ("A", 5)]).await, "row 2 belongs before row 1");
}

#[test]
fn a_row_belongs_to_its_year_and_part_and_has_finite_numbers() {
    let cell = |year, part| Cell { table: Table::Errors, pipeline: "job".into(), year, part };
    let check = |cell: &Cell, parts: u32, score| {
        rows::check(cell, Some(parts), &[errors(&[("A", 0)], score)]).map_err(|flaw| flaw.found)
    };
    assert!(check(&cell(2020, 0), 1, 1.0).is_ok());
    let year = check(&cell(2021, 0), 1, 1.0).unwrap_err();
    assert_eq!(year, "row 1: \"A\" of year 2020 and part 0");
    let part = crate::tables::cell::part_of("A", 2);
    assert!(check(&cell(2020, part), 2, 1.0).is_ok());
    assert!(check(&cell(2020, 1 - part), 2, 1.0).is_err());
    // Of how many parts nobody knows: it may be the right one.
    let rows = [errors(&[("A", 0)], 1.0)];
    assert!(rows::check(&cell(2020, 1 - part), None, &rows).is_ok());
    assert_eq!(check(&cell(2020, 0), 1, f64::NAN).unwrap_err(), "row 1: score = NaN");
}

#[tokio::test]
async fn missing_unlisted_and_foreign_objects_are_told_apart() {
    let folder = Folder::with(&errors(&[("A", 0)], 1.0)).await;
    let beside = folder.file().with_file_name("_SUCCESS");
    std::fs::write(&beside, "").unwrap();
    let path = "tables/errors/pipeline=job/year=2020/_SUCCESS".to_owned();
    assert_eq!(folder.findings().await, [(Gravity::Damage, "foreign", path)]);
    std::fs::remove_file(&beside).unwrap();

    let entry = folder.root.local().unwrap().join(folder.cell.ledger_path());
    let kept = std::fs::read(&entry).unwrap();
    std::fs::remove_file(&entry).unwrap();
    let findings = folder.findings().await;
    assert_eq!((findings.len(), findings[0].0, findings[0].1), (1, Gravity::Leftover, "unlisted"));

    std::fs::write(&entry, kept).unwrap();
    std::fs::remove_file(folder.file()).unwrap();
    let missing = (Gravity::Damage, "missing", "no such object".to_owned());
    assert_eq!(folder.findings().await, [missing]);
}
