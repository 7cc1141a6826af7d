//! Why a day was flagged, or was not.

use oddlot_engine::query::Bound;
use oddlot_engine::{Error, Report};
use oddlot_report::explain::{Contribution, EventSpan, Explanation, Market, Opinion, Step};
use oddlot_report::number::{iso_day, printable};
use oddlot_report::page::Lineage;
use serde::Deserialize;

use super::price::Seen;
use super::series::of;
use super::{Look, Subject};
use crate::split::year_of;

const EXPLAIN_ROWS: &str = include_str!("../../sql/report/explain_rows.sql");
const LIST_ROWS: &str = include_str!("../../sql/report/list_rows.sql");
const LIST_CONTRIBUTIONS: &str = include_str!("../../sql/report/list_contributions.sql");
const LIST_NEIGHBOURS: &str = include_str!("../../sql/report/list_neighbours.sql");
const RATE_USUAL: &str = include_str!("../../sql/report/rate_usual.sql");
const LIST_LINEAGE: &str = include_str!("../../sql/report/list_lineage.sql");

/// Rows of the window that are told of a model whose window is not known.
const WINDOW: u64 = 30;

#[derive(Debug, Deserialize)]
struct Said {
    model: String,
    model_id: String,
    ts: i64,
    split: String,
    rule: Option<String>,
    skip_reason: Option<String>,
    score: Option<f64>,
    threshold: Option<f64>,
    ratio: Option<f64>,
    percentile: Option<f64>,
    p_value: Option<f64>,
    severity: Option<f64>,
    window_error: Option<f64>,
    is_anomaly: bool,
    is_interim: bool,
    return_pct: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Before {
    ts: i64,
    ratio: Option<f64>,
    is_anomaly: bool,
    value: Option<f64>,
    expected: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Part {
    feature: String,
    value: Option<f64>,
    expected: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    price_expected: Option<f64>,
    share: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Neighbour {
    ticker: String,
    is_anomaly: bool,
    ratio: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Usual {
    share: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Made {
    model: String,
    model_id: String,
    detector: String,
    trained_at: i64,
    run_id: String,
    window_length: u64,
    n_parameters: u64,
    best_epoch: Option<u32>,
    validation_loss: Option<f64>,
    train_to: i32,
    validation_to: i32,
    calibration_to: i32,
    n_calibration: u64,
}

impl Look<'_> {
    /// What is known of `subject` on `day`; of several rows that day the strongest is told.
    ///
    /// # Errors
    /// `Data`: there is no row on that day; the tables cannot be read.
    pub async fn explanation(&self, subject: &Subject, day: i32) -> Result<Explanation, Error> {
        let year = Bound::Whole(year_of(day).into());
        let key = || ("pipeline", Bound::from(subject.pipeline.as_str()));
        let ticker = || ("ticker", Bound::from(subject.ticker.as_str()));
        let model = || ("model", Bound::from(subject.model.as_str()));
        let values = [key(), ticker(), ("day", Bound::Day(day)), ("year", year.clone())];
        let said: Vec<Said> = self.catalog.rows(EXPLAIN_ROWS, &values).await?;
        let own = said.iter().filter(|row| row.model == subject.model);
        let strength = |row: &&Said| (row.is_anomaly, row.ratio.unwrap_or(f64::NEG_INFINITY));
        let own = own.max_by(|a, b| {
            let ((a_flag, a), (b_flag, b)) = (strength(a), strength(b));
            a_flag.cmp(&b_flag).then(a.total_cmp(&b))
        });
        let Some(own) = own else { return Err(no_row(subject, day)) };

        let values =
            [key(), ticker(), model(), ("ts", Bound::Whole(own.ts)), ("year", year.clone())];
        let parts: Vec<Part> = self.catalog.rows(LIST_CONTRIBUTIONS, &values).await?;
        let lineage = self.lineage(&subject.pipeline).await?;
        let lineage = lineage.into_iter().find(|model| model.model_id == own.model_id);
        let n_window = lineage.as_ref().map_or(WINDOW, |model| model.window_length).clamp(1, 60);
        let values = [key(), model(), ("day", Bound::Day(day)), ("year", year.clone())];
        let neighbours: Vec<Neighbour> = self.catalog.rows(LIST_NEIGHBOURS, &values).await?;
        let usual: Vec<Usual> =
            self.catalog.rows(RATE_USUAL, &[key(), model(), ("year", year)]).await?;
        let event = self.events_of(subject, (day, day)).await?.into_iter().next();
        let event = event.filter(|event| (event.start..=event.end).contains(&own.ts));

        let part = parts.iter().find(|part| part.feature == subject.feature);
        let prices = match part {
            Some(_) => self.prices_of(subject, (day, day)).await?,
            None => None,
        };
        let priced = prices.zip(part).map(|(prices, part)| {
            let seen = Seen {
                value: part.value,
                expected: part.expected,
                lower: part.lower,
                upper: part.upper,
                price_expected: part.price_expected,
            };
            prices.of(own.ts, &seen, None)
        });
        Ok(Explanation {
            ticker: subject.ticker.clone(),
            pipeline: subject.pipeline.clone(),
            ts: own.ts,
            model: subject.model.clone(),
            split: own.split.clone(),
            is_anomaly: own.is_anomaly,
            is_interim: own.is_interim,
            rule: own.rule.clone(),
            skip_reason: own.skip_reason.clone(),
            score: own.score,
            threshold: own.threshold,
            ratio: own.ratio,
            percentile: own.percentile,
            p_value: own.p_value,
            severity: own.severity,
            window_error: own.window_error,
            price: priced.and_then(|priced| priced.price),
            price_expected: part.and_then(|part| part.price_expected),
            return_pct: own.return_pct.or(priced.and_then(|priced| priced.return_pct)),
            window: self.window(subject, day, own.ts, n_window as usize).await?,
            event: event.map(|event| EventSpan {
                from: event.start_day,
                to: event.end_day,
                peak_day: event.peak_day,
                n_points: event.n_points,
                ratio: event.ratio,
            }),
            models: said
                .iter()
                .filter(|row| row.ts == own.ts)
                .map(|row| Opinion {
                    model: row.model.clone(),
                    ratio: row.ratio,
                    is_anomaly: row.is_anomaly,
                })
                .collect(),
            market: Market {
                n_scored: neighbours.len() as u64,
                n_flagged: neighbours.iter().filter(|row| row.is_anomaly).count() as u64,
                flagged: neighbours
                    .into_iter()
                    .filter(|row| row.is_anomaly && row.ticker != subject.ticker)
                    .map(|row| (row.ticker, row.ratio))
                    .collect(),
                usual_share: usual.first().and_then(|usual| usual.share),
            },
            features: parts
                .into_iter()
                .map(|part| Contribution {
                    feature: part.feature,
                    value: part.value,
                    expected: part.expected,
                    lower: part.lower,
                    upper: part.upper,
                    share: part.share,
                })
                .collect(),
            lineage,
        })
    }

    /// The last `n` rows up to `ts`.
    async fn window(
        &self,
        subject: &Subject,
        day: i32,
        ts: i64,
        n: usize,
    ) -> Result<Vec<Step>, Error> {
        // Twice as many days, and a long holiday.
        let from = day.saturating_sub(2 * n as i32 + 14);
        let rows: Vec<Before> = self.catalog.rows(LIST_ROWS, &of(subject, (from, day))).await?;
        let rows: Vec<Before> = rows.into_iter().filter(|row| row.ts <= ts).collect();
        let skipped = rows.len().saturating_sub(n);
        let step = |row: Before| Step {
            ts: row.ts,
            value: row.value,
            expected: row.expected,
            ratio: row.ratio,
            is_anomaly: row.is_anomaly,
        };
        Ok(rows.into_iter().skip(skipped).map(step).collect())
    }

    /// The models whose rows the tables of a pipeline have.
    pub(super) async fn lineage(&self, pipeline: &str) -> Result<Vec<Lineage>, Error> {
        if !["models", "runs"].iter().all(|name| self.catalog.has(name)) {
            return Ok(Vec::new());
        }
        let made: Vec<Made> =
            self.catalog.rows(LIST_LINEAGE, &[("pipeline", Bound::from(pipeline))]).await?;
        let lineage = |made: Made| Lineage {
            model: made.model,
            model_id: made.model_id,
            detector: made.detector,
            trained_at: made.trained_at,
            run_id: made.run_id,
            window_length: made.window_length,
            n_parameters: made.n_parameters,
            best_epoch: made.best_epoch,
            validation_loss: made.validation_loss,
            spans: [made.train_to, made.validation_to, made.calibration_to],
            n_calibration: made.n_calibration,
        };
        Ok(made.into_iter().map(lineage).collect())
    }
}

fn no_row(subject: &Subject, day: i32) -> Error {
    Error::data(
        Report::new(format!("{} has no row on that day", printable(&subject.ticker)))
            .expected(format!("a session up to {}", iso_day(subject.last_day)))
            .found(iso_day(day))
            .hint("name a trading date; `oddlot chart` without `--explain` draws them"),
    )
}
