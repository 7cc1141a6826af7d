//! By hand, against SciPy, and where there is little to compare.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

fn bins(scores: &[f64]) -> ScoreBins {
    ScoreBins::of(&Distribution::new(scores)).unwrap()
}

fn drift(bins: &ScoreBins, later: &[f64]) -> Drift {
    bins.drift(later.iter().filter_map(|&score| Some((bins.bin(score)?, 1)))).unwrap()
}

#[test]
fn a_case_worked_by_hand() {
    // 1 … 4: percentiles give the edges 1 2 3 4, so that the bins are below 1, [1, 2), [2, 3), [3, 4) and from 4 on.
    let bins = bins(&[3.0, 1.0, 4.0, 2.0]);
    assert_eq!(
        (&bins.edges[..], &bins.expected[..]),
        (&[1.0, 2.0, 3.0, 4.0][..], &[0, 1, 1, 1, 1][..])
    );
    assert_eq!([0.5, 1.0, 2.5, 9.0].map(|score| bins.bin(score)), [0, 1, 2, 4].map(Some));
    let later = drift(&bins, &[3.5, 4.0]);
    // Shares below 1 2 3 4 ∞: 0 1/4 2/4 3/4 1 against 0 0 0 1/2 1: the widest gap is a half, below 3.
    assert_eq!((later.n, later.n_calibration, later.ks, later.is_larger), (2, 4, 0.5, true));
    // e = 8/6; Q((√e + 0.12 + 0.11/√e)/2) = Q(0.684985…) = 0.73607…
    assert!((later.p_value - 0.73607).abs() < 1e-4, "{}", later.p_value);
    // Groups by what comes before: the empty bin and [1, 2) at 0, then 2.5, 5, 7.5 tenths: four of one score each.
    // p = (0.5 0.5 1.5 1.5)/4, q = 1.5/6 each: 2·(1/8 − 1/4)·ln(1/2) + 2·(3/8 − 1/4)·ln(3/2) = 0.25·ln 3.
    assert!((later.psi - 0.25 * 3.0_f64.ln()).abs() < 1e-15, "{}", later.psi);
    assert_eq!(later.verdict(), Verdict::TooFew);
}

#[derive(Deserialize)]
struct Golden {
    name: String,
    psi: f64,
    ks: f64,
    p_value: f64,
    ks_of_all: f64,
    p_value_of_scipy: f64,
    is_larger: bool,
}

/// As in `generate.py`.
fn scores(n: u64, step: u64, power: i32) -> Vec<f64> {
    let spread = |k: u64| ((k * step + step / 2) % 100_003) as f64 / 100_003.0;
    (0..n).map(|k| (1..power).fold(spread(k), |product, _| product * spread(k))).collect()
}

fn coarse(n: u64, step: u64, levels: f64) -> Vec<f64> {
    scores(n, step, 1).iter().map(|score| (score * levels).floor()).collect()
}

#[test]
fn both_measures_agree_with_scipy() {
    let golden: Vec<Golden> =
        serde_json::from_str(include_str!("../../../tests/golden/drift/golden.json")).unwrap();
    assert_eq!(golden.len(), 6);
    for case in golden {
        let name = case.name.as_str();
        let (calibration, later, verdict) = match name {
            "same" => (scores(5000, 61_803, 1), scores(400, 38_197, 1), Verdict::Steady),
            "shrunk" => (scores(5000, 61_803, 1), scores(400, 38_197, 2), Verdict::Shrunk),
            "grown" => (scores(3000, 61_803, 3), scores(400, 70_711, 2), Verdict::Grown),
            "ties" => (coarse(2000, 61_803, 7.0), coarse(300, 38_197, 6.0), Verdict::Shrunk),
            "few" => (scores(80, 61_803, 1), scores(45, 38_197, 2), Verdict::Steady),
            "thinned" => (scores(30_000, 61_803, 1), scores(20_000, 38_197, 2), Verdict::Shrunk),
            other => panic!("{other}"),
        };
        let found = drift(&bins(&calibration), &later);
        // Thinning places an order statistic of 30,000 at most four places too low.
        let (near, psi_near) = if name == "thinned" { (2e-4, 2e-3) } else { (1e-12, 1e-12) };
        assert!((found.ks - case.ks).abs() <= near, "{name}: {} {}", found.ks, case.ks);
        assert!((found.psi - case.psi).abs() <= psi_near, "{name}: {} {}", found.psi, case.psi);
        assert!((found.p_value - case.p_value).abs() <= 1e-12, "{name}: {}", found.p_value);
        // Between percentiles nothing is seen; ours is never the larger distance.
        assert!((0.0..=0.01 + near).contains(&(case.ks_of_all - found.ks + near)), "{name}");
        // The other approximation of the same probability, of a distance that is a little larger.
        assert!((case.p_value_of_scipy - found.p_value).abs() < 0.07, "{name}: {}", found.p_value);
        assert_eq!(found.verdict(), verdict, "{name}: {found:?}");
        // Where nothing has changed, either may be the larger by chance.
        assert!(name == "same" || found.is_larger == (verdict == Verdict::Grown) || name == "few");
        assert_eq!(found.is_larger, case.is_larger, "{name}");
    }
}

