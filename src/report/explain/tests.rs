use super::*;
use crate::number::DAY_US;

fn row() -> Explanation {
    let text = |text: &str| text.to_owned();
    let step = |day: i64, ratio: f64| Step {
        ts: (18_330 + day) * DAY_US,
        value: Some(-ratio),
        expected: Some(0.0),
        ratio: Some(ratio),
        is_anomaly: ratio > 1.0,
    };
    Explanation {
        ticker: text("SPX"),
        pipeline: text("sp500"),
        ts: 18_337 * DAY_US,
        model: text("forecaster"),
        split: text("test"),
        is_anomaly: true,
        rule: Some(text("model")),
        score: Some(7.0),
        threshold: Some(3.5),
        ratio: Some(2.0),
        percentile: Some(100.0),
        p_value: Some(0.000_568_5),
        severity: Some(54.09),
        price: Some(2386.13),
        price_expected: Some(2700.0),
        return_pct: Some(-11.984),
        features: vec![Contribution {
            feature: text("volatility_scaled_return"),
            value: Some(-7.0),
            expected: Some(0.0),
            lower: Some(-3.5),
            upper: Some(3.5),
            share: Some(1.0),
        }],
        window: vec![step(0, 0.3), step(3, 1.2), step(7, 2.0)],
        models: vec![
            Opinion { model: text("ewma"), ratio: Some(1.1), is_anomaly: true },
            Opinion { model: text("forecaster"), ratio: Some(2.0), is_anomaly: true },
        ],
        market: Market { n_scored: 1, n_flagged: 1, ..Market::default() },
        ..Explanation::default()
    }
}

#[test]
fn a_flagged_day_is_told_in_words_and_figures() {
    let told = text(&row());
    for line in [
        "SPX on 2020-03-16: flagged by forecaster, 2.00 times its threshold",
        "  price              2,386.13, −11.98 %",
        "  score/threshold    2.000",
        "  severity           54 of 100, by the p-value",
        "  volatility_scaled_return    −7.000         0   −3.500 … 3.500  100.00 %",
        "  2020-03-12 *    −1.200         0   −1.200  1.20 ####|#",
        "  2020-03-16 *    −2.000         0   −2.000  2.00 ####|####",
        "  ewma                   1.10  flagged",
        "  the only ticker of the pipeline on that day: nothing to compare with",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn a_calm_day_a_break_and_a_day_without_a_score_are_told_apart() {
    let calm = Explanation { is_anomaly: false, ratio: Some(0.25), ..row() };
    assert!(
        text(&calm).contains("not flagged by forecaster; its score is 25.00 % of the threshold")
    );
    let none = Explanation {
        is_anomaly: false,
        ratio: None,
        rule: None,
        skip_reason: Some("history_short".into()),
        ..row()
    };
    assert!(text(&none).contains("not scored by forecaster: history_short"));
    let broken = Explanation { ratio: None, rule: Some("break".into()), ..row() };
    assert!(text(&broken).contains("flagged by the break rule"));
    assert!(!text(&Explanation::default()).is_empty());
}

#[test]
fn a_day_is_market_wide_or_of_the_ticker_alone() {
    let market = |n_scored, n_flagged: u64, usual| Market {
        n_scored,
        n_flagged,
        flagged: (1..n_flagged).map(|idx| (format!("T{idx}"), Some(1.5))).collect(),
        usual_share: Some(usual),
    };
    assert!(market(500, 150, 0.01).words(true).starts_with("market-wide (150 of 500"));
    assert!(market(500, 1, 0.01).words(true).starts_with("idiosyncratic: no other ticker"));
    assert!(market(500, 4, 0.01).words(true).starts_with("idiosyncratic: no more tickers"));
    assert!(market(500, 30, 0.01).words(true).starts_with("more than one company"));
    assert!(market(500, 1, 0.01).words(false).starts_with("a day like others (1 of 500"));
    let told = text(&Explanation { market: market(500, 30, 0.01), ..row() });
    assert!(told.contains("also flagged: T1 (1.50), ") && told.contains(" and 17 more"), "{told}");
}
