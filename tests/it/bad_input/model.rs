//! Models that are missing or do not fit: exit 5.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn a_model_trained_with_another_window_length() {
    let folder = Folder::with_prices();
    // A network and a baseline, trained in a moment.
    let network =
        "[models.net.detector.lstm_forecaster]\nunits = 2\n[models.net.train]\nepochs = 1\n";
    folder.change("[threshold.quantile]", &format!("{network}\n[threshold.quantile]"));
    let trained = folder.run(&["train", "pipelines/job.toml"]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
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
    let folder = Folder::with_prices();
    let network =
        "[models.net.detector.lstm_forecaster]\nunits = 2\n[models.net.train]\nepochs = 1\n";
    folder.change("[threshold.quantile]", &format!("{network}\n[threshold.quantile]"));
    let trained = folder.run(&["train", "pipelines/job.toml"]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
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
