//! A stored model that was trained for something else is never used in silence.

use oddlot_engine::tables::SCORING_VERSION;
use oddlot_engine::ticker_rows::Layout;
use oddlot_engine::{Error, Kind, Report};

use crate::artifact::{Artifact, PackedKind, StoredJudge};
use crate::lower;
use crate::plan::{DetectorPlan, ModelPlan, Plan};
use crate::prices::sql_of;

/// Why a model cannot score for a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// There is none.
    NotTrained,
    /// It sees windows of so many rows.
    Length(usize),
    /// It sees these features.
    Features(Vec<String>),
    /// It was trained on what another query gives.
    Sql,
    /// It is of this kind.
    Detector(String),
    /// It was trained by an oddlot of this scoring version.
    Version(u32),
    /// It has other layers, or was trained otherwise.
    Spec,
    /// Its input is scaled otherwise.
    Scaling,
}

impl Misfit {
    /// What keeps `stored` from being `model` of `plan`, the gravest first.
    pub(super) fn of(
        plan: &Plan,
        layout: &Layout,
        model: &ModelPlan,
        stored: &Artifact,
    ) -> Result<Option<Self>, Error> {
        let sql = sql_of(plan)?;
        let same_sql =
            stored.features_sql == sql.features.text && stored.windows_sql == sql.windows.text;
        Ok(if stored.length != layout.length {
            Some(Self::Length(stored.length))
        } else if stored.features != layout.features {
            Some(Self::Features(stored.features.clone()))
        } else if !same_sql {
            Some(Self::Sql)
        } else if stored.detector != model.detector.kind() {
            Some(Self::Detector(stored.detector.clone()))
        } else if stored.scaling != lower::scaling(plan.scaling) {
            Some(Self::Scaling)
        } else if !has_spec(stored, model, layout)? {
            Some(Self::Spec)
        } else if stored.scoring_version != SCORING_VERSION {
            Some(Self::Version(stored.scoring_version))
        } else {
            None
        })
    }
}

/// Whether a stored network has the layers and the training of `model`; a baseline has neither.
fn has_spec(stored: &Artifact, model: &ModelPlan, layout: &Layout) -> Result<bool, Error> {
    if let (StoredJudge::Archive { archive, .. }, DetectorPlan::Archive(asked)) =
        (&stored.judge, &model.detector)
    {
        return Ok(archive == asked);
    }
    if let StoredJudge::PerTicker(packed) = &stored.judge {
        return Ok(match &packed.kind {
            PackedKind::Network { spec, .. } => {
                **spec == lower::spec(model, layout.length, layout.features.len())?
            }
            PackedKind::Baseline(_) => true,
        });
    }
    let StoredJudge::Network { spec, imported, .. } = &stored.judge else { return Ok(true) };
    let asked = lower::spec(model, layout.length, layout.features.len())?;
    let mut spec = spec.as_ref().clone();
    if imported.is_some() {
        // How weights from elsewhere would be drawn and trained here says nothing of them.
        (spec.initialiser, spec.training) = (asked.initialiser, asked.training);
    }
    Ok(spec == asked)
}

/// All models that do not fit, those with the same reason together.
#[derive(Debug, Default)]
pub(super) struct Misfits<'a>(Vec<Group<'a>>);

#[derive(Debug)]
struct Group<'a> {
    misfit: Misfit,
    is_imported: bool,
    models: Vec<&'a ModelPlan>,
}

impl<'a> Misfits<'a> {
    /// Adds a model, whose weights may have been imported.
    pub(super) fn add(&mut self, misfit: Misfit, model: &'a ModelPlan, is_imported: bool) {
        let is_same =
            |known: &&mut Group<'_>| known.misfit == misfit && known.is_imported == is_imported;
        match self.0.iter_mut().find(is_same) {
            Some(known) => known.models.push(model),
            None => self.0.push(Group { misfit, is_imported, models: vec![model] }),
        }
    }

    /// An error if there is any.
    pub(super) fn refuse(self, plan: &Plan, layout: &Layout) -> Result<(), Error> {
        let reports: Vec<Report> = self.0.iter().map(|group| report(plan, layout, group)).collect();
        if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Model, reports }) }
    }
}

fn report(plan: &Plan, layout: &Layout, group: &Group<'_>) -> Report {
    let Group { misfit, is_imported, models } = group;
    let names: Vec<String> = models.iter().map(|model| format!("`{}`", model.name)).collect();
    let who = match names.len() {
        1 => format!("the model {} was", names[0]),
        _ => format!("the models {} were", names.join(", ")),
    };
    let made = if *is_imported { "imported" } else { "trained" };
    let train = format!("`oddlot train {}`", plan.file);
    let anew = match is_imported {
        false => format!("train anew: {train}"),
        true => format!(
            "import weights that fit (`oddlot models import`), or train in their place: `oddlot train {} --full-refresh`",
            plan.file
        ),
    };
    let key = models.first().map(|model| format!("models.{}", model.name)).unwrap_or_default();
    let place = plan.places.place(&key, &plan.file);
    match misfit {
        Misfit::NotTrained => Report::new(format!("{who} never trained"))
            .at(place)
            .expected(format!("a model under {}", plan.output.root))
            .found("none")
            .hint(format!("train it first: {train}")),
        Misfit::Length(length) => {
            let report = Report::new(format!("{who} {made} with another window length"))
                .at(plan.file.as_str())
                .found(format!("length = {}", layout.length));
            plan.places
                .point(report, "windows.length")
                .expected(format!("length = {length}, as in training"))
                .hint(format!("write `length = {length}` again, or {anew}"))
        }
        Misfit::Features(features) => Report::new(format!("{who} {made} with other features"))
            .at(plan.places.place("features.sql", &plan.file))
            .expected(format!("{}, as in training", features.join(", ")))
            .found(layout.features.join(", "))
            .hint(format!("take the features of the training again, or {anew}")),
        Misfit::Sql => Report::new(format!("{who} {made} with other SQL"))
            .at(plan.places.place("features.sql", &plan.file))
            .expected("the queries of the training, which are stored with the model")
            .found("other queries for features or windows")
            .hint(format!("undo the change, or {anew}")),
        Misfit::Detector(kind) => {
            let found = models.first().map_or("", |model| model.detector.kind());
            Report::new(format!("{who} {made} as another detector"))
                .at(place)
                .expected(format!("{kind}, as in training"))
                .found(found)
                .hint(format!("name {kind} again, or {anew}"))
        }
        Misfit::Scaling => Report::new(format!("{who} {made} with another scaling"))
            .at(plan.file.as_str())
            .expected("[scaling] as in training")
            .found("another")
            .hint(format!("undo the change, or {anew}")),
        Misfit::Version(version) => Report::new(format!("{who} {made} by another oddlot"))
            .at(place)
            .expected(format!("scoring version {SCORING_VERSION}"))
            .found(format!("scoring version {version}, whose scores differ"))
            .hint(anew),
        Misfit::Spec => Report::new(match is_imported {
            false => format!("{who} {made} with other layers or otherwise"),
            true => format!("{who} {made} with other layers"),
        })
        .at(place)
        .expected(match is_imported {
            false => "the detector and [train] settings of the training",
            true => "the layers that the weights are for",
        })
        .found("others")
        .hint(format!("undo the change, or {anew}")),
    }
}
