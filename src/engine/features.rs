//! From prices to features: cut segments, run the feature file, check what it gives.
//!
//! Relations: `prices` (the source) → `segmented_prices` (+ segment, is_break, price_defect) →
//! `features`, which the windows file reads: ticker, ts, trade_date, segment, is_break, price_defect,
//! reference_price, each feature, each `<feature>_scale`, and `feature_row`, a struct of the features in the
//! order of the header. Columns that the file does not give are NULL.

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};

use crate::error::{Error, Kind, Report, Result};
use crate::failure::from_datafusion;
use crate::header::{GivenColumn, Header};
use crate::lookahead;
use crate::relation::PipelineSql;
use crate::sql_file::SqlFile;
use crate::step::{self, Parameter, instant_type};

/// The relation that `source` registers.
pub const PRICES: &str = "prices";
/// The relation that a feature file reads.
pub const SEGMENTED_PRICES: &str = "segmented_prices";
/// The relation that a windows file reads.
pub const FEATURES: &str = "features";
/// The struct of all features that stands in for them in `rolling_window`.
pub const FEATURE_ROW: &str = "feature_row";
/// Why a price cannot be used; a feature file may hand it on, and windows then tell it.
pub(crate) const PRICE_DEFECT: &str = "price_defect";
/// What a column may be called that sees the future.
pub(crate) const TARGET_PREFIX: &str = "target_";

/// One input of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its column.
    pub name: String,
    /// Whether the file gives `<name>_scale`; the column is NULL throughout where not.
    pub has_scale: bool,
}

/// What a feature file gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// In the order of the windows' interleaved values.
    pub columns: Vec<Feature>,
    /// Whether the file gives `reference_price`.
    pub has_reference_price: bool,
    /// Rows that a feature is computed from, its own included.
    pub lookback: usize,
    /// The file's header.
    pub header: Header,
}

/// Registers `segmented_prices` and `features` over the registered `prices`.
pub(crate) async fn register(context: &SessionContext, sql: &PipelineSql) -> Result<Features> {
    let file = &sql.features;
    let header = file.header()?;
    let lookback = header.require_features(&file.name)?;

    let parameters = parameters(sql);
    let mut of_segments = parameters.to_vec();
    of_segments
        .push(("requires_positive", ScalarValue::Boolean(Some(header.requires_positive_value()))));
    let segments = step::plan(context, &SqlFile::cut_segments(), &of_segments).await?;
    step::register(context, SEGMENTED_PRICES, segments)?;

    let given = step::plan(context, file, &parameters).await?;
    lookahead::check(&file.name, given.logical_plan())?;
    let schema: &Schema = given.schema().as_arrow();
    check_columns(&file.name, schema, &header)?;

    let features = Features {
        columns: header.features.iter().map(|name| feature(name, schema)).collect(),
        has_reference_price: schema.field_with_name("reference_price").is_ok(),
        lookback,
        header,
    };
    let completed = complete(&file.name, given, &features)?;
    step::register(context, FEATURES, completed)?;
    Ok(features)
}

/// The values of `$length`, `$max_gap_days` and `$break_log_return`.
pub(crate) fn parameters(sql: &PipelineSql) -> [Parameter; 3] {
    let length = i64::try_from(sql.length).unwrap_or(i64::MAX);
    [
        ("length", ScalarValue::Int64(Some(length))),
        ("max_gap_days", ScalarValue::Int64(Some(i64::from(sql.max_gap_days)))),
        ("break_log_return", ScalarValue::Float64(sql.break_log_return)),
    ]
}

/// Columns that each row of features and windows begins with.
pub(crate) fn key_columns() -> Vec<(String, DataType)> {
    let columns = [
        ("ticker", DataType::Utf8),
        ("ts", instant_type()),
        ("trade_date", DataType::Date32),
        ("segment", DataType::Int64),
        ("is_break", DataType::Boolean),
    ];
    columns.map(|(name, data_type)| (name.to_owned(), data_type)).into()
}

