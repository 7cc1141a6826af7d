//! From a plan's parts to those of the mathematics and the networks.

use std::num::NonZeroUsize;

use oddlot_engine::header::Link;
use oddlot_engine::{Error, Report};
use oddlot_nets::{
    AutoencoderConfig, Engine, Isa, StackedAutoencoderConfig, StackedForecasterConfig, autoencoder,
    stacked_autoencoder, stacked_forecaster,
};
use oddlot_series as series;
use oddlot_series::baseline::{AutoRegression, KMeans, NearestNeighbour, Polynomial, WindowPca};
use oddlot_series::{
    Activation, Baseline, ByQuantile, Emit, EwmaZ, Fixed, Lambda, Layer, Level, ModelSpec,
    PriceLink, Quantile, RobustZ, Target,
};

use crate::plan::{BaselinePlan, DetectorPlan, ModelPlan, Network, NetworkPlan, Plan};
use crate::settings::{range, score, split, threshold};

/// The engine that computes networks: the one place where it is chosen. `asked` is what `ODDLOT_ENGINE` says,
/// `isa` what `ODDLOT_ISA` says.
///
/// # Errors
/// An engine that nobody knows, or an instruction set that nobody knows or that this machine lacks.
pub fn engine(asked: Option<&str>, isa: Option<&str>) -> Result<Engine, Report> {
    let isa = instruction_set(isa)?;
    match asked {
        None | Some("fused") => Ok(Engine::Fused(isa)),
        Some("tensor") => Ok(Engine::Tensor),
        Some(other) => Err(Report::new("there is no engine of the name in `ODDLOT_ENGINE`")
            .expected("fused or tensor")
            .found(format!("ODDLOT_ENGINE={other}"))
            .hint("unset it: `fused` is taken")),
    }
}

fn instruction_set(asked: Option<&str>) -> Result<Isa, Report> {
    let Some(asked) = asked else { return Ok(Isa::best()) };
    asked.parse().map_err(|_| {
        let names: Vec<String> = Isa::available().iter().map(Isa::to_string).collect();
        Report::new("this machine does not have the instruction set of `ODDLOT_ISA`")
            .expected(names.join(" or "))
            .found(format!("ODDLOT_ISA={asked}"))
            .hint("unset it: the fastest one is taken")
    })
}

/// The spec of a network over windows of `length` rows of `features` values.
pub fn spec(model: &ModelPlan, length: usize, features: usize) -> Result<ModelSpec, Error> {
    let DetectorPlan::Network(plan) = &model.detector else {
        return Err(Error::bug(format!("`{}` is no network", model.name)));
    };
    let training = plan.training;
    let target = plan.as_published.map(|published| published.target);
    // The row that a published window is dated to is none that its network reads.
    let rows = match target {
        Some(Target::NextEverywhere | Target::RowsBefore) => length.saturating_sub(1),
        _ => length,
    };
    let (mut spec, activation) = match &plan.network {
        &Network::LstmAutoencoder { units, latent, dropout, activation } => {
            let length = rows;
            let config = AutoencoderConfig { length, features, units, latent, dropout, training };
            (autoencoder(config), activation)
        }
        Network::StackedAutoencoder {
            encoder,
            decoder,
            latent,
            latent_mode,
            dropout,
            activation,
        } => {
            let config = StackedAutoencoderConfig {
                length: rows,
                features,
                encoder: encoder.clone(),
                decoder: decoder.clone(),
                latent: *latent,
                hands_on: *latent_mode,
                dropout: *dropout,
                training,
            };
            (stacked_autoencoder(config), *activation)
        }
        Network::LstmForecaster { units, .. } => {
            forecasting(plan, vec![*units], target, length, features)?
        }
        Network::StackedForecaster { layers, .. } => {
            forecasting(plan, layers.clone(), target, length, features)?
        }
    };
    spec.length = length;
    if plan.hides_newest {
        spec.target = Target::Completion;
    }
    if let Some(published) = plan.as_published {
        spec.target = published.target;
        spec.as_published = Some(published.protocol);
    }
    spec.bias = plan.bias;
    spec.initialiser = plan.initialiser;
    for layer in &mut spec.layers {
        set_activation(layer, activation);
    }
    Ok(spec)
}

