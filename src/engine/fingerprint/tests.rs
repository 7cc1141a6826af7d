use super::rows::MISSING;
use super::*;

/// One row each on 1 January of the years 1970, 1971 … (leap days do not matter here).
fn digest(values: &[f64]) -> InputDigest {
    let ts: Vec<i64> = (0..values.len() as i64).map(|year| year * 366 * DAY_US).collect();
    let mut digest = InputDigest::default();
    digest.add("A", &ts, values, 1);
    digest
}

fn up_to(last_day: i32) -> Learning {
    Learning { last_day, is_apart: true }
}

const REACH: Reach = Reach { rows_before: 2, rows_after: 1 };

#[test]
fn a_change_reaches_as_far_as_the_lookback_and_no_further() {
    let old = digest(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let new = digest(&[1.0, 2.0, 9.0, 4.0, 5.0, 6.0]);
    let changed: Vec<i32> = old
        .years()
        .into_iter()
        .filter(|&year| {
            let of = |digest: &InputDigest| digest.of_span((year, year), REACH, "", |_| true);
            of(&old) != of(&new)
        })
        .collect();
    // Row 1972 changed: 1971 looks one row ahead, 1973 and 1974 look two rows back.
    assert_eq!(changed, [1971, 1972, 1973, 1974]);
}

#[test]
fn a_day_in_march_is_nothing_to_the_year_before() {
    // 31 December 1970, 2 January, 2 February and 2 March 1971.
    let of = |march: f64| {
        let mut digest = InputDigest::default();
        digest.add("A", &[364, 366, 397, 425].map(|day| day * DAY_US), &[1.0, 1.0, 1.0, march], 1);
        [1970, 1971].map(|year| digest.of_span((year, year), REACH, "", |_| true))
    };
    let (old, new) = (of(2.0), of(3.0));
    assert_eq!(old[0], new[0]);
    assert_ne!(old[1], new[1]);
}

#[test]
fn reading_begins_with_the_month_that_makes_up_the_rows_before() {
    let mut digest = InputDigest::default();
    // Of A two rows in November and one in December 1970, of B one in 1969, of C none before 1971.
    digest.add("A", &[310, 312, 340, 366].map(|day| day * DAY_US), &[1.0; 4], 1);
    digest.add("B", &[-100, 366].map(|day| day * DAY_US), &[1.0; 2], 1);
    digest.add("C", &[400 * DAY_US], &[1.0], 1);
    digest.add("D", &[-1000 * DAY_US], &[1.0], 1);
    let of = |tickers: &'static str, rows_before| {
        digest.first_day_needed(1971, rows_before, |name| tickers.contains(name))
    };
    let (january, december, november) = (365, 334, 304);
    assert_eq!(of("A", 0), Some(january));
    assert_eq!(of("A", 1), Some(december));
    assert_eq!(
        (of("A", 2), of("A", 3), of("A", 99)),
        (Some(november), Some(november), Some(november))
    );
    // The one that needs the most decides; who has no row from then on needs none.
    assert_eq!(of("AB", 1), Some(-122), "September 1969");
    assert_eq!((of("C", 5), of("D", 5)), (Some(396), None));
}

#[test]
fn every_nan_is_the_same_missing_value_and_minus_zero_is_zero() {
    let quiet = f64::from_bits(0x7ff8_0000_0000_0001);
    assert_eq!(digest(&[f64::NAN, 0.0]), digest(&[quiet, -0.0]));
    assert_ne!(digest(&[f64::NAN]), digest(&[0.0]));
}

#[test]
fn models_and_sql_are_part_of_the_fingerprint_and_other_tickers_are_not() {
    let mut two = digest(&[1.0, 2.0]);
    let one = two.clone();
    two.add("B", &[0], &[7.0], 1);
    let of = |input: &InputDigest, context: &str| {
        input.of_span((1970, 1970), REACH, context, |ticker| ticker == "A")
    };
    assert_eq!(of(&one, "m1"), of(&two, "m1"));
    assert_ne!(of(&one, "m1"), of(&one, "m2"));
}

