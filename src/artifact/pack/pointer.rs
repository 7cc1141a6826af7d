//! Which packs a pipeline uses, one small object a part.

use std::collections::BTreeMap;

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use serde::{Deserialize, Serialize};

use crate::artifact::{self, Pointer};

/// Which pack a pipeline uses under a name for one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackPointer {
    /// The pack.
    pub model_id: String,
    /// Parts that there were when it was made.
    pub parts: u32,
    /// Training key and judging key of each ticker, so that nothing else need be read to know what is stale.
    pub tickers: BTreeMap<String, [String; 2]>,
}

impl PackPointer {
    /// Which packs `pipeline` uses as `name`, by part.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn all(
        root: &OutputRoot,
        pipeline: &str,
        name: &str,
    ) -> Result<BTreeMap<u32, Self>, Error> {
        let mut found = BTreeMap::new();
        let folder = format!("_state/models/pipeline={pipeline}/{name}");
        for path in root.list(&folder).await? {
            let Some(part) = path.strip_prefix(&format!("{folder}/")).and_then(part_of_file) else {
                continue;
            };
            // A pointer that cannot be read points nowhere: the models are made again.
            if let Some(pointer) = Self::load(root, pipeline, name, part).await? {
                found.insert(part, pointer);
            }
        }
        Ok(found)
    }

    /// Which pack `pipeline` uses as `name` for `part`; `None` where none was made.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(
        root: &OutputRoot,
        pipeline: &str,
        name: &str,
        part: u32,
    ) -> Result<Option<Self>, Error> {
        let json = root.get(&pointer_path(pipeline, name, part)).await?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
    }

    /// Lets a pipeline go of what it used as `name` while models were of another scope, or for parts that are
    /// no more; the models stay.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn tidy(
        root: &OutputRoot,
        pipeline: &str,
        name: &str,
        parts: Option<u32>,
    ) -> Result<(), Error> {
        let pooled = artifact::pointer_path(pipeline, name);
        if parts.is_some() && Pointer::load(root, pipeline, name).await?.is_some() {
            root.delete(&pooled).await?;
        }
        for part in Self::all(root, pipeline, name).await?.into_keys() {
            if parts.is_none_or(|parts| part >= parts) {
                root.delete(&pointer_path(pipeline, name, part)).await?;
            }
        }
        Ok(())
    }
}

/// The part that a pointer's file name tells.
pub(in crate::artifact) fn part_of_file(file: &str) -> Option<u32> {
    file.strip_prefix("part-")?.strip_suffix(".json")?.parse().ok()
}

pub(super) fn pointer_path(pipeline: &str, name: &str, part: u32) -> String {
    format!("_state/models/pipeline={pipeline}/{name}/part-{part:05}.json")
}
