use proptest::prelude::*;

use super::*;
use crate::evaluate::golden;

#[test]
fn the_volumes_agree_with_tsb_ad() {
    let mut largest: f64 = 0.0;
    let cases = golden::cases();
    assert!(cases.len() > 40);
    for case in cases {
        let found = vus(&case.labels(), &case.scores, case.window).unwrap();
        largest = largest.max((found.pr - case.vus_pr).abs()).max((found.roc - case.vus_roc).abs());
        // Other orders of summation of at most 2,000 numbers below 1.
        assert!(largest < 1e-12, "{found:?} {} {}", case.vus_pr, case.vus_roc);
    }
    println!("largest difference {largest:e}");
}

#[test]
fn without_a_buffer_the_volume_is_the_area() {
    // Scores 4 3 2 1, labels 0 1 0 0. Of 250 thresholds, those at rank 0 flag row 0, at rank 1 row 1 too …
    // One event: nothing found at rank 0, all of it from rank 1 on, where precision is 1/2.
    let found = vus(&[false, true, false, false], &[4.0, 3.0, 2.0, 1.0], 0).unwrap();
    assert_eq!(found.pr, 0.5);
    // One of the three others scores higher.
    assert!((found.roc - 2.0 / 3.0).abs() < 1e-15);
}

#[test]
fn a_buffer_of_two_counts_the_neighbours_at_the_root_of_a_half() {
    // Row 2 of 5 is labelled, row 1 has the highest score. With buffer 2 the rows 1 and 3 fade to √(1 − 1/2).
    let labels = [false, false, true, false, false];
    let scores = [0.0, 9.0, 0.0, 0.0, 0.0];
    let faded = 0.5_f64.sqrt();
    // First threshold: one flag; true √½, to be found 1 + √½/2, one event found.
    let tpr = faded / (1.0 + faded / 2.0);
    // All others: five flags; true 1 + 2√½, to be found 1 + √½: recall is cut at 1.
    let pr = tpr * faded + (1.0 - tpr) * (1.0 + 2.0 * faded) / 5.0;
    // Buffers 0 and 1 do not fade: the flag at row 1 is false, all others come together.
    let without = 0.2;
    let found = vus(&labels, &scores, 2).unwrap();
    assert!((found.pr - (pr + 2.0 * without) / 3.0).abs() < 1e-15, "{found:?}");
}

#[test]
fn degenerate_rows_have_no_volume() {
    assert_eq!(vus(&[], &[], 3), None);
    assert_eq!(vus(&[false; 4], &[1.0; 4], 3), None);
    assert_eq!(vus(&[true; 4], &[1.0; 4], 3), None);
}

#[test]
fn constant_and_silent_scores_are_as_flagging_everything() {
    let labels = [false, true, false, false];
    let constant = vus(&labels, &[3.0; 4], 0).unwrap();
    assert_eq!(constant.pr, 0.25);
    assert_eq!(vus(&labels, &[f64::NAN; 4], 0), Some(constant));
    assert_eq!(vus(&labels, &[f64::INFINITY; 4], 0), Some(constant));
}

#[test]
fn a_window_longer_than_the_series_is_no_harm() {
    let found = vus(&[false, true, false], &[1.0, 2.0, 1.0], 400).unwrap();
    assert!(found.pr > 0.9 && found.pr <= 1.0, "{found:?}");
}

proptest! {
    #[test]
    fn volumes_lie_between_0_and_1_and_only_the_order_of_scores_counts(
        rows in prop::collection::vec((prop::bool::weighted(0.2), -99_i32..99), 2..120),
        window in 0_usize..40,
    ) {
        let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let cubed: Vec<f64> = scores.iter().map(|score| score.powi(3)).collect();
        let found = vus(&labels, &scores, window);
        prop_assert_eq!(found, vus(&labels, &cubed, window));
        if let Some(found) = found {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.pr), "{:?}", found);
        }
    }

    #[test]
    fn scores_that_are_the_labels_have_all_of_the_area(
        labels in prop::collection::vec(prop::bool::weighted(0.3), 2..80),
    ) {
        let scores: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        if let Some(found) = vus(&labels, &scores, 0) {
            prop_assert!((found.pr - 1.0).abs() < 1e-12 && (found.roc - 1.0).abs() < 1e-12);
        }
    }
}
