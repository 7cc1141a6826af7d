//! Chosen tickers beside others, whose rows stay in their cells as they are.

use oddlot_engine::Error;
use oddlot_engine::tables::run_tables::TickerRow;
use oddlot_engine::tables::{Carried, Cell, CellEntry, Made, StagedCell};

use super::Job;
use crate::cells::Cells;
use crate::faults::lacking;

impl Job<'_> {
    /// The objects whose rows of other tickers stay, where only some are chosen; before anything is scored.
    pub(super) async fn carried(&self, cells: &Cells) -> Result<Option<Carried>, Error> {
        if self.selection.is_whole() {
            return Ok(None);
        }
        let stale = cells.stale.iter().map(|chosen| chosen.cell.clone());
        let metadata = |cell: &Cell| self.metadata(cell.table, cell.part);
        Carried::fetch(self.root, stale, metadata, &self.staging.path).await.map(Some)
    }

    /// A staged cell with the rows of tickers that were not chosen.
    pub(super) fn beside_others(
        &self,
        staged: StagedCell,
        carried: &Option<Carried>,
        cells: &Cells,
    ) -> Result<StagedCell, Error> {
        let Some(carried) = carried else { return Ok(staged) };
        let metadata = self.metadata(staged.cell.table, staged.cell.part);
        let made = Made { metadata: &metadata, parts: cells.prints.parts };
        carried.over(staged, &made, |ticker| self.selection.has(ticker))
    }

    /// First and last year of the events of a cell: those that are carried over reach as far as they did.
    pub(super) fn span_beside(&self, own: (i32, i32), entry: Option<&CellEntry>) -> (i32, i32) {
        match entry {
            Some(entry) if !self.selection.is_whole() => {
                (own.0.min(entry.span.0), own.1.max(entry.span.1))
            }
            _ => own,
        }
    }

    /// What was decided of each chosen ticker.
    pub(super) fn tickers(&self) -> Vec<TickerRow> {
        let chosen = self.prices.tickers.iter().filter(|row| self.selection.has(&row.ticker));
        lacking(chosen.cloned().collect(), self.models, self.plan)
    }
}
