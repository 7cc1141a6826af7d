//! `import`: CSV to sorted Parquet.

use oddlot_engine::Error;
use oddlot_engine::import::{
    self, Decimal, Example, GenerateOptions, ImportOptions, ImportReport, TickerFrom, TimeFrom,
    Treatment, Treatments,
};
use oddlot_series::simulate::Simulation;
use serde_json::{Value, json};

use crate::cli::{self, ImportArgs};
use crate::exit::Exit;
use crate::{say, say_json};

/// `oddlot import`.
pub fn import(args: &ImportArgs) -> Result<Exit, Error> {
    if let Some(simulation) = args.generate {
        return generate(args, simulation);
    }
    let report = import::run(&ImportOptions {
        files: args.files.clone(),
        output_dir: args.output.clone(),
        name: args.name.clone(),
        ticker: ticker_from(args),
        time: match (&args.time_column, args.row_number) {
            (Some(column), _) => TimeFrom::Column(column.clone()),
            (None, true) => TimeFrom::RowNumber,
            (None, false) => TimeFrom::Auto,
        },
        date_format: args.date_format.clone(),
        first_year: args.first_year,
        delimiter: args.delimiter,
        decimal: args.decimal.map(|decimal| match decimal {
            cli::Decimal::Point => Decimal::Point,
            cli::Decimal::Comma => Decimal::Comma,
        }),
        columns: args.columns.clone(),
        no_columns: args.no_columns,
        labels: args.labels.clone(),
        large_move_pct: args.large_move,
        treatments: treatments(args),
        n_examples: args.examples,
    })?;
    say(&format!("{report}\n"));
    say_json(&told(&report));
    Ok(Exit::Done)
}

/// `oddlot import --generate`.
fn generate(args: &ImportArgs, simulation: Simulation) -> Result<Exit, Error> {
    let made = import::generate(&GenerateOptions {
        simulation,
        output: args.output.clone(),
        name: args.name.clone(),
        columns: args.columns.clone(),
        threads: super::threads(args.threads),
    })?;
    say(&format!("{made}\n"));
    say_json(&json!({
        "output": made.output.display().to_string(),
        "tickers": made.n_tickers,
        "rows": made.n_rows,
        "first": made.span.0.to_string(),
        "last": made.span.1.to_string(),
        "listed_late": made.n_late,
        "delisted": made.n_delisted,
        "splits": made.n_splits,
        "missing": made.n_missing,
    }));
    Ok(Exit::Done)
}

fn ticker_from(args: &ImportArgs) -> TickerFrom {
    match (&args.ticker, &args.ticker_column, &args.ticker_in_name) {
        (Some(ticker), ..) => TickerFrom::Literal(ticker.clone()),
        (None, Some(column), _) => TickerFrom::Column(column.clone()),
        (None, None, Some(pattern)) => TickerFrom::FileName(pattern.clone()),
        (None, None, None) => TickerFrom::Auto,
    }
}

/// `--duplicates` first, so that `--on duplicate=…` wins over its default.
fn treatments(args: &ImportArgs) -> Treatments {
    let duplicates = match args.duplicates {
        cli::Duplicates::Refuse => Treatment::REFUSE_DUPLICATES,
        cli::Duplicates::KeepFirst => Treatment::FIRST_DUPLICATE,
        cli::Duplicates::KeepLast => Treatment::LAST_DUPLICATE,
    };
    Treatments::new(&[&[duplicates], args.on.as_slice()].concat())
}

/// The report as JSON: every oddity by its name, with its examples.
fn told(report: &ImportReport) -> Value {
    let example = |Example { file, line, content }: &Example| json!({ "file": file.display().to_string(), "line": line, "content": content });
    let oddities: Vec<Value> = report
        .oddities
        .iter()
        .map(|oddity| {
            json!({
                "oddity": oddity.kind.slug(),
                "what": oddity.kind.to_string(),
                "count": oddity.count,
                "action": oddity.action.to_string(),
                "examples": oddity.examples.iter().map(example).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "output": report.output.display().to_string(),
        "files": report.n_files,
        "rows_read": report.n_rows_read,
        "rows": report.n_rows,
        "tickers": report.n_tickers,
        "oddities": oddities,
    })
}
