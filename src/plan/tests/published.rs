//! `[as_published]`: what only it may do, and the pipelines that make use of it.

use oddlot_nets::n_weights;
use oddlot_series::Target;

use super::*;
use crate::lower;

const PUBLISHED: &str = "[as_published]\ntarget = \"next_everywhere\"\n";
const BY_ROWS: &str = "train_rows = 7782\n";
const BY_DATES: &str =
    "train_to = \"2001-12-31\"\nvalidation_to = \"2004-12-31\"\ncalibration_to = \"2011-12-22\"\n";

fn shipped(name: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").join(name);
    Plan::load(&path, &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_split_by_rows_is_refused_elsewhere() {
    let text = changed(BY_DATES, BY_ROWS);
    assert_snapshot!(told_of(&text), @r"
    error: a split by rows leaves nothing to calibrate on
      --> pipelines/p.toml:11:2
      expected  train_to, validation_to, calibration_to; or train, validation, calibration
      found     train_rows
      hint: split by dates; only what reproduces a published protocol, [as_published], counts rows
    ");
}

#[test]
fn a_threshold_that_is_calibrated_is_refused_beside_it() {
    let text = format!("{}{PUBLISHED}", changed(BY_DATES, BY_ROWS));
    let told = told_of(&text);
    assert!(told.contains("a published protocol has its threshold by hand"), "{told}");
    let text = text.replace("[threshold.quantile]\nq = 0.995", "[threshold.fixed]\nvalue = 0.65");
    let plan = read(&text).unwrap();
    assert!(plan.is_as_published());
    assert_eq!(plan.split, SplitPlan::Rows { train: 7782, validation: 0 });
    let told = told_of(&format!("{text}score = \"mean\"\n"));
    assert!(told.contains("\"mean_absolute\", \"mean_square\", \"sum_of_squares\""), "{told}");
}

#[test]
fn a_window_of_one_row_is_refused_elsewhere() {
    let one = changed("length = 30", "length = 1");
    assert!(told_of(&one).contains("a whole number from 2 to 4096"));
    let published = one
        .replace(BY_DATES, BY_ROWS)
        .replace("[threshold.quantile]\nq = 0.995", "[threshold.fixed]\nvalue = 0.9");
    assert!(read(&format!("{published}[as_published]\n")).is_ok());
    let told = told_of(&format!("{published}{PUBLISHED}"));
    assert!(told.contains("a window of one row has no row before the last"), "{told}");
}

#[test]
fn what_it_leaves_out_makes_no_hash_differ() {
    let plan = read(BASE).unwrap();
    let json = plan.canonical_json();
    for word in ["as_published", "reduction", "latent_mode", "\"from\""] {
        assert!(!json.contains(word), "{word} in {json}");
    }
}

#[test]
fn layers_in_a_list_are_general() {
    let stacked =
        changed("units = 16\nlatent = 4", "encoder = [128, 64]\ndecoder = [64, 128]\nlatent = 4");
    let DetectorPlan::Network(network) = &read(&stacked).unwrap().models[0].detector else {
        panic!("a network")
    };
    let Network::StackedAutoencoder { encoder, decoder, latent, .. } = &network.network else {
        panic!("{network:?}")
    };
    assert_eq!((&encoder[..], &decoder[..], *latent), (&[128, 64][..], &[64, 128][..], Some(4)));
    let both = stacked.replace("latent = 4", "units = 16");
    assert!(told_of(&both).contains("`units` stands beside `encoder` and `decoder`"));
    let one_side = stacked.replace("decoder = [64, 128]\n", "");
    assert!(told_of(&one_side).contains("layers on one side only"));
    let whole = stacked.replace("latent = 4", "latent_mode = \"sequence\"");
    let warnings = read(&whole).unwrap().warnings;
    assert!(warnings[0].title.contains("has no code"), "{warnings:?}");
    for wrong in ["[]", "[0]", "[\"a\"]", "64"] {
        assert!(read(&stacked.replace("[64, 128]", wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn days_outside_the_source_are_bounded_in_order() {
    let bounded = |from: &str, to: &str| {
        changed("[features]", &format!("from = \"{from}\"\nto = \"{to}\"\n[features]"))
    };
    let plan = read(&bounded("1986-01-02", "2018-06-29")).unwrap();
    assert!(plan.canonical_json().contains("\"from\":\"1986-01-02\""));
    let told = told_of(&bounded("2018-06-29", "1986-01-02"));
    assert!(told.contains("[source] ends before it begins"), "{told}");
}

#[test]
fn the_seeds_pipelines_have_the_published_numbers_of_weights() {
    let wanted = [
        ("seed_a_as_published.toml", 1, vec![49_985; 5]),
        ("seed_b_as_published.toml", 1, vec![198_273; 10]),
        ("seed_c_as_published.toml", 1, vec![249_473; 5]),
        ("seed_d_as_published.toml", 1, vec![183_361; 5]),
        ("seed_e_as_published.toml", 1, vec![121_301; 5]),
        ("seed_e2_as_published.toml", 2, vec![198_914; 5]),
    ];
    for (name, features, wanted) in wanted {
        let plan = shipped(name);
        assert!(plan.is_as_published(), "{name}");
        let n = |model| {
            let spec = lower::spec(model, plan.windows.length, features).unwrap();
            assert!(spec.as_published.is_some() && spec.target != Target::Forecast);
            n_weights(&spec).unwrap()
        };
        assert_eq!(plan.models.iter().map(n).collect::<Vec<_>>(), wanted, "{name}");
        assert_eq!(plan.warnings, [], "{name}");
    }
}

#[test]
fn the_corrected_forms_are_plans_without_a_warning() {
    for letter in ["a", "b", "c", "d", "e"] {
        let plan = shipped(&format!("seed_{letter}_corrected.toml"));
        assert!(!plan.is_as_published());
        assert_eq!(plan.warnings, [], "{letter}");
    }
}
