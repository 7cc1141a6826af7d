//! The tables under a root: found by one listing, registered with their partition columns.

use std::collections::BTreeMap;
use std::path::{self, Component};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use futures::TryStreamExt;

use super::pinned::Pinned;
use super::{CELL_TABLES, message, pinned};
use crate::error::{Error, Kind, Report, Result};
use crate::s3::{self, failure_in};

/// What was registered.
pub(super) struct Found {
    /// Sorted; a cell table is registered as `<name>_all` here.
    pub(super) names: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Partition keys of a table's files, outermost first, and how many files have them.
type Shapes = BTreeMap<Vec<String>, usize>;

/// Registers them with `context`; their store is that of `base`, pinned.
pub(super) async fn register(
    context: &SessionContext,
    base: &SessionContext,
    root: &str,
) -> Result<Found> {
    let tables_url = tables_url(root)?;
    // A store that is not known is told of when it is listed.
    if let Ok(store) = base.runtime_env().object_store(&tables_url) {
        let url = tables_url.object_store();
        context.register_object_store(url.as_ref(), Arc::new(Pinned::new(store)));
    }
    let mut found = Found { names: Vec::new(), notes: Vec::new() };
    for (name, shapes) in list(context, &tables_url, root).await? {
        // The shape of most files is the table's; the reader skips the others.
        let Some((keys, n_files)) = shapes.iter().max_by_key(|(_, n_files)| **n_files) else {
            continue;
        };
        let n_others: usize = shapes.values().sum::<usize>() - n_files;
        if n_others > 0 {
            found.notes.push(format!("{name}: {n_others} files out of place are not read"));
        }
        let registered_as = match CELL_TABLES.contains(&name.as_str()) {
            true => format!("{name}_all"),
            false => name.clone(),
        };
        let url = folder(&tables_url, &[&name])?;
        let table = listing_table(context, url, keys)
            .await
            .map_err(|cause| message::unreadable(cause, &name, root))?;
        context
            .register_table(registered_as.as_str(), Arc::new(table))
            .map_err(|cause| message::unreadable(cause, &name, root))?;
        found.names.push(name);
    }
    Ok(found)
}

async fn listing_table(
    context: &SessionContext,
    url: ListingTableUrl,
    keys: &[String],
) -> Result<ListingTable, DataFusionError> {
    let partition_columns = keys.iter().map(|key| (key.clone(), partition_type(key))).collect();
    let format = ParquetFormat::default().with_force_view_types(false);
    let options = ListingOptions::new(Arc::new(format))
        .with_file_extension(".parquet")
        .with_table_partition_cols(partition_columns);
    let schema = options.infer_schema(&context.state(), &url).await?;
    // A column that only later cells have is null in the earlier ones, whatever the later say.
    let fields: Vec<Field> =
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let schema = Arc::new(Schema::new(fields));
    ListingTable::try_new(
        ListingTableConfig::new(url).with_listing_options(options).with_schema(schema),
    )
}

/// Types are ours, never guessed: a pipeline named 0005 stays text.
fn partition_type(key: &str) -> DataType {
    match key {
        "year" => DataType::Int32,
        _ => DataType::Utf8,
    }
}

/// Every table folder with the shapes of its Parquet files.
async fn list(
    context: &SessionContext,
    tables_url: &ListingTableUrl,
    root: &str,
) -> Result<BTreeMap<String, Shapes>> {
    let unlisted = |cause: DataFusionError| {
        if let Some(error) = pinned::changed(&cause) {
            return error;
        }
        if let Some(refusal) = failure_in(&cause) {
            return refusal.error(&message::printable(root), Kind::Data);
        }
        let report = Report::new("the output root cannot be listed")
            .at(message::printable(root))
            .expected("a folder or bucket that this user may read")
            .found(message::plain(&cause))
            .hint("check the path, the network and the permissions");
        Error::new(Kind::Store, report)
    };
    let store = context.runtime_env().object_store(tables_url).map_err(unlisted)?;
    let objects: Vec<_> = store
        .list(Some(tables_url.prefix()))
        .try_collect()
        .await
        .map_err(|cause| unlisted(cause.into()))?;
    let mut tables: BTreeMap<String, Shapes> = BTreeMap::new();
    for object in objects {
        let Some(parts) = object.location.prefix_match(tables_url.prefix()) else { continue };
        let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
        let [name, folders @ .., file] = parts.as_slice() else { continue };
        if file.ends_with(".parquet") && is_identifier(name) {
            let keys = folders.iter().map(|folder| {
                folder.split_once('=').map_or_else(String::new, |(key, _)| key.to_owned())
            });
            *tables.entry(name.clone()).or_default().entry(keys.collect()).or_default() += 1;
        }
    }
    for shapes in tables.values_mut() {
        shapes.retain(|keys, _| keys.iter().all(|key| is_identifier(key)));
    }
    tables.retain(|_, shapes| !shapes.is_empty());
    Ok(tables)
}

/// Plain lower-case names only, so that every table can be named without quotes.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `<root>/tables/` as a URL. A local path is taken as it is: `*` and `?` in it are no glob.
fn tables_url(root: &str) -> Result<ListingTableUrl> {
    let misplaced = |found: String| {
        Error::config(
            Report::new("the output root is no place")
                .at(message::printable(root))
                .expected("a folder, or a URL as s3://bucket/prefix")
                .found(found)
                .hint("name the folder that `output.root` of a pipeline names"),
        )
    };
    if let Some(bucket) = s3::bucket_of(root) {
        // As it is, too: every name of the prefix is a name, whatever letters it has.
        let bucket = ListingTableUrl::parse(format!("s3://{bucket}/"));
        let bucket = bucket.map_err(|cause| misplaced(message::plain(&cause)))?;
        let prefix = s3::prefix_of(root)?;
        let names: Vec<_> = prefix.parts().collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).chain(["tables"]).collect();
        return folder(&bucket, &names);
    }
    if root.contains("://") {
        let url = format!("{}/", root.trim_end_matches('/'));
        let url = ListingTableUrl::parse(url).map_err(|cause| misplaced(message::plain(&cause)))?;
        return folder(&url, &["tables"]);
    }
    let absolute = path::absolute(root).map_err(|cause| misplaced(cause.to_string()))?;
    let names: Option<Vec<&str>> = absolute
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_str())
        .collect();
    let names = names.ok_or_else(|| misplaced("a path that is not UTF-8".to_owned()))?;
    let names: Vec<&str> = names.into_iter().chain(["tables"]).collect();
    let file_system =
        ListingTableUrl::parse("file:///").map_err(|cause| misplaced(message::plain(&cause)))?;
    folder(&file_system, &names)
}

/// A folder below a URL; names are escaped as needed.
fn folder(base: &ListingTableUrl, names: &[&str]) -> Result<ListingTableUrl> {
    let mut url = base.get_url().clone();
    match url.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(names).push(""),
        Err(()) => return Err(Error::bug("a table URL without a path")),
    };
    ListingTableUrl::try_new(url, None)
        .map_err(|cause| Error::bug(format!("table URL: {}", message::plain(&cause))))
}
