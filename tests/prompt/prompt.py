"""Types at the prompt of `oddlot sql` on a terminal of its own, twice, and checks what is shown.

    python prompt.py ODDLOT PIPELINE

The second session finds the history of the first. XDG_STATE_HOME says where that is kept. Exit code 0: everything
was as expected; else stderr says what was awaited and what was there. Needs a system with pseudo-terminals.
"""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

# Nothing is measured: an answer that does not come within this has not come.
PATIENCE_S = 60


class Terminal:
    """A program on a terminal, and what it has shown since it was last looked for."""

    def __init__(self, command):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.shown = ""

    def type(self, text):
        os.write(self.ours, text.encode())

    def awaits(self, text):
        while text not in self.shown:
            ready, _, _ = select.select([self.ours], [], [], PATIENCE_S)
            try:
                shown = os.read(self.ours, 65536) if ready else b""
            except OSError:
                shown = b""
            if not shown:
                sys.exit(f"awaited {text!r}, shown {self.shown!r}")
            self.shown += shown.decode(errors="replace")
        self.shown = self.shown.split(text, 1)[1]

    def ends(self):
        code = self.process.wait(PATIENCE_S)
        if code != 0:
            sys.exit(f"ended with {code}")


def main():
    command = [sys.argv[1], "sql", sys.argv[2], "--timeout", "20"]
    history = Path(os.environ["XDG_STATE_HOME"], "oddlot", "sql_history")
    first = Terminal(command)
    first.awaits("oddlot> ")
    # A query over two lines.
    first.type("SELECT count(*) AS n_rows\r")
    first.awaits("...> ")
    first.type("FROM errors;\r")
    first.awaits("n_rows")
    first.awaits("27390")
    first.awaits("oddlot> ")
    # A mistake is told, and the prompt goes on.
    first.type("SELECT nonsense FROM errors;\r")
    first.awaits("no column `nonsense`")
    first.awaits("oddlot> ")
    # Tab: the only table that begins so, the only column.
    first.type("\\d eve\t\r")
    first.awaits("\\d events")
    first.awaits("hash of ticker, model and start_ts")
    first.awaits("oddlot> ")
    first.type("SELECT max(threshold_r\t) AS r FROM errors;\r")
    first.awaits("threshold_ratio")
    first.awaits("oddlot> ")
    first.type("\\q\r")
    first.ends()
    if "nonsense" not in history.read_text() or history.stat().st_mode & 0o077:
        sys.exit(f"{history} has not what was asked, or is for everybody to read")
    second = Terminal(command)
    second.awaits("oddlot> ")
    # Up: the last line is \q, before it the query with the column that Tab wrote.
    second.type("\x1b[A\x1b[A")
    second.awaits("SELECT max(threshold_ratio) AS r FROM errors;")
    second.type("\r")
    second.awaits("oddlot> ")
    second.type("\x04")
    second.ends()
    print("as expected")


if __name__ == "__main__":
    main()
