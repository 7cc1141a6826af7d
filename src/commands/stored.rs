//! Finds a stored model by what a person calls it.

use std::path::Path;

use oddlot_engine::s3::Place;
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};
use oddlot_nets::Engine;

use super::load;
use crate::artifact::{Model, Pack, PackPointer, Pointer};
use crate::diagnostic::visible;
use crate::settings::Slug;

/// The model that `place` (a pipeline file or an output folder) uses as `wanted`, or whose id that is; of packs,
/// that of `ticker`.
///
/// # Errors
/// There is none, or several pipelines have one of that name; it is damaged; a ticker is not named, or has none.
pub async fn find(
    place: &str,
    wanted: &str,
    ticker: Option<&str>,
    engine: Engine,
) -> Result<Model, Error> {
    let is_folder = place.starts_with("s3://") || Path::new(place).is_dir();
    let (root, pipeline) = match is_folder {
        true => (Place::from(place), None),
        false => {
            let plan = load(Path::new(place))?;
            (plan.output.root, Some(plan.pipeline))
        }
    };
    let root = OutputRoot::open_existing(&root)?;
    let known = names(&root, pipeline.as_ref().map(Slug::as_str)).await?;
    let mut ids = Vec::new();
    for (pipeline, _) in known.iter().filter(|(_, name)| name == wanted) {
        if let Some(pointer) = Pointer::load(&root, pipeline, wanted).await? {
            ids.push((pipeline, pointer.model_id));
        }
        let packs = PackPointer::all(&root, pipeline, wanted).await?;
        if !packs.is_empty() {
            let ticker = ticker.ok_or_else(|| unnamed(wanted))?;
            let of = packs.into_values().find(|pack| pack.tickers.contains_key(ticker));
            let id = of.ok_or_else(|| not_in(wanted, ticker, "which is in none of its packs"))?;
            ids.push((pipeline, id.model_id));
        }
    }
    match ids.as_slice() {
        [(_, id)] => of_ticker(&root, id, wanted, ticker, engine).await,
        // Ids are slugs too; nothing else becomes a path.
        [] if Slug::new(wanted.to_owned()).is_some()
            && root.size(&format!("models/{wanted}/model.json")).await?.is_some() =>
        {
            of_ticker(&root, wanted, wanted, ticker, engine).await
        }
        [] => Err(unknown(&root, wanted, &known)),
        several => {
            let several: Vec<String> =
                several.iter().map(|(pipeline, id)| format!("{pipeline} ({id})")).collect();
            Err(Error::new(
                Kind::Model,
                Report::new(format!("several pipelines have a model `{wanted}`"))
                    .at(root.name())
                    .expected("one")
                    .found(several.join(", "))
                    .hint("name the pipeline file instead of the folder, or the model's id"),
            ))
        }
    }
}

/// A model whole; of a pack, that of one ticker.
async fn of_ticker(
    root: &OutputRoot,
    id: &str,
    wanted: &str,
    ticker: Option<&str>,
    engine: Engine,
) -> Result<Model, Error> {
    let model = Model::load(root, id, engine).await?;
    let Some(packed) = model.artifact.packed() else {
        return match ticker {
            None => Ok(model),
            Some(ticker) => Err(not_in(wanted, ticker, "and one model for all tickers")),
        };
    };
    let ticker = ticker.ok_or_else(|| unnamed(wanted))?;
    let why = packed.without.get(ticker).cloned();
    let alone = Pack::of(root, model).await?.alone(ticker)?;
    let why = why.as_deref().unwrap_or("which has no weights in it");
    alone.ok_or_else(|| not_in(wanted, ticker, why))
}

fn unnamed(wanted: &str) -> Error {
    Error::new(
        Kind::Model,
        Report::new(format!("each ticker has its own `{wanted}`"))
            .expected("the ticker whose model is meant")
            .found("none")
            .hint("name it: `--ticker TICKER`"),
    )
}

fn not_in(wanted: &str, ticker: &str, why: &str) -> Error {
    Error::new(
        Kind::Model,
        Report::new(format!("`{wanted}` has no model of this ticker's own"))
            .expected("a ticker that has one")
            .found(format!("{}, {}", visible(ticker), visible(why))),
    )
}

/// Pipelines and names of all models in use; of one pipeline only where it is given.
async fn names(root: &OutputRoot, pipeline: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let paths = root.list("_state/models").await?;
    let parse = |path: &String| {
        let (pipeline, name) = path.strip_prefix("_state/models/pipeline=")?.split_once('/')?;
        // Of packs the name is a folder.
        let name =
            name.split_once('/').map_or_else(|| name.strip_suffix(".json"), |(n, _)| Some(n));
        Some((pipeline.to_owned(), name?.to_owned()))
    };
    let is_meant = |(of, _): &(String, String)| pipeline.is_none_or(|pipeline| pipeline == of);
    let mut names: Vec<_> = paths.iter().filter_map(parse).filter(is_meant).collect();
    names.dedup();
    Ok(names)
}

fn unknown(root: &OutputRoot, wanted: &str, known: &[(String, String)]) -> Error {
    let mut names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let report = Report::new(format!("there is no model `{wanted}`")).at(root.name());
    let report = match names.as_slice() {
        [] => report
            .expected("a trained model")
            .found("none")
            .hint("train one: `oddlot train PIPELINE`"),
        names => report
            .expected(format!("one of {}, or the id of a stored model", names.join(", ")))
            .hint("`oddlot models PIPELINE` lists them with their ids"),
    };
    Error::new(Kind::Model, report)
}
