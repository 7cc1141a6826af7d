//! `bench`: that it measures, and what it calls its figures. How fast it is on the day is no test.

use serde_json::Value;

use crate::workshop::Workshop;

fn positive(value: &Value, path: &[&str]) -> bool {
    path.iter().fold(value, |value, name| &value[name]).as_f64().is_some_and(|number| number > 0.0)
}

#[test]
fn bench_measures_what_it_is_asked_for() {
    let workshop = Workshop::new("");
    let ran =
        workshop.oddlot(&["bench", "--quick", "--models", "c", "--threads", "1", "--json"]).ok();
    let report = ran.json();
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert_eq!((&report["threads"], &report["quick"]), (&Value::from(1), &Value::from(true)));
    assert!(["version", "machine", "isa"].iter().all(|name| report[name].is_string()), "{report}");
    let is_dev = cfg!(debug_assertions);
    assert_eq!(report["profile"], if is_dev { "dev" } else { "release" });
    assert_eq!(ran.stderr.contains("this is a dev build"), is_dev, "{}", ran.stderr);

    let has_floor = report["isa"] != "portable";
    assert_eq!(positive(&report, &["fma_gflops"]), has_floor, "{report}");
    let results = report["results"].as_array().unwrap();
    let jobs: Vec<_> = results.iter().map(|one| (&one["job"], &one["windows"])).collect();
    let (train, score) = (&Value::from("train"), &Value::from("score"));
    assert_eq!(jobs[..2], [(train, &Value::from(32)), (train, &Value::from(256))]);
    assert_eq!((jobs.len(), jobs[2].0), (3, score));
    for one in results {
        assert_eq!((&one["model"], &one["models"]), (&Value::from("C"), &Value::from(1)));
        assert!(positive(one, &["flops"]), "{one}");
        assert_eq!(positive(one, &["floor_ms"]), has_floor, "{one}");
        for way in ["kernel", "through_burn"] {
            for name in ["ms", "windows_per_s", "gflops"] {
                assert!(positive(one, &[way, name]), "{way} {name}: {one}");
            }
            assert_eq!(positive(one, &[way, "floor_share"]), has_floor, "{way}: {one}");
        }
    }
}

#[test]
fn portable_code_has_no_floor_and_many_networks_come_with_a() {
    let workshop = Workshop::new("");
    let arguments = ["bench", "--quick", "--models", "A", "--threads", "2", "--json"];
    let report = crate::workshop::Ran::from(
        workshop.command(&arguments).env("ODDLOT_ISA", "portable").output().unwrap(),
    )
    .ok()
    .json();
    assert_eq!(report["isa"], "portable");
    assert!(report["fma_gflops"].is_null() && report["fma_gflops_all"].is_null(), "{report}");
    let results = report["results"].as_array().unwrap();
    assert!(results.iter().all(|one| one["floor_ms"].is_null()), "{report}");
    let of = |name: &str| results.iter().map(|one| one[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        (of("threads"), of("models")),
        (vec![1, 2, 1, 2, 1, 2, 2], vec![1, 1, 1, 1, 1, 1, 8])
    );
}

#[test]
fn an_unknown_network_is_told_with_those_that_are_known() {
    let ran = Workshop::new("").oddlot(&["bench", "--models", "A,D"]).ends_with(2);
    assert!(ran.stderr.contains("invalid value 'D'"), "{}", ran.stderr);
    assert!(ran.stderr.contains("[possible values: A, B, C]"), "{}", ran.stderr);
}
