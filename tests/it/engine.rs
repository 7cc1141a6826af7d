//! What computes the networks: which instruction set, and how many models at a time.

use oddlot_nets::Isa;

use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Ran, Workshop};

fn with_isa(workshop: &Workshop, arguments: &[&str], isa: &str) -> Ran {
    workshop.command(arguments).env("ODDLOT_ISA", isa).output().unwrap().into()
}

#[test]
fn an_instruction_set_that_this_machine_lacks_ends_with_2_and_names_those_it_has() {
    let workshop = Workshop::new(PIPELINE);
    for unknown in ["avx1024", ""] {
        let ran = with_isa(&workshop, &["check", "job.toml"], unknown).ends_with(2);
        assert!(ran.stderr.contains(&format!("ODDLOT_ISA={unknown}")), "{}", ran.stderr);
        for isa in Isa::available() {
            assert!(ran.stderr.contains(&isa.to_string()), "{}", ran.stderr);
        }
    }
    assert!(!workshop.path("out").exists());
}

#[test]
fn the_instruction_set_is_stored_with_the_model_and_another_one_only_warns() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    with_isa(&workshop, &["run", "job.toml"], "portable").ok();
    let (models, cells) = (workshop.model_ids(), workshop.cells());
    let stored = |id: &String| {
        let json = std::fs::read(workshop.path(&format!("out/models/{id}/model.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        json["judge"]["network"]["engine"].as_str().map(str::to_owned)
    };
    let engines: Vec<String> = models.iter().filter_map(stored).collect();
    assert_eq!(engines, ["fused portable"; 2], "two of the five models are networks");

    for isa in Isa::available() {
        let run = with_isa(&workshop, &["run", "job.toml"], &isa.to_string()).ok();
        let warnings = run.stderr.matches("trained with other arithmetic").count();
        assert_eq!(warnings, if isa == Isa::Portable { 0 } else { 2 }, "{isa}: {}", run.stderr);
        assert_eq!(run.json()["cells_replaced"], 0, "{isa}");
    }
    assert_eq!((workshop.model_ids(), workshop.cells()), (models, cells));
}

#[test]
fn an_engine_of_another_name_ends_with_2_and_names_both() {
    let workshop = Workshop::new(PIPELINE);
    let mut check = workshop.command(&["check", "job.toml"]);
    let ran = Ran::from(check.env("ODDLOT_ENGINE", "gpu").output().unwrap()).ends_with(2);
    assert!(ran.stderr.contains("ODDLOT_ENGINE=gpu"), "{}", ran.stderr);
    assert!(ran.stderr.contains("fused or tensor"), "{}", ran.stderr);
}

/// `model|ts|score|ratio|flag` of every scored row.
const SCORES: &str = "SELECT ticker, model, ts, score, threshold_ratio, is_anomaly FROM errors \
     WHERE rule = 'model' ORDER BY ticker, model, ts";

#[test]
fn both_engines_score_alike_with_the_same_weights() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let fused = workshop.sql(SCORES);
    let mut score = workshop.command(&["score", "--full-refresh", "job.toml"]);
    Ran::from(score.env("ODDLOT_ENGINE", "tensor").output().unwrap()).ok();
    let tensor = workshop.sql(SCORES);
    assert!(fused.len() > 10_000 && fused != tensor, "{} rows", fused.len());
    for (fused, tensor) in fused.iter().zip(&tensor) {
        let [a, b] = [fused, tensor].map(|row| row.split(',').collect::<Vec<_>>());
        assert_eq!(a[..3], b[..3]);
        let number = |text: &str| text.parse::<f64>().unwrap();
        let (score, other, ratio) = (number(a[3]), number(b[3]), number(a[4]));
        // Single precision, in another order, through 8 steps of 4 units.
        assert!((score - other).abs() <= 2e-6, "{fused} {tensor}");
        if (ratio - 1.0).abs() > 1e-5 {
            assert_eq!(a[5], b[5], "{fused} {tensor}");
        }
    }
}

#[test]
fn models_that_learn_side_by_side_are_those_that_learn_in_turn() {
    let more: String = [5, 6]
        .map(|units| {
            format!(
                "[models.more{units}.detector.lstm_forecaster]\nunits = {units}\n\
                 [models.more{units}.train]\nepochs = 1\n"
            )
        })
        .concat();
    let pipeline = PIPELINE.replace("[models.ewma", &format!("{more}[models.ewma"));
    // Four networks: on two threads in turn, on one and on seven side by side.
    let models = ["2", "1", "7"].map(|threads| {
        let workshop = Workshop::new(&pipeline);
        workshop.prices(&csv(&closes()));
        let train = ["train", "job.toml", "--threads", threads];
        let done = workshop.oddlot(&train).ok().json();
        let names: Vec<_> =
            done["models"].as_array().unwrap().iter().map(|m| &m["model"]).collect();
        assert_eq!(names.len(), 7, "{threads}: {names:?}");
        workshop
            .out()
            .into_iter()
            .filter(|(path, _)| path.starts_with("models/"))
            .collect::<Vec<_>>()
    });
    assert_eq!(models[0].len(), 7 + 4, "one file a model, and weights of four");
    assert!(models[0] == models[1] && models[0] == models[2]);
}
