//! Removes what nothing belongs to any more.

use oddlot_engine::Error;
use oddlot_engine::tables::{Ledger, Removed};

use super::Job;
use crate::cells::Cells;
use crate::result::PartCounts;

impl Job<'_> {
    /// Removes the orphaned cells, and the counts of parts that there are no more; how many cells. An object that
    /// is not the one of its ledger entry is somebody else's, and stays. Parts that there are no more go once the
    /// rows of all shards are there, if `is_complete`.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) async fn remove_orphans(
        &self,
        cells: &Cells,
        is_complete: bool,
    ) -> Result<usize, Error> {
        let may_go = |part: u32| is_complete || part < cells.prints.parts;
        let orphans = || cells.orphans.iter().filter(|orphan| may_go(orphan.cell.part));
        let ledger = Ledger::new(self.root.clone());
        let mut n_removed = 0;
        for orphan in orphans() {
            let object = orphan.cell.path();
            match ledger.remove(&orphan.cell).await? {
                Removed::Gone => {
                    n_removed += 1;
                    tracing::info!(object, "removed: {}", orphan.why);
                }
                Removed::NotOurs => tracing::warn!(
                    object,
                    "left alone, though {}: it is not what the ledger says that a run has written",
                    orphan.why
                ),
            }
        }
        let mut parts: Vec<u32> = orphans().map(|orphan| orphan.cell.part).collect();
        parts.retain(|part| *part >= cells.prints.parts);
        parts.sort_unstable();
        parts.dedup();
        for part in parts {
            PartCounts::remove(self.root, self.plan.pipeline.as_str(), part).await?;
        }
        Ok(n_removed)
    }
}
