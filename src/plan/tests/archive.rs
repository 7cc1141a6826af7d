//! `profile = "archive"`: what a file may leave out, and what it may not say.

use super::*;

const ARCHIVE: &str = r#"profile = "archive"

[source]
path = "series.parquet"
columns = { ticker = "ticker", ts = "ts", value = "value" }

[output]
root = "out"
"#;

fn archive(more: &str) -> String {
    format!("{ARCHIVE}\n{more}")
}

#[test]
fn source_and_output_are_enough() {
    let plan = read(ARCHIVE).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = plan.models.iter().map(|model| model.name.as_str()).collect();
    assert!(names.iter().copied().eq(crate::settings::archive::default_models()), "{names:?}");
    let kinds: Vec<&str> = plan.models.iter().map(|model| model.detector.kind()).collect();
    assert_eq!(kinds, names);
    assert_eq!((plan.split, plan.windows.length), (SplitPlan::Whole, 1));
    assert_eq!((plan.windows.max_gap_days, plan.windows.break_log_return), (None, None));
    assert_eq!(plan.warnings, []);
    let screen = plan.to_string();
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    for line in [
        "features   builtin:close",
        "windows    of each detector's own, by the period of each series, never cut",
        "split      none: all rows teach, set thresholds and are scored",
        "flags      by the hindsight score, calibrated on each ticker",
    ] {
        assert!(lines.contains(&line), "{line}\n{screen}");
    }
}

#[test]
fn settings_of_a_detector_are_read_and_the_rest_is_the_default() {
    let plan = read(&archive(
        "[models.a.detector.lstm_autoencoder]\nunits = 8\nseed = 7\n\
         [models.b.detector.median_distance]\n[models.b.threshold.fixed]\nvalue = 3\n\
         [threshold.quantile]\nq = 0.9",
    ));
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    let shown: Vec<String> = plan.models.iter().map(ToString::to_string).collect();
    assert!(shown[0].contains("units 8") && shown[0].contains("seed 7"), "{shown:?}");
    assert!(shown[0].contains("steps 500") && shown[0].ends_with("; above quantile 0.9"));
    assert_eq!(shown[1], "median_distance smooth 50; above 3");
}

#[test]
fn nightly_is_what_a_file_without_a_profile_is() {
    let named = format!("profile = \"nightly\"\n{BASE}");
    let [plain, named] = [BASE, &named].map(|text| read(text).unwrap().config_hash());
    assert_eq!(plain, named);
}

#[test]
fn every_setting_of_a_detector_changes_the_hash_and_the_training_key() {
    let of = |text: &str| {
        let plan = read(text).unwrap_or_else(|error| panic!("{error}"));
        (plan.config_hash(), plan.training_json(&plan.models[0]))
    };
    let base = of(&archive("[models.a.detector.lstm_autoencoder]"));
    for key in ["units = 8", "steps = 9", "batch_size = 8", "learning_rate = 0.02", "seed = 1"] {
        let other = of(&archive(&format!("[models.a.detector.lstm_autoencoder]\n{key}")));
        assert!(other.0 != base.0 && other.1 != base.1, "{key}");
    }
}

#[test]
fn tables_without_a_use_are_refused_with_the_mend() {
    assert_snapshot!(told_of(&archive("[split]\ntrain = 0.6\n[windows]\nlength = 30")), @r#"
    error: [split] has no use under `profile = "archive"`
      --> pipelines/p.toml:10:2
      expected  no split: each detector learns from all rows of a series and scores all of them
      found     [split]
      hint: delete [split], or write `profile = "nightly"`

    error: `windows.length` has no use under `profile = "archive"`
      --> pipelines/p.toml:13:1
      expected  each detector takes its window from the period of each series, and takes the series whole
      found     length = 30
      hint: delete `length`

    2 mistakes found
    "#);
    for table in ["scaling.standard", "calibration", "merge"] {
        let told = told_of(&archive(&format!("[{table}]")));
        assert!(told.contains("has no use under `profile = \"archive\"`"), "{told}");
    }
}

#[test]
fn a_detector_of_the_other_profile_is_told_with_the_mend() {
    let told_ewma = told_of(&archive("[models.e.detector.ewma_z]"));
    assert!(
        told_ewma.starts_with(
            "error: `ewma_z` is a detector of the profile `nightly`\n  --> pipelines/p.toml:10:11\n  \
             expected  one of ensemble, "
        ),
        "{told_ewma}"
    );
    assert!(told_ewma.contains("take one of these, or delete `profile = \"archive\"`"));
    let told_profile = told("ewma_z]\nlambda = 0.94", "matrix_profile]");
    assert!(told_profile.contains("`matrix_profile` is a detector of the profile `archive`"));
    assert!(told_profile.contains("or write `profile = \"archive\"` at the top of the file"));
    let told = told_of(&archive("[models.a.detector.lstm_autoencoder]\nlatent = 3"));
    assert!(told.contains("one of units, steps, batch_size, learning_rate, seed"), "{told}");
}

#[test]
fn an_unknown_profile_and_an_unknown_detector_are_told_with_those_that_are_known() {
    let told = told_of(&ARCHIVE.replace("archive", "archiv"));
    assert!(told.contains("did you mean \"archive\"?"), "{told}");
    let told = told_of(&archive("[models.a.detector.lstm_autoencodr]"));
    assert!(told.contains("did you mean `lstm_autoencoder`?"), "{told}");
}

#[test]
fn an_ensemble_has_the_members_that_are_named_whatever_their_order() {
    let member = |name: &str| format!("[models.e.detector.ensemble.members.{name}]\n");
    let (pca, network) = (member("window_pca"), member("lstm_autoencoder") + "seed = 7\n");
    let [plan, other] =
        [pca.clone() + &network, network.clone() + &pca].map(|text| read(&archive(&text)).unwrap());
    assert!(plan.to_string().contains("ensemble of window_pca, lstm_autoencoder; above"), "{plan}");
    assert_eq!(plan.config_hash(), other.config_hash());
    let by_default = read(&archive("[models.e.detector.ensemble]")).unwrap().to_string();
    let recipe = "ensemble of 2 × nearest_neighbour, lstm_forecaster;";
    assert!(by_default.contains(recipe), "{by_default}");

    let in_full =
        member("nearest_neighbour") + "times = 2\n" + &member("lstm_forecaster") + "times = 1\n";
    let default = read(&archive("[models.e.detector.ensemble]")).unwrap();
    assert_eq!(read(&archive(&in_full)).unwrap().config_hash(), default.config_hash());
    let told = told_of(&archive(&(member("window_pca") + "times = 0")));
    assert!(told.contains("1 to 100"), "{told}");
    let told = told_of(&archive("[models.a.detector.window_pca]\ntimes = 2"));
    assert!(told.contains("unknown key `times`"), "{told}");

    let told = told_of(&archive("[models.e.detector.ensemble.members]"));
    assert!(told.contains("the ensemble has no member"), "{told}");
    let told = told_of(&archive(&(pca + &member("window_pcb"))));
    assert!(told.contains("did you mean `window_pca`?"), "{told}");
    let told = told_of(&archive(&member("ensemble")));
    assert!(told.contains("unknown key `ensemble`"), "{told}");
}
