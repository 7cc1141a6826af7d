//! A cell: the unit that is replaced whole.

use std::fmt;

/// The tables whose cells are deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What each model expected of each feature of each row.
    Reconstructions,
    /// Scores, thresholds and flags of every row, or why it has none.
    Errors,
    /// The flagged rows.
    Anomalies,
    /// Runs of consecutive flagged rows.
    Events,
}

impl Table {
    /// In the order in which a run writes them.
    pub const ALL: [Self; 4] = [Self::Reconstructions, Self::Errors, Self::Anomalies, Self::Events];

    /// Its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reconstructions => "reconstructions",
            Self::Errors => "errors",
            Self::Anomalies => "anomalies",
            Self::Events => "events",
        }
    }
}

/// (table, pipeline, year, part): one object with a fixed name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Which table.
    pub table: Table,
    /// Slug of the pipeline.
    pub pipeline: String,
    /// Year of the rows' `ts` (of an event: of its start).
    pub year: i32,
    /// Stable hash of the ticker modulo the pipeline's `parts`.
    pub part: u32,
}

impl Cell {
    /// Where it lies below the root.
    pub fn path(&self) -> String {
        format!("tables/{}/{}/part-{:05}.parquet", self.table.name(), self.folder(), self.part)
    }

    /// Where its ledger entry lies below the root.
    pub fn ledger_path(&self) -> String {
        format!("_state/cells/{}/{}/part-{:05}.json", self.table.name(), self.folder(), self.part)
    }

    fn folder(&self) -> String {
        format!("pipeline={}/year={:04}", self.pipeline, self.year)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// The part a ticker belongs to: FNV-1a (Fowler, Noll, Vo), which is stable across builds and machines.
pub fn part_of(ticker: &str, parts: u32) -> u32 {
    let hash = ticker.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    u32::try_from(hash % u64::from(parts.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_one_fixed_name() {
        let cell = Cell { table: Table::Errors, pipeline: "sp500".into(), year: 1950, part: 0 };
        assert_eq!(cell.path(), "tables/errors/pipeline=sp500/year=1950/part-00000.parquet");
        assert_eq!(
            cell.ledger_path(),
            "_state/cells/errors/pipeline=sp500/year=1950/part-00000.json"
        );
    }

    #[test]
    fn the_part_of_a_ticker_never_changes() {
        // FNV-1a 64 of "a" is 0xaf63dc4c8601ec8c (reference vector), modulo 7 is 2.
        assert_eq!(
            part_of("a", u32::MAX),
            u32::try_from(0xaf63_dc4c_8601_ec8c_u64 % 0xffff_ffff).unwrap()
        );
        assert_eq!(part_of("BRK/B", 1), 0);
    }
}
