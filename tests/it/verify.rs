//! `oddlot verify` over the output of a real run, with one thing broken at a time.

use serde_json::Value;

use crate::market::{closes, csv};
use crate::workshop::{Ran, Workshop};

fn written() -> Workshop {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    workshop
}

fn verify(workshop: &Workshop, code: i32) -> (Ran, Vec<Value>) {
    let ran = workshop.oddlot(&["verify", "job.toml"]).ends_with(code);
    let findings = ran.json()["findings"].as_array().unwrap().clone();
    (ran, findings)
}

fn texts<const N: usize>(finding: &Value, keys: [&str; N]) -> [String; N] {
    keys.map(|key| finding[key].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_a_run_has_written_is_as_it_was_written() {
    let workshop = written();
    let (ran, findings) = verify(&workshop, 0);
    assert!(findings.is_empty(), "{findings:?}");
    assert!(ran.stdout.contains("everything is as it was written\n"), "{}", ran.stdout);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let told = ran.json();
    assert_eq!(told["models"], 5);
    for table in ["errors", "reconstructions", "anomalies", "events", "runs", "alerts"] {
        let n: u64 = workshop.one(&format!("SELECT count(*) FROM {table}")).parse().unwrap();
        assert_eq!(told["tables"][table]["rows"], n, "{table}");
    }
    let by_root = workshop.oddlot(&["verify", "--root", "out"]).ok().json();
    assert_eq!(by_root["tables"], told["tables"]);
}

#[test]
fn a_damaged_cell_is_named_with_its_mend_and_the_mend_mends_it() {
    let workshop = written();
    let path = "tables/errors/pipeline=job/year=2012/part-00000.parquet";
    let whole = std::fs::read(workshop.path("out").join(path)).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0xff;
    std::fs::write(workshop.path("out").join(path), &bytes).unwrap();
    // Of the same size: a run takes it for the one it wrote.
    assert_eq!(workshop.run()["cells_replaced"], 0);

    let (ran, findings) = verify(&workshop, 3);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let [problem, object, mend] = texts(&findings[0], ["problem", "object", "mend"]);
    assert_eq!((problem.as_str(), object.as_str()), ("damaged", path));
    assert!(mend.starts_with("delete ") && mend.contains("`oddlot run job.toml`"), "{mend}");
    assert!(ran.stderr.starts_with("error: a cell is "), "{}", ran.stderr);

    std::fs::remove_file(workshop.path("out").join(path)).unwrap();
    let (_, findings) = verify(&workshop, 3);
    assert_eq!(texts(&findings[0], ["problem", "object"]), ["missing", path]);
    assert_eq!(workshop.run()["cells_replaced"], 1);
    assert_eq!(std::fs::read(workshop.path("out").join(path)).unwrap(), whole);
    verify(&workshop, 0);
}

#[test]
fn a_damaged_model_ends_with_5_and_is_named() {
    let workshop = written();
    let id = workshop.one("SELECT model_id FROM models WHERE model = 'forecaster'");
    let weights = format!("out/models/{id}/weights.safetensors");
    let mut bytes = std::fs::read(workshop.path(&weights)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(workshop.path(&weights), &bytes).unwrap();
    let (_, findings) = verify(&workshop, 5);
    let [object, found] = texts(&findings[0], ["object", "found"]);
    assert_eq!((object, findings.len()), (format!("models/{id}"), 1));
    assert_eq!(found, "its weights have another checksum");

    std::fs::remove_dir_all(workshop.path(&format!("out/models/{id}"))).unwrap();
    let (_, findings) = verify(&workshop, 5);
    assert_eq!(findings[0]["problem"], "missing");
}

#[test]
fn what_others_have_put_there_is_foreign_and_what_a_killed_run_has_left_is_forgiven() {
    let workshop = written();
    workshop.write("out/tables/errors/pipeline=job/_SUCCESS", "");
    let (_, findings) = verify(&workshop, 3);
    assert_eq!(
        texts(&findings[0], ["problem", "object"]),
        ["foreign", "tables/errors/pipeline=job/_SUCCESS"]
    );
    std::fs::remove_file(workshop.path("out/tables/errors/pipeline=job/_SUCCESS")).unwrap();

    let mut killed = workshop.command(&["run", "job.toml", "--full-refresh"]);
    let killed = killed.env("ODDLOT_FAILPOINT", "cell_moved:3").output().unwrap();
    assert_eq!(killed.status.code(), None);
    let (ran, findings) = verify(&workshop, 0);
    let mut problems: Vec<&str> =
        findings.iter().map(|finding| finding["problem"].as_str().unwrap()).collect();
    problems.sort_unstable();
    assert_eq!(problems, ["staging", "unlisted"]);
    assert!(ran.stderr.starts_with("warning: "), "{}", ran.stderr);
}
