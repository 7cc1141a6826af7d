//! Whether the numbers in a footer agree with each other and with the file.
//!
//! They say where to read and how much to expect. A footer that contradicts itself was forged or
//! damaged, and whatever its rows are, they are not those that were written.

use datafusion::parquet::file::metadata::ParquetMetaData;

/// What is wrong: what was expected, and what was found.
pub(super) struct Contradiction {
    pub(super) expected: String,
    pub(super) found: String,
}

/// The first contradiction of a file of `size_bytes`.
pub(super) fn contradiction(metadata: &ParquetMetaData, size_bytes: u64) -> Option<Contradiction> {
    let told = metadata.file_metadata().num_rows();
    let mut counted = 0_i64;
    for (group_idx, group) in metadata.row_groups().iter().enumerate() {
        let group_name = format!("row group {} of {}", group_idx + 1, metadata.num_row_groups());
        let n_rows = group.num_rows();
        counted = counted.saturating_add(n_rows.max(0));
        if n_rows < 0 {
            return contradicts("a number of rows", format!("{n_rows} rows in {group_name}"));
        }
        for chunk in group.columns() {
            let column = format!("column `{}`, {group_name}", chunk.column_path().string());
            let n_values = chunk.num_values();
            if chunk.column_descr().max_rep_level() == 0 && n_values != n_rows {
                let found = format!("{n_values} values in {column}");
                return contradicts(format!("a value for each of {n_rows} rows"), found);
            }
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let end = start.checked_add(chunk.compressed_size());
            let is_within = start >= 0
                && chunk.compressed_size() >= 0
                && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= size_bytes);
            if !is_within {
                let length = chunk.compressed_size();
                let found = format!("{length} bytes from byte {start} on for {column}");
                return contradicts(format!("values within the file's {size_bytes} bytes"), found);
            }
        }
    }
    (counted != told).then(|| Contradiction {
        expected: format!("{counted} rows, the sum of the row groups"),
        found: format!("{told} rows"),
    })
}

fn contradicts(expected: impl Into<String>, found: String) -> Option<Contradiction> {
    Some(Contradiction { expected: expected.into(), found })
}
