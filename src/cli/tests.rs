//! What the command line takes, refuses and says.

use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use super::*;

fn parsed(line: &str) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(line.split_whitespace())?;
    cli.check().map(|()| cli)
}

fn refusal(line: &str) -> String {
    let error = parsed(line).expect_err(line);
    assert_eq!(error.exit_code(), 2, "{line}");
    error.to_string()
}

#[test]
fn the_command_line_is_built_consistently() {
    Cli::command().debug_assert();
}

#[test]
fn a_single_date_is_both_ends_of_the_range() {
    let cli = parsed("oddlot run p.toml --date 2026-02-11").unwrap();
    let Command::Run(job) = cli.command else { panic!("run") };
    let day = NaiveDate::from_ymd_opt(2026, 2, 11);
    assert_eq!(job.range.when(), When::Dates(cells::Range { from: day, to: day }));
}

#[test]
fn an_instant_is_read_as_schedulers_write_it_and_never_without_its_offset() {
    let when = |text: &str| {
        let line = ["oddlot", "plan", "p.toml", "--as-of", text];
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Plan(plan)) => Ok(plan.range.when()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    };
    let expected = When::AsOf("2026-02-11T22:30:00Z".parse().unwrap());
    for text in [
        "2026-02-11T22:30:00Z",
        "2026-02-11T22:30:00+00:00",
        "2026-02-11 22:30:00+00:00",
        "2026-02-11T22:30:00.000000+00:00",
        "2026-02-11T17:30:00-05:00",
        "20260211T223000+0000",
    ] {
        assert_eq!(when(text), Ok(expected), "{text}");
    }
    for text in ["2026-02-11", "2026-02-11T22:30:00", "now", "", "2026-02-30T00:00:00Z"] {
        assert!(when(text).unwrap_err().contains("expected an instant with its offset"), "{text}");
    }
    refusal("oddlot run p.toml --as-of 2026-02-11T22:30:00Z --date 2026-02-11");
    refusal("oddlot train p.toml --as-of 2026-02-11T22:30:00Z");
}

#[test]
fn tickers_are_parted_by_commas_and_no_model_is_trained_on_a_few() {
    let tickers = |line: &str| match parsed(line).unwrap().command {
        Command::Run(job) | Command::Score(job) => job.tickers.tickers,
        Command::Plan(plan) => plan.tickers.tickers,
        other => panic!("{other:?}"),
    };
    assert_eq!(tickers("oddlot run p.toml --tickers AAPL,B*,@few.txt"), ["AAPL", "B*", "@few.txt"]);
    assert_eq!(tickers("oddlot score p.toml --tickers A --tickers B"), ["A", "B"]);
    assert_eq!(tickers("oddlot plan p.toml"), [""; 0]);
    refusal("oddlot train p.toml --tickers AAPL");
    refusal("oddlot train p.toml --shard 0/2");
    refusal("oddlot run p.toml --skip-code 256");
}

#[test]
fn a_shard_waits_an_hour_for_models_and_other_runs_do_not_unless_they_are_told_to() {
    let minutes = |line: &str| match parsed(line).unwrap().command {
        Command::Run(job) | Command::Score(job) => job.wait.patience(job.shard).as_secs() / 60,
        Command::Train(train) => train.wait.patience(None).as_secs() / 60,
        other => panic!("{other:?}"),
    };
    assert_eq!(minutes("oddlot run p.toml --shard 0/8"), 60);
    assert_eq!(minutes("oddlot run p.toml --shard 7/8 --wait 0"), 0);
    assert_eq!(minutes("oddlot run p.toml"), 0);
    assert_eq!(minutes("oddlot train p.toml --wait 90"), 90);
    assert!(refusal("oddlot run p.toml --shard 8/8").contains("0/8 to 7/8"));
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    assert!(parsed("oddlot --quiet run p.toml").unwrap().quiet);
    assert!(parsed("oddlot run p.toml --log-format json -q").unwrap().quiet);
}

