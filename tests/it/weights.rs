//! Weights out to Keras and PyTorch and back in: what comes in judges, and nobody trains over it.

use std::fs;

use serde_json::Value;

use crate::market::{closes, csv, revise};
use crate::workshop::{PIPELINE, Workshop, changed};

/// A workshop whose networks were trained.
fn trained() -> Workshop {
    let workshop = untrained();
    workshop.oddlot(&["train", "job.toml"]).ok();
    workshop
}

/// A workshop with prices only.
fn untrained() -> Workshop {
    Workshop::with_prices(&csv(&closes()))
}

/// `model.json` of the model that a pipeline uses as `name`.
fn artifact(workshop: &Workshop, name: &str) -> Value {
    let json = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(workshop.path(path)).unwrap()).unwrap()
    };
    let pointer = json(&format!("out/_state/models/pipeline=job/{name}.json"));
    json(&format!("out/models/{}/model.json", pointer["model_id"].as_str().unwrap()))
}

/// Exports `name` from one workshop and imports it into the other, whose file it is then.
fn carry(from: &Workshop, to: &Workshop, name: &str, layout: &str) -> Value {
    let file = to.path(&format!("{name}.safetensors"));
    let file = file.to_str().unwrap();
    from.oddlot(&["models", "export", "job.toml", name, "--layout", layout, "-o", file]).ok();
    let import = ["models", "import", "job.toml", name, file, "--layout", layout];
    to.oddlot(&import).ok().json()
}

const SCORES: &str = "SELECT ticker, ts, score, score_hindsight, threshold, is_anomaly FROM errors \
                      WHERE model IN ('autoencoder', 'forecaster') ORDER BY model, ticker, ts";

#[test]
fn weights_that_went_through_keras_and_pytorch_judge_as_before() {
    let (from, to) = (trained(), untrained());
    let said = carry(&from, &to, "autoencoder", "pytorch");
    assert_eq!(
        said["imported"]["layers"],
        serde_json::json!(["lstm_0", "dense_0", "lstm_1", "dense_1"])
    );
    carry(&from, &to, "forecaster", "keras");
    assert!(to.cells().is_empty(), "`models import` writes no data");

    // Nothing is trained: the imported models do, and their validation loss is that of the training.
    let ids = ["autoencoder", "forecaster"].map(|name| artifact(&to, name));
    to.run();
    assert_eq!(["autoencoder", "forecaster"].map(|name| artifact(&to, name)), ids);
    from.run();
    assert_eq!(to.sql(SCORES), from.sql(SCORES));
    for name in ["autoencoder", "forecaster"] {
        let [here, there] = [&to, &from].map(|workshop| artifact(workshop, name));
        let [network, origin] = [&here, &there].map(|artifact| &artifact["judge"]["network"]);
        assert_eq!(network["training"]["validation_loss"], origin["training"]["validation_loss"]);
        assert_eq!(network["training"]["epochs"], 0);
        assert_eq!(network["imported"]["file_name"], format!("{name}.safetensors"));
        for part in ["scalers", "thresholds", "features_sql", "spans", "learnt_from", "length"] {
            assert_eq!(here[part], there[part], "{name} {part}");
        }
        assert!(origin.get("imported").is_none());
    }
    let of_import = "SELECT count(*) FROM models WHERE best_epoch IS NULL AND validation_loss > 0";
    assert_eq!((to.one(of_import), from.one(of_import)), ("2".to_owned(), "0".to_owned()));
    // A rerun has nothing to do, and `score` takes the same models.
    assert_eq!(to.run()["cells_replaced"], 0);
    to.oddlot(&["score", "job.toml"]).ok();
}

#[test]
fn what_was_imported_is_exported_under_its_own_names() {
    let (from, to) = (trained(), untrained());
    let layers = "encoder,code,decoder,head";
    let export = ["models", "export", "job.toml", "autoencoder", "--layout", "pytorch"];
    from.oddlot(&[&export[..], &["--layers", layers]].concat()).ok();
    let file = from.path("autoencoder.pytorch.safetensors");
    let import = ["models", "import", "job.toml", "autoencoder", file.to_str().unwrap()];
    let said = to.oddlot(&[&import[..], &["--layout", "pytorch"]].concat()).ok();
    assert!(
        said.stdout.contains("in the network's order: encoder, code, decoder, head\n"),
        "{}",
        said.stdout
    );
    let id = said.json()["model_id"].as_str().unwrap().to_owned();
    // By its id, out of the folder; the very bytes.
    to.oddlot(&["models", "export", "out", &id, "--layout", "pytorch", "-o", "again"]).ok();
    assert!(fs::read(to.path("again")).unwrap() == fs::read(file).unwrap());
}

