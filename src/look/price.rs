//! From what a model sees to prices: expectations and bounds of a feature as prices.
//!
//! The tables hold `price_expected`; bounds they hold in the feature's unit only. Where the feature is the price
//! itself nothing is to be done. Where `value × scale` is a log return from the price before, the scale follows
//! from the row's own return, and whether that is so is seen by `price_expected`.

use std::collections::BTreeMap;

/// How near a price must be to what the tables have.
const TOLERANCE: f64 = 1e-6;

/// Prices by instant, and those before.
pub struct Prices {
    by_ts: BTreeMap<i64, f64>,
}

/// A row of a feature, as the tables have it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub value: Option<f64>,
    pub expected: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub price_expected: Option<f64>,
}

/// The same as prices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Priced {
    pub price: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub return_pct: Option<f64>,
    /// What turns the feature into a log return; that of the row before where this one does not say.
    pub scale: Option<f64>,
}

impl Prices {
    /// Of instants that come twice the first counts.
    pub fn new(rows: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let mut by_ts = BTreeMap::new();
        for (ts, price) in rows {
            by_ts.entry(ts).or_insert(price);
        }
        Self { by_ts }
    }

    /// The row at `ts` as prices. A day without any change, of which none was expected, does not say what the
    /// scale is: it takes `last_scale`, that of the row before, of whose returns it shares all but one.
    pub fn of(&self, ts: i64, seen: &Seen, last_scale: Option<f64>) -> Priced {
        let price = self.by_ts.get(&ts).copied();
        let before = self.by_ts.range(..ts).next_back().map(|(_, price)| *price);
        let both = price.zip(before).filter(|(_, before)| *before != 0.0);
        let return_pct = both.map(|(price, before)| 100.0 * (price / before - 1.0));
        let bounds = |turn: &dyn Fn(f64) -> f64| {
            let turned = |bound: Option<f64>| bound.map(turn).filter(|bound| bound.is_finite());
            (turned(seen.lower), turned(seen.upper))
        };
        let scale = scale(price, before, seen).or(last_scale);
        let (lower, upper) = match (seen.expected, seen.price_expected) {
            (Some(expected), Some(of_price)) if is_near(expected, of_price) => {
                bounds(&|bound| bound)
            }
            (Some(expected), Some(of_price)) => match (before, scale) {
                (Some(before), Some(scale))
                    if is_near(before * (expected * scale).exp(), of_price) =>
                {
                    bounds(&|bound| before * (bound * scale).exp())
                }
                _ => (None, None),
            },
            _ => (None, None),
        };
        Priced { price, lower, upper, return_pct, scale }
    }
}

/// What turns the feature into a log return.
fn scale(price: Option<f64>, before: Option<f64>, seen: &Seen) -> Option<f64> {
    let over = |of: f64, value: f64| {
        let scale = (of / before?).ln() / value;
        (scale.is_finite() && scale > 0.0 && value.abs() > 1e-6).then_some(scale)
    };
    // Of the two the larger says it more exactly.
    let by_value = price.zip(seen.value).and_then(|(price, value)| over(price, value));
    let by_expected =
        seen.price_expected.zip(seen.expected).and_then(|(price, expected)| over(price, expected));
    match (seen.value, seen.expected) {
        (Some(value), Some(expected)) if expected.abs() > value.abs() => by_expected.or(by_value),
        _ => by_value.or(by_expected),
    }
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: f64, expected: f64, price_expected: f64) -> Seen {
        let (lower, upper) = (Some(expected - 3.0), Some(expected + 3.0));
        Seen {
            value: Some(value),
            expected: Some(expected),
            lower,
            upper,
            price_expected: Some(price_expected),
        }
    }

    #[test]
    fn bounds_of_a_scaled_return_become_prices_around_the_one_before() {
        // The price went from 100 to 102; one unit of the feature is a log return of .01.
        let prices = Prices::new([(1, 100.0), (2, 102.0)]);
        let value = 1.02f64.ln() / 0.01;
        let priced = prices.of(2, &seen(value, 0.5, 100.0 * 0.005f64.exp()), None);
        assert_eq!(priced.price, Some(102.0));
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
        assert!(close(priced.upper, 100.0 * 0.035f64.exp()), "{priced:?}");
        assert!(close(priced.lower, 100.0 * (-0.025f64).exp()), "{priced:?}");
        assert!(close(priced.return_pct, 2.0));
    }

    #[test]
    fn bounds_of_the_price_itself_stay_as_they_are() {
        let priced = Prices::new([(2, 50.0)]).of(2, &seen(50.0, 49.0, 49.0), None);
        assert_eq!((priced.lower, priced.upper), (Some(46.0), Some(52.0)));
        assert_eq!(priced.return_pct, None);
    }

    #[test]
    fn where_the_feature_is_no_return_of_the_price_there_are_no_bounds() {
        let prices = Prices::new([(1, 100.0), (2, 102.0)]);
        let priced = prices.of(2, &seen(7.0, 0.5, 180.0), None);
        assert_eq!((priced.price, priced.lower, priced.upper), (Some(102.0), None, None));
        let nothing =
            Seen { value: None, expected: None, lower: None, upper: None, price_expected: None };
        assert_eq!(prices.of(3, &nothing, None), Priced::default());
    }

    #[test]
    fn a_day_without_change_takes_its_scale_from_the_expectation() {
        let prices = Prices::new([(1, 100.0), (2, 100.0)]);
        let priced = prices.of(2, &seen(0.0, 0.5, 100.0 * 0.005f64.exp()), None);
        assert!((priced.upper.unwrap() - 100.0 * 0.035f64.exp()).abs() < 1e-9);
        // Neither says anything: the row before does.
        assert_eq!(prices.of(2, &seen(0.0, 0.0, 100.0), None).upper, None);
        let priced = prices.of(2, &seen(0.0, 0.0, 100.0), Some(0.01));
        assert!((priced.upper.unwrap() - 100.0 * 0.03f64.exp()).abs() < 1e-9);
        // A scale that does not lead to what the tables have is not believed.
        assert_eq!(prices.of(2, &seen(0.0, 1e-9, 107.0), Some(0.01)).upper, None);
    }
}
