//! What the user wrote: a pipeline file, table by table, every value with its place.
//!
//! A table that is absent or has a mistake is `None`, the mistake is told to [`Mistakes`], and reading
//! goes on, so that all mistakes come out at once. [`crate::plan`] turns settings into a plan.

pub mod archive;
mod as_published;
pub mod checks;
pub mod clock;
mod document;
mod duration;
mod expand;
mod fields;
pub mod memory;
pub mod models;
pub mod output;
pub mod profile;
pub mod range;
pub mod retrain;
pub mod s3;
pub mod schema;
pub mod scope;
pub mod score;
mod sketch;
mod slug;
pub mod source;
pub mod split;
mod suggest;
pub mod threshold;
pub mod tolerance;
pub mod train;
mod tree;
pub mod value;

pub use as_published::AsPublished;
pub use document::{Document, Mistakes};
pub use expand::Variables;
pub use slug::Slug;
pub use suggest::{hint_of, nearest, nearest_in_small};

use fields::Fields;
use memory::MemoryLimit;
use profile::Profile;

/// A pipeline file.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `profile`
    pub profile: Profile,
    /// `memory_limit`
    pub memory_limit: MemoryLimit,
    /// `retrain`
    pub retrain: value::Placed<retrain::Retrain>,
    /// `[source]`
    pub source: Option<source::Source>,
    /// `[features]`
    pub features: Option<source::Features>,
    /// `[windows]`
    pub windows: Option<source::Windows>,
    /// `[windows]` of an archive.
    pub archive_windows: source::ArchiveWindows,
    /// `[split]`
    pub split: Option<split::Split>,
    /// `[scaling.…]`
    pub scaling: split::Scaling,
    /// `[models.…]`, in the order of the file.
    pub models: Vec<models::Model>,
    /// `[threshold.…]` of every model without one of its own.
    pub threshold: Option<threshold::Threshold>,
    /// Whether there is a `[threshold]`, readable or not.
    pub has_threshold: bool,
    /// `[calibration]`
    pub calibration: threshold::Calibration,
    /// `[score]`
    pub score: score::Score,
    /// `[merge]`
    pub merge: threshold::Merge,
    /// `[events]`
    pub events: threshold::Events,
    /// `[universe]`
    pub universe: output::Universe,
    /// `[checks]`
    pub checks: Option<checks::Checks>,
    /// `[output]`
    pub output: Option<output::Output>,
    /// `[as_published]`
    pub as_published: Option<AsPublished>,
}

impl Settings {
    /// Reads a pipeline file's text; `None` where it is not TOML at all.
    pub fn read(mistakes: &Mistakes<'_>, variables: Variables<'_>) -> Option<Self> {
        let mut entries = tree::parse(mistakes.document(), mistakes)?;
        expand::expand_all(&mut entries, variables, mistakes);
        Some(Self::read_tables(Fields::root(entries, mistakes)))
    }

    fn read_tables(mut file: Fields<'_>) -> Self {
        use self::{output, score, source, split, threshold};
        let profile = file.or("profile", Profile::default()).value;
        profile.refuse_unused(&mut file);
        let memory_limit = file.or("memory_limit", MemoryLimit::default()).value;
        let retrain = file.or("retrain", retrain::Retrain::default());
        let source = file
            .table("source", "[source] with `path` and `columns`")
            .and_then(source::Source::read);
        let is_published = file.has("as_published");
        let is_archive = profile == Profile::Archive;
        let features = match is_archive && !file.has("features") {
            true => None,
            false => file.table("features", "[features] with `sql = \"builtin:log_return\"`"),
        };
        let features = features.and_then(source::Features::read);
        let (mut windows, mut archive_windows, mut split) = (None, None, None);
        if is_archive {
            archive_windows = file.optional_table("windows").map(source::ArchiveWindows::read);
        } else {
            let table = file.table("windows", "[windows] with `length = 30`");
            windows = table.and_then(|windows| source::Windows::read(windows, is_published));
            let example = "[split] with `train_to`, `validation_to` and `calibration_to`";
            split = file.table("split", example).map(split::Split::read);
        }
        let scaling = file.optional_table("scaling").and_then(split::Scaling::read);
        let models = match is_archive && !file.has("models") {
            true => models::of_archive(),
            false => file
                .table("models", "[models.autoencoder.detector.lstm_autoencoder]")
                .map(|fields| models::read(fields, profile))
                .unwrap_or_default(),
        };
        let has_threshold = file.has("threshold");
        let threshold = file.optional_table("threshold").and_then(threshold::Threshold::read);
        let calibration = file.optional_table("calibration").map(threshold::Calibration::read);
        let score = file.optional_table("score").map(score::Score::read);
        let merge = file.optional_table("merge").map(threshold::Merge::read);
        let events = file.optional_table("events").map(threshold::Events::read);
        let universe = file.optional_table("universe").map(output::Universe::read);
        let checks = file.optional_table("checks").map(checks::Checks::read);
        let output = file
            .table("output", "[output] with `root = \"../out\"`")
            .and_then(output::Output::read);
        let as_published = file.optional_table("as_published").map(AsPublished::read);
        file.finish();
        Self {
            profile,
            memory_limit,
            retrain,
            source,
            features,
            windows,
            archive_windows: archive_windows.unwrap_or_default(),
            split,
            scaling: scaling.unwrap_or_default(),
            models,
            threshold,
            has_threshold,
            calibration: calibration.unwrap_or_default(),
            score: score.unwrap_or_default(),
            merge: merge.unwrap_or_default(),
            events: events.unwrap_or_default(),
            universe: universe.unwrap_or_default(),
            checks,
            output,
            as_published,
        }
    }
}
