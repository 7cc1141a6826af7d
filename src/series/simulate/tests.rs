//! Made-up prices are ordered, positive and consistent, the same from the same seed, and move as prices do.

use proptest::prelude::*;

use super::path::missing_share;
use super::*;
use crate::statistics::to_real;

fn paths(simulation: Simulation) -> Vec<Path> {
    let market = simulation.market();
    (0..simulation.tickers).map(|number| simulation.path(&market, number, true)).collect()
}

/// Log returns without the sessions of a split.
fn returns(path: &Path) -> Vec<f64> {
    let pairs = path.close.windows(2);
    pairs.map(|pair| (pair[1] / pair[0]).ln()).filter(|change| change.abs() < 0.6).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    sum / to_real(n)
}

/// Fourth moment by the square of the second: 3 of a normal sample.
fn kurtosis(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    let moment = |power| mean(values.iter().map(|value| (value - centre).powi(power)));
    moment(4) / moment(2).powi(2)
}

fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let centre = mean(values.iter().copied());
    let pairs = values.iter().zip(&values[lag..]);
    let joint = mean(pairs.map(|(a, b)| (a - centre) * (b - centre)));
    joint / mean(values.iter().map(|value| (value - centre).powi(2)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_is_sorted_positive_and_consistent(seed: u64, number in 0_usize..500, days in 1_usize..3_000) {
        let simulation = Simulation::new(500, days, seed).unwrap();
        let market = simulation.market();
        let path = simulation.path(&market, number, true);
        prop_assert!(path.days.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(path.days.iter().all(|day| market.days.binary_search(day).is_ok()));
        let bars = path.bars.as_ref().unwrap();
        for row in 0..path.days.len() {
            let [open, high, low, close] =
                [bars.open[row], bars.high[row], bars.low[row], path.close[row]];
            prop_assert!(low > 0.0 && low <= open.min(close) && open.max(close) <= high);
            prop_assert!(high.is_finite() && bars.volume[row] >= 1.0);
        }
        // Whoever wants closes only, gets these.
        let closes = simulation.path(&market, number, false);
        prop_assert_eq!(&closes.close, &path.close);
        prop_assert_eq!(closes.bars, None);
    }

    #[test]
    fn one_session_more_changes_nothing_before_it(seed: u64, number in 0_usize..500, days in 1_usize..2_000) {
        let of = |days| {
            let simulation = Simulation::new(500, days, seed).unwrap();
            simulation.path(&simulation.market(), number, true)
        };
        let (before, after) = (of(days), of(days + 1));
        let n = before.days.len();
        prop_assert!(after.days.len() <= n + 1);
        prop_assert_eq!(&after.days[..n], &before.days[..]);
        prop_assert_eq!(&after.close[..n], &before.close[..]);
        prop_assert_eq!(&after.bars.unwrap().volume[..n], &before.bars.unwrap().volume[..]);
    }
}

#[test]
fn the_first_ticker_is_there_from_the_first_session_and_seeds_differ() {
    let one = paths(Simulation::new(1, 1, 1).unwrap());
    assert_eq!((one[0].ticker.as_str(), one[0].days.as_slice()), ("T00000", &[FIRST_SESSION][..]));
    let of = |seed| paths(Simulation::new(3, 300, seed).unwrap());
    assert_eq!(of(5), of(5));
    assert!(of(5).iter().zip(of(6)).all(|(a, b)| a.close != b.close));
}

#[test]
fn what_cannot_be_made_is_refused() {
    let told = |tickers, days| Simulation::new(tickers, days, 0).unwrap_err().to_string();
    assert_eq!(told(0, 1), "tickers = 0 is out of range: expected 1 to 100000");
    assert_eq!(told(1, 25_001), "days = 25001 is out of range: expected 1 to 25000");
}

#[test]
fn as_many_gaps_listings_ends_and_splits_come_as_are_meant_to() {
    let simulation = Simulation::new(400, 5_040, 1).unwrap();
    let paths = paths(simulation);
    let rows: usize = paths.iter().map(|path| path.days.len()).sum();
    let missing: usize = paths.iter().map(|path| path.n_missing).sum();
    // 0.19 % of 1.5 million; halts of 3 to 25 come in clumps: of about 150, so that 1/√150 = 8 % is usual.
    let share = to_real(missing) / to_real(rows + missing);
    assert!((share / missing_share() - 1.0).abs() < 0.3, "{share} {}", missing_share());
    // Binomial: of 400 at 0.3, 120 ± 9.
    let late = paths.iter().filter(|path| path.is_late).count();
    assert!((93..=147).contains(&late), "{late}");
    // Of lives of 20 years, or 15 where late, at one in a hundred a year: 0.17 of 400, 68 ± 7.5.
    let ended = paths.iter().filter(|path| path.is_delisted).count();
    assert!((46..=91).contains(&ended), "{ended}");
    let last = simulation.market().days[5_039];
    assert!(
        paths.iter().filter(|path| path.is_delisted).all(|path| path.days.last() < Some(&last))
    );
    assert!(paths.iter().map(|path| path.n_splits).sum::<usize>() > 20);
}

#[test]
fn returns_have_heavy_tails_clustered_volatility_and_a_market() {
    let simulation = Simulation::new(60, 4_000, 3).unwrap();
    let market = simulation.market();
    let whole: Vec<Path> = paths(simulation).into_iter().filter(|p| p.days.len() > 1_000).collect();
    let of_each = |statistic: &dyn Fn(&[f64]) -> f64| {
        let mut each: Vec<f64> = whole.iter().map(|path| statistic(&returns(path))).collect();
        each.sort_by(f64::total_cmp);
        each
    };
    let kurtoses = of_each(&kurtosis);
    assert!(kurtoses.iter().all(|&kurtosis| kurtosis > 3.0), "{kurtoses:?}");
    for lag in [1, 20] {
        let magnitudes = of_each(&|returns| {
            let magnitudes: Vec<f64> = returns.iter().map(|change| change.abs()).collect();
            autocorrelation(&magnitudes, lag)
        });
        assert!(magnitudes[0] > 0.0, "lag {lag}: {magnitudes:?}");
    }
    // Signs are not to be foreseen: of n returns the autocorrelation deviates by 1/√n, more with heavy tails.
    let signed = of_each(&|returns| autocorrelation(returns, 1));
    let n = to_real(whole.len());
    assert!((signed.iter().sum::<f64>() / n).abs() < 0.02, "{signed:?}");
    assert!(kurtosis(&market.returns) > 3.0);
    // Every ticker moves with the market: betas are 1 ± 0.3.
    let with_market: Vec<f64> = whole.iter().map(|path| correlation(path, &market)).collect();
    assert!(with_market.iter().all(|&correlation| correlation > 0.1), "{with_market:?}");
}

/// Of a ticker's returns with those of the market, over sessions that follow each other.
fn correlation(path: &Path, market: &Market) -> f64 {
    let session = |day| market.days.binary_search(day).unwrap();
    let pairs = path.days.windows(2).zip(path.close.windows(2)).filter_map(|(days, closes)| {
        let change = (closes[1] / closes[0]).ln();
        let is_next = session(&days[1]) == session(&days[0]) + 1;
        (is_next && change.abs() < 0.6).then(|| (change, market.returns[session(&days[1])]))
    });
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let joint = mean(pairs.iter().map(|(own, all)| own * all));
    let square = |of: &dyn Fn(&(f64, f64)) -> f64| mean(pairs.iter().map(|pair| of(pair).powi(2)));
    joint / (square(&|pair| pair.0) * square(&|pair| pair.1)).sqrt()
}