fn scale_of(feature: &str) -> String {
    format!("{feature}_scale")
}

/// The columns of the `features` relation before `feature_row`.
pub(crate) fn value_columns(features: &Features) -> Vec<(String, DataType)> {
    let names = features.columns.iter().map(|feature| feature.name.clone());
    let scales = features.columns.iter().map(|feature| scale_of(&feature.name));
    let columns = ["reference_price".to_owned()].into_iter().chain(names).chain(scales);
    columns.map(|name| (name, DataType::Float64)).collect()
}

fn feature(name: &str, schema: &Schema) -> Feature {
    let has_scale = schema.field_with_name(&scale_of(name)).is_ok();
    Feature { name: name.to_owned(), has_scale }
}

/// The keys, the features and what is optional, each with its type, and nothing else.
fn check_columns(place: &str, schema: &Schema, header: &Header) -> Result<()> {
    let given = |name: &String| schema.field_with_name(name).is_ok();
    let optional = header.features.iter().map(|name| scale_of(name));
    let optional: Vec<String> =
        optional.chain(["reference_price".to_owned()]).filter(given).collect();
    let floats = header.features.iter().chain(&optional);
    let floats = floats.map(|name| (name.clone(), DataType::Float64));
    let defect = Some((PRICE_DEFECT.to_owned(), DataType::Utf8)).filter(|(name, _)| given(name));
    let expected: Vec<_> = key_columns().into_iter().chain(defect).chain(floats).collect();
    step::expect_columns(place, schema, &expected)?;

    let is_known = |name: &str| {
        name.starts_with(TARGET_PREFIX) || expected.iter().any(|(known, _)| known == name)
    };
    let unknown = schema.fields().iter().filter(|field| !is_known(field.name()));
    let mut reports: Vec<Report> = unknown
        .map(|field| {
            Report::new(format!("column `{}` has no part to play", field.name()))
                .at(place)
                .expected("keys, price_defect, reference_price, features, and `<feature>_scale`")
                .found(format!("{} {}", field.name(), field.data_type()))
                .hint("name it in the header's `features`, or leave it out")
        })
        .collect();
    reports.extend(header.gives.iter().filter_map(|column| broken_promise(place, schema, column)));
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Config, reports }) }
}

fn broken_promise(place: &str, schema: &Schema, column: &GivenColumn) -> Option<Report> {
    let GivenColumn { name, data_type } = column;
    let found = schema.field_with_name(name).ok().map(|field| field.data_type().to_string());
    (found.as_ref() != Some(data_type)).then(|| {
        Report::new(format!("the header promises another column `{name}`"))
            .at(place)
            .expected(format!("{name} {data_type}"))
            .found(found.map_or_else(|| "no such column".into(), |found| format!("{name} {found}")))
            .hint("correct `gives` in the header, or the SELECT")
    })
}

/// Adds NULL columns for what is not given, and `feature_row`; drops targets.
fn complete(place: &str, given: DataFrame, features: &Features) -> Result<DataFrame> {
    let schema = given.schema().as_arrow().clone();
    let column = |name: String| match schema.field_with_name(&name) {
        Ok(_) => ident(name),
        Err(_) => lit(ScalarValue::Float64(None)).alias(name),
    };
    let keys = key_columns().into_iter().map(|(name, _)| ident(name));
    let defect = match schema.field_with_name(PRICE_DEFECT) {
        Ok(_) => ident(PRICE_DEFECT),
        Err(_) => lit(ScalarValue::Utf8(None)).alias(PRICE_DEFECT),
    };
    let values = value_columns(features).into_iter().map(|(name, _)| column(name));
    let fields = features.columns.iter();
    let fields = fields.flat_map(|feature| [lit(feature.name.as_str()), ident(&feature.name)]);
    let row = named_struct(fields.collect()).alias(FEATURE_ROW);
    let columns: Vec<Expr> = keys.chain([defect]).chain(values).chain([row]).collect();
    given.select(columns).map_err(|error| from_datafusion(place, error))
}