#[test]
fn sql_asks_the_folder_out_by_default_and_a_pipeline_instead_of_it() {
    let cli = parsed("oddlot sql SELECT").unwrap();
    let Command::Sql(sql) = cli.command else { panic!("sql") };
    assert_eq!((sql.root.as_str(), sql.pipeline), ("out", None));
    assert!(parsed("oddlot sql SELECT --pipeline p.toml").is_ok());
    refusal("oddlot sql SELECT --pipeline p.toml --root out");
    refusal("oddlot sql SELECT -f query.sql");
    refusal("oddlot sql -f query.sql --question stale_tickers");
}

#[test]
fn parameters_and_bounds_of_a_query_are_read_and_nonsense_is_refused() {
    let sql = |line: &str| match parsed(line).unwrap().command {
        Command::Sql(sql) => sql,
        other => panic!("{other:?}"),
    };
    let args = sql("oddlot sql Q --param day=2026-02-11 --param $t=a=b --param empty=");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(args.param, [pair("day", "2026-02-11"), pair("t", "a=b"), pair("empty", "")]);
    assert_eq!((args.limit, args.timeout, args.memory), (None, 300, bytesize::ByteSize::gib(2)));
    assert_eq!(sql("oddlot sql p.toml --question").question.as_deref(), Some(""));
    assert_eq!(sql("oddlot sql --memory 500MB Q").memory, bytesize::ByteSize::mb(500));
    for wrong in ["--param day", "--param =1", "--memory 1MB", "--memory much", "--limit -1"] {
        refusal(&format!("oddlot sql Q {wrong}"));
    }
}

#[test]
fn models_and_runs_need_to_know_where() {
    assert!(parsed("oddlot models p.toml").is_ok());
    assert!(parsed("oddlot runs --root out").is_ok());
    refusal("oddlot runs");
    refusal("oddlot runs p.toml --root out");
}

#[test]
fn models_lists_with_and_without_the_word() {
    let models = |line: &str| match parsed(line).unwrap().command {
        Command::Models(models) => models,
        other => panic!("{other:?}"),
    };
    let bare = models("oddlot models p.toml");
    assert!(bare.what.is_none() && bare.place.pipeline == Some("p.toml".into()));
    assert_eq!(models("oddlot models --root out").place.root.as_deref(), Some("out"));
    let Some(ModelsCommand::List(place)) = models("oddlot models list --root out").what else {
        panic!("list")
    };
    assert_eq!(place.root.as_deref(), Some("out"));
    refusal("oddlot models");
    refusal("oddlot models list");
    refusal("oddlot models p.toml list");
    // A file of that name is still within reach.
    assert!(models("oddlot models ./list").what.is_none());
}

