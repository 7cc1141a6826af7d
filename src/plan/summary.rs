//! A plan on one screen.

use std::fmt;

use oddlot_series::{Archive, Emit};

use super::{
    BaselinePlan, DetectorPlan, ModelPlan, Network, NetworkPlan, Plan, SourcePlan, SplitPlan,
    SqlPlan, WindowsPlan,
};
use crate::settings::{
    archive,
    scope::ModelScope,
    split::{Scaling, Scope},
    threshold::Threshold,
};

/// Digits of the config hash that are shown.
const HASH_SHOWN: usize = 12;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.config_hash();
        writeln!(
            f,
            "pipeline   {} ({}, config {})",
            self.pipeline,
            self.file,
            &hash[..HASH_SHOWN]
        )?;
        writeln!(f, "source     {}", self.source)?;
        writeln!(f, "features   {}", self.features)?;
        writeln!(f, "windows    {}", self.windows)?;
        writeln!(f, "split      {}", self.split)?;
        writeln!(f, "scaling    {}", scaling(self.scaling))?;
        let width = self.models.iter().map(|m| m.name.as_str().len()).max().unwrap_or(0);
        for (model_idx, model) in self.models.iter().enumerate() {
            let head = if model_idx == 0 { "models" } else { "" };
            writeln!(f, "{head:<10} {:<width$}  {model}", model.name.as_str())?;
        }
        let decides = if self.merge.decides { "the hindsight score" } else { "the causal score" };
        writeln!(f, "flags      by {decides}, calibrated {}", scope(self.calibration.scope))?;
        let parts = match self.output.parts {
            1 => String::new(),
            parts => format!(", {parts} parts a year"),
        };
        if self.is_as_published() {
            writeln!(f, "protocol   as published, warts included: not for use")?;
        }
        write!(f, "output     {}{parts}", self.output.root)
    }
}

impl fmt::Display for SourcePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = &self.columns;
        write!(f, "{} (ticker ", self.path)?;
        match (&self.ticker, &columns.ticker) {
            (Some(literal), _) => write!(f, "\"{literal}\"")?,
            (None, Some(column)) => f.write_str(column)?,
            (None, None) => f.write_str("none")?,
        }
        match &columns.ts {
            Some(ts) => write!(f, ", time {ts}")?,
            None => f.write_str(", rows numbered")?,
        }
        write!(f, ", value {}", columns.value)?;
        for (_, column) in &columns.further {
            write!(f, ", {column}")?;
        }
        f.write_str(")")?;
        match (self.from, self.to) {
            (None, None) => Ok(()),
            (Some(from), None) => write!(f, " from {from}"),
            (None, Some(to)) => write!(f, " to {to}"),
            (Some(from), Some(to)) => write!(f, " from {from} to {to}"),
        }
    }
}

impl fmt::Display for SqlPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for WindowsPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            1 => f.write_str("of each detector's own, by the period of each series")?,
            length => write!(f, "{length} rows")?,
        }
        if self.sql != SqlPlan::Builtin("rolling") {
            write!(f, ", {}", self.sql)?;
        }
        let gap = self.max_gap_days.map(|days| format!("gaps of more than {days} days"));
        let jump = self.break_log_return.map(|size| format!("log returns beyond {size}"));
        let cuts: Vec<_> = gap.into_iter().chain(jump).collect();
        match cuts.is_empty() {
            true => f.write_str(", never cut"),
            false => write!(f, ", cut at {}", cuts.join(" and ")),
        }
    }
}

impl fmt::Display for SplitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dates { train_to, validation_to, calibration_to } => write!(
                f,
                "train to {train_to}, validation to {validation_to}, \
                 calibration to {calibration_to}, then test"
            ),
            Self::Rows { train, validation } => {
                write!(f, "train {train} rows, validation {validation} rows, then test")
            }
            Self::Fractions { train, validation, calibration } => write!(
                f,
                "train {train}, validation {validation}, calibration {calibration} of the dates, \
                 then test"
            ),
            Self::Whole => f.write_str("none: all rows teach, set thresholds and are scored"),
        }
    }
}