#[test]
fn a_span_of_years_covers_what_reaches_into_any_of_them() {
    let old = digest(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let changes_of = |year: usize| {
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        values[year - 1970] = 9.0;
        let new = digest(&values);
        let of = |digest: &InputDigest| digest.of_span((1973, 1974), REACH, "", |_| true);
        of(&old) != of(&new)
    };
    let dirty: Vec<usize> = (1970..1977).filter(|&year| changes_of(year)).collect();
    // Two rows before 1973, one after 1974.
    assert_eq!(dirty, [1971, 1972, 1973, 1974, 1975]);
}

#[test]
fn across_tickers_any_row_of_the_time_counts_even_of_one_that_has_left() {
    let with_b = |value: f64| {
        let mut input = digest(&[1.0, 2.0, 3.0, 4.0]);
        input.add("B", &[0], &[value], 1);
        input
    };
    let of = |input: &InputDigest, year| input.of_span_across((year, year), REACH, "");
    // 1972 looks back on 1970, where B had its only row; 1973 does not.
    assert_ne!(of(&with_b(7.0), 1972), of(&with_b(8.0), 1972));
    assert_eq!(of(&with_b(7.0), 1973), of(&with_b(8.0), 1973));
    let alone = |input: &InputDigest| input.of_span((1972, 1972), REACH, "", |_| true);
    assert_eq!(alone(&with_b(7.0)), alone(&with_b(8.0)));
}

#[test]
fn a_ticker_that_vanishes_or_loses_a_year_changes_the_years_that_it_had() {
    let mut both = digest(&[1.0, 2.0]);
    both.add("B", &[0], &[7.0], 1);
    let one = digest(&[1.0, 2.0]);
    let of = |input: &InputDigest, year| input.of_span((year, year), REACH, "", |_| true);
    assert_ne!(of(&both, 1970), of(&one, 1970));
    assert_eq!(of(&both, 1971), of(&one, 1971));
    let none = InputDigest::default();
    assert_ne!(of(&one, 1971), of(&none, 1971));
    // A year without a row is the same whatever the others hold.
    assert_eq!(of(&one, 1980), of(&none, 1980));
}

const THREE_ROWS: [(&str, i32, Option<f64>); 3] =
    [("A", 0, Some(1.0)), ("A", 400, None), ("B", 0, Some(3.0))];

#[tokio::test]
async fn the_digest_of_the_source_is_that_of_its_rows_however_they_are_cut_and_ordered() {
    let read = async |rows: &[(&str, i32, Option<f64>)], batch_rows, sorted| {
        let context = crate::testing::session_of(batch_rows);
        crate::testing::register_prices(&context, rows, batch_rows, sorted);
        super::digest(&context, up_to(0)).await.unwrap()
    };
    let whole = read(&THREE_ROWS, 8, true).await;
    let mut by_hand = InputDigest::default();
    by_hand.add("A", &[0, 400 * DAY_US], &[1.0, MISSING], 1);
    by_hand.add("B", &[0], &[3.0], 1);
    assert_eq!(whole.tickers, by_hand.tickers);
    assert_eq!((whole.years(), whole.n_rows(), whole.n_tickers()), (vec![1970, 1971], 3, 2));
    let backwards = [THREE_ROWS[2], THREE_ROWS[1], THREE_ROWS[0]];
    assert_eq!(read(&backwards, 1, false).await, whole);
}

#[tokio::test]
async fn null_nan_a_day_told_in_two_ways_and_one_taken_out_are_four_different_things() {
    let with = async |rows: &[(&str, i32, Option<f64>)]| {
        let context = crate::testing::session_of(8);
        crate::testing::register_prices(&context, rows, 8, true);
        crate::inspect::inspect(&context).await.unwrap();
        super::digest(&context, up_to(0)).await.unwrap().tickers
    };
    let null = with(&[("A", 0, None)]).await;
    let nan = with(&[("A", 0, Some(f64::NAN))]).await;
    let conflict = with(&[("A", 0, Some(1.0)), ("A", 0, Some(2.0))]).await;
    let other_conflict = with(&[("A", 0, Some(3.0)), ("A", 0, Some(2.0))]).await;
    assert!(null != nan && nan != conflict && conflict != null);
    let context = crate::testing::session_of(8);
    crate::testing::register_prices(&context, &[("A", 0, Some(1.0))], 8, true);
    let rows = BTreeMap::from([("A".to_owned(), vec![0])]);
    crate::source::drop_rows(&context, rows.into()).await.unwrap();
    let dropped = super::digest(&context, up_to(0)).await.unwrap().tickers;
    assert!(![null, nan, conflict.clone()].contains(&dropped), "a fourth");
    // Neither number is believed, and so neither can change a row.
    assert_eq!(conflict, other_conflict);
}

#[tokio::test]
async fn what_was_learnt_from_ends_with_the_last_day_of_calibration() {
    let learnt = async |last: Option<f64>, last_learnt_day| {
        let context = crate::testing::session_of(8);
        let rows = [THREE_ROWS[0], ("A", 400, last), THREE_ROWS[2]];
        crate::testing::register_prices(&context, &rows, 8, true);
        super::digest(&context, up_to(last_learnt_day)).await.unwrap().learnt_from
    };
    assert_eq!(learnt(Some(2.0), 399).await, learnt(Some(5.0), 399).await);
    assert_ne!(learnt(Some(2.0), 400).await, learnt(Some(5.0), 400).await);
}

#[tokio::test]
async fn tickers_are_told_apart_where_each_learns_for_itself_and_nothing_else_changes() {
    let read = async |is_apart| {
        let context = crate::testing::session_of(8);
        crate::testing::register_prices(&context, &THREE_ROWS, 8, true);
        super::digest(&context, Learning { last_day: 400, is_apart }).await.unwrap()
    };
    let (apart, together) = (read(true).await, read(false).await);
    assert_ne!(apart.learnt_by("A"), apart.learnt_by("B"));
    assert_eq!(together.learnt_by("A"), together.learnt_by("B"));
    assert_eq!(InputDigest { learnt_by: BTreeMap::new(), ..apart }, together);
}

#[test]
fn a_move_of_the_market_changes_the_spans_whose_months_it_falls_in() {
    // Rows of A on 1 January of six years; the market moves on these days and on others.
    let days = |moved: Option<i32>| -> Vec<(i32, f64)> {
        (0..6 * 366)
            .step_by(61)
            .map(|day| (day, if moved == Some(day) { 0.5 } else { 0.0 }))
            .collect()
    };
    let of = |moved| {
        let mut digest = digest(&[1.0; 6]);
        digest.add_market(&days(moved));
        (1970..1976).map(|y| digest.of_span((y, y), REACH, "", |_| true)).collect::<Vec<_>>()
    };
    let (before, after) = (of(None), of(Some(2 * 366)));
    let changed: Vec<usize> = (0..6).filter(|&year| before[year] != after[year]).collect();
    // Two rows back and one ahead reach from the year before to the second one after, as of A's own rows.
    assert_eq!(changed, [1, 2, 3, 4]);
    // In June of the last year nobody has a row, nor does a later one look back on it.
    assert_eq!(of(None), of(Some(5 * 366 + 61 * 2)));
    assert!(digest(&[1.0; 6]).of_span((1970, 1970), REACH, "", |_| true) != before[0]);
}