/// A forecaster; one that reproduces a published protocol tells something at every step.
fn forecasting(
    plan: &NetworkPlan,
    layers: Vec<usize>,
    target: Option<Target>,
    length: usize,
    features: usize,
) -> Result<(ModelSpec, Activation), Error> {
    let (dropout, activation) = match plan.network {
        Network::LstmForecaster { dropout, activation, .. }
        | Network::StackedForecaster { dropout, activation, .. } => (dropout, activation),
        _ => return Err(Error::bug("an autoencoder is no forecaster")),
    };
    let hands_on = if target.is_some() { Emit::Sequence } else { Emit::Last };
    let training = plan.training;
    let config = StackedForecasterConfig { length, features, layers, hands_on, dropout, training };
    Ok((stacked_forecaster(config), activation))
}

fn set_activation(layer: &mut Layer, chosen: Activation) {
    if let Layer::Lstm { activation, .. } = layer {
        *activation = chosen;
    }
}

/// A baseline.
pub fn baseline(plan: &BaselinePlan) -> Result<Baseline, Error> {
    Ok(match *plan {
        BaselinePlan::Persistence => Baseline::Persistence {},
        BaselinePlan::EwmaZ { lambda, rows, min_rows } => {
            let lambda = Lambda::try_from(lambda).map_err(unchecked)?;
            Baseline::EwmaZ(EwmaZ::new(lambda, rows, min_rows).map_err(unchecked)?)
        }
        BaselinePlan::RobustZ { rows, min_rows } => {
            Baseline::RobustZ(RobustZ::new(rows, min_rows).map_err(unchecked)?)
        }
        BaselinePlan::MedianDistance => Baseline::MedianDistance {},
        BaselinePlan::AutoRegression { order } => {
            Baseline::AutoRegression(AutoRegression { order: above_zero("order", order)? })
        }
        BaselinePlan::WindowPca { rows, variance } => {
            let variance = Quantile::try_from(variance).map_err(unchecked)?;
            Baseline::WindowPca(WindowPca::new(rows, variance).map_err(unchecked)?)
        }
        BaselinePlan::Polynomial { rows, degree } => {
            Baseline::Polynomial(Polynomial::new(rows, degree).map_err(unchecked)?)
        }
        BaselinePlan::KMeans { rows, clusters, seed } => {
            let (rows, clusters) = (above_zero("rows", rows)?, above_zero("clusters", clusters)?);
            Baseline::KMeans(KMeans { rows, clusters, seed })
        }
        BaselinePlan::NearestNeighbour { rows, neighbours } => {
            let rows = above_zero("rows", rows)?;
            let neighbours = above_zero("neighbours", neighbours)?;
            Baseline::NearestNeighbour(NearestNeighbour { rows, neighbours })
        }
    })
}

fn above_zero(what: &'static str, number: usize) -> Result<NonZeroUsize, Error> {
    let error = series::OutOfRange { what, expected: "a number above 0", found: 0.0 };
    NonZeroUsize::new(number).ok_or_else(|| unchecked(error))
}

/// A threshold.
pub fn threshold(plan: threshold::Threshold) -> Result<series::Threshold, Error> {
    Ok(match plan {
        threshold::Threshold::Quantile { q } => {
            let q = Quantile::try_from(q.get()).map_err(unchecked)?;
            series::Threshold::Quantile(ByQuantile { q })
        }
        threshold::Threshold::Fixed { value } => {
            series::Threshold::Fixed(Fixed { value: level(value)? })
        }
        threshold::Threshold::KSigma { k } => {
            series::Threshold::KSigma(series::ByKSigma { k: level(k)? })
        }
        threshold::Threshold::Mad { k } => series::Threshold::Mad(series::ByMad { k: level(k)? }),
        threshold::Threshold::Peaks { rate: share, initial } => {
            let initial = Quantile::try_from(initial.get()).map_err(unchecked)?;
            let peaks = series::ByPeaks::new(rate(share)?, initial).map_err(unchecked)?;
            series::Threshold::Peaks(peaks)
        }
        threshold::Threshold::Conformal { alpha } => {
            series::Threshold::Conformal(series::ByConformal { alpha: rate(alpha)? })
        }
        threshold::Threshold::Dynamic { prune } => {
            let prune = prune.map(rate).transpose()?;
            series::Threshold::Dynamic(series::ByDynamic { prune })
        }
        threshold::Threshold::Budget { alerts } => {
            let alerts = series::Alerts::try_from(alerts.get()).map_err(unchecked)?;
            series::Threshold::Budget(series::ByBudget { alerts })
        }
    })
}

