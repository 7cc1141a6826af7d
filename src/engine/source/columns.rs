//! Whether every file has the mapped columns, in types that fit their parts.

use datafusion::arrow::datatypes::{DataType, Field, Fields};

use super::footers::Footer;
use super::listing::Listing;
use super::{Source, Ticker};
use crate::error::{Error, Kind, Report, Result};
use crate::sql_file::with_suggestion;
use crate::step::instant_type;

/// Reports that are told one by one; the same mistake in a thousand files is one mistake.
const NAMED: usize = 10;
/// Names in `prices` that are not free for other columns.
const TAKEN: [&str; 8] = [
    "ticker",
    "ts",
    "trade_date",
    "value",
    "segment",
    "is_break",
    "reference_price",
    "skip_reason",
];

/// The columns as the scan shall give them.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Columns of the files.
    pub(super) file_fields: Fields,
    /// Columns that directories give.
    pub(super) partition_keys: Vec<String>,
    /// Whether `ts` is a row number.
    pub(super) ts_is_row_number: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Ticker,
    Ts,
    Number,
}

impl Part {
    fn expected(self) -> &'static str {
        match self {
            Self::Ticker => "text",
            Self::Ts => "a date, a timestamp, or a row number",
            Self::Number => "a number",
        }
    }

    fn fits(self, found: &DataType) -> bool {
        match (self, found) {
            (Self::Ticker, DataType::Dictionary(_, value)) => self.fits(value),
            (Self::Ticker, _) => found.is_string(),
            (Self::Ts, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) => true,
            (Self::Ts, _) => found.is_integer(),
            (Self::Number, _) => found.is_numeric(),
        }
    }
}

/// The mapped columns, or everything that is wrong with them.
pub(super) fn check(listing: &Listing, footers: &[Footer], source: &Source) -> Result<Scanned> {
    check_names(source)?;
    let (mut missing, mut mistaken) = (Vec::new(), Vec::new());
    let wanted = wanted(source);
    for (file, footer) in listing.files.iter().zip(footers) {
        let place = file.name(&listing.url);
        for (name, part) in &wanted {
            if is_partition(listing, *part, name) {
                continue;
            }
            match footer.schema.field_with_name(name) {
                Err(_) => missing.push(lacking(&place, name, footer, listing)),
                Ok(field) if !part.fits(field.data_type()) => {
                    mistaken.push(unfit(&place, field, *part));
                }
                Ok(_) => {}
            }
        }
    }
    let kind = if missing.is_empty() { Kind::Data } else { Kind::Config };
    let mut reports = missing;
    reports.extend(mistaken);
    if reports.is_empty() {
        return scanned(listing, footers, source, &wanted);
    }
    let n_more = reports.len().saturating_sub(NAMED);
    reports.truncate(NAMED);
    if n_more > 0 {
        reports.push(Report::new(format!("and {n_more} more of the kind")));
    }
    Err(Error { kind, reports })
}

/// The mapped source columns and their parts.
fn wanted(source: &Source) -> Vec<(&str, Part)> {
    let columns = &source.columns;
    let mut wanted = Vec::new();
    if let Ticker::Column(name) = &columns.ticker {
        wanted.push((name.as_str(), Part::Ticker));
    }
    wanted.extend(columns.ts.as_deref().map(|name| (name, Part::Ts)));
    wanted.push((&columns.value, Part::Number));
    wanted.extend(columns.others.iter().map(|(_, name)| (name.as_str(), Part::Number)));
    wanted
}

fn check_names(source: &Source) -> Result<()> {
    let columns = &source.columns;
    let mut reports = Vec::new();
    for (idx, (name, _)) in columns.others.iter().enumerate() {
        let repeated = columns.others[..idx].iter().any(|(earlier, _)| earlier == name);
        if TAKEN.contains(&name.as_str()) || repeated {
            let report = Report::new(format!("the column name `{name}` is taken"));
            reports.push(report.hint("call the mapped column something else"));
        }
    }
    if columns.ts.is_none() && matches!(columns.ticker, Ticker::Column(_)) {
        let report = Report::new("a source with a ticker column has no `ts`")
            .expected("`columns.ts`, or one ticker for all rows")
            .hint("rows can be numbered only where they are one series");
        reports.push(report);
    }
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Config, reports }) }
}

/// A ticker may come from a directory; numbers and dates in directory names are not read.
fn is_partition(listing: &Listing, part: Part, name: &str) -> bool {
    part == Part::Ticker && listing.partition_keys.iter().any(|key| key == name)
}

fn lacking(place: &str, name: &str, footer: &Footer, listing: &Listing) -> Report {
    let fields = footer.schema.fields().iter().map(|field| field.name().as_str());
    let known: Vec<&str> =
        fields.chain(listing.partition_keys.iter().map(String::as_str)).collect();
    let report = Report::new(format!("the source has no column `{name}`"))
        .at(place)
        .expected(format!("one of {}", known.join(", ")))
        .found(name);
    with_suggestion(report, name, known)
}

fn unfit(place: &str, field: &Field, part: Part) -> Report {
    Report::new(format!("column `{}` has the wrong type", field.name()))
        .at(place)
        .expected(format!("{}: {}", field.name(), part.expected()))
        .found(format!("{}: {}", field.name(), field.data_type()))
}

fn scanned(
    listing: &Listing,
    footers: &[Footer],
    source: &Source,
    wanted: &[(&str, Part)],
) -> Result<Scanned> {
    let ts_types = footers.iter().filter_map(|footer| {
        let field = footer.schema.field_with_name(source.columns.ts.as_deref()?).ok()?;
        Some(field.data_type().is_integer())
    });
    let ts_types: Vec<bool> = ts_types.collect();
    let ts_is_row_number = ts_types.first().copied().unwrap_or(false);
    if let Some(other) = ts_types.iter().position(|is_integer| *is_integer != ts_is_row_number) {
        let place = listing.files.get(other).map(|file| file.name(&listing.url));
        let report = Report::new("`ts` is a date in one file and a row number in another")
            .at(place.unwrap_or_default())
            .expected("one kind in all files");
        return Err(Error::data(report));
    }
    let mut fields: Vec<Field> = Vec::new();
    for (name, part) in wanted {
        let data_type = match part {
            Part::Ticker => DataType::Utf8,
            Part::Ts if ts_is_row_number => DataType::Int64,
            Part::Ts => instant_type(),
            Part::Number => DataType::Float64,
        };
        let is_new = !fields.iter().any(|field| field.name() == name);
        if is_new && !is_partition(listing, *part, name) {
            fields.push(Field::new(*name, data_type, true));
        }
    }
    let partition_keys = listing.partition_keys.iter();
    let partition_keys = partition_keys
        .filter(|key| matches!(&source.columns.ticker, Ticker::Column(name) if name == *key));
    Ok(Scanned {
        file_fields: fields.into(),
        partition_keys: partition_keys.cloned().collect(),
        ts_is_row_number,
    })
}
