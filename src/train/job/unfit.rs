//! Why a model cannot be made, for people.

use oddlot_engine::{Error, Kind, Report};
use oddlot_series::FitError;

use super::Job;

impl Job {
    /// Where the first of `keys` stands that the user wrote.
    pub(super) fn place(&self, keys: [&str; 2]) -> &str {
        let places = &self.plan.places;
        let written = keys.into_iter().find_map(|key| places.get(key));
        written.map_or(&self.plan.file, |written| &written.place)
    }

    pub(super) fn constant(&self) -> Error {
        let places = &self.plan.places;
        let hint = places.named("source.columns.value");
        Error::data(
            Report::new(format!(
                "`{}` has nothing to judge by: no value ever changes",
                self.model.name
            ))
            .at(places.place("source.path", &self.plan.file))
            .expected("a ticker whose values change up to the end of the calibration span")
            .found(format!("the same in all rows of every ticker; {}", self.extent))
            .hint(format!("name another column in {hint}, or add tickers that move")),
        )
    }

    pub(super) fn unlearnable(&self, found: &str) -> Error {
        Error::data(
            Report::new(format!("`{}` has nothing to learn from", self.model.name))
                .at(self.place(["split.train_to", "split.train"]))
                .expected("rows with a value in the training span")
                .found(format!("{found}; {}", self.extent))
                .hint("move `split.train_to` later, or add history"),
        )
    }

    pub(super) fn unfit(&self, error: &FitError) -> Error {
        let kind = match error {
            // Another ticker's may converge.
            FitError::Diverged { .. } if self.alone => Kind::Data,
            FitError::Layers { .. } | FitError::Diverged { .. } | FitError::Engine(_) => {
                Kind::Config
            }
            FitError::NoTrainingWindow => Kind::Data,
            FitError::Shape { .. } | FitError::Weights(_) => Kind::Bug,
        };
        let name = format!("models.{}", self.model.name);
        let report = Report::new(format!("`{}` cannot be trained", self.model.name))
            .at(self.place([&name, &name]))
            .found(error.to_string());
        let report = match error {
            FitError::NoTrainingWindow => report
                .at(self.place(["split.train_to", "split.train"]))
                .expected("a full window that lies wholly in the training span")
                .found(format!("none; {}", self.extent))
                .hint("move `split.train_to` later, or lower `windows.length`"),
            FitError::Diverged { .. } => report
                .expected("a loss that stays finite")
                .hint(format!("lower `learning_rate` in [{name}.train]")),
            FitError::Layers { .. } => report
                .expected("layers that fit the window")
                .hint("change `units`, `latent` or `windows.length`"),
            FitError::Engine(_) => report.hint("unset `ODDLOT_ISA`"),
            FitError::Shape { .. } | FitError::Weights(_) => report,
        };
        Error::new(kind, report)
    }
}