#[test]
fn kolmogorovs_limit_as_scipy_has_it() {
    // python3 -c "from scipy.special import kolmogorov as k; print([k(x) for x in (.1, .5, .999, 1, 1.36, 2, 5)])"
    let of = [
        (0.1, 1.0),
        (0.5, 0.9639452436648751),
        (0.999, 0.27107316411506394),
        (1.0, 0.26999967167735456),
        (1.36, 0.049485876755377876),
        (2.0, 0.0006709252557796953),
        (5.0, 3.8574996959278356e-22),
    ];
    for (x, p) in of {
        assert!((kolmogorov(x) - p).abs() <= 1e-13, "{x}: {}", kolmogorov(x));
    }
    assert_eq!((kolmogorov(0.0), kolmogorov(-1.0)), (1.0, 1.0));
}

#[test]
fn degenerate_samples() {
    assert_eq!(ScoreBins::of(&Distribution::new(&[])), None);
    assert_eq!(ScoreBins::of(&Distribution::new(&[f64::NAN])), None);
    let one = bins(&[1.0]);
    assert_eq!((one.bin(f64::NAN), one.bin(f64::INFINITY)), (None, None));
    assert_eq!(one.drift([]), None);
    // A bin that there is not, as of counts of another model, counts for nothing.
    assert_eq!(one.drift([(99, 5)]), None);
    let constant = bins(&[1.0; 500]);
    let same = drift(&constant, &[1.0; 400]);
    assert_eq!((same.ks, same.psi.abs() < 1e-3, same.verdict()), (0.0, true, Verdict::Steady));
    assert_eq!(same.p_value, 1.0);
    let below = drift(&constant, &[0.0; 400]);
    assert_eq!((below.ks, below.is_larger), (1.0, false));
}

proptest! {
    #[test]
    fn measures_stay_in_their_bounds_and_are_nothing_of_the_same_scores(
        calibration in prop::collection::vec(0.0_f64..9.0, 1..300),
        later in prop::collection::vec(-1.0_f64..10.0, 1..300),
    ) {
        let bins = bins(&calibration);
        let found = drift(&bins, &later);
        prop_assert!((0.0..=1.0).contains(&found.ks) && (0.0..=1.0).contains(&found.p_value));
        prop_assert!(found.psi >= -1e-12 && found.psi.is_finite());
        prop_assert_eq!(found.n, later.len() as u64);
        let itself = drift(&bins, &calibration);
        prop_assert!(itself.ks < 1e-12 && itself.psi < 1e-12 && itself.verdict() != Verdict::Grown);
    }

    #[test]
    fn scores_that_grow_are_never_called_smaller(
        calibration in prop::collection::vec(0.0_f64..9.0, 30..300),
        by in 0.0_f64..5.0,
    ) {
        let bins = bins(&calibration);
        let grown: Vec<f64> = calibration.iter().map(|score| score + by).collect();
        prop_assert!(drift(&bins, &grown).verdict() != Verdict::Shrunk);
    }
}
