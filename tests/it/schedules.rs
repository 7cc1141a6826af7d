//! `oddlot export`: what it prints is what schedulers take. Airflow has a script of its own, `tests/airflow`.

use std::fs;
use std::process::Command;

use crate::market::{closes, csv};
use crate::workshop::Workshop;

#[test]
fn the_cron_line_runs_in_a_shell_and_ends_with_the_code_of_the_run() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let text = workshop.oddlot(&["export", "cron", "job.toml"]).ok().stdout;
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "CRON_TZ=UTC");
    let fields: Vec<&str> = lines[1].splitn(6, ' ').collect();
    assert_eq!(fields[..5], ["30", "22", "*", "*", "1-5"]);
    // What cron gives to the shell: `\%` is a percent sign.
    let command = fields[5].replace("\\%", "%").replace("sleep 600", "sleep 0");
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir("/").env("HOME", workshop.path(""));
        shell.status().unwrap().code()
    };
    assert_eq!(shell(&command), Some(0));
    let log = fs::read_to_string(workshop.path("oddlot-job.jsonl")).unwrap();
    let last = log.lines().last().unwrap();
    assert!(last.contains("\"session\":\"2016-12-30\""), "{last}");
    // Only what is temporary is tried again.
    let tries = |code: u8| {
        let fake = workshop.path("fake.sh");
        fs::write(&fake, format!("echo tried\nexit {code}\n")).unwrap();
        let binary = env!("CARGO_BIN_EXE_oddlot");
        assert!(command.contains(binary));
        let command = command.replacen(binary, &format!("sh {}", fake.display()), 1);
        fs::remove_file(workshop.path("oddlot-job.jsonl")).unwrap();
        assert_eq!(shell(&command), Some(i32::from(code)));
        fs::read_to_string(workshop.path("oddlot-job.jsonl")).unwrap().lines().count()
    };
    assert_eq!([tries(75), tries(0), tries(78)], [3, 1, 1]);
}

#[test]
fn systemd_takes_the_service_and_the_timer() {
    let workshop = Workshop::with_prices(&csv(&closes()));
    let text = workshop.oddlot(&["export", "systemd", "job.toml"]).ok().stdout;
    let (service, timer) = text.split_once("# /etc/systemd/system/oddlot-job.timer").unwrap();
    assert!(service.starts_with("# /etc/systemd/system/oddlot-job.service\n[Unit]"), "{service}");
    for (name, unit) in [("oddlot-job.service", service), ("oddlot-job.timer", timer)] {
        workshop.write(name, &format!("#{unit}"));
    }
    let setting = |line: &str| text.lines().any(|found| found == line);
    assert!(setting("SuccessExitStatus=143") && setting("Restart=on-failure"));
    // Every code but 75 that is not a success needs somebody who acts.
    assert!(setting("RestartPreventExitStatus=1 2 3 4 5 70 73 77 78"));
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "oddlot-job.service", "oddlot-job.timer"])
        .current_dir(workshop.path(""))
        .output();
    // Where there is no systemd, there is nobody to ask.
    let Ok(verify) = verify else { return };
    let said = String::from_utf8_lossy(&verify.stderr);
    assert!(verify.status.success(), "{said}");
    assert!(!said.contains("oddlot-job"), "{said}");
}

#[test]
fn a_pipeline_that_is_not_there_is_not_scheduled() {
    let workshop = Workshop::new("");
    for scheduler in ["cron", "systemd", "airflow"] {
        workshop.oddlot(&["export", scheduler, "other.toml"]).ends_with(78);
        let ran =
            workshop.oddlot(&["export", scheduler, "job.toml", "--binary", "/opt/oddlot"]).ok();
        assert!(ran.stdout.contains("/opt/oddlot run ") && ran.stdout.contains("job.toml"));
    }
    let pod = ["export", "airflow", "/pipelines/other.toml", "--image", "x/oddlot:1"];
    let pod = workshop.oddlot(&pod).ok().stdout;
    assert!(pod.contains("\"/pipelines/other.toml\"") && pod.contains("KubernetesPodOperator"));
}
