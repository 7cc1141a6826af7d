//! The log on stderr.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

use crate::cli::LogFormat;

/// Whether the log is lines of JSON, among which nothing else may stand.
static IS_JSON: OnceLock<bool> = OnceLock::new();

/// Whether the log is lines of JSON.
pub fn is_json() -> bool {
    IS_JSON.get().copied().unwrap_or(false)
}

/// Starts the log. `ODDLOT_LOG` overrides what is told, as in `ODDLOT_LOG=debug`.
pub fn start(format: LogFormat, is_quiet: bool) {
    let _ = IS_JSON.set(matches!(format, LogFormat::Json));
    let default = if is_quiet { "warn" } else { "oddlot=info,oddlot_engine=info,warn" };
    let filter = EnvFilter::try_from_env("ODDLOT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // At their finest these tell whole headers, and with them the token of a session.
    let discreet = ["h2=warn", "hyper=warn", "hyper_util=warn", "reqwest=warn", "rustls=warn"];
    let discreet = discreet.iter().filter_map(|directive| directive.parse().ok());
    let filter = discreet.fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%SZ".to_owned()))
        .with_target(false);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.with_ansi(false).init(),
    }
}
