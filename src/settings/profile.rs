//! `profile = "nightly" | "archive"`: which defaults a pipeline has, and which tables it may have.

use oddlot_engine::Report;
use serde::{Deserialize, Serialize};

use super::{fields::Fields, value::Named};

/// What a pipeline is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// New rows of prices, scored from what was known by then.
    #[default]
    Nightly,
    /// Closed history, searched in hindsight by detectors that have seen all of it.
    Archive,
}

impl Named for Profile {
    const NAMES: &'static [(&'static str, Self)] =
        &[("nightly", Self::Nightly), ("archive", Self::Archive)];
}

/// Tables that have no use under `archive`, and why.
const UNUSED: [(&str, &str); 5] = [
    ("split", "no split: each detector learns from all rows of a series and scores all of them"),
    ("scaling", "no scaling: each detector standardises each series as a whole"),
    ("calibration", "no calibration: each series sets its own threshold by its own scores"),
    ("score", "no score: each detector has its own way to its scores"),
    ("merge", "no merge: the hindsight score decides, and each detector has its own way to it"),
];

impl Profile {
    /// Refuses the tables that have no use under it.
    pub fn refuse_unused(self, file: &mut Fields<'_>) {
        if self == Self::Nightly {
            return;
        }
        for (key, expected) in UNUSED {
            let Some(entry) = file.take(key) else { continue };
            let report = Report::new(format!("[{key}] has no use under `profile = \"archive\"`"))
                .expected(expected)
                .found(file.written(&entry))
                .hint(format!("delete [{key}], or write `profile = \"nightly\"`"));
            file.mistakes().add(Some(entry.key_span.start), report);
        }
    }
}
