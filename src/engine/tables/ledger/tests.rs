use std::path::PathBuf;

use super::*;

struct Place {
    _folder: tempfile::TempDir,
    root: OutputRoot,
    staging: PathBuf,
    ledger: Ledger,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let root = OutputRoot::open(folder.path().to_str().unwrap()).unwrap();
    let staging = root.staging("r1").unwrap();
    Place { _folder: folder, ledger: Ledger::new(root.clone()), root, staging }
}

fn cell(year: i32, part: u32) -> Cell {
    Cell { table: Table::Errors, pipeline: "p".into(), year, part }
}

impl Place {
    fn stage(&self, cell: Cell, bytes: &str) -> StagedCell {
        let file = self.staging.join("staged");
        std::fs::write(&file, bytes).unwrap();
        let (sha256, bytes) = super::super::writer::digest(&file).unwrap();
        StagedCell { cell, file, sha256, bytes, rows: 1 }
    }

    async fn object(&self, cell: &Cell) -> Option<Vec<u8>> {
        self.root.get(&cell.path()).await.unwrap()
    }
}

const ORIGIN: Origin<'_> =
    Origin { run_id: "r1", fingerprint: "f1", span: (1970, 1972), parts: 1, made_of: None };

#[tokio::test]
async fn a_committed_cell_has_an_entry_that_speaks_of_it() {
    let place = place();
    let staged = place.stage(cell(1970, 0), "old");
    assert_eq!(place.ledger.entry(&staged.cell).await.unwrap(), None);
    place.ledger.commit(&staged, ORIGIN, &place.staging).await.unwrap();
    let entry = place.ledger.entry(&staged.cell).await.unwrap().unwrap();
    assert_eq!((entry.run_id.as_str(), entry.fingerprint.as_str()), ("r1", "f1"));
    assert_eq!((entry.sha256, entry.bytes, entry.span), (staged.sha256, 3, (1970, 1972)));
    assert_eq!(place.object(&staged.cell).await.unwrap(), b"old");
}

#[tokio::test]
async fn where_the_object_cannot_be_moved_in_the_entry_has_gone_before_it() {
    let place = place();
    let old = place.stage(cell(1970, 0), "old");
    place.ledger.commit(&old, ORIGIN, &place.staging).await.unwrap();
    let new = place.stage(cell(1970, 0), "new");
    std::fs::remove_file(&new.file).unwrap();
    assert!(place.ledger.commit(&new, ORIGIN, &place.staging).await.is_err());
    // As after a kill: the old object is whole, and counts as never written.
    assert_eq!(place.object(&old.cell).await.unwrap(), b"old");
    assert_eq!(place.ledger.entry(&old.cell).await.unwrap(), None);
}

#[tokio::test]
async fn where_the_entry_cannot_be_written_the_new_object_counts_as_never_written() {
    let place = place();
    let old = place.stage(cell(1970, 0), "old");
    place.ledger.commit(&old, ORIGIN, &place.staging).await.unwrap();
    let new = place.stage(cell(1970, 0), "newer");
    assert!(place.ledger.commit(&new, ORIGIN, &place.staging.join("gone")).await.is_err());
    assert_eq!(place.object(&old.cell).await.unwrap(), b"newer");
    assert_eq!(place.ledger.entry(&old.cell).await.unwrap(), None);
}

#[tokio::test]
async fn an_entry_whose_object_is_gone_or_of_another_size_or_that_is_cut_off_is_none() {
    let place = place();
    let staged = place.stage(cell(1970, 0), "old");
    place.ledger.commit(&staged, ORIGIN, &place.staging).await.unwrap();
    place.root.put(&place.staging, &staged.cell.path(), b"other").await.unwrap();
    assert_eq!(place.ledger.entry(&staged.cell).await.unwrap(), None);
    place.root.delete(&staged.cell.path()).await.unwrap();
    assert_eq!(place.ledger.entry(&staged.cell).await.unwrap(), None);
    place.root.put(&place.staging, &staged.cell.path(), b"old").await.unwrap();
    assert!(place.ledger.entry(&staged.cell).await.unwrap().is_some());
    place.root.put(&place.staging, &staged.cell.ledger_path(), b"{\"run_id\":").await.unwrap();
    assert_eq!(place.ledger.entry(&staged.cell).await.unwrap(), None);
}

#[tokio::test]
async fn the_cells_of_a_pipeline_are_listed_and_those_of_its_namesakes_are_not() {
    let place = place();
    let namesake = Cell { pipeline: "p2".into(), ..cell(1980, 0) };
    for cell in [cell(1971, 1), cell(1970, 0), namesake] {
        let staged = place.stage(cell, "x");
        place.ledger.commit(&staged, ORIGIN, &place.staging).await.unwrap();
    }
    let cells = place.ledger.cells(Table::Errors, "p").await.unwrap();
    assert_eq!(cells, [cell(1970, 0), cell(1971, 1)]);
    assert!(place.ledger.cells(Table::Events, "p").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cell_that_is_removed_is_gone_with_its_entry_and_another_object_stays() {
    let place = place();
    for part in [0, 1] {
        let staged = place.stage(cell(1970, part), "ours");
        place.ledger.commit(&staged, ORIGIN, &place.staging).await.unwrap();
    }
    assert_eq!(place.ledger.remove(&cell(1970, 0)).await.unwrap(), Removed::Gone);
    assert_eq!(place.object(&cell(1970, 0)).await, None);
    assert_eq!(place.ledger.cells(Table::Errors, "p").await.unwrap(), [cell(1970, 1)]);
    // As after a kill between the two, and where there was nothing at all.
    place.root.delete(&cell(1970, 1).path()).await.unwrap();
    assert_eq!(place.ledger.remove(&cell(1970, 1)).await.unwrap(), Removed::Gone);
    assert_eq!(place.ledger.cells(Table::Errors, "p").await.unwrap(), []);
    assert_eq!(place.ledger.remove(&cell(1970, 7)).await.unwrap(), Removed::Gone);
    // Somebody else's bytes of the same length, with and without an entry.
    for is_listed in [true, false] {
        let staged = place.stage(cell(1971, 0), "ours");
        place.ledger.commit(&staged, ORIGIN, &place.staging).await.unwrap();
        place.root.put(&place.staging, &cell(1971, 0).path(), b"user").await.unwrap();
        if !is_listed {
            place.root.delete(&cell(1971, 0).ledger_path()).await.unwrap();
        }
        assert_eq!(place.ledger.remove(&cell(1971, 0)).await.unwrap(), Removed::NotOurs);
        assert_eq!(place.object(&cell(1971, 0)).await.unwrap(), b"user");
    }
}

#[tokio::test]
async fn what_a_cell_was_made_of_comes_back_and_an_older_entry_has_none() {
    let place = place();
    let made_of = MadeOf {
        models: [("ewma".to_owned(), "m1".to_owned())].into(),
        scoring_version: 3,
        ..MadeOf::default()
    };
    let staged = place.stage(cell(1970, 0), "ours");
    let origin = Origin { made_of: Some(&made_of), ..ORIGIN };
    place.ledger.commit(&staged, origin, &place.staging).await.unwrap();
    let entry = place.ledger.entry(&staged.cell).await.unwrap().unwrap();
    assert_eq!(entry.made_of, Some(made_of));
    place.ledger.note(&staged, ORIGIN, &place.staging).await.unwrap();
    assert_eq!(place.ledger.entry(&staged.cell).await.unwrap().unwrap().made_of, None);
}
