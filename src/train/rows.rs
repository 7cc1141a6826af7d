//! The rows that models learn from, ticker by ticker, as often as they are asked for: held in memory where
//! they are few, and read again each time where they are many, the next ones while those before are learnt from.

use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use oddlot_engine::Error;
use oddlot_engine::relation::WindowsRelation;
use oddlot_engine::ticker_rows::{Layout, TickerRows, by_ticker};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};

use crate::stopwatch::{Part, Stopwatch};

/// Tickers that are read before they are asked for.
const TICKERS_AHEAD: usize = 1;

/// Rows up to the end of calibration: nothing later may be learnt from.
#[derive(Clone)]
pub(super) enum LearningRows {
    /// In the order of tickers.
    Held(Arc<Vec<TickerRows>>),
    /// Too many to be held.
    Read(Box<Reader>, Handle),
}

/// Where they are read from.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) relation: WindowsRelation,
    pub(super) layout: Layout,
    /// The last day of calibration, counted from 1970-01-01.
    pub(super) last_day: i32,
}

impl Reader {
    pub(super) async fn stream(
        &self,
    ) -> Result<impl Stream<Item = Result<TickerRows, Error>>, Error> {
        let windows = self.relation.stream().await?;
        let last_day = self.last_day;
        let truncated = by_ticker(windows, self.layout.clone()).map_ok(move |mut rows| {
            rows.truncate_after(last_day);
            rows
        });
        Ok(truncated.try_filter(|rows| std::future::ready(!rows.is_empty())))
    }

    /// Hands the rows on, until nobody wants more of them.
    async fn send(self, watch: Arc<Stopwatch>, to: Sender<Result<TickerRows, Error>>) {
        let tickers = match self.stream().await {
            Ok(tickers) => tickers,
            Err(error) => return drop(to.send(Err(error)).await),
        };
        let mut tickers = pin!(tickers);
        let mut read = stream::poll_fn(|context| {
            watch.during(Part::Read, || tickers.as_mut().poll_next(context))
        });
        while let Some(rows) = read.next().await {
            let is_error = rows.is_err();
            if to.send(rows).await.is_err() || is_error {
                return;
            }
        }
    }
}

impl LearningRows {
    /// No rows, of models that need none.
    pub(super) fn none() -> Self {
        Self::Held(Arc::default())
    }

    /// The rows of `reader`, of which there are at most `n_rows`, in at most `most_bytes`.
    ///
    /// # Errors
    /// The source cannot be read.
    pub(super) async fn new(reader: Reader, n_rows: usize, most_bytes: u64) -> Result<Self, Error> {
        let bytes = n_rows as u64 * TickerRows::row_bytes(&reader.layout) as u64;
        if bytes > most_bytes {
            return Ok(Self::Read(Box::new(reader), Handle::current()));
        }
        let held: Vec<TickerRows> = reader.stream().await?.try_collect().await?;
        Ok(Self::Held(Arc::new(held)))
    }

    /// Calls `each` with the rows of every ticker, in their order. Not on one of tokio's threads.
    ///
    /// # Errors
    /// The source cannot be read any more, or what `each` ends with.
    pub(super) fn for_each(
        &self,
        watch: &Arc<Stopwatch>,
        mut each: impl FnMut(&TickerRows) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Held(rows) => rows.iter().try_for_each(each),
            Self::Read(reader, runtime) => {
                let (to, mut ahead) = mpsc::channel(TICKERS_AHEAD);
                let reader = Reader::clone(reader);
                let reading = runtime.spawn(reader.send(Arc::clone(watch), to));
                while let Some(rows) = ahead.blocking_recv() {
                    each(&rows?)?;
                }
                let read = runtime.block_on(reading);
                read.map_err(|_| Error::bug("reading rows to learn from panicked"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::Plan;
    use crate::prices;

    const PIPELINE: &str = r#"
[source]
path = "data/sp500/sp500.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:log_return"
[windows]
length = 5
[split]
train_to = "2001-12-31"
validation_to = "2004-12-31"
calibration_to = "2011-12-22"
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.99
[output]
root = "out"
"#;

    async fn learning_rows(most_bytes: u64) -> LearningRows {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let plan = Plan::from_text("job.toml", PIPELINE, folder, &|_| None).unwrap();
        let prices = prices::open(&plan, 1).await.unwrap();
        let reader = Reader { relation: prices.relation, layout: prices.layout, last_day: 15_330 };
        LearningRows::new(reader, 15_000, most_bytes).await.unwrap()
    }

    /// Ticker, days and values of each, as they are given.
    fn all(rows: &LearningRows) -> Vec<(String, Vec<i32>, Vec<u64>)> {
        let mut found = Vec::new();
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
        rows.for_each(&Stopwatch::start(), |rows| {
            found.push((rows.ticker.clone(), rows.days.clone(), bits(&rows.values)));
            Ok(())
        })
        .unwrap();
        found
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_that_are_read_again_are_those_that_are_held() {
        let (held, read) = (learning_rows(u64::MAX).await, learning_rows(1).await);
        assert!(matches!(held, LearningRows::Held(_)) && matches!(read, LearningRows::Read(..)));
        let (held, once, twice) =
            tokio::task::spawn_blocking(move || (all(&held), all(&read), all(&read)))
                .await
                .unwrap();
        assert_eq!(once, held);
        assert_eq!(twice, held);
        assert_eq!(held[0].1.last(), Some(&15_330), "2011-12-22 is the last day that teaches");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_ends_the_reading() {
        for most_bytes in [1, u64::MAX] {
            let rows = learning_rows(most_bytes).await;
            let ended = tokio::task::spawn_blocking(move || {
                rows.for_each(&Stopwatch::start(), |_| Err(Error::bug("enough")))
            });
            assert_eq!(ended.await.unwrap().unwrap_err().reports[0].title, "enough");
        }
    }
}
