use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::physical_plan::displayable;

use super::*;
use crate::relation::{PipelineSql, windows};
use crate::sql_file::SqlFile;
use crate::testing::{Price, register_prices, session_of};

/// Tells ticker and rows, and how many tickers it was given.
#[derive(Debug, Default)]
struct Counts {
    given: AtomicUsize,
    done: AtomicUsize,
    threads: Mutex<Vec<Option<String>>>,
    told: Mutex<Vec<String>>,
}

impl Scorer for Counts {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("ticker", DataType::Utf8, false),
            Field::new("n_rows", DataType::Int64, false),
        ]))
    }

    fn score(&self, rows: &TickerRows) -> Result<RecordBatch> {
        self.given.fetch_add(1, Ordering::SeqCst);
        let thread = rayon::current_thread_index().map(|index| index.to_string());
        self.threads.lock().unwrap().push(thread);
        if rows.ticker == "REFUSED" {
            return Err(Error::bug("refused"));
        }
        // Done after the next ticker, which another thread scores.
        while rows.ticker == "SLOW"
            && rayon::current_num_threads() > 1
            && self.done.load(Ordering::SeqCst) < 1
        {
            std::thread::yield_now();
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![rows.ticker.as_str()])),
            Arc::new(Int64Array::from(vec![i64::try_from(rows.len()).unwrap()])),
        ];
        self.done.fetch_add(1, Ordering::SeqCst);
        RecordBatch::try_new(self.schema(), columns).map_err(|error| Error::bug(error.to_string()))
    }

    fn scored(&self, ticker: &str) {
        self.told.lock().unwrap().push(ticker.to_owned());
    }
}

async fn scored(
    rows: &[Price<'_>],
    batch_rows: usize,
    scorer: Arc<dyn Scorer>,
) -> Result<JudgedStream> {
    let context = session_of(batch_rows);
    register_prices(&context, rows, batch_rows, true);
    let sql = PipelineSql::new(SqlFile::builtin_features("close").unwrap(), 2);
    let relation = windows(&context, &sql).await.unwrap();
    let layout = Layout::of(&relation);
    stream(&context, &relation, layout, scorer).await
}

fn prices<'a>(tickers: &[(&'a str, i32)]) -> Vec<Price<'a>> {
    let of = |&(ticker, n): &(&'a str, i32)| (0..n).map(move |day| (ticker, day, Some(100.0)));
    tickers.iter().flat_map(of).collect()
}

#[tokio::test]
async fn each_ticker_gives_one_batch_in_order_however_the_source_is_cut() {
    let rows = prices(&[("A", 3), ("B", 1), ("C", 4), ("D", 2)]);
    for batch_rows in [1, 3, 8192] {
        let scorer = Arc::new(Counts::default());
        let batches: Vec<RecordBatch> =
            scored(&rows, batch_rows, scorer.clone()).await.unwrap().try_collect().await.unwrap();
        let told: Vec<(String, i64)> = batches
            .iter()
            .map(|batch| {
                assert_eq!(batch.num_rows(), 1);
                let n_rows = batch.column(1).as_primitive::<Int64Type>().value(0);
                (batch.column(0).as_string::<i32>().value(0).to_owned(), n_rows)
            })
            .collect();
        let expected = [("A", 3), ("B", 1), ("C", 4), ("D", 2)].map(|(t, n)| (t.to_owned(), n));
        assert_eq!(told, expected, "batches of {batch_rows}");
        assert!(scorer.threads.lock().unwrap().iter().all(Option::is_some), "not on Rayon");
    }
}

#[tokio::test]
async fn only_a_few_tickers_are_read_ahead_of_those_that_were_taken() {
    let names: Vec<String> = (0..60).map(|ticker| format!("T{ticker:02}")).collect();
    let rows = prices(&names.iter().map(|name| (name.as_str(), 3)).collect::<Vec<_>>());
    let scorer = Arc::new(Counts::default());
    let mut batches = scored(&rows, 8192, scorer.clone()).await.unwrap();
    // Those that wait, one that waits for its place among them, and those that are scored.
    let ahead = TICKERS_READY + 1 + tickers_at_once();
    for taken in 1..=60 {
        batches.try_next().await.unwrap().unwrap();
        // However often the task that reads ahead gets its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let given = scorer.given.load(Ordering::SeqCst);
        assert!((taken..=taken + ahead).contains(&given), "{given} of {taken}");
    }
    assert!(batches.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn tickers_are_told_in_their_order_though_a_later_one_is_done_first() {
    let scorer = Arc::new(Counts::default());
    let rows = prices(&[("SLOW", 3), ("T", 3), ("U", 3)]);
    let batches = scored(&rows, 8192, scorer.clone()).await.unwrap();
    assert_eq!(batches.try_collect::<Vec<_>>().await.unwrap().len(), 3);
    assert_eq!(*scorer.told.lock().unwrap(), ["SLOW", "T", "U"]);
}

#[tokio::test]
async fn what_stops_the_job_keeps_its_kind() {
    let rows = prices(&[("A", 3), ("REFUSED", 3), ("Z", 3)]);
    let mut batches = scored(&rows, 8192, Arc::new(Counts::default())).await.unwrap();
    batches.try_next().await.unwrap().unwrap();
    let error = batches.try_next().await.unwrap_err();
    assert_eq!(from_datafusion("prices", error), Error::bug("refused"));
}

#[tokio::test]
async fn nothing_sorts_coalesces_or_repartitions_between_windows_and_scores() {
    let context = session_of(8192);
    register_prices(&context, &prices(&[("A", 3)]), 8192, true);
    let sql = PipelineSql::new(SqlFile::builtin_features("close").unwrap(), 2);
    let relation = windows(&context, &sql).await.unwrap();
    let layout = Layout::of(&relation);
    let scorer = Arc::new(Counts::default());
    let exec = ScoreExec::new(relation.plan().await.unwrap(), layout, scorer);
    let plan = displayable(&exec).indent(false).to_string();
    let operators: Vec<&str> = plan
        .lines()
        .map(|line| line.trim_start().split([':', ' ']).next().unwrap())
        .take_while(|operator| *operator != "BoundedWindowAggExec")
        .collect();
    assert_eq!(operators.first(), Some(&"ScoreExec"), "{plan}");
    let above = operators.iter().position(|operator| *operator == "RollingWindowExec").unwrap();
    assert!(operators[1..above].iter().all(|operator| *operator == "ProjectionExec"), "{plan}");
    assert!(plan.starts_with("ScoreExec: length=2, features=[close]\n"), "{plan}");
}