#[test]
fn imported_weights_are_kept_when_rows_or_thresholds_change_and_never_trained_over_unasked() {
    let (from, to) = (trained(), untrained());
    carry(&from, &to, "forecaster", "keras");
    to.run();
    let network = || artifact(&to, "forecaster")["judge"]["network"].clone();
    let weights = || network()["weights_sha256"].clone();
    let (first, scalers) = (weights(), artifact(&to, "forecaster")["scalers"].clone());
    let loss = network()["training"]["validation_loss"].clone();

    // A row of the training span: the scaler is another, the weights are the same.
    let mut prices = closes();
    revise(&mut prices, "AAA", "2011-03-09", 101, 100);
    to.prices(&csv(&prices));
    let told = to.oddlot(&["plan", "job.toml"]).ok();
    assert!(
        told.stdout.contains("forecaster       calibrate: the weights are imported"),
        "{}",
        told.stdout
    );
    let told = to.oddlot(&["train", "job.toml"]).ok();
    assert!(told.stdout.contains("calibrated forecaster"), "{}", told.stdout);
    assert!(told.stdout.contains("weights from forecaster.safetensors"), "{}", told.stdout);
    assert_eq!(weights(), first);
    assert_ne!(artifact(&to, "forecaster")["scalers"], scalers);
    assert_ne!(network()["training"]["validation_loss"], loss, "that of windows scaled anew");

    // How it would be trained does not matter, where the threshold lies is calibrated.
    to.write("job.toml", &PIPELINE.replace("epochs = 1", "epochs = 2").replace("0.995", "0.99"));
    to.run();
    assert_eq!((weights(), &network()["spec"]["training"]["epochs"]), (first, &2.into()));

    // Other layers: neither run nor score goes on, and nothing is lost.
    to.write(
        "job.toml",
        &PIPELINE.replace("lstm_forecaster]\nunits = 4", "lstm_forecaster]\nunits = 3"),
    );
    let before = artifact(&to, "forecaster");
    for command in ["run", "score"] {
        let told = to.oddlot(&[command, "job.toml"]).ends_with(5);
        let title = "error: the model `forecaster` was imported with other layers";
        assert!(told.stderr.contains(title), "{}", told.stderr);
        assert!(told.stderr.contains("`oddlot train job.toml --full-refresh`"), "{}", told.stderr);
    }
    assert_eq!(artifact(&to, "forecaster"), before);
    let told = to.oddlot(&["train", "job.toml", "--full-refresh"]).ok();
    assert!(told.stderr.contains("in place of imported weights"), "{}", told.stderr);
    assert!(artifact(&to, "forecaster")["judge"]["network"].get("imported").is_none());
}

#[test]
fn an_import_again_is_the_same_model() {
    let (from, to) = (trained(), untrained());
    let first = carry(&from, &to, "forecaster", "keras");
    let before = to.out();
    assert_eq!(carry(&from, &to, "forecaster", "keras"), first);
    assert_eq!(changed(&before, &to.out()), [""; 0]);
}

#[test]
fn several_pipelines_with_a_model_of_one_name_are_told_apart() {
    let workshop = trained();
    workshop.write("other.toml", &PIPELINE.replace("units = 4", "units = 3"));
    workshop.oddlot(&["train", "other.toml"]).ok();
    let export = |place: &str, model: &str| {
        workshop.oddlot(&["models", "export", place, model, "--layout", "keras", "-o", "w"])
    };
    let told = export("out", "forecaster").ends_with(5).stderr;
    assert!(told.contains("several pipelines have a model `forecaster`"), "{told}");
    let (_, found) = told.split_once("found     job (").unwrap();
    export("out", &found[..16]).ok();
    let by_id = fs::read(workshop.path("w")).unwrap();
    export("job.toml", "forecaster").ok();
    assert!(fs::read(workshop.path("w")).unwrap() == by_id);
    export("other.toml", "forecaster").ok();
    assert!(fs::read(workshop.path("w")).unwrap() != by_id);
}
