//! Whether a day's row is the same before and after the days that follow it are known.
//!
//! What a plan does not show (a join on a shifted date, a column that is called `ts` and is not)
//! shows here: the files' queries are run once more over the history up to a few cut dates, and the
//! last rows of each must be those of the whole history. A row that looks ahead differs on the last
//! day at the latest. What looks ahead on rare days only may pass.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};

use crate::error::{Error, Report, Result};
use crate::failure::from_datafusion;
use crate::features::PRICES;
use crate::fingerprint::trade_days;
use crate::relation::{PipelineSql, WindowsRelation, windows};
use crate::step;

/// Cut dates lie at so many quarters of the history.
const QUARTERS: [usize; 3] = [1, 2, 3];
/// Days before a cut, its own included, whose rows are compared: not every ticker has a row on each.
const DAYS: usize = 3;
/// Results may differ by rounding where a query adds up in another order.
const RELATIVE_TOLERANCE: f64 = 1e-9;

/// Runs `sql` over the registered `prices` up to a few cut dates and compares what it gives with
/// what `whole`, the same queries over all of them, gives.
///
/// # Errors
/// A row differs; the source cannot be read.
pub async fn replay(
    context: &SessionContext,
    sql: &PipelineSql,
    whole: &WindowsRelation,
) -> Result<()> {
    let days = trade_days(context).await?;
    let mut spans: Vec<(i32, i32)> = QUARTERS
        .into_iter()
        .filter_map(|quarter| {
            let last = (days.len() * quarter / 4).checked_sub(1)?;
            Some((days[last.saturating_sub(DAYS - 1)], days[last]))
        })
        .collect();
    spans.dedup();
    let blame = |error| from_datafusion(PRICES, error);
    let prices = context.table(PRICES).await.map_err(blame)?;
    // The whole history is read once for all cuts.
    let compared = rows(whole.frame().clone(), &spans).await?;
    let mut found = Ok(());
    for span in spans {
        let until = prices.clone().filter(ident("trade_date").lt_eq(day(span.1))).map_err(blame)?;
        step::register(context, PRICES, until)?;
        let then = windows(context, sql).await?;
        let compared = context.read_batch(compared.clone()).map_err(blame)?;
        let known = rows(compared, &[span]).await?;
        let unknown = rows(then.frame().clone(), &[span]).await?;
        found = compare(known, unknown, sql, whole);
        if found.is_err() {
            break;
        }
    }
    step::register(context, PRICES, prices)?;
    windows(context, sql).await?;
    found
}

fn day(days: i32) -> Expr {
    lit(ScalarValue::Date32(Some(days)))
}

/// The rows of `spans`, their first and last days included, as one batch.
async fn rows(relation: DataFrame, spans: &[(i32, i32)]) -> Result<RecordBatch> {
    let within = spans.iter().map(|span| ident("trade_date").between(day(span.0), day(span.1)));
    let within = within.reduce(Expr::or).unwrap_or_else(|| lit(false));
    let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false));
    let rows = async |frame: DataFrame| {
        let rows = frame.filter(within)?.sort(order.into())?;
        let schema = rows.schema().inner().clone();
        let batches = rows.collect().await?;
        let rows = datafusion::arrow::compute::concat_batches(&schema, &batches)?;
        Ok(rows)
    };
    let rows = rows(relation).await;
    rows.map_err(|error| from_datafusion("source", error))
}

/// The first cell that differs, as an error.
fn compare(
    whole: RecordBatch,
    then: RecordBatch,
    sql: &PipelineSql,
    relation: &WindowsRelation,
) -> Result<()> {
    if whole.num_rows() != then.num_rows() {
        let report = report(&sql.features.name, "a row")
            .expected("the same rows whether later prices are there or not")
            .found(format!(
                "{} rows, and {} without later prices",
                whole.num_rows(),
                then.num_rows()
            ));
        return Err(Error::config(report));
    }
    let unreadable = |error: ArrowError| from_datafusion("source", error.into());
    for (idx, field) in whole.schema_ref().fields().iter().enumerate() {
        let options = FormatOptions::default().with_null("empty");
        let [whole_cells, then_cells] = [&whole, &then].map(|rows| rows.column(idx).as_ref());
        let whole_text = ArrayFormatter::try_new(whole_cells, &options).map_err(unreadable)?;
        let then_text = ArrayFormatter::try_new(then_cells, &options).map_err(unreadable)?;
        for row in 0..whole.num_rows() {
            let cells = [&whole_text, &then_text].map(|text| text.value(row).try_to_string());
            let [known, unknown] = cells;
            let (known, unknown) = (known.map_err(unreadable)?, unknown.map_err(unreadable)?);
            if are_same(&known, &unknown) {
                continue;
            }
            let is_feature = relation.features.columns.iter().any(|feature| {
                field.name() == &feature.name || *field.name() == format!("{}_scale", feature.name)
            });
            let name = field.name().as_str();
            let file = match is_feature || name == "reference_price" {
                true => &sql.features.name,
                false => &sql.windows.name,
            };
            let of = |column: &str| cell(&whole, column, row).unwrap_or_default();
            let report = report(file, &format!("column `{name}`"))
                .expected("the same value whether later prices are there or not")
                .found(format!(
                    "{known} for {} on {}; {unknown} without the prices after that time",
                    of("ticker"),
                    of("trade_date")
                ));
            return Err(Error::config(report));
        }
    }
    Ok(())
}

