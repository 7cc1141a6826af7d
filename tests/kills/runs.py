"""Undisturbed runs, killed runs and completed ones."""

import hashlib
import json
import subprocess
import threading
import time

import watch

# The log tells each failpoint that is passed: where a run was when it was killed.
LOG = {"ODDLOT_LOG": "warn,oddlot_engine::failpoint=trace", "NO_COLOR": "1"}
# Points that several steps pass; they tell nothing of the phase.
SHARED = {"folder_made", "object_moved", "object_staged", "rows_staged"}
BEGINS = {
    "split_stored": "score",
    "summary_stored": "write",
    "cell_written": "write",
    "cell_synced": "write",
    "entry_removed": "commit",
    "cell_moved": "commit",
    "cell_noted": "commit",
    "orphan_removed": "commit",
    "cells_committed": "commit",
    "models_listed": "commit",
}
TOLD = "SELECT ticker, trade_date, model FROM alerts ORDER BY ticker, trade_date, model"


class Points:
    """The failpoints of a process, as its stderr tells them, each with its moment."""

    def __init__(self, process):
        self.process, self.began = process, time.monotonic()
        self.passed, self.at, self.other = [], [], []
        self.more = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            name = line.rpartition('failpoint="')[2].rstrip('"\n') if 'failpoint="' in line else None
            with self.more:
                if name is None or " held " in line:
                    self.other.append(line)
                else:
                    self.passed.append(name)
                    self.at.append(time.monotonic() - self.began)
                self.more.notify_all()
        with self.more:
            self.process.wait()
            self.more.notify_all()

    def wait_for(self, index_or_held, seconds=120):
        """Waits until so many points are passed, or one is held; whether the process lives."""
        def is_there():
            held = any(" held " in line for line in self.other)
            reached = held if index_or_held is None else len(self.passed) > index_or_held
            return reached or self.process.poll() is not None

        with self.more:
            self.more.wait_for(is_there, seconds)
        return self.process.poll() is None


def phases(passed):
    """The phase after each point."""
    phase, found = "train", []
    for point in passed:
        phase = BEGINS.get(point, phase)
        found.append(phase)
    return found


def start(binary, pipeline, environment):
    return subprocess.Popen(
        [binary, "run", str(pipeline)], env=environment | LOG, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )


class Reference:
    """What an undisturbed run leaves, how long it took, and the points it passed."""

    def __init__(self, files, seen, told=(), seconds=0.0, passed=(), at=()):
        self.files, self.seen, self.told = files, seen, told
        self.seconds, self.passed, self.at = seconds, list(passed), list(at)

    @classmethod
    def nothing(cls):
        return cls({}, {"duckdb": {}, "ours": {}})

    @classmethod
    def make(cls, home, binary, pipeline, edition, earlier):
        import os

        root = home.new(f"reference-{edition}")
        root.fill(earlier)
        environment = dict(os.environ) | {"KILLS_ROOT": root.name}
        process = start(binary, pipeline, environment)
        points = Points(process)
        code = process.wait()
        seconds = time.monotonic() - points.began
        points.reader.join()
        if code:
            raise SystemExit(f"{edition}: an undisturbed run ended with {code}: {''.join(points.other)}")
        ours, refused = watch.ours_sees(root, binary, environment)
        assert refused is None, refused
        seen = {"duckdb": watch.duckdb_sees(root), "ours": ours}
        for name, (n, keys, _) in seen["duckdb"].items():
            assert n == keys, f"{name}: {n} rows, {keys} keys"
        told = alerts(binary, root, environment)
        return cls(root.files(), seen, told, seconds, points.passed, points.at)


def alerts(binary, root, environment):
    ran = subprocess.run(
        [binary, "sql", "--root", root.name, "--format", "csv", TOLD],
        capture_output=True, text=True, env=environment,
    )
    return ran.stdout.splitlines()


class Killer:
    """A run that is killed at a moment drawn for it."""

    def __init__(self, binary, pipeline, environment):
        self.binary, self.pipeline, self.environment = binary, pipeline, environment
        self.points = None

    def kill(self, reference, mode, phase, draw):
        """The points it had passed when it was killed; None where it had ended by itself."""
        after = phases(reference.passed)
        choices = [index for index, found in enumerate(after) if found == phase]
        index = draw.choice(choices or range(len(after)))
        environment = dict(self.environment)
        if mode == "failpoint":
            name = reference.passed[index]
            environment["ODDLOT_FAILPOINT"] = f"{name}:{reference.passed[: index + 1].count(name)}=hold"
        process = start(self.binary, self.pipeline, environment)
        self.points = Points(process)
        if mode == "time":
            time.sleep(draw.uniform(0, reference.seconds))
        elif mode == "failpoint":
            self.points.wait_for(None)
        else:
            self.points.wait_for(index)
            then = reference.at[index + 1] if index + 1 < len(reference.at) else reference.seconds
            time.sleep(draw.uniform(0, max(0.0, then - reference.at[index])))
        process.kill()
        code = process.wait()
        self.points.reader.join()
        return list(self.points.passed) if code == -9 else None

    def phase(self):
        return (["train"] + phases(self.points.passed))[-1]


def cells(files):
    return {path: content for path, content in files.items()
            if path.startswith("tables/") and "/part-" in path}


def artifacts(files):
    return {path: content for path, content in files.items() if path.startswith("models/")}


def complete(root, binary, pipeline, environment, before, after):
    """Looks at what a killed run has left, runs the same command, and looks again."""
    wrong = []

    def say(what, *details):
        wrong.append(": ".join([what, *map(str, details)]))

    def oddlot(*arguments):
        return subprocess.run([binary, *arguments], capture_output=True, text=True, env=environment)

    left = root.files()
    for path, content in cells(left).items():
        if content not in (cells(before.files).get(path), cells(after.files).get(path)):
            say("after the kill", path, "neither the cell before nor that after", digest(content))
    for path in cells(before.files).keys() - cells(left).keys():
        say("after the kill", path, "lost")
    if left:
        verified = oddlot("verify", "--root", root.name)
        if verified.returncode:
            say("verify after the kill", verified.returncode, verified.stderr)

    resumed = oddlot("run", str(pipeline))
    if resumed.returncode:
        say("the same command", resumed.returncode, resumed.stderr)
    done = root.files()
    for what in (cells, artifacts):
        ours, theirs = what(done), what(after.files)
        for path in ours.keys() | theirs.keys():
            if ours.get(path) != theirs.get(path):
                say("after the rerun", path, "differs from an undisturbed run's")
    if any(path.startswith("_staging") for path in done):
        say("after the rerun", "staging is not empty")
    verified = oddlot("verify", "--root", root.name)
    if verified.returncode:
        say("verify after the rerun", verified.returncode, verified.stderr)
    else:
        findings = json.loads(verified.stdout.splitlines()[-1])["findings"]
        for finding in findings:
            if finding["problem"] != "unfinished":
                say("verify after the rerun", finding)
    if alerts(binary, root, environment) != after.told:
        say("after the rerun", "alerts differ from an undisturbed run's")
    return wrong


def digest(content):
    return hashlib.sha256(content).hexdigest()[:16]
