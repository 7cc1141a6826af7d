//! Models that are missing or do not fit: exit 5.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use super::Folder;

#[test]
fn a_model_trained_with_another_window_length() {
    let (folder, _) = trained();
    folder.change("length = 10", "length = 12");
    assert_snapshot!(folder.told(&["score", "pipelines/job.toml"]), @r"
    error: the models `ewma`, `net` were trained with another window length
      --> pipelines/job.toml:9:10
      expected  length = 10, as in training
      found     length = 12
      hint: write `length = 10` again, or train anew: `oddlot train pipelines/job.toml`

    exit 5
    ");
}

#[test]
fn a_model_that_was_never_trained() {
    let folder = Folder::with_prices();
    assert_snapshot!(folder.told(&["score", "pipelines/job.toml"]), @r"
    error: the model `ewma` was never trained
      --> pipelines/job.toml:16:9
      expected  a model under out
      found     none
      hint: train it first: `oddlot train pipelines/job.toml`

    exit 5
    ");
}

#[test]
fn a_model_trained_with_another_scaling_or_other_layers() {
    let (folder, _) = trained();
    folder.change("units = 2", "units = 3");
    assert_snapshot!(folder.told(&["score", "pipelines/job.toml"]), @r"
    error: the model `net` was trained with other layers or otherwise
      --> pipelines/job.toml:19:9
      expected  the detector and [train] settings of the training
      found     others
      hint: undo the change, or train anew: `oddlot train pipelines/job.toml`

    exit 5
    ");
    folder.change("units = 3", "units = 2");
    folder.change("[threshold.quantile]", "[scaling.none]\n[threshold.quantile]");
    assert_snapshot!(folder.told(&["score", "pipelines/job.toml"]), @r"
    error: the models `ewma`, `net` were trained with another scaling
      --> pipelines/job.toml
      expected  [scaling] as in training
      found     another
      hint: undo the change, or train anew: `oddlot train pipelines/job.toml`

    exit 5
    ");
}

/// A folder with a network and a baseline, trained, and the network's folder.
fn trained() -> (Folder, PathBuf) {
    let folder = Folder::with_prices();
    let network =
        "[models.net.detector.lstm_forecaster]\nunits = 2\n[models.net.train]\nepochs = 1\n";
    folder.change("[threshold.quantile]", &format!("{network}\n[threshold.quantile]"));
    let trained = folder.run(&["train", "pipelines/job.toml"]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let models = fs::read_dir(folder.path("out/models")).expect("models");
    let network = models
        .map(|model| model.expect("a model").path())
        .find(|model| model.join("weights.safetensors").exists());
    (folder, network.expect("a network"))
}

/// Names of models come from their content, and their weights' bits from the machine.
fn without_id(told: &str, model: &Path) -> String {
    let id = model.file_name().and_then(|id| id.to_str()).expect("an identity");
    let told: Vec<&str> = told.lines().filter(|line| !line.contains(" INFO ")).collect();
    told.join("\n").replace(id, "<id>")
}

#[test]
fn weights_that_have_changed() {
    let (folder, model) = trained();
    let path = model.join("weights.safetensors");
    let mut weights = fs::read(&path).expect("the weights");
    *weights.last_mut().expect("a byte") ^= 1;
    fs::write(path, weights).expect("the weights can be written");
    let told = folder.told(&["--quiet", "score", "pipelines/job.toml"]);
    assert_snapshot!(without_id(&told, &model), @r"
    error: a stored model cannot be used
      --> out/models/<id>
      expected  model.json and weights as `oddlot train` wrote them
      found     its weights have another checksum
      hint: train it again: `oddlot train <pipeline> --full-refresh`

    exit 5
    ");
}

#[test]
fn a_model_file_that_is_cut_off() {
    let (folder, model) = trained();
    let path = model.join("model.json");
    let whole = fs::read(&path).expect("the model");
    fs::write(path, &whole[..whole.len() / 2]).expect("the model can be cut");
    let told = folder.told(&["--quiet", "run", "pipelines/job.toml"]);
    let found = told.lines().find(|line| line.contains("found")).expect("what was found");
    assert_snapshot!(without_id(&told, &model).replace(found, "  found     …"), @r"
    error: a stored model cannot be used
      --> out/models/<id>
      expected  model.json and weights as `oddlot train` wrote them
      found     …
      hint: train it again: `oddlot train <pipeline> --full-refresh`

    exit 5
    ");
    assert!(found.contains("model.json has the identity"), "{found}");
}