#[test]
fn weights_go_out_and_in_by_a_layout() {
    let what = |line: &str| match parsed(line).unwrap().command {
        Command::Models(Models { what: Some(what), .. }) => what,
        other => panic!("{other:?}"),
    };
    let line = "oddlot models export p.toml net --layout keras -o net.safetensors -q";
    let ModelsCommand::Export(export) = what(line) else { panic!("export") };
    assert_eq!((export.place.as_str(), export.model.as_str()), ("p.toml", "net"));
    assert_eq!(
        (export.layout, export.output.clone()),
        (Layout::Keras, Some("net.safetensors".into()))
    );
    assert_eq!(export.ticker, None);
    let line = "oddlot models export out net --layout keras --ticker 0005";
    let ModelsCommand::Export(export) = what(line) else { panic!("export") };
    assert_eq!(export.ticker.as_deref(), Some("0005"));
    let line = "oddlot -q models import p.toml net w.safetensors --layout pytorch --layers a,b:1";
    let ModelsCommand::Import(import) = what(line) else { panic!("import") };
    assert_eq!((import.layout, import.file), (Layout::Pytorch, "w.safetensors".into()));
    assert_eq!(import.layers, ["a", "b:1"]);
    assert_snapshot!(refusal("oddlot models import p.toml net w.safetensors"), @r"
    error: the following required arguments were not provided:
      --layout <LAYOUT>

    Usage: oddlot models import --layout <LAYOUT> <PIPELINE> <MODEL> <FILE>

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal("oddlot models export p.toml net --layout onnx"), @r"
    error: invalid value 'onnx' for '--layout <LAYOUT>'
      [possible values: keras, pytorch]

    For more information, try '--help'.
    ");
}

#[test]
fn usage_mistakes_are_refused() {
    assert_snapshot!(refusal("oddlot run p.toml --from 2024-02-30"), @r"
    error: invalid value '2024-02-30' for '--from <DATE>': expected a date such as 2026-02-11

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal("oddlot run p.toml --from 2024-02-02 --to 2024-02-01"), @r"
    error: --to 2024-02-01 is earlier than --from 2024-02-02; both are included

    Usage: oddlot [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal("oddlot run p.toml --threads 0"), @r"
    error: invalid value '0' for '--threads <N>': 0 is not in 1..=1024

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal("oddlot rum p.toml"), @r"
    error: unrecognized subcommand 'rum'

      tip: some similar subcommands exist: 'runs', 'run'

    Usage: oddlot [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(refusal("oddlot run p.toml --date 2024-02-01 --to 2024-02-01"), @r"
    error: the argument '--date <DATE>' cannot be used with '--to <DATE>'

    Usage: oddlot run --date <DATE> <PIPELINE>...

    For more information, try '--help'.
    ");
}

#[test]
fn help_reads_in_the_words_of_the_field() {
    let help = |name: &str| {
        let mut command = Cli::fitted();
        match command.find_subcommand_mut(name) {
            Some(command) => command.render_help().to_string(),
            None => command.render_help().to_string(),
        }
    };
    assert_snapshot!(help("oddlot"), @r"
    Finds what does not belong in price history

    Usage: oddlot [OPTIONS] <COMMAND>

    Commands:
      demo         Run the S&P 500 job, which comes with the binary, in an empty folder
      init         Look at Parquet files and write a pipeline for them
      run          Do the whole job: read prices, train where needed, score, write tables
      check        Look for mistakes in a pipeline, its queries and its source, and change nothing
      plan         List what a run would train, score and write, and why
      train        Train the models of a pipeline, unless they are trained already
      score        Score with the models trained before, and write tables
      chart        Draw what was expected of a ticker and what stands out, or tell why a day does
      report       Write one page about a pipeline, or the figures of the seed systems
      sql          Ask the tables in SQL; with neither query nor file, open a prompt
      import       Turn CSV files into one sorted Parquet file, and tell what is odd in them
      models       List the trained models of an output folder; export and import their weights
      runs         List the runs of an output folder and how they ended
      verify       Read everything in an output folder and tell what is not as it was written
      evaluate     Tell how well scores find what labels say, beside what needs no detector
      doctor       Try all that a run needs of this machine and of the pipeline's places
      export       Print what cron, systemd, Airflow or DuckDB need to work with a pipeline
      bench        Measure how fast networks are trained and scored on this machine
      schema       Print the JSON Schema of pipeline files, for editors
      completions  Print a script that completes commands and options in a shell
      man          Print a manual page, of all or of one command
      help         Explain a command, or a topic: tables, exit-codes, s3, airflow, labels, oddities

    Options:
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help
      -V, --version              Print version

    Example: oddlot run pipelines/sp500.toml
    ");
    assert_snapshot!(help("run"), @r"
    Do the whole job: read prices, train where needed, score, write tables

    Usage: oddlot run [OPTIONS] <PIPELINE>...

    Arguments:
      <PIPELINE>...  The pipeline file (TOML); several run one after the other, and the worst exit code
                     counts

    Options:
          --from <DATE>          The first trading date to write, included; the years that are touched
                                 are written whole
          --to <DATE>            The last trading date to write, included
          --date <DATE>          One trading date to write; the same as --from and --to on one day
          --as-of <INSTANT>      The last session that was closed by then, for schedulers: an instant
                                 such as 2026-02-11T22:30:00Z
          --full-refresh         Do everything anew, even what is trained and written already
          --dry-run              Say what would be done, and do nothing
          --threads <N>          How many threads to use, at most; by default one per processor
          --tickers <TICKER,…>   Score and write only these: names, patterns with * and ?, @FILE with
                                 one a line; others stay as they are
          --shard <I/N>          Write only the parts (`output.parts`) whose number leaves I when
                                 divided by N: shards 0/N to N-1/N side by side are one run
          --wait <MINUTES>       How long to wait for the models that another run is training before
                                 ending with code 75 [default: 60 of a shard, else 0]
          --fail-on <WHAT>       End with code 4 if a day within the range is flagged [possible values:
                                 anomaly]
          --skip-code <CODE>     End with this code instead of 0 if there was nothing to do
          --result-file <FILE>   Write the result there as JSON, whole or not at all
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help

    Example: oddlot run pipelines/sp500.toml --from 2024-01-01
    ");
    assert_snapshot!(help("chart"), @r"
    Draw what was expected of a ticker and what stands out, or tell why a day does

    Usage: oddlot chart [OPTIONS] <TICKER>

    Arguments:
      <TICKER>  Whose prices

    Options:
      -p, --pipeline <PIPELINE>  The pipeline file whose output to look at
          --root <DIR>           The output folder to look at, or s3://bucket/prefix [default: out]
          --model <NAME>         Which model; by default the first of the pipeline that gives a band,
                                 else the first
          --feature <NAME>       Which feature, where the models see several; by default the first by
                                 name
          --from <DATE>          The first trading date; by default two years before the last
          --to <DATE>            The last trading date, included
      -o, --output <FILE>        Write to a file: .svg, .png or .html; else it is drawn in the terminal
          --explain <DATE>       Tell of this day why it was flagged, or why not
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help

    With a pipeline the price is drawn, from its source; without one the feature that the models see.
    Marks tell how far a score is above its threshold; the shaded band is what is not flagged.

    Example: oddlot chart SPX -p pipelines/sp500.toml --from 2020-01-01 --to 2020-06-30 -o spx.svg
             oddlot chart SPX -p pipelines/sp500.toml --explain 2020-03-16
    ");
    assert_snapshot!(help("report"), @r"
    Write one page about a pipeline, or the figures of the seed systems

    Usage: oddlot report [OPTIONS] <PIPELINE|--seeds>

    Arguments:
      [PIPELINE]  The pipeline file to report on

    Options:
      -o, --output <FILE>        The HTML file to write; by default the pipeline's name with
                                 -report.html, in this folder
          --seeds                The seed systems instead: published figures, ours, the trivial
                                 baseline's, the corrected form's
          --root <DIR>           Of --seeds: the output folder that the seed pipelines wrote to
                                 [default: out]
          --format <FORMAT>      Of --seeds: how to write it [default: md] [possible values: md, json]
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help

    Example: oddlot report pipelines/sp500.toml -o report.html
    ");
    assert_snapshot!(help("sql"), @r#"
    Ask the tables in SQL; with neither query nor file, open a prompt

    Usage: oddlot sql [OPTIONS] [QUERY|PIPELINE]

    Arguments:
      [QUERY|PIPELINE]  The query, on errors, anomalies, events, runs and others; or a pipeline file
                        (*.toml), to ask at a prompt

    Options:
      -f, --file <FILE>          Read the query from a file
          --question [<NAME>]    Ask a question that is kept ready; without a name, list them
          --param <NAME=VALUE>   What $NAME in the query stands for; may be given several times
          --root <DIR>           The output folder to ask, or s3://bucket/prefix [default: out]
      -p, --pipeline <PIPELINE>  Ask the output folder that this pipeline writes to
          --format <FORMAT>      How to write the answer [default: table] [possible values: table,
                                 markdown, csv, json, jsonl, parquet]
          --limit <ROWS>         Rows at most, 0 for all; by default 10000 of table and markdown, all of
                                 the others
          --timeout <SECONDS>    Stop a query that takes longer, 0 for never [default: 300]
          --memory <SIZE>        Stop a query that needs more memory [default: 2GiB]
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help

    A query reads the tables and does nothing else. Its $names get their values by --param. An
    answer that --limit cuts ends with code 1; a query stopped by --timeout with 75, by --memory
    with 78. At the prompt, \? tells what else there is.

    Example: oddlot sql "SELECT * FROM events WHERE ticker = $t ORDER BY start_ts" --param t=SPX
             oddlot sql pipelines/sp500.toml --question busiest_tickers --param sessions=60
    "#);
    assert_snapshot!(help("models"), @r"
    List the trained models of an output folder; export and import their weights

    Usage: oddlot models [OPTIONS] <PIPELINE|--root <DIR>>
           oddlot models <COMMAND>

    Commands:
      list    List them; the same as without `list`
      export  Write the weights of a network as Keras or PyTorch has them (safetensors)
      import  Use weights that Keras or PyTorch has trained, scaled and calibrated on the pipeline's
              prices

    Arguments:
      [PIPELINE]  The pipeline file whose output folder to look at

    Options:
          --root <DIR>           The output folder to look at, or s3://bucket/prefix
          --log-format <FORMAT>  Write the log on stderr as text or json [default: text]
      -q, --quiet                Show no progress, only warnings, errors and the result
      -h, --help                 Print help

    Example: oddlot models pipelines/sp500.toml
    ");
    assert_snapshot!(help("import"), @r"
    Turn CSV files into one sorted Parquet file, and tell what is odd in them

    Usage: oddlot import [OPTIONS] --output <DIR> [FILE]...

    Arguments:
      [FILE]...  CSV files to read, in this order; gzip and zstd are unpacked, whatever the name says

    Options:
      -o, --output <DIR>              The folder to write to, made if missing; or a file.parquet
          --generate <SPEC>           Read nothing and make prices up: tickers=N,days=M,seed=S
          --threads <N>               How many threads make prices up; by default one per processor
          --name <NAME>               Name of the Parquet file; else that of the input or the folder
          --ticker <TICKER>           One ticker for all rows
          --ticker-column <COLUMN>    The ticker's column; else ticker, symbol or name, or the file
          --ticker-in-name <PATTERN>  Where the file's name has it, such as '{ticker}_data.csv'
          --time-column <COLUMN>      The column with the time; else date, ts, timestamp or the like
          --row-number                There is no time: number the rows of each ticker from 1
          --date-format <FORMAT>      How dates are written, such as %d-%b-%y; else found out
          --first-year <YEAR>         The first year that one of two digits may mean [default: 1970]
          --delimiter <CHAR>          What parts fields; else the one of , ; | and tab that is there
          --decimal <SIGN>            What parts decimals, point or comma; else found out
          --columns <COLUMN,…>        The columns to keep, separated by commas; else all with numbers
          --no-columns                Keep no column but ticker and time: a list of days
          --labels <FILE>             JSON of time windows, as NAB has it: adds a column label
          --duplicates <WHAT>         Of rows of one time that differ: refuse, keep-first, keep-last
          --on <ODDITY=WHAT>          What to do with an oddity, as ohlc=drop: `oddlot help oddities`
          --large-move <PERCENT>      Tell days whose close moves by more than so much [default: 25]
          --examples <N>              How many examples of each oddity to tell [default: 3]
          --log-format <FORMAT>       Write the log on stderr as text or json [default: text]
      -q, --quiet                     Show no progress, only warnings, errors and the result
      -h, --help                      Print help

    Example: oddlot import prices.csv -o data/prices --ticker SPX
             oddlot import --generate tickers=5000,days=8000,seed=1 -o data/made_up
    ");
}

#[test]
fn prices_are_made_up_as_they_are_asked_for_and_then_nothing_is_read() {
    let made = |line: &str| match parsed(line).unwrap().command {
        Command::Import(import) => import.generate.unwrap(),
        other => panic!("{other:?}"),
    };
    let all = made("oddlot import --generate days=8000,tickers=5000,seed=1 -o x");
    assert_eq!((all.tickers, all.days, all.seed), (5000, 8000, 1));
    assert_eq!(made("oddlot import --generate tickers=1,days=2 -o x").seed, 42);
    for wrong in
        ["tickers=1", "tickers=0,days=1", "tickers=1,days=1,sed=3", "tickers=1,tickers=1", "5"]
    {
        refusal(&format!("oddlot import --generate {wrong} -o x"));
    }
    refusal("oddlot import a.csv --generate tickers=1,days=1 -o x");
    refusal("oddlot import --generate tickers=1,days=1 -o x --ticker SPX");
    refusal("oddlot import a.csv -o x --threads 2");
    refusal("oddlot import -o x");
}

#[test]
fn bench_takes_networks_by_their_letters() {
    let models = |line: &str| match parsed(line).unwrap().command {
        Command::Bench(bench) => bench.models,
        other => panic!("{other:?}"),
    };
    use crate::bench::Name::{A, B, C};
    assert_eq!(models("oddlot bench"), [A, B, C]);
    assert_eq!(models("oddlot bench --models c,A"), [C, A]);
    refusal("oddlot bench --models");
    refusal("oddlot bench --models A,,B");
}
