//! How far the events of each cell reach.
//!
//! An event is filed under the year in which it starts, and every flagged row of it carries its
//! identity, which is made of the start. So the row of an event depends on later years and a flagged
//! row on earlier ones, as far as the event goes; how far that is, is known only after scoring.

use std::collections::BTreeMap;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;

use super::writer::year_of;
use super::{Cell, Table};
use crate::{Error, Result};

/// First and last year of the events in each (table, year, part).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSpans {
    spans: BTreeMap<(Table, i32, u32), (i32, i32)>,
}

impl EventSpans {
    /// Adds rows of `events`.
    ///
    /// # Errors
    /// A bug: rows of another schema.
    pub fn add(&mut self, events: &RecordBatch, part_of: impl Fn(&str) -> u32) -> Result<()> {
        let column = |name| events.column_by_name(name);
        let instants = |name| column(name)?.as_primitive_opt::<TimestampMicrosecondType>();
        let tickers = column("ticker").and_then(|column| column.as_string_opt::<i32>());
        let (Some(tickers), Some(starts), Some(ends)) =
            (tickers, instants("start_ts"), instants("end_ts"))
        else {
            return Err(Error::bug("rows of events have other columns"));
        };
        for ((ticker, start), end) in tickers.iter().zip(starts.iter()).zip(ends.iter()) {
            let (Some(ticker), Some(start), Some(end)) = (ticker, start, end) else { continue };
            self.add_event(part_of(ticker), year_of(start), year_of(end));
        }
        Ok(())
    }

    fn add_event(&mut self, part: u32, from: i32, to: i32) {
        if from == to {
            return;
        }
        let flagged = (from..=to).map(|year| (Table::Anomalies, year, part));
        for key in flagged.chain([(Table::Events, from, part)]) {
            let span = self.spans.entry(key).or_insert((from, to));
            *span = (span.0.min(from), span.1.max(to));
        }
    }

    /// First and last year of the events in `cell`; its own year where none crosses its bounds.
    pub fn of(&self, cell: &Cell) -> (i32, i32) {
        let Cell { table, year, part, .. } = cell;
        self.spans.get(&(*table, *year, *part)).copied().unwrap_or((*year, *year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_over_three_years_binds_its_flags_to_both_ends_and_itself_to_its_start() {
        let mut spans = EventSpans::default();
        spans.add_event(1, 2012, 2014);
        spans.add_event(1, 2014, 2014);
        spans.add_event(1, 2014, 2015);
        let of = |table, year, part| spans.of(&Cell { table, pipeline: "p".into(), year, part });
        assert_eq!(of(Table::Anomalies, 2013, 1), (2012, 2014));
        assert_eq!(of(Table::Anomalies, 2014, 1), (2012, 2015));
        assert_eq!(of(Table::Events, 2012, 1), (2012, 2014));
        assert_eq!(of(Table::Events, 2013, 1), (2013, 2013));
        assert_eq!(of(Table::Anomalies, 2013, 0), (2013, 2013));
        assert_eq!(of(Table::Errors, 2013, 1), (2013, 2013));
    }
}
