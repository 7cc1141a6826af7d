//! Output roots that cannot be written, or that hold nothing to be read.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn an_output_root_that_is_a_file() {
    let folder = Folder::with_prices();
    folder.write("out", "not a folder");
    assert_snapshot!(folder.told_by_run(), @r"
    error: the output folder cannot be made
      --> pipelines/job.toml:23:8
      expected  a folder that this user may write to, or a place to make one
      found     out is a file
      hint: set `output.root` to such a folder; nothing was written

    exit 73
    ");
}

#[test]
fn a_query_of_a_missing_root() {
    let folder = Folder::new();
    assert_snapshot!(folder.told(&["sql", "SELECT 1"]), @r"
    error: there is no output here
      --> out
      expected  a folder that `oddlot run` has written
      found     no such folder
      hint: run a pipeline first, or name the folder of its `output.root`

    exit 3
    ");
}

#[test]
fn a_query_of_an_unknown_table() {
    let folder = Folder::with_prices();
    let done = folder.run(&["run", "pipelines/job.toml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_snapshot!(folder.told(&["sql", "SELECT * FROM anomaly"]), @r"
    error: no table `anomaly`
      --> query:1:15
      expected  one of the tables anomalies, errors, events, models, reconstructions, runs, ticker_status
      hint: did you mean `anomalies`?

    exit 78
    ");
}