fn report(file: &str, what: &str) -> Report {
    Report::new(format!("{what} sees the future"))
        .at(file)
        .hint("read earlier rows: a join must not reach a later date than the row's own")
}

fn cell(rows: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let cells: &dyn Array = rows.column_by_name(column)?.as_ref();
    let options = FormatOptions::default();
    ArrayFormatter::try_new(cells, &options).ok()?.value(row).try_to_string().ok()
}

/// Whether two cells are the same, up to rounding. Both are written with all their digits.
fn are_same(a: &str, b: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    a == b
        || number(a)
            .zip(number(b))
            .is_some_and(|(a, b)| (a - b).abs() <= RELATIVE_TOLERANCE * a.abs().max(b.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql_file::SqlFile;
    use crate::testing::{register_prices, rows as answer, session_of};

    /// What a replay over twelve days of two tickers tells of a feature.
    async fn told(expression: &str, from: &str) -> Option<Report> {
        let context = session_of(8192);
        let days = (0..12).flat_map(|day| [("A", day), ("B", day)]);
        let mut prices: Vec<_> =
            days.map(|(ticker, day)| (ticker, day, Some(f64::from(day * day + 3)))).collect();
        prices.sort_by_key(|(ticker, day, _)| (*ticker, *day));
        register_prices(&context, &prices, 5, true);
        let text = format!(
            "-- x: of the price.\n-- grain one row per (ticker, ts)\n\
             -- needs segmented_prices(ticker, ts)\n-- gives ticker Utf8\n\
             -- features x\n-- lookback 2\n-- causal yes\n\
             SELECT p.ticker, p.ts, p.trade_date, p.segment, p.is_break, {expression} AS x \
             FROM segmented_prices AS p {from} ORDER BY p.ticker, p.ts"
        );
        let sql = PipelineSql::new(SqlFile::new("mine.sql", text), 2);
        let whole = windows(&context, &sql).await.unwrap();
        let told = replay(&context, &sql, &whole).await.err();
        // The session is as it was.
        let rows = answer(&context, "SELECT ts FROM features").await;
        assert!(told.is_some() || rows.num_rows() == 24);
        assert_eq!(answer(&context, "SELECT ts FROM prices").await.num_rows(), 24);
        told.map(|error| error.reports[0].clone())
    }

    fn joined(days: i32) -> String {
        format!(
            "LEFT JOIN segmented_prices AS q ON q.ticker = p.ticker \
             AND q.trade_date = p.trade_date + INTERVAL '{days} days'"
        )
    }

    #[tokio::test]
    async fn a_join_with_a_later_date_is_found_by_what_it_gives() {
        let report = told("q.value - p.value", &joined(1)).await.unwrap();
        assert_eq!(report.title, "column `x` sees the future");
        assert_eq!(report.place.as_deref(), Some("mine.sql"));
        // Day 2, the last of the first quarter: 12 - 7.
        let found = "5.0 for A on 1970-01-03; empty without the prices after that time";
        assert_eq!(report.found.as_deref(), Some(found));
    }

    #[tokio::test]
    async fn a_join_with_an_earlier_date_is_let_through() {
        assert_eq!(told("p.value - q.value", &joined(-1)).await, None);
        assert_eq!(told("p.value", "").await, None);
    }

    #[tokio::test]
    async fn a_row_that_is_there_only_for_what_follows_is_found() {
        let from = joined(2).replace("LEFT JOIN", "JOIN");
        let report = told("p.value", &from).await.unwrap();
        assert_eq!(report.title, "a row sees the future");
        assert_eq!(report.found.as_deref(), Some("6 rows, and 2 without later prices"));
    }

    #[test]
    fn cells_are_the_same_up_to_rounding() {
        assert!(are_same("1.0", "1.0000000001") && are_same("empty", "empty"));
        assert!(!are_same("1.0", "1.00000001") && !are_same("1.0", "empty"));
    }
}
