//! What will be done: settings with every path resolved, every choice made and every check passed.
//!
//! A plan is only made by [`Plan::load`] and [`Plan::from_text`], so whoever holds one need not check
//! it again. It says nothing about the data: that a column exists, or that a history is long enough,
//! is seen when the source is read.

mod bucket;
mod canonical;
mod checks;
mod location;
mod lower;
mod model;
mod places;
mod source;
mod split;
mod summary;
#[cfg(test)]
mod tests;

use std::path::Path;

use oddlot_engine::{Error, Report, places::Places, s3::Place};
use serde::Serialize;

pub use canonical::PARTS;
pub use checks::ChecksPlan;
pub use model::{BaselinePlan, DetectorPlan, ModelPlan, Network, NetworkPlan, training};
pub use source::{SourcePlan, SqlPlan, WindowsPlan, hex, unhex};
pub use split::SplitPlan;

use crate::settings::{
    Document, Slug, Variables,
    memory::MemoryLimit,
    output::Universe,
    profile::Profile,
    retrain::Retrain,
    score::Score,
    split::Scaling,
    threshold::{Calibration, Events, Merge},
};

/// What will be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it is for.
    pub profile: Profile,
    /// How much memory it may take for what grows with its input.
    pub memory_limit: MemoryLimit,
    /// The pipeline's name: its file's, without `.toml`.
    pub pipeline: Slug,
    /// The pipeline file as the user named it.
    pub file: String,
    /// What is read.
    pub source: SourcePlan,
    /// The query that turns prices into features.
    pub features: SqlPlan,
    /// How histories are cut into windows.
    pub windows: WindowsPlan,
    /// Which rows teach, stop, calibrate and test.
    pub split: SplitPlan,
    /// Whether the split moves on with the data.
    pub retrain: Retrain,
    /// How features are scaled.
    pub scaling: Scaling,
    /// At least one, in the order of the file, names distinct.
    pub models: Vec<ModelPlan>,
    /// Where thresholds are calibrated.
    pub calibration: Calibration,
    /// What errors are turned into before a threshold sees them.
    pub score: Score,
    /// How the hindsight score is made, and whether it decides.
    pub merge: Merge,
    /// How flags become events.
    pub events: Events,
    /// Which tickers count.
    pub universe: Universe,
    /// Which rows of the source are failures.
    pub checks: ChecksPlan,
    /// Where the tables go.
    pub output: OutputPlan,
    /// Where the file says what; it decides nothing, and no hash knows of it.
    pub places: Places,
    /// What is odd but possible.
    pub warnings: Vec<Report>,
}

/// Where the tables go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputPlan {
    /// An absolute path or a URL, and how its bucket is reached.
    #[serde(skip)]
    pub root: Place,
    /// Files that a table's year is split into.
    pub parts: usize,
}

impl Plan {
    /// Reads a pipeline file.
    ///
    /// # Errors
    /// Every mistake of the file at once, in its order.
    pub fn load(path: &Path, variables: Variables<'_>) -> Result<Self, Error> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            Error::config(
                Report::new("the pipeline file is not UTF-8 text")
                    .at(Document::new(&name, good).place(valid))
                    .expected("UTF-8")
                    .found("bytes that are no character")
                    .hint("save it as UTF-8 in your editor"),
            )
        })?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self::from_text(&name, &text, folder.unwrap_or(Path::new(".")), variables)
    }

    /// Reads a pipeline from its text; relative paths are relative to `folder`.
    ///
    /// # Errors
    /// Every mistake of the text at once, in its order.
    pub fn from_text(
        name: &str,
        text: &str,
        folder: &Path,
        variables: Variables<'_>,
    ) -> Result<Self, Error> {
        lower::plan(&Document::new(name, text), folder, variables)
    }

    /// Whether it reproduces a published protocol, warts included.
    pub fn is_as_published(&self) -> bool {
        self.models.iter().any(|model| match &model.detector {
            DetectorPlan::Network(network) => network.as_published.is_some(),
            DetectorPlan::Baseline(_) | DetectorPlan::Archive(_) => false,
        })
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let found = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "a folder".to_owned(),
        kind => kind.to_string(),
    };
    let hint = match location::pipelines_beside(path) {
        names if names.is_empty() => "name a pipeline file, such as pipelines/sp500.toml".into(),
        names => format!("there is {}", names.join(", ")),
    };
    Error::config(
        Report::new("cannot read the pipeline file")
            .at(path.display().to_string())
            .expected("a pipeline file (TOML)")
            .found(found)
            .hint(hint),
    )
}
