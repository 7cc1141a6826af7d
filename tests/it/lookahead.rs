//! What a backtest says of a day is what the run of that evening said.

use crate::daily::causal;
use crate::market::{closes, csv, revise, until};
use crate::workshop::Workshop;

#[test]
fn the_history_up_to_a_day_says_of_it_what_the_whole_history_says() {
    let mut all = closes();
    // What comes later must not be seen: a crash, and a decimal slip.
    revise(&mut all, "AAA", "2015-06-11", 7, 10);
    revise(&mut all, "0005", "2015-06-12", 10, 1);
    let whole = Workshop::with_prices(&csv(&all));
    whole.run();
    for last in ["2014-01-01", "2014-12-31", "2015-06-10"] {
        let evening = Workshop::with_prices(&csv(&until(&all, last)));
        evening.run();
        let said = causal(&evening, last);
        assert!(said.len() > 3 * 1000 * 5 * 2, "{last}: {} rows", said.len());
        assert!(said == causal(&whole, last), "{last}");
        assert_eq!(evening.model_ids(), whole.model_ids(), "{last}");
    }
}
