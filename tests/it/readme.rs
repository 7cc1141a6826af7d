//! The commands of README's sections do what stands beside them.

use std::process::Command;

use crate::cloud::Cloud;
use crate::market::{closes, csv};
use crate::workshop::{PIPELINE, Ran, Workshop};

/// The lines of the shell blocks of a section that are commands of ours.
fn commands(section: &str) -> Vec<String> {
    let text = include_str!("../../README.md");
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("oddlot "));
    lines.map(str::to_owned).collect()
}

/// A line of README in the folder of `workshop`, with our binary.
pub fn shell(workshop: &Workshop, command: &str) -> Command {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_oddlot")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(workshop.path("")).env("PATH", &path);
    shell.env("ODDLOT_LOG", "warn");
    shell
}

#[test]
fn the_first_ten_minutes_run_as_they_stand() {
    let workshop = Workshop::new("");
    let births = concat!(env!("CARGO_MANIFEST_DIR"), "/data/births/births.parquet");
    std::fs::create_dir_all(workshop.path("data/births")).unwrap();
    std::fs::copy(births, workshop.path("data/births/births.parquet")).unwrap();
    let commands = commands("The first ten minutes");
    let names: Vec<_> = commands.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    let expected = ["init", "check", "plan", "run", "sql", "chart", "chart", "report"];
    assert_eq!(names, expected);
    for command in &commands {
        let ran = Ran::from(shell(&workshop, command).output().unwrap());
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
        assert!(!ran.stdout.is_empty(), "{command}");
        if command.starts_with("oddlot run ") {
            // As README shows it: by its name, from where one stands.
            let told = |words| ran.stdout.contains(words);
            assert!(told("cells in out; ") && told("tables are in out/tables; "), "{}", ran.stdout);
        }
    }
    let page = std::fs::read_to_string(workshop.path("births.html")).unwrap();
    assert!(page.contains("BIRTHS") && workshop.path("out/tables/events").is_dir());
}

#[test]
fn the_commands_for_when_it_fails_run_as_they_stand() {
    let workshop = Workshop::new("");
    workshop.prices(&csv(&closes()));
    workshop.write("my.toml", PIPELINE);
    let commands = commands("When it fails");
    let names: Vec<_> = commands.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(names, ["doctor", "check", "plan", "run", "verify", "runs"]);
    for command in &commands {
        let ran = Ran::from(shell(&workshop, command).output().unwrap());
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
    }
}

#[test]
fn the_commands_on_s3_run_as_they_stand() {
    let cloud = Cloud::with_prices(&csv(&closes()));
    let file = std::fs::read_to_string(cloud.workshop.path("job.toml")).unwrap();
    assert!(file.contains("s3://prices/eod/*.parquet") && file.contains("s3://tables/base"));
    cloud.workshop.write("on_s3.toml", &file);
    let commands = commands("On S3");
    let names: Vec<_> = commands.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(names, ["doctor", "run", "sql"]);
    for command in &commands {
        let mut shell = shell(&cloud.workshop, command);
        let of_cloud = cloud.command(&[]);
        shell.envs(of_cloud.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = Ran::from(shell.output().unwrap());
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
    }
    assert_eq!(cloud.cells().len(), 28);
}

#[test]
fn the_commands_of_nights_and_backfills_run_as_they_stand() {
    let workshop = Workshop::new("");
    // Tickers as README calls them.
    workshop.prices(&csv(&closes()).replace("AAA,", "AAPL,").replace("TRUE,", "BRK.B,"));
    workshop.write("my.toml", PIPELINE);
    let run = |command: &str| Ran::from(shell(&workshop, command).output().unwrap());
    let [nightly, backfill] = ["Nightly", "Backfill"].map(commands);
    assert_eq!((nightly.len(), backfill.len()), (3, 4), "{nightly:?} {backfill:?}");
    let mut cells = Vec::new();
    for command in backfill.iter().chain(&nightly) {
        let ran = run(command);
        let code = ran.code;
        // After the backfill the night has nothing to do.
        assert!(code == Some(0) || code == Some(99), "{command}: {code:?} {}", ran.stderr);
        if command.starts_with("oddlot run ") {
            cells.push(ran.json()["cells_replaced"].as_u64().unwrap());
        }
    }
    // 4 tables: of 2016; of the six years that were not there; of all seven, whose bytes are there already
    // for those that were; of none.
    assert_eq!(cells[..2], [4, 24], "{cells:?}");
    assert_eq!(cells[3], 0, "{cells:?}");
    let result = std::fs::read_to_string(workshop.path("result.json")).unwrap();
    assert!(
        result.contains("\"session\":\"2016-12-30\"") && result.contains("\"exit\":99"),
        "{result}"
    );
}
