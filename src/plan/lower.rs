//! From settings to a plan: every check that needs more than one value.

use std::path::Path;

use oddlot_engine::{Error, Report, s3::Place, sql_file::SqlFile};
use oddlot_series::Target;

use super::{
    ChecksPlan, ModelPlan, OutputPlan, Plan, SourcePlan, SplitPlan, SqlPlan, WindowsPlan, bucket,
    location::resolve, places::places,
};
use crate::settings::{
    AsPublished, Document, Mistakes, Settings, Slug, Variables,
    profile::Profile,
    retrain::Retrain,
    split::{Scaling, Scope},
    threshold::{Calibration, Merge, Threshold},
};

/// Reads, checks and lowers; all mistakes at once.
pub(super) fn plan(
    document: &Document,
    folder: &Path,
    variables: Variables<'_>,
) -> Result<Plan, Error> {
    let mistakes = Mistakes::new(document);
    let pipeline = pipeline_name(document.name(), &mistakes);
    let settings = Settings::read(&mistakes, variables);
    let plan = settings.zip(pipeline).and_then(|(settings, pipeline)| {
        lower(&settings, pipeline, document.name(), folder, &mistakes)
    });
    match plan {
        Some(mut plan) if !mistakes.any() => {
            plan.warnings = mistakes.warnings();
            Ok(plan)
        }
        _ if mistakes.any() => Err(mistakes.to_error()),
        _ => Err(Error::bug(format!("{} gave neither a plan nor a mistake", document.name()))),
    }
}

fn lower(
    settings: &Settings,
    pipeline: Slug,
    file: &str,
    folder: &Path,
    mistakes: &Mistakes<'_>,
) -> Option<Plan> {
    let source = settings.source.as_ref();
    let columns = source.map(|source| &source.columns);
    let is_dated = columns.is_none_or(|columns| columns.has_ts);
    let is_archive = settings.profile == Profile::Archive;
    let features = match &settings.features {
        Some(features) => {
            let known: Vec<_> = SqlFile::builtin_feature_names().collect();
            SqlPlan::lower(&features.sql, "feature", &known, folder, mistakes)
        }
        // The value itself, whatever it is.
        None => is_archive.then_some(SqlPlan::Builtin("close")),
    };
    let windows = settings.windows.as_ref();
    let length = windows.map(|windows| windows.length.value.get());
    let published = settings.as_published.as_ref();
    let (windows, split) = match is_archive {
        true => (Some(WindowsPlan::of_archive(&settings.archive_windows)), Some(SplitPlan::Whole)),
        false => (
            windows.and_then(|w| WindowsPlan::lower(w, columns, folder, mistakes)),
            settings
                .split
                .as_ref()
                .and_then(|s| SplitPlan::lower(s, is_dated, published.is_some(), mistakes)),
        ),
    };
    if !is_archive {
        tell_idle_pruning(settings, mistakes);
    }
    refuse_moving(settings, split.as_ref(), mistakes);
    let threshold = match is_archive && !settings.has_threshold {
        true => Some(Threshold::of_archive()),
        false => {
            tell_missing_threshold(settings, mistakes);
            settings.threshold
        }
    };
    bucket::check(settings, mistakes);
    let models = settings
        .models
        .iter()
        .filter_map(|model| {
            let retrain = settings.retrain.value;
            ModelPlan::lower(model, threshold, retrain, length, published, mistakes)
        })
        .collect::<Vec<_>>();
    if let Some(published) = published {
        check_published(published, settings, &models, length, mistakes);
    }
    let output = settings.output.as_ref();
    let (scaling, merge, calibration) = match is_archive {
        true => (
            Scaling::None,
            Merge { decides: true, ..Merge::default() },
            Calibration { scope: Scope::Ticker, ..Calibration::default() },
        ),
        false => (settings.scaling, settings.merge, settings.calibration),
    };
    let source = SourcePlan::lower(source?, folder, mistakes);
    Some(Plan {
        profile: settings.profile,
        memory_limit: settings.memory_limit,
        pipeline,
        file: file.to_owned(),
        checks: ChecksPlan::lower(settings.checks.as_ref(), &source, folder, mistakes),
        source,
        features: features?,
        windows: windows?,
        retrain: settings.retrain.value,
        split: split?,
        scaling,
        models,
        calibration,
        score: settings.score,
        merge,
        events: settings.events,
        universe: settings.universe,
        output: output.map(|output| OutputPlan {
            root: Place {
                path: resolve(&output.root.value, folder),
                s3: bucket::settings(output.s3.as_ref()),
            },
            parts: output.parts.value.get(),
        })?,
        places: places(settings, mistakes.document()),
        warnings: Vec::new(),
    })
}

