//! What to try next, once there are tables.

use oddlot_engine::ticker_rows::iso_date;

use super::export::shell_word;
use crate::diagnostic::name;
use crate::plan::Plan;
use crate::relative;
use crate::run::Outcome;

/// Columns of an event that tell it.
const EVENT: &str = "ticker, start_date, model, round(peak_threshold_ratio, 2) AS ratio";

/// Where the tables are, and three commands that look at them: for people, not for programs.
pub fn steps(plan: &Plan, outcome: &Outcome) -> String {
    let file = shell_word(&plan.file);
    let chart = match outcome.summary.events.first() {
        Some(event) => format!(
            "oddlot chart {} -p {file} --explain {}",
            shell_word(&name(&event.ticker)),
            iso_date(event.peak_day)
        ),
        None => format!("oddlot runs {file}"),
    };
    let events = match outcome.summary.is_archive {
        true => "events",
        false => "events WHERE split = 'test'",
    };
    let query = format!("SELECT {EVENT} FROM {events} ORDER BY ratio DESC LIMIT 10");
    let tables = relative::here(&format!("{}/tables", plan.output.root));
    format!(
        "\ntables are in {tables}; try next\n  {chart}\n  oddlot report {file}\n  oddlot sql -p {file} \"{query}\"\n"
    )
}
