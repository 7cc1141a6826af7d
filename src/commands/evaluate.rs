//! `evaluate`: scores against labels.

use std::path::Path;

use oddlot_engine::labelled::{ColumnMap, Labels, read_labels, read_scores};
use oddlot_engine::query::{first_feature, scored_rows};
use oddlot_engine::session::{SessionOptions, session};
use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Kind, Report};

use super::{block_on, load, threads, written};
use crate::cli::{EvaluateArgs, FigureFormat};
use crate::evaluate::{self, Given, Style};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::{colour, diagnostic, say, say_json, tell};

/// `oddlot evaluate`.
pub fn evaluate(args: &EvaluateArgs) -> Result<Exit, Error> {
    block_on(threads(None), async {
        let given = match (&args.pipeline, &args.scores) {
            (Some(pipeline), _) => of_pipeline(pipeline, args).await?,
            (None, Some(scores)) => of_file(scores, args)?,
            (None, None) => {
                return Err(Error::config(Report::new("name a pipeline or `--scores`")));
            }
        };
        for warning in &given.warnings {
            tell(&diagnostic::warning(warning, colour()));
        }
        let mut evaluation = evaluate::evaluate(&given.series, args.tolerance);
        evaluation.notes = given.notes;
        let json = evaluate::json(&evaluation);
        let text = match args.format {
            FigureFormat::Table => evaluate::text(&evaluation, Style::Plain),
            FigureFormat::Md => evaluate::text(&evaluation, Style::Markdown),
            FigureFormat::Csv => evaluate::csv(&evaluation),
            FigureFormat::Json => format!("{json}\n"),
        };
        match &args.output {
            Some(file) => {
                written::whole(file, text.as_bytes(), "the figures", written::ANOTHER_OUTPUT)?;
                say(&format!("wrote {}\n", file.display()));
            }
            None => say(&text),
        }
        // What is not data already ends with a line for programs.
        if args.output.is_some() || args.format == FigureFormat::Table {
            let mut means = json;
            if let Some(object) = means.as_object_mut() {
                object.remove("by_ticker");
            }
            say_json(&means);
        }
        Ok(Exit::Done)
    })
}

async fn of_pipeline(pipeline: &Path, args: &EvaluateArgs) -> Result<Given, Error> {
    let plan = load(pipeline)?;
    let root = OutputRoot::open_existing(&plan.output.root)?;
    let context = session(&SessionOptions { threads: threads(None), ..SessionOptions::default() })?;
    root.register(&context)?;
    let rows = scored_rows(&context, root.name(), plan.pipeline.as_str()).await?;
    if rows.is_empty() {
        return Err(without_scores(&plan));
    }
    let values = first_feature(&context, root.name(), plan.pipeline.as_str()).await?;
    let labels = labels(args, only(rows.iter().map(|row| &*row.ticker)))?;
    evaluate::of_pipeline(rows, values, &labels, args)
}

fn of_file(scores: &Path, args: &EvaluateArgs) -> Result<Given, Error> {
    let named = args.column.iter().map(|column| ("score".to_owned(), column.clone()));
    let columns = columns("--score-columns", named.chain(args.score_columns.clone()))?;
    let scores = read_scores(scores, &columns)?;
    let labels = labels(args, only(scores.keys().map(String::as_str)))?;
    evaluate::of_file(scores, &labels, args)
}

fn labels(args: &EvaluateArgs, only_ticker: Option<&str>) -> Result<Labels, Error> {
    let columns = columns("--columns", args.columns.clone())?;
    read_labels(&args.labels, &columns, only_ticker, args.group_by.as_deref())
}

fn columns(
    option: &'static str,
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<ColumnMap, Error> {
    ColumnMap::new(option, pairs)
        .map_err(|found| Error::config(Report::new("the columns cannot be named so").found(found)))
}

/// The ticker, if there is only one.
fn only<'a>(mut tickers: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = tickers.next()?;
    tickers.all(|ticker| ticker == first).then_some(first)
}

fn without_scores(plan: &Plan) -> Error {
    let report = Report::new(format!("pipeline {} has no scores", plan.pipeline.as_str()));
    let report =
        report.at(plan.file.as_str()).expected("the tables of a complete run").found("none");
    Error::new(Kind::Data, report.hint(format!("score first: `oddlot run {}`", plan.file)))
}
