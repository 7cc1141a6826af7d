//! `export`: what a scheduler needs to run a pipeline every night, or another engine to read its tables, ready to be
//! put in place.

mod ddl;

use std::path::{Path, PathBuf};

use oddlot_engine::tables::OutputRoot;
use oddlot_engine::{Error, Report};

use super::{block_on, load, sql, threads};
use crate::cli::{ExportJobArgs, Scheduler};
use crate::exit::Exit;
use crate::say;
use crate::settings::Slug;

const CRON: &str = include_str!("export/cron.txt");
const SERVICE: &str = include_str!("export/oddlot.service");
const TIMER: &str = include_str!("export/oddlot.timer");
const AIRFLOW_BASH: &str = include_str!("export/airflow_bash.py");
const AIRFLOW_KUBERNETES: &str = include_str!("export/airflow_kubernetes.py");

/// `oddlot export`: prints it.
pub fn export(args: &ExportJobArgs) -> Result<Exit, Error> {
    if args.scheduler == Scheduler::Ddl {
        return views(&args.pipeline);
    }
    let job = Job::of(args)?;
    say(&match (args.scheduler, &args.image) {
        (Scheduler::Ddl, _) => String::new(),
        (Scheduler::Cron, _) => job.cron(),
        (Scheduler::Systemd, _) => job.systemd(),
        (Scheduler::Airflow, None) => job.airflow(),
        (Scheduler::Airflow, Some(image)) => job.airflow_in(image),
    });
    Ok(Exit::Done)
}

/// Views over the tables that a pipeline writes to.
fn views(pipeline: &Path) -> Result<Exit, Error> {
    let place = load(pipeline)?.output.root;
    block_on(threads(None), async {
        let catalog = sql::open(&place, &[]).await?;
        let root = OutputRoot::open_existing(&place)?;
        let root = match root.local().map(Path::canonicalize) {
            Some(Ok(folder)) => text(&folder)?,
            _ => root.name().to_owned(),
        };
        say(&ddl::duckdb(&catalog, &root).await?);
        Ok(Exit::Done)
    })
}

/// A path as text.
fn text(path: &Path) -> Result<String, Error> {
    path.to_str().filter(|text| !text.contains(char::is_control)).map(str::to_owned).ok_or_else(
        || {
            let report = Report::new("this path cannot be written into a statement")
                .at(crate::diagnostic::visible(&path.display().to_string()))
                .expected("text without control characters");
            Error::config(report.hint("rename it"))
        },
    )
}

/// A pipeline and the program that runs it.
struct Job {
    name: String,
    pipeline: String,
    binary: String,
}

impl Job {
    fn of(args: &ExportJobArgs) -> Result<Self, Error> {
        let stem = args.pipeline.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = match &args.image {
            // It lies in the image.
            Some(_) => Some(args.pipeline.clone()),
            None => args.pipeline.canonicalize().ok().filter(|file| file.is_file()),
        };
        let (Some(file), Some(name)) = (file, Slug::new(stem)) else {
            return Err(Error::config(
                Report::new("there is no such pipeline to schedule")
                    .at(args.pipeline.display().to_string())
                    .expected("a pipeline file, named with lowercase letters, digits and _")
                    .found(if args.pipeline.exists() { "another name" } else { "no such file" })
                    .hint("name the file as `oddlot run` gets it"),
            ));
        };
        let binary = match (&args.binary, &args.image) {
            (Some(binary), _) => binary.clone(),
            (None, Some(_)) => PathBuf::from("oddlot"),
            (None, None) => std::env::current_exe().unwrap_or_else(|_| PathBuf::from("oddlot")),
        };
        let text = |path: &Path| plain(path);
        Ok(Self { name: name.as_str().to_owned(), pipeline: text(&file)?, binary: text(&binary)? })
    }

    /// `{name}` and its like in a template.
    fn fill(&self, template: &str, more: &[(&str, &str)]) -> String {
        let own = [("{name}", self.name.as_str())];
        let pairs = own.iter().chain(more);
        pairs.fold(template.to_owned(), |text, (key, value)| text.replace(key, value))
    }

    fn cron(&self) -> String {
        let word = |text: &str| shell_word(text).replace('%', "\\%");
        let (binary, pipeline) = (word(&self.binary), word(&self.pipeline));
        let log = format!("\"$HOME\"/oddlot-{}.jsonl", self.name);
        self.fill(CRON, &[("{binary}", &binary), ("{pipeline}", &pipeline), ("{log}", &log)])
    }

