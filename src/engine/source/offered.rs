//! What files have to offer, before anybody says which column is what.

use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use super::columns::Part;
use super::{Source, footers, listing};
use crate::error::{Error, Kind, Result};

/// Files and the columns that all of them have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The files' names, in the order in which they are read.
    pub files: Vec<String>,
    /// Columns that every file has in a type of the same kind, in the order of the first file; then those
    /// that `key=value` folders give.
    pub columns: Vec<OfferedColumn>,
}

/// A column, and what it can be taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedColumn {
    /// As the files call it.
    pub name: String,
    /// A ticker.
    pub is_text: bool,
    /// Dates or instants.
    pub is_time: bool,
    /// Row numbers.
    pub is_whole: bool,
    /// Numbers.
    pub is_number: bool,
}

/// Reads the footers of the files of `source`; its columns are not looked at.
///
/// # Errors
/// There is no file; a file is damaged, or cannot be reached.
pub async fn offered(context: &SessionContext, source: &Source) -> Result<Offered> {
    let mut listing = listing::list(context, source).await?;
    let (footers, broken) = footers::read_all(&mut listing, source).await?;
    if footers.is_empty() {
        let reports = broken.into_iter().map(|broken| broken.report).collect();
        return Err(Error { kind: Kind::Data, reports });
    }
    let files = listing.files.iter().map(|file| file.name(&listing.url)).collect();
    let first = footers.first().map(|footer| footer.schema.fields()).into_iter().flatten();
    let of_files = first.filter_map(|field| {
        let mut column = column(field.name(), field.data_type());
        for footer in &footers {
            let other = footer.schema.field_with_name(field.name()).ok()?;
            let other = self::column(field.name(), other.data_type());
            column.is_text &= other.is_text;
            column.is_time &= other.is_time;
            column.is_whole &= other.is_whole;
            column.is_number &= other.is_number;
        }
        Some(column)
    });
    let of_folders = listing.partition_keys.iter().map(|key| column(key, &DataType::Utf8));
    Ok(Offered { files, columns: of_files.chain(of_folders).collect() })
}

fn column(name: &str, data_type: &DataType) -> OfferedColumn {
    let is_whole = data_type.is_integer();
    OfferedColumn {
        name: name.to_owned(),
        is_text: Part::Ticker.fits(data_type),
        is_time: Part::Ts.fits(data_type) && !is_whole,
        is_whole,
        is_number: Part::Number.fits(data_type),
    }
}
