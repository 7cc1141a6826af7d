//! One function a command: what it calls, what it prints, how it ends.

mod bench;
mod chart;
mod check;
mod demo;
mod doctor;
mod evaluate;
mod export;
mod generated;
mod help;
mod import;
mod init;
mod job;
mod list;
mod next;
mod page;
mod plan;
mod report;
mod result_file;
mod schema;
mod sql;
mod stored;
mod tickers;
mod verify;
mod weights;
mod written;

use std::future::Future;
use std::path::{Path, PathBuf};

use oddlot_engine::Error;
use oddlot_nets::Engine;

use crate::cli::{Cli, Command, Models, ModelsCommand};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::{colour, diagnostic, relative, stop, tell};

pub use sql::{Bounds, tell_cut};

/// Does what the command line asks for; `engine` computes the networks.
///
/// # Errors
/// Whatever stops the command.
pub fn dispatch(cli: &Cli, engine: Engine) -> Result<Exit, Error> {
    let progress = Progress::detect(cli.quiet);
    match &cli.command {
        Command::Run(args) => job::run(args, progress, engine),
        Command::Score(args) => job::score(args, progress, engine),
        Command::Train(args) => job::train(args, progress, engine),
        Command::Plan(args) => plan::plan(args, engine),
        Command::Check(args) => check::check(&args.pipeline.pipeline, args.data),
        Command::Chart(args) => chart::chart(args),
        Command::Report(args) => match &args.pipeline {
            Some(pipeline) => page::report(pipeline, args.output.as_deref()),
            None => report::report(args),
        },
        Command::Sql(args) => sql::sql(args),
        Command::Import(args) => import::import(args),
        Command::Models(Models { what: None, place }) => list::models(place, engine),
        Command::Models(Models { what: Some(what), .. }) => match what {
            ModelsCommand::List(place) => list::models(place, engine),
            ModelsCommand::Export(args) => weights::export(args, engine),
            ModelsCommand::Import(args) => weights::import(args, progress, engine),
        },
        Command::Runs(args) => list::runs(args),
        Command::Verify(args) => verify::verify(args, engine),
        Command::Doctor(args) => doctor::doctor(args.pipeline.as_deref()),
        Command::Export(args) => export::export(args),
        Command::Evaluate(args) => evaluate::evaluate(args),
        Command::Demo(args) => demo::demo(args, progress, engine),
        Command::Init(args) => init::init(args),
        Command::Schema => schema::schema(),
        Command::Completions(args) => generated::completions(args),
        Command::Man(args) => generated::man(args),
        Command::Help(args) => help::help(args),
        Command::Bench(args) => bench::bench(args, progress, engine),
    }
}

/// Reads a pipeline file and tells its warnings.
fn load(pipeline: &Path) -> Result<Plan, Error> {
    let plan = Plan::load(pipeline, &|name| std::env::var(name).ok())?;
    for warning in &plan.warnings {
        tell(&diagnostic::warning(warning, colour()));
    }
    Ok(plan)
}

/// Does `work` for every pipeline in turn, whatever becomes of the others. What stops one of several is told at
/// once, and the worst exit code counts; of a single one it is the error of the command.
async fn each(
    pipelines: &[PathBuf],
    work: impl AsyncFn(&Path) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    if let [only] = pipelines {
        return work(only).await;
    }
    let mut worst: Option<Exit> = None;
    for pipeline in pipelines {
        if let Some(stopped) = stop::asked() {
            return Ok(stopped);
        }
        let exit = match work(pipeline).await {
            Ok(exit) => exit,
            Err(error) => {
                let exit = Exit::from(&error);
                let error = match std::env::current_dir() {
                    Ok(folder) => relative::error(error, &folder),
                    Err(_) => error,
                };
                tell(&diagnostic::error(&error, colour()));
                exit
            }
        };
        worst = Some(worst.map_or(exit, |worst| worst.worse(exit)));
    }
    Ok(worst.unwrap_or(Exit::Done))
}

/// Threads to use: as asked, else one a processor.
fn threads(asked: Option<u16>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(processors, usize::from)
}

/// Runs a command's work on `threads` threads of tokio and as many of Rayon; a signal ends it, or is left to it where it
/// takes care of that.
///
/// What is unfinished is in `_staging`; the same command begins it anew and touches nothing else.
fn block_on(
    threads: usize,
    work: impl Future<Output = Result<Exit, Error>>,
) -> Result<Exit, Error> {
    block_on_with(threads, STACK_BYTES, work)
}

/// What a thread of tokio has for its stack, unless it needs more.
const STACK_BYTES: usize = 2 << 20;

/// What a query of any shape needs: it is planned by recursion, a few kilobytes for each word at worst.
const DEEP_STACK_BYTES: usize = 256 << 20;

/// [`block_on`] where stacks have to be deep: whoever nests a query deeply gets an answer or a refusal.
fn block_on_deep(
    threads: usize,
    work: impl AsyncFnOnce() -> Result<Exit, Error> + Send,
) -> Result<Exit, Error> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, || block_on_with(threads, DEEP_STACK_BYTES, work()))
            .map_err(|error| Error::bug(format!("threads cannot be started: {error}")))?
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn block_on_with(
    threads: usize,
    stack_bytes: usize,
    work: impl Future<Output = Result<Exit, Error>>,
) -> Result<Exit, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| Error::bug(format!("threads cannot be started: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(stack_bytes)
        .enable_all()
        .build()
        .map_err(|error| Error::bug(format!("threads cannot be started: {error}")))?;
    let ended = runtime.block_on(async {
        stop::listen()?;
        tokio::select! {
            biased;
            done = work => done,
            exit = stop::left_alone() => {
                tell("interrupted; committed cells are whole, and the same command resumes\n");
                Ok(exit)
            }
        }
    });
    // Threads in the middle of an epoch are not waited for, nor let go of: `pthread_detach` of a thread that ends
    // at that moment reads memory that is gone (glibc, bug 19951), and the process is about to end anyway.
    std::mem::forget(runtime);
    ended
}
