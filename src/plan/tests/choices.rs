//! What the settings come to.

use oddlot_series::{BiasConvention, Initialiser, Loss};

use super::*;
use crate::settings::{
    range::Quantile,
    split::{Scaling, Scope},
    threshold::Threshold,
};

fn network(plan: &Plan, name: &str) -> NetworkPlan {
    let found = plan.models.iter().find(|model| model.name.as_str() == name);
    match &found.expect("it is there").detector {
        DetectorPlan::Network(network) => network.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn models_keep_the_order_of_the_file() {
    let plan = plan("[models.ae.detector", "[models.zz.detector.persistence]\n[models.ae.detector");
    let names: Vec<_> = plan.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["zz", "ae", "ewma"]);
}

#[test]
fn baselines_that_learn_are_read_and_have_defaults() {
    let models = "[models.a.detector.median_distance]\n[models.b.detector.auto_regression]\n\
                  [models.c.detector.window_pca]\nvariance = 0.5\n[models.d.detector.polynomial]\n\
                  degree = 0\n[models.e.detector.k_means]\n[models.f.detector.nearest_neighbour]\n\
                  neighbours = 3\n[models.ae.detector";
    let plan = plan("[models.ae.detector", models);
    let shown: Vec<String> = plan.models[..6].iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "median_distance; above quantile 0.995",
            "auto_regression order 20; above quantile 0.995",
            "window_pca 30 rows, variance 0.5; above quantile 0.995",
            "polynomial 20 rows, degree 0; above quantile 0.995",
            "k_means 30 rows, 20 clusters; above quantile 0.995",
            "nearest_neighbour 30 rows, neighbour 3; above quantile 0.995",
        ]
    );
    for wrong in [
        "auto_regression]\norder = 0",
        "window_pca]\nrows = 1",
        "window_pca]\nvariance = 1",
        "polynomial]\ndegree = 9",
        "k_means]\nclusters = 0",
        "nearest_neighbour]\nneighbours = 1001",
        "median_distance]\nsmooth = 50",
    ] {
        let text = changed(
            "[models.ae.detector",
            &format!("[models.a.detector.{wrong}\n[models.ae.detector"),
        );
        assert!(read(&text).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let plan = read(BASE).unwrap();
    assert_eq!(plan.scaling, Scaling::Standard { scope: Scope::Pooled });
    assert_eq!((plan.windows.max_gap_days, plan.windows.break_log_return), (Some(10), Some(0.5)));
    assert_eq!(plan.windows.sql, SqlPlan::Builtin("rolling"));
    assert_eq!(plan.output.parts, 1);
    assert!(!plan.merge.decides);
    let training = network(&plan, "ae").training;
    assert_eq!((training.epochs, training.batch_size, training.seed), (30, 32, 42));
    assert_eq!((training.loss, training.patience), (Loss::Mae, Some(5)));
    assert_eq!(
        (training.clip_norm, training.shuffle, training.restore_best),
        (Some(1.0), true, true)
    );
    assert_eq!((training.adam.learning_rate, training.adam.epsilon), (1e-3, 1e-7));
}

#[test]
fn the_initialiser_brings_its_namesakes_conventions() {
    let plan = plan("lambda = 0.94", "[models.ae.train]\ninitialiser = \"pytorch\"");
    let network = network(&plan, "ae");
    assert_eq!((network.initialiser, network.bias), (Initialiser::Pytorch, BiasConvention::Double));
    assert_eq!(network.training.adam.epsilon, 1e-8);
}

#[test]
fn false_and_zero_switch_off() {
    for patience in ["false", "0"] {
        let plan = plan(
            "lambda = 0.94",
            &format!("[models.ae.train]\npatience = {patience}\nclip_norm = false"),
        );
        let training = network(&plan, "ae").training;
        assert_eq!((training.patience, training.clip_norm), (None, None));
    }
    let plan = plan("length = 30", "length = 30\nmax_gap_days = false\nbreak_log_return = false");
    assert_eq!((plan.windows.max_gap_days, plan.windows.break_log_return), (None, None));
}

#[test]
fn hubers_loss_takes_its_delta() {
    let plan = plan("lambda = 0.94", "[models.ae.train]\nloss = \"huber\"\nhuber_delta = 2");
    assert_eq!(network(&plan, "ae").training.loss, Loss::Huber { delta: 2.0 });
}

#[test]
fn a_models_own_threshold_goes_before_the_pipelines() {
    let plan = plan("lambda = 0.94", "[models.ewma.threshold.fixed]\nvalue = 4");
    let thresholds: Vec<_> = plan.models.iter().map(|model| model.threshold).collect();
    assert_eq!(thresholds[0], Threshold::Quantile { q: Quantile::literal(0.995) });
    assert!(matches!(thresholds[1], Threshold::Fixed { value } if value.get() == 4.0));
}

#[test]
fn dates_need_no_quotes() {
    let bare = plan("\"2001-12-31\"", "2001-12-31");
    assert_eq!(bare.canonical_json(), read(BASE).unwrap().canonical_json());
}

#[test]
fn one_name_for_all_rows_and_numbered_rows() {
    let text = changed("ticker = \"ticker\", ts = \"date\", ", "")
        .replace("[source]", "[source]\nticker = \"births\"")
        .replace("train_to = \"2001-12-31\"", "train = 0.5")
        .replace("validation_to = \"2004-12-31\"", "validation = 0.1")
        .replace("calibration_to = \"2011-12-22\"", "calibration = 0.2");
    let plan = read(&text).unwrap();
    assert_eq!(plan.source.ticker.as_deref(), Some("births"));
    assert_eq!((plan.source.columns.ticker, plan.source.columns.ts), (None, None));
    assert_eq!(plan.split, SplitPlan::Fractions { train: 0.5, validation: 0.1, calibration: 0.2 });
    // Without dates there are no gaps.
    assert_eq!(plan.windows.max_gap_days, None);
}

#[test]
fn further_columns_go_to_the_feature_query_under_their_names() {
    let plan = plan("value = \"close\"", "value = \"close\", volume = \"Volume (USD)\"");
    assert_eq!(plan.source.columns.further, [("volume".into(), "Volume (USD)".into())]);
}

#[test]
fn variables_are_expanded_in_the_pipeline_and_never_in_a_query() {
    let folder = tempfile::tempdir().unwrap();
    let query = "SELECT '${BUCKET}' AS ticker FROM prices";
    std::fs::write(folder.path().join("secret-bucket.sql"), query).unwrap();
    let text = changed("builtin:log_return", "${BUCKET}.sql");
    let plan = Plan::from_text("p.toml", &text, folder.path(), &shell).unwrap();
    let SqlPlan::File { path, text } = plan.features else { panic!("a file") };
    assert!(path.is_absolute() && path.ends_with("secret-bucket.sql"));
    assert_eq!(text, query);
}

#[test]
fn paths_count_from_the_pipeline_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = folder.path().join("pipelines");
    std::fs::create_dir(&pipelines).unwrap();
    let file = pipelines.join("p.toml");
    std::fs::write(&file, changed("\"out\"", "\"../out\"")).unwrap();
    let plan = Plan::load(&file, &shell).unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    assert_eq!(plan.output.root.path, root.join("out").display().to_string());
    assert_eq!(plan.source.path, root.join("pipelines/prices.parquet").display().to_string());
    assert_eq!(plan.pipeline.as_str(), "p");
}