/// A split that is none, or that a published protocol counts in rows, cannot move on with the data.
fn refuse_moving(settings: &Settings, split: Option<&SplitPlan>, mistakes: &Mistakes<'_>) {
    let retrain = &settings.retrain;
    let stands = matches!(split, Some(SplitPlan::Whole | SplitPlan::Rows { .. }));
    if matches!(retrain.value, Retrain::Every(_)) && stands {
        let report = Report::new("there is no split that could move on with the data")
            .expected("a [split] by dates or by shares beside it")
            .found(retrain.written.clone().unwrap_or_default())
            .hint("delete `retrain`");
        mistakes.add(retrain.at, report);
    }
}

/// What a published protocol cannot be combined with.
fn check_published(
    published: &AsPublished,
    settings: &Settings,
    models: &[ModelPlan],
    length: Option<usize>,
    mistakes: &Mistakes<'_>,
) {
    let calibrated =
        models.iter().filter(|model| !matches!(model.threshold, Threshold::Fixed { .. }));
    let names: Vec<_> = calibrated.map(|model| format!("`{}`", model.name)).collect();
    if !names.is_empty() {
        let report = Report::new("a published protocol has its threshold by hand")
            .expected("[threshold.fixed] with `value = 0.65`: there is no calibration span")
            .found(format!("another for {}", names.join(", ")))
            .hint("take [threshold.fixed], or delete [as_published]");
        mistakes.add(published.at, report);
    }
    if settings.merge.decides {
        let report = Report::new("a published protocol has one score a window")
            .expected("no [merge] that decides")
            .found("`decides = true`")
            .hint("delete [merge], or delete [as_published]");
        mistakes.add(published.at, report);
    }
    if length == Some(1) && published.target.value != Target::Reconstruction {
        let report = Report::new("a window of one row has no row before the last")
            .expected("`target = \"window\"`, or `windows.length` of 2 or more")
            .found(published.target.written.clone().unwrap_or_default())
            .hint("raise `windows.length`");
        mistakes.add(published.target.at, report);
    }
}

/// A pipeline is called as its file, since its tables are.
fn pipeline_name(file: &str, mistakes: &Mistakes<'_>) -> Option<Slug> {
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let slug = Slug::new(stem.clone());
    if slug.is_none() {
        let report = Report::new(format!("`{stem}` cannot name a pipeline"))
            .expected("a file name of 1 to 64 lowercase letters, digits and _, then .toml")
            .found(file)
            .hint(format!("call it {}.toml", Slug::nearest(&stem)));
        mistakes.add(None, report);
    }
    slug
}

fn tell_missing_threshold(settings: &Settings, mistakes: &Mistakes<'_>) {
    if settings.has_threshold {
        return;
    }
    let without: Vec<_> = settings.models.iter().filter(|model| !model.has_threshold).collect();
    let Some(first) = without.first() else { return };
    let names: Vec<_> = without.iter().map(|model| format!("`{}`", model.name)).collect();
    let report = Report::new("there is no threshold")
        .expected("[threshold.quantile] or another, or one in each model")
        .found(format!("none for {}", names.join(", ")))
        .hint("add `[threshold.quantile]` with `q = 0.995`");
    mistakes.add(first.at, report);
}

/// Whether an event stands out is known when it is over: only hindsight can prune.
fn tell_idle_pruning(settings: &Settings, mistakes: &Mistakes<'_>) {
    let prunes = |threshold: &Option<Threshold>| {
        matches!(threshold, Some(Threshold::Dynamic { prune: Some(_) }))
    };
    let own = settings.models.iter().find(|model| prunes(&model.threshold));
    let at = own.map(|model| model.at).or(prunes(&settings.threshold).then_some(None));
    if let Some(at) = at.filter(|_| !settings.merge.decides) {
        let report = Report::new("`prune` of [threshold.dynamic] needs hindsight")
            .expected(
                "[merge] with `decides = true`: whether a flag stands out is known days later",
            )
            .found("the causal score decides")
            .hint("delete `prune`, or let the hindsight score decide");
        mistakes.add(at, report);
    }
}
