//! The prompt of `oddlot sql`, typed at on a terminal of its own.

use std::process::Command;

use crate::market::{closes, csv};
use crate::workshop::{Ran, Workshop, python};

#[test]
#[cfg(unix)]
fn the_prompt_takes_lines_completes_names_and_keeps_its_history() {
    let Some(python) = python("pty") else { return };
    let workshop = Workshop::with_prices(&csv(&closes()));
    workshop.run();
    let mut typed = Command::new(python);
    typed.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/prompt/prompt.py"));
    typed.arg(env!("CARGO_BIN_EXE_oddlot")).arg(workshop.path("job.toml"));
    typed.current_dir(workshop.path("")).env("XDG_STATE_HOME", workshop.path("state"));
    typed.env("ODDLOT_LOG", "warn").env("NO_COLOR", "1").env("TERM", "xterm");
    let ran = Ran::from(typed.output().unwrap()).ok();
    assert_eq!(ran.stdout, "as expected\n");
}
