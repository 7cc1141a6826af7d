//! Outputs that somebody else writes to: another pipeline, another oddlot.

use std::fs;

use insta::assert_snapshot;

use super::{Folder, JOB, list};

/// A folder whose job has run.
fn after_a_run() -> Folder {
    let folder = Folder::with_prices();
    let done = folder.run(&["run", "pipelines/job.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder
}

#[test]
fn two_pipelines_of_one_name_on_one_output() {
    let folder = after_a_run();
    folder.write("others/job.toml", JOB.replace("q = 0.99", "q = 0.999"));
    assert_snapshot!(folder.told(&["run", "others/job.toml"]), @r"
    error: another pipeline `job` writes to this output
      --> others/job.toml:23:8
      expected  a name of its own for each pipeline of an output
      found     pipelines/job.toml, whose tables have the same name
      hint: rename one of the files, or set another `output.root`

    exit 78
    ");

    // Under another name it is welcome, and so is a file that has moved.
    let [other, job] = ["others/job.toml", "pipelines/job.toml"].map(|name| folder.path(name));
    fs::rename(&other, other.with_file_name("second.toml")).expect("a file can be renamed");
    let done = folder.run(&["run", "others/second.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder.change("q = 0.99", "q = 0.98");
    fs::rename(job, other).expect("a file can be moved");
    let done = folder.run(&["run", "others/job.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Makes every cell one of another schema version, as its ledger tells it.
fn written_by(folder: &Folder, version: u32) {
    let mut tree = super::Tree::new();
    list(&folder.path("out/_state/cells"), &mut tree);
    for (path, bytes) in tree {
        let Some(bytes) = bytes else { continue };
        let entry = String::from_utf8(bytes).expect("JSON");
        let other =
            entry.replace("\"schema_version\": 1", &format!("\"schema_version\": {version}"));
        assert_ne!(entry, other);
        fs::write(path, other).expect("a ledger can be written");
    }
}

#[test]
fn a_range_of_a_table_with_an_older_schema() {
    let folder = Folder::new();
    // 2021 has no 29 February.
    let days =
        |year| super::prices("AAA", 180).replace("2020", year).replace("2021-02-29", "2020-12-31");
    folder.import(&(days("2020") + &days("2021")));
    let done = folder.run(&["run", "pipelines/job.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    written_by(&folder, 0);
    let range = ["run", "pipelines/job.toml", "--from", "2021-01-01"];
    assert_snapshot!(folder.told(&range), @r"
    error: the tables were written by an older oddlot
      --> out/tables/reconstructions/pipeline=job/year=2020/part-00000.parquet
      expected  schema version 1 in every cell of a table
      found     schema version 0
      hint: write all of them once, without dates: `oddlot run pipelines/job.toml`

    exit 78
    ");
}

#[test]
fn a_table_with_a_newer_schema() {
    let folder = after_a_run();
    written_by(&folder, 2);
    assert_snapshot!(folder.told_by_run(), @r"
    error: the tables were written by a newer oddlot
      --> out/tables/reconstructions/pipeline=job/year=2020/part-00000.parquet
      expected  schema version 1 in every cell of a table
      found     schema version 2
      hint: run that oddlot, or write to another `output.root`

    exit 78
    ");
}
