//! What makes two files the same, and what does not.

use super::*;

fn hash(text: &str) -> String {
    read(text).unwrap_or_else(|error| panic!("{error}")).config_hash()
}

#[test]
fn comments_spaces_and_the_order_of_tables_keys_and_models_do_not_matter() {
    let (head, output) = BASE.split_once("[output]").unwrap();
    let (head, models) = head.split_once("[models.ae").unwrap();
    let (ae, ewma) = models.split_once("[models.ewma").unwrap();
    let (ewma, threshold) = ewma.split_once("[threshold").unwrap();
    let text = format!(
        "# another order\n[output]{output}[models.ewma{ewma}[models.ae{ae}[threshold{threshold}{head}"
    )
    .replace("units = 16\nlatent = 4", "latent=4   # narrow\nunits   =   16")
    .replace("ticker = \"ticker\", ts = \"date\"", "ts = \"date\", ticker = 'ticker'");
    assert_ne!(text, BASE);
    assert_eq!(hash(&text), hash(BASE));
}

#[test]
fn a_default_written_out_does_not_matter() {
    let text = changed("length = 30", "length = 30\nmax_gap_days = 10\nsql = \"builtin:rolling\"");
    assert_eq!(hash(&text), hash(BASE));
}

#[test]
fn where_source_queries_and_output_lie_does_not_matter() {
    let text =
        changed("prices.parquet", "s3://${BUCKET}/eod/").replace("\"out\"", "\"/elsewhere\"");
    assert_eq!(hash(&text), hash(BASE));
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let text = changed("builtin:log_return", "features.sql");
    let hashes = folders.map(|folder| {
        std::fs::write(folder.path().join("features.sql"), "SELECT 1").unwrap();
        Plan::from_text("p.toml", &text, folder.path(), &shell).unwrap().config_hash()
    });
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn every_value_matters() {
    let changes = [
        ("value = \"close\"", "value = \"open\""),
        ("builtin:log_return", "builtin:close"),
        ("length = 30", "length = 31"),
        ("length = 30", "length = 30\nmax_gap_days = 11"),
        ("length = 30", "length = 30\nbreak_log_return = false"),
        ("2001-12-31", "2001-12-30"),
        ("units = 16", "units = 17"),
        ("latent = 4", "latent = 5"),
        ("latent = 4", ""),
        ("lambda = 0.94", "lambda = 0.95"),
        ("q = 0.995", "q = 0.99"),
        ("[threshold.quantile]\nq = 0.995", "[threshold.fixed]\nvalue = 0.995"),
        ("[output]", "[scaling.none]\n[output]"),
        ("[output]", "[merge]\ndecides = true\n[output]"),
        ("[output]", "[calibration]\nmin_rows = 100\n[output]"),
        ("[output]", "[calibration]\np_values = \"tail\"\n[output]"),
        ("[output]", "[score]\nnorm = \"l1\"\n[output]"),
        ("[output]", "[score.smoothing.mean]\nrows = 3\n[output]"),
        ("[output]", "[score.smoothing.ewma]\nrows = 3\nlambda = 0.5\n[output]"),
        ("[output]", "[merge.smoothing.mean]\nrows = 3\n[output]"),
        ("[threshold.quantile]\nq = 0.995", "[threshold.conformal]\nalpha = 0.005"),
        ("[threshold.quantile]\nq = 0.995", "[threshold.dynamic]"),
        ("[output]", "[events]\nmax_gap_rows = 1\n[output]"),
        ("[output]", "[universe]\nmin_rows = 100\n[output]"),
        ("[output]", "[universe]\nmin_price = 1.0\n[output]"),
        ("[output]", "[universe]\nlast_seen = 30\n[output]"),
        ("[output]", "[models.ae.train]\nseed = 43\n[output]"),
        ("root = \"out\"", "root = \"out\"\nparts = 2"),
        ("models.ae.", "models.autoencoder."),
    ];
    let mut hashes = vec![hash(BASE)];
    hashes.extend(changes.iter().map(|(from, to)| hash(&changed(from, to))));
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn a_query_counts_by_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("features.sql");
    let text = changed("builtin:log_return", "features.sql");
    let hashes = ["SELECT 1", "SELECT 2"].map(|query| {
        std::fs::write(&file, query).unwrap();
        Plan::from_text("p.toml", &text, folder.path(), &shell).unwrap().config_hash()
    });
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn a_threshold_changes_the_judging_and_not_the_training() {
    let (before, after) = (read(BASE).unwrap(), plan("q = 0.995", "q = 0.99"));
    let (old, new) = (&before.models[0], &after.models[0]);
    assert_eq!(before.training_json(old), after.training_json(new));
    assert_ne!(before.judging_json(old), after.judging_json(new));
    let longer = plan("length = 30", "length = 31");
    assert_ne!(before.training_json(old), longer.training_json(&longer.models[0]));
}

#[test]
fn the_canonical_text_is_plain_json_with_sorted_keys() {
    let plan = read(BASE).unwrap();
    assert_snapshot!(plan.training_json(&plan.models[1]), @r#"{"detector":{"baseline":{"ewma_z":{"lambda":0.94,"min_rows":20,"rows":250}}},"features":"builtin:log_return","min_rows":null,"scaling":{"standard":{"scope":"pooled"}},"source":{"columns":{"further":[],"ticker":"ticker","ts":"date","value":"close"},"ticker":null},"split":{"dates":{"calibration_to":"2011-12-22","train_to":"2001-12-31","validation_to":"2004-12-31"}},"windows":{"break_log_return":0.5,"length":30,"max_gap_days":10,"sql":"builtin:rolling"}}"#);
}