impl fmt::Display for ModelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.detector.kind())?;
        match &self.detector {
            DetectorPlan::Network(network) => write!(f, " {network}")?,
            DetectorPlan::Baseline(BaselinePlan::Persistence) => {}
            DetectorPlan::Archive(archive) => {
                for part in settings(archive) {
                    write!(f, " {part}")?;
                }
            }
            DetectorPlan::Baseline(BaselinePlan::EwmaZ { lambda, rows, .. }) => {
                write!(f, " lambda {lambda}, {rows} rows")?;
            }
            DetectorPlan::Baseline(BaselinePlan::RobustZ { rows, .. }) => {
                write!(f, " {rows} rows")?
            }
            DetectorPlan::Baseline(BaselinePlan::MedianDistance) => {}
            DetectorPlan::Baseline(BaselinePlan::AutoRegression { order }) => {
                write!(f, " order {order}")?;
            }
            DetectorPlan::Baseline(BaselinePlan::WindowPca { rows, variance }) => {
                write!(f, " {rows} rows, variance {variance}")?;
            }
            DetectorPlan::Baseline(BaselinePlan::Polynomial { rows, degree }) => {
                write!(f, " {rows} rows, degree {degree}")?;
            }
            DetectorPlan::Baseline(BaselinePlan::KMeans { rows, clusters, .. }) => {
                write!(f, " {rows} rows, {clusters} clusters")?;
            }
            DetectorPlan::Baseline(BaselinePlan::NearestNeighbour { rows, neighbours }) => {
                write!(f, " {rows} rows, neighbour {neighbours}")?;
            }
        }
        if let ModelScope::PerTicker { min_rows } = self.scope {
            write!(f, ", one for each ticker of {} training rows or more", min_rows.get())?;
        }
        match self.threshold {
            Threshold::Quantile { q } => write!(f, "; above quantile {q}"),
            Threshold::Fixed { value } => write!(f, "; above {value}"),
            Threshold::KSigma { k } => write!(f, "; above mean + {k} standard deviations"),
            Threshold::Mad { k } => write!(f, "; above median + {k} median deviations"),
            Threshold::Peaks { rate, initial } => {
                write!(f, "; above the level that a tail from quantile {initial} exceeds at {rate}")
            }
            Threshold::Conformal { alpha } => write!(f, "; conformal p-value at most {alpha}"),
            Threshold::Dynamic { prune: None } => write!(f, "; above Hundman's epsilon"),
            Threshold::Dynamic { prune: Some(least) } => {
                write!(f, "; above Hundman's epsilon, pruned at {least}")
            }
            Threshold::Budget { alerts } => {
                write!(f, "; at most {alerts} alerts per 1,000 ticker-days")
            }
        }
    }
}

impl fmt::Display for NetworkPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.network {
            Network::LstmAutoencoder { units, latent, .. } => {
                write!(f, "{units} units, code {}", latent.unwrap_or(*units))?;
                if self.hides_newest {
                    f.write_str(", newest row hidden")?;
                }
            }
            Network::StackedAutoencoder { encoder, decoder, latent, latent_mode, .. } => {
                write!(f, "{} | ", widths(encoder))?;
                match (latent_mode, latent) {
                    (Emit::Sequence, _) => f.write_str("whole sequence")?,
                    (Emit::Last, Some(latent)) => write!(f, "code {latent}")?,
                    (Emit::Last, None) => f.write_str("last state")?,
                }
                write!(f, " | {} units", widths(decoder))?;
                if self.hides_newest {
                    f.write_str(", newest row hidden")?;
                }
            }
            Network::LstmForecaster { units, .. } => write!(f, "{units} units")?,
            Network::StackedForecaster { layers, .. } => write!(f, "{} units", widths(layers))?,
        }
        let training = &self.training;
        write!(f, ", {} epochs at most, seed {}", training.epochs, training.seed)
    }
}

/// The settings of an archive detector, in the order of its fields.
fn settings(archive: &Archive) -> Vec<String> {
    if let Archive::Ensemble(ensemble) = archive {
        let same = ensemble.members.chunk_by(|a, b| a == b);
        let members = same.map(|same| match same.len() {
            1 => archive::name(&same[0]).to_owned(),
            times => format!("{times} × {}", archive::name(&same[0])),
        });
        return vec![format!("of {}", members.collect::<Vec<_>>().join(", "))];
    }
    let Ok(serde_json::Value::Object(variant)) = serde_json::to_value(archive) else {
        return Vec::new();
    };
    let of = |value: &serde_json::Value| match value {
        serde_json::Value::Object(own) => {
            let given = own.iter().filter(|(_, value)| !value.is_null());
            given.map(|(key, value)| format!("{key} {value}")).collect()
        }
        _ => Vec::new(),
    };
    let parts: Vec<String> = variant.values().flat_map(of).collect();
    if parts.is_empty() { parts } else { vec![parts.join(", ")] }
}

fn widths(widths: &[usize]) -> String {
    let widths: Vec<_> = widths.iter().map(usize::to_string).collect();
    widths.join("-")
}

fn scaling(scaling: Scaling) -> String {
    match scaling {
        Scaling::None => "none".into(),
        Scaling::Standard { scope: of } => format!("standard, {}", scope(of)),
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Pooled => "on all tickers together",
        Scope::Ticker => "on each ticker",
    }
}
