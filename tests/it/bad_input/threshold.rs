//! Thresholds and scores that cannot be: exit 78, or 3 where only the data says so.

use insta::assert_snapshot;

use super::Folder;

const QUANTILE: &str = "[threshold.quantile]\nq = 0.99";

fn told(threshold: &str) -> String {
    let folder = Folder::with_prices();
    folder.change(QUANTILE, threshold);
    folder.told(&["--quiet", "run", "pipelines/job.toml"])
}

#[test]
fn two_thresholds_at_once() {
    assert_snapshot!(told("[threshold.quantile]\nq = 0.99\n[threshold.conformal]\nalpha = 0.01"), @r"
    error: [threshold] names more than one choice
      --> pipelines/job.toml:19:2
      expected  one of quantile, fixed, k_sigma, mad, peaks, conformal, dynamic, budget
      found     `quantile`, `conformal`
      hint: keep one of them

    exit 78
    ");
}

#[test]
fn numbers_that_no_threshold_can_have() {
    assert_snapshot!(told("[threshold.conformal]\nalpha = 0"), @r"
    error: `threshold.conformal.alpha` is out of range
      --> pipelines/job.toml:20:9
      expected  a number with 0 < share < 1
      found     alpha = 0
      hint: for example `alpha = 0.005`

    exit 78
    ");
    assert_snapshot!(told("[threshold.budget]\nalerts = -5"), @r"
    error: `threshold.budget.alerts` is out of range
      --> pipelines/job.toml:20:10
      expected  a number with 0 < alerts < 1000
      found     alerts = -5
      hint: for example `alerts = 5`

    exit 78
    ");
    assert_snapshot!(told("[threshold.k_sigma]\nk = nan"), @r"
    error: `threshold.k_sigma.k` is out of range
      --> pipelines/job.toml:20:5
      expected  a finite number > 0
      found     k = nan
      hint: for example `k = 4.0`

    exit 78
    ");
    assert_snapshot!(told("[threshold.mad]"), @r"
    error: `threshold.mad.k` is missing
      --> pipelines/job.toml:19:12
      expected  a finite number > 0
      found     no `k` in [threshold.mad]
      hint: add `k = 6.0`

    exit 78
    ");
}

#[test]
fn a_tail_that_begins_above_its_threshold() {
    assert_snapshot!(told("[threshold.peaks]\nrate = 0.05"), @r"
    error: the tail begins above the threshold it is to give
      --> pipelines/job.toml:20:8
      expected  rate + initial < 1, where `initial` is 0.98
      found     rate = 0.05
      hint: lower `initial`, or take [threshold.quantile]: so common a score needs no tail

    exit 78
    ");
}

#[test]
fn pruning_without_hindsight() {
    assert_snapshot!(told("[threshold.dynamic]\nprune = 0.13"), @r"
    error: `prune` of [threshold.dynamic] needs hindsight
      --> pipelines/job.toml
      expected  [merge] with `decides = true`: whether a flag stands out is known days later
      found     the causal score decides
      hint: delete `prune`, or let the hindsight score decide

    exit 78
    ");
}

#[test]
fn an_alpha_that_the_calibration_span_has_too_few_days_for() {
    assert_snapshot!(told("[threshold.conformal]\nalpha = 0.0001"), @r"
    error: the threshold of `ewma` cannot be calibrated
      --> pipelines/job.toml:14:18
      expected  as many calibration scores as the smallest p-value needs
      found     122 calibration scores give no p-value below 1/123, and alpha is 0.0001: 9999 are needed; the source has rows from 2020-01-01 to 2020-06-28
      hint: raise `alpha`, or move `split.validation_to` and `split.calibration_to`

    exit 3
    ");
}

#[test]
fn scores_that_cannot_be_formed() {
    let score = "[threshold.quantile]\nq = 0.99\n[score]\nnorm = \"l3\"\n[score.smoothing.mean]\nrow = 5\n\
        [merge.smoothing.median]\nrows = 4\n[calibration]\np_values = \"tails\"";
    assert_snapshot!(told(score), @r#"
    error: `score.norm` is none of its choices
      --> pipelines/job.toml:22:8
      expected  one of "l2", "l1", "max", "mahalanobis"
      found     norm = "l3"
      hint: delete `norm` for the default, "l2"

    error: unknown key `row` in [score.smoothing.mean]
      --> pipelines/job.toml:24:1
      expected  one of rows
      found     row = 5
      hint: did you mean `rows`?

    error: a frame of 4 rows has no middle
      --> pipelines/job.toml:25:8
      expected  an odd number of rows in [merge.smoothing]: hindsight is smoothed on either side
      found     rows = 4
      hint: take 3 or 5

    error: `calibration.p_values` is none of its choices
      --> pipelines/job.toml:28:12
      expected  one of "rank", "tail"
      found     p_values = "tails"
      hint: did you mean "tail"?

    4 mistakes found
    exit 78
    "#);
}

#[test]
fn a_validation_span_that_has_no_errors_to_go_by() {
    let folder = Folder::with_prices();
    // EWMA z needs 20 returns: none of the validation days has a score.
    folder.change("train_to = \"2020-02-29\"", "train_to = \"2020-01-05\"");
    folder.change("validation_to = \"2020-03-31\"", "validation_to = \"2020-01-10\"");
    folder.change(QUANTILE, &format!("{QUANTILE}\n[score]\nnorm = \"mahalanobis\""));
    assert_snapshot!(folder.told(&["--quiet", "run", "pipelines/job.toml"]), @r"
    error: the errors of `ewma` have no mean and covariance
      --> pipelines/job.toml:13:17
      expected  scored rows in the validation span whose errors vary
      found     0 rows with an error: two are needed; the source has rows from 2020-01-01 to 2020-06-28
      hint: move `split.validation_to` later, or take another `norm` in [score]

    exit 3
    ");
}
