//! Disks that are full or cannot be written: exit 73, and what was there stays.
//!
//! Small disks are mounted in a namespace of the program's own; where that is not allowed, the tests
//! say so and pass. A limit on the size of a file is there everywhere.

use std::process::Command;

use insta::assert_snapshot;

use super::Folder;

/// The job in a shell that has done `first`; ends with a list of the files below `out`.
fn job_after(folder: &Folder, first: &str) -> Command {
    let script = format!(
        "{first} || exit 99
        \"$0\" --quiet run pipelines/job.toml; code=$?
        find out -type f 2>/dev/null | sort >&2; exit $code"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_oddlot")]).current_dir(folder.path(""));
    command
}

/// As [`job_after`], with a small disk mounted at `out`; `None` where none can be.
fn job_on_a_disk(folder: &Folder, options: &str) -> Option<Command> {
    let plain = job_after(folder, &format!("mount -t tmpfs -o {options} none out"));
    let mut command = Command::new("unshare");
    command.arg("-rm").arg(plain.get_program()).args(plain.get_args());
    command.current_dir(folder.path(""));
    let mut can = Command::new("unshare");
    can.args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]);
    match can.output().is_ok_and(|done| done.status.success()) {
        true => Some(command),
        false => {
            println!("skipped: no disk can be mounted here");
            None
        }
    }
}

/// Runs are named by the clock, and models by their content.
fn without_ids(told: &str) -> String {
    let mut names = Vec::new();
    for folder in ["_staging/", "models/"] {
        let after = told.split(folder).skip(1);
        let name = after.map(|rest| rest.split(['/', '\n']).next().expect("a name"));
        names.extend(name.filter(|name| name.contains(|c: char| c.is_ascii_digit())));
    }
    names.iter().fold(told.to_owned(), |told, name| told.replace(name, "<id>"))
}

#[test]
fn a_file_that_may_not_grow() {
    let folder = Folder::with_prices();
    let mut command = job_after(&folder, "trap '' XFSZ && ulimit -f 2");
    assert_snapshot!(without_ids(&folder.told_by(&mut command)), @r"
    error: the output cannot be written
      --> models/<id>/model.json
      expected  a place that this user may write to, with room left
      found     File too large (os error 27)
      hint: set `output.root` to a writable folder; nothing that was there has changed

    exit 73
    ");
}

#[test]
fn a_disk_without_room_for_the_files_of_a_part() {
    let folder = Folder::with_prices();
    folder.write("out/.keep", "");
    let Some(mut command) = job_on_a_disk(&folder, "size=52k") else { return };
    assert_snapshot!(without_ids(&folder.told_by(&mut command)), @r"
    error: a cell cannot be written
      --> out/_staging/<id>/errors-2020-00000.parquet
      expected  room on the disk and permission to write
      found     No space left on device (os error 28)
      hint: free some space and run the same command again; no committed cell has changed

    out/_state/counts/pipeline=job/part-00000.json
    out/_state/models/pipeline=job/ewma.json
    out/_state/pipelines/pipeline=job.json
    out/models/<id>/model.json
    exit 73
    ");
}

#[test]
fn a_disk_that_is_full() {
    let folder = Folder::with_prices();
    folder.write("out/.keep", "");
    let Some(mut command) = job_on_a_disk(&folder, "size=72k") else { return };
    assert_snapshot!(without_ids(&folder.told_by(&mut command)), @r"
    error: the output cannot be written
      --> _state/cells/reconstructions/pipeline=job/year=2020/part-00000.json
      expected  a place that this user may write to, with room left
      found     No space left on device (os error 28)
      hint: set `output.root` to a writable folder; nothing that was there has changed

    out/_state/counts/pipeline=job/part-00000.json
    out/_state/models/pipeline=job/ewma.json
    out/_state/pipelines/pipeline=job.json
    out/models/<id>/model.json
    out/tables/reconstructions/pipeline=job/year=2020/part-00000.parquet
    exit 73
    ");
}

#[test]
fn a_disk_that_is_read_only() {
    let folder = Folder::with_prices();
    folder.write("out/.keep", "");
    let Some(mut command) = job_on_a_disk(&folder, "ro") else { return };
    assert_snapshot!(without_ids(&folder.told_by(&mut command)), @r"
    error: the output folder cannot be made
      --> out/_staging
      expected  a folder that this user may write to, or a place to make one
      found     read-only file system
      hint: set `output.root` to such a folder; nothing was written

    exit 73
    ");
}
