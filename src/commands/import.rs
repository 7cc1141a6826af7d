//! `import`: CSV to sorted Parquet.

use oddlot_engine::Error;
use oddlot_engine::import::{self, Duplicates, ImportOptions, TickerFrom, TimeFrom};
use serde_json::json;

use crate::cli::{self, ImportArgs};
use crate::exit::Exit;
use crate::{say, say_json};

/// `oddlot import`.
pub fn import(args: &ImportArgs) -> Result<Exit, Error> {
    let report = import::run(&ImportOptions {
        files: args.files.clone(),
        output_dir: args.output.clone(),
        name: args.name.clone(),
        ticker: match (&args.ticker, &args.ticker_column) {
            (Some(ticker), _) => TickerFrom::Literal(ticker.clone()),
            (None, Some(column)) => TickerFrom::Column(column.clone()),
            (None, None) => TickerFrom::Auto,
        },
        time: match (&args.time_column, args.row_number) {
            (Some(column), _) => TimeFrom::Column(column.clone()),
            (None, true) => TimeFrom::RowNumber,
            (None, false) => TimeFrom::Auto,
        },
        date_format: args.date_format.clone(),
        columns: args.columns.clone(),
        duplicates: match args.duplicates {
            cli::Duplicates::Refuse => Duplicates::Refuse,
            cli::Duplicates::KeepFirst => Duplicates::KeepFirst,
            cli::Duplicates::KeepLast => Duplicates::KeepLast,
        },
    })?;
    say(&format!("{report}\n"));
    say_json(&json!({
        "output": report.output,
        "files": report.n_files,
        "rows": report.n_rows,
        "tickers": report.n_tickers,
    }));
    Ok(Exit::Done)
}