fn level(number: range::Positive) -> Result<Level, Error> {
    Level::try_from(number.get()).map_err(unchecked)
}

fn rate(share: range::Fraction) -> Result<series::Rate, Error> {
    series::Rate::try_from(share.get()).map_err(unchecked)
}

/// What errors are turned into, with a norm that has yet to be fitted where it is `mahalanobis`.
pub fn form(plan: &Plan) -> Result<series::Form, Error> {
    Ok(series::Form {
        norm: match plan.score.norm {
            score::NormName::L2 | score::NormName::Mahalanobis => series::Norm::L2,
            score::NormName::L1 => series::Norm::L1,
            score::NormName::Max => series::Norm::Max,
        },
        merge: merge(plan.merge),
        smoothing: plan.score.smoothing.map(smoothing).transpose()?,
        hindsight_smoothing: plan.merge.smoothing.map(smoothing).transpose()?,
    })
}

fn smoothing(plan: score::Smoothing) -> Result<series::Smoothing, Error> {
    Ok(match plan {
        score::Smoothing::Mean { rows } => series::Smoothing::Mean { rows: rows.get() },
        score::Smoothing::Median { rows } => series::Smoothing::Median { rows: rows.get() },
        score::Smoothing::Ewma { lambda, rows } => series::Smoothing::Ewma {
            lambda: Lambda::try_from(lambda.get()).map_err(unchecked)?,
            rows: rows.get(),
        },
    })
}

/// Pooled or per ticker.
pub fn scope(scope: split::Scope) -> series::Scope {
    match scope {
        split::Scope::Pooled => series::Scope::Pooled,
        split::Scope::Ticker => series::Scope::Ticker,
    }
}

/// How features are scaled.
pub fn scaling(scaling: split::Scaling) -> series::Scaling {
    match scaling {
        split::Scaling::None => series::Scaling::None,
        split::Scaling::Standard { scope: of } => series::Scaling::Standard { scope: scope(of) },
    }
}

/// Where thresholds are calibrated.
pub fn calibration(plan: threshold::Calibration) -> series::Calibration {
    series::Calibration {
        scope: scope(plan.scope),
        min_rows: plan.min_rows.get(),
        p_values: match plan.p_values {
            threshold::PValues::Rank => series::PValues::Rank,
            threshold::PValues::Tail => series::PValues::Tail,
        },
    }
}

/// How several errors of a point become one.
pub fn merge(plan: threshold::Merge) -> series::Merge {
    match plan.method {
        threshold::MergeMethod::Median => series::Merge::Median,
        threshold::MergeMethod::Mean => series::Merge::Mean,
        threshold::MergeMethod::Max => series::Merge::Max,
    }
}

/// How flags become events.
pub fn events(plan: threshold::Events) -> series::EventRule {
    series::EventRule { max_gap_rows: plan.max_gap_rows.get() }
}

/// How an expectation becomes a price, for each feature.
pub fn price_links(link: Link, features: usize) -> Vec<PriceLink> {
    let link = match link {
        Link::None => PriceLink::None,
        Link::Return => PriceLink::Return,
        Link::Level => PriceLink::Level,
    };
    vec![link; features]
}

/// Settings and mathematics disagree about a range: our mistake.
fn unchecked(error: series::OutOfRange) -> Error {
    Error::new(
        oddlot_engine::Kind::Bug,
        Report::new("a setting passed its check and is out of range")
            .expected(error.expected)
            .found(format!("{} = {}", error.what, error.found)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_instruction_set_is_taken_unless_another_is_forced() {
        assert_eq!(engine(None, None), Ok(Engine::Fused(Isa::best())));
        assert_eq!(engine(Some("tensor"), None), Ok(Engine::Tensor));
        assert!(engine(Some(""), None).is_err());
        for isa in Isa::available() {
            assert_eq!(engine(None, Some(&isa.to_string())), Ok(Engine::Fused(isa)));
        }
    }

    #[test]
    fn an_instruction_set_that_nobody_knows_is_told_with_those_that_are_here() {
        for unknown in ["", "avx1024", "AVX2", "portable "] {
            let report = engine(None, Some(unknown)).unwrap_err();
            assert_eq!(report.found, Some(format!("ODDLOT_ISA={unknown}")));
            let expected = report.expected.unwrap();
            for isa in Isa::available() {
                assert!(expected.contains(&isa.to_string()), "{expected}");
            }
        }
    }
}