    fn systemd(&self) -> String {
        let (binary, pipeline) = (unit_word(&self.binary), unit_word(&self.pipeline));
        let service = self.fill(SERVICE, &[("{binary}", &binary), ("{pipeline}", &pipeline)]);
        format!("{service}\n{}", self.fill(TIMER, &[]))
    }

    fn airflow(&self) -> String {
        let [binary, pipeline] = [&self.binary, &self.pipeline].map(|text| shell_word(text));
        // Quotes of the shell around what the template fills in: pendulum prints a space into it.
        let as_of = "--as-of '{{ data_interval_end }}'";
        let command =
            format!("{binary} run {pipeline} {as_of} --skip-code 99 --quiet --log-format json");
        self.fill(AIRFLOW_BASH, &[("{command}", &python_text(&command))])
    }

    fn airflow_in(&self, image: &str) -> String {
        let arguments = [
            "run",
            self.pipeline.as_str(),
            "--as-of",
            "{{ data_interval_end }}",
            "--skip-code",
            "99",
            "--result-file",
            "/airflow/xcom/return.json",
            "--quiet",
            "--log-format",
            "json",
        ];
        let arguments: Vec<String> =
            arguments.map(|text| format!("            {},", python_text(text))).into();
        let arguments = format!("[\n{}\n        ]", arguments.join("\n"));
        let dashed = self.name.replace('_', "-");
        let [image, binary] = [image, self.binary.as_str()].map(python_text);
        self.fill(
            AIRFLOW_KUBERNETES,
            &[
                ("{dashed}", &dashed),
                ("{image}", &image),
                ("{binary}", &binary),
                ("{arguments}", &arguments),
            ],
        )
    }
}

/// A path as text that no scheduler takes for more than that.
fn plain(path: &Path) -> Result<String, Error> {
    match path.to_str().filter(|text| !text.chars().any(|c| c.is_control() || c == '{')) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::config(
            Report::new("this path cannot be written into a schedule")
                .at(path.display().to_string())
                .expected("text without braces and control characters")
                .found(crate::diagnostic::visible(&path.display().to_string()))
                .hint("rename it"),
        )),
    }
}

/// One word of a POSIX shell.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// One word of a systemd command line: `%` and `$` mean something there.
fn unit_word(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let text = text.replace('%', "%%").replace('$', "$$");
    if text.contains([' ', '\'', ';']) { format!("\"{text}\"") } else { text }
}

/// A text of Python: JSON's is one too.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(pipeline: &str) -> Job {
        Job {
            name: "sp500".into(),
            pipeline: pipeline.into(),
            binary: "/usr/local/bin/oddlot".into(),
        }
    }

    #[test]
    fn a_cron_line_has_five_fields_and_no_bare_percent_sign() {
        let text = job("/srv/50% of it/sp500.toml").cron();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let [zone, line] = lines[..] else { panic!("{text}") };
        assert_eq!(zone, "CRON_TZ=UTC");
        let fields: Vec<&str> = line.splitn(6, ' ').collect();
        assert_eq!(fields[..5], ["30", "22", "*", "*", "1-5"]);
        let command = fields[5];
        for (at, _) in command.match_indices('%') {
            assert_eq!(&command[at - 1..at], "\\", "{command}");
        }
        assert!(command.contains(r"run '/srv/50\% of it/sp500.toml' --as-of"), "{command}");
        assert!(!text.contains(['{', '}']), "{text}");
    }

    #[test]
    fn words_are_quoted_for_who_reads_them() {
        assert_eq!(shell_word("/srv/a-b_c.toml"), "/srv/a-b_c.toml");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(unit_word("/a b/50%$x\"y"), r#""/a b/50%%$$x\"y""#);
        assert_eq!(python_text("a\"b\\"), r#""a\"b\\""#);
        assert!(plain(Path::new("/a/{{ x }}.toml")).is_err() && plain(Path::new("/a\nb")).is_err());
    }

    #[test]
    fn airflow_gets_the_instant_in_quotes_and_the_codes() {
        let bash = job("/srv/p.toml").airflow();
        let command = "run /srv/p.toml --as-of '{{ data_interval_end }}' --skip-code 99";
        assert!(bash.contains(command) && bash.contains("skip_on_exit_code=99"), "{bash}");
        let pod = job("/srv/p.toml").airflow_in("registry.example.com/oddlot:1");
        for part in [
            "image=\"registry.example.com/oddlot:1\"",
            "\"/airflow/xcom/return.json\"",
            "\"{{ data_interval_end }}\"",
        ] {
            assert!(pod.contains(part), "{part} in {pod}");
        }
    }
}
