//! Whether every file has the mapped columns, in types that fit their parts.

use datafusion::arrow::datatypes::{DataType, Field, Fields};

use super::footers::Footer;
use super::listing::Listing;
use super::misfit::{self, Misfit};
use super::utc::naive_type;
use super::{Source, Ticker};
use crate::error::{Error, Kind, Report, Result};
use crate::step::instant_type;

/// Names in `prices` that are not free for other columns.
const TAKEN: [&str; 11] = [
    "ticker",
    "ts",
    "trade_date",
    "value",
    "segment",
    "is_break",
    "is_conflict",
    "is_dropped",
    "price_defect",
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
    /// Whether `ts` has no time zone in any file: what it shows is UTC.
    pub(super) ts_is_naive: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Ticker,
    Ts,
    Number,
}

impl Part {
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Ticker => "text",
            Self::Ts => "dates, timestamps or row numbers",
            Self::Number => "numbers",
        }
    }

    pub(super) fn fits(self, found: &DataType) -> bool {
        match (self, found) {
            (Self::Ticker, DataType::Dictionary(_, value)) => self.fits(value),
            (Self::Ticker, _) => found.is_string(),
            (Self::Ts, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) => true,
            (Self::Ts, _) => found.is_integer(),
            (Self::Number, _) => found.is_numeric(),
        }
    }
}

/// A column that the pipeline maps, its part, and the key that maps it.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) part: Part,
    pub(super) key: String,
}

/// The mapped columns, or everything that is wrong with them.
pub(super) fn check(listing: &Listing, footers: &[Footer], source: &Source) -> Result<Scanned> {
    check_names(source)?;
    let wanted = wanted(source);
    let misfits: Vec<Misfit> = wanted
        .iter()
        .filter(|wanted| !is_partition(listing, wanted.part, wanted.name))
        .map(|wanted| misfit(listing, footers, wanted))
        .filter(|misfit| !misfit.lacking.is_empty() || !misfit.unfit.is_empty())
        .collect();
    if misfits.is_empty() {
        return scanned(listing, footers, source, &wanted);
    }
    Err(misfit::error(&misfits, footers.len(), &listing.partition_keys, source))
}

fn misfit<'a>(listing: &Listing, footers: &'a [Footer], wanted: &'a Wanted<'a>) -> Misfit<'a> {
    let mut misfit = Misfit { wanted, lacking: Vec::new(), unfit: Vec::new() };
    for (file, footer) in listing.files.iter().zip(footers) {
        let entry = || (file.name(&listing.url), &footer.schema);
        match footer.schema.field_with_name(wanted.name) {
            Err(_) => misfit.lacking.push(entry()),
            Ok(field) if !wanted.part.fits(field.data_type()) => misfit.unfit.push(entry()),
            Ok(_) => {}
        }
    }
    misfit
}

/// The mapped source columns and their parts.
fn wanted(source: &Source) -> Vec<Wanted<'_>> {
    let columns = &source.columns;
    let mut wanted = Vec::new();
    let mut want = |name, part, role: &str| {
        wanted.push(Wanted { name, part, key: format!("source.columns.{role}") });
    };
    if let Ticker::Column(name) = &columns.ticker {
        want(name.as_str(), Part::Ticker, "ticker");
    }
    if let Some(name) = &columns.ts {
        want(name.as_str(), Part::Ts, "ts");
    }
    want(&columns.value, Part::Number, "value");
    for (role, name) in &columns.others {
        want(name.as_str(), Part::Number, role);
    }
    wanted
}

fn check_names(source: &Source) -> Result<()> {
    let columns = &source.columns;
    let mut reports = Vec::new();
    for (idx, (name, _)) in columns.others.iter().enumerate() {
        let repeated = columns.others[..idx].iter().any(|(earlier, _)| earlier == name);
        if TAKEN.contains(&name.as_str()) || repeated {
            let key = format!("source.columns.{name}");
            let report = Report::new(format!("the column name `{name}` is taken"))
                .at(source.path.as_str())
                .expected(format!("a name other than {}", TAKEN.join(", ")))
                .found(key.as_str())
                .hint("call the mapped column something else, left of the =");
            reports.push(source.places.point(report, &key));
        }
    }
    if columns.ts.is_none() && matches!(columns.ticker, Ticker::Column(_)) {
        let report = Report::new("a source with a ticker column has no time column")
            .at(source.places.place("source.columns.ticker", &source.path))
            .expected("`source.columns.ts`, or one ticker for all rows")
            .found("rows of several tickers, to be numbered")
            .hint("name the column with the date: `ts = \"date\"`; or write `ticker = \"SPX\"` in [source]");
        reports.push(report);
    }
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Config, reports }) }
}

/// A ticker may come from a directory; numbers and dates in directory names are not read.
fn is_partition(listing: &Listing, part: Part, name: &str) -> bool {
    part == Part::Ticker && listing.partition_keys.iter().any(|key| key == name)
}

fn scanned(
    listing: &Listing,
    footers: &[Footer],
    source: &Source,
    wanted: &[Wanted<'_>],
) -> Result<Scanned> {
    let ts_types = footers.iter().filter_map(|footer| {
        let field = footer.schema.field_with_name(source.columns.ts.as_deref()?).ok()?;
        Some(field.data_type())
    });
    let ts_types: Vec<&DataType> = ts_types.collect();
    let ts_is_row_number = ts_types.first().is_some_and(|ts| ts.is_integer());
    let ts_is_naive = !ts_types.iter().any(|ts| matches!(ts, DataType::Timestamp(_, Some(_))));
    if let Some(other) = ts_types.iter().position(|ts| ts.is_integer() != ts_is_row_number) {
        let place = listing.files.get(other).map(|file| file.name(&listing.url));
        let column = source.columns.ts.as_deref().unwrap_or_default();
        let report = Report::new("time is dates in one file and row numbers in another")
            .at(place.unwrap_or_default())
            .expected(format!("`{column}` of one kind in all files"))
            .found(match ts_is_row_number {
                true => "dates here, row numbers in the files before",
                false => "row numbers here, dates in the files before",
            })
            .hint("write the file anew, or take it out of the source");
        return Err(Error::data(report));
    }
    let mut fields: Vec<Field> = Vec::new();
    for Wanted { name, part, .. } in wanted {
        let data_type = match part {
            Part::Ticker => DataType::Utf8,
            Part::Ts if ts_is_row_number => DataType::Int64,
            Part::Ts if ts_is_naive => naive_type(),
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
        ts_is_naive,
    })
}
