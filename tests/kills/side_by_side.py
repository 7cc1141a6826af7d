"""Runs side by side: two of the same pipeline at once, time and again, and shards that together are one run.

    python side_by_side.py BINARY [--rounds 10] [--shards 4] [--s3 s3://BUCKET/PREFIX]

Of two at once one has to win; the other ends with 75 and names the winner, or finds nothing to do. Shards
have to end with 0, and cells, models, counts and the result are those of one run. With --s3 the server
is the one that AWS_ENDPOINT_URL names, and each run has a TMPDIR of its own: they share no file, as on
machines of their own, so that nothing but the leases keeps them apart. Prints one JSON line a round and
one of figures; ends with 1 if anything was wrong.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import job
from roots import Bucket, Folder
from runs import alerts


# The ledger names runs, leases name holders, rates hold what a clock has measured.
OF_A_RUN = ("_state/cells/", "_state/leases/", "_state/rates/")


def main():
    parser = argparse.ArgumentParser(description="run oddlot side by side with itself")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--s3", metavar="URL")
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    binary = str(arguments.binary.resolve())
    figures = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="beside-") as place:
        files = job.make(Path(place) / "job", binary, arguments.units, arguments.epochs)
        pipeline = job.take(files["first"])
        home = Bucket(arguments.s3) if arguments.s3 else Folder(Path(place) / "out")
        start = Start(binary, pipeline, Path(place), arguments.s3 is not None)

        root = home.new("one")
        seconds, [one] = start.together(root, [[]])
        assert one.returncode == 0, one.stderr
        whole, told = lasting(root.files()), alerts(binary, root, environment(root))
        print(json.dumps({"one run": "done", "seconds": round(seconds, 2), "objects": len(whole)}))

        def hold(line, root, wrong):
            if lasting(root.files()) != whole:
                wrong.append("cells, models, counts or result differ from one run's")
            if alerts(binary, root, environment(root)) != told:
                wrong.append("alerts differ from one run's")
            print(json.dumps(line | {"wrong": wrong}), flush=True)
            figures["wrong"] += len(wrong)
            root.remove()

        for number in range(arguments.rounds):
            root = home.new(f"two-{number}")
            seconds, ended = start.together(root, [[], []])
            codes = sorted(run.returncode for run in ended)
            line = {"two at once": number, "codes": codes, "seconds": round(seconds, 2)}
            wrong = [run.stderr for run in ended if run.returncode not in (0, 75)]
            won = [json.loads(run.stdout.splitlines()[-1]) for run in ended if run.returncode == 0]
            if sum(not run["nothing_to_do"] for run in won) != 1:
                wrong.append("not exactly one has done the work")
            for run in ended:
                if run.returncode == 75 and won and won[0]["run_id"] not in run.stderr:
                    wrong.append(f"the winner is not named: {run.stderr}")
            figures.update([f"two at once, codes {codes}"])
            hold(line, root, wrong)

        root = home.new("shards")
        n = arguments.shards
        seconds, ended = start.together(root, [["--shard", f"{i}/{n}", "--threads", "1"] for i in range(n)])
        wrong = [run.stderr for run in ended if run.returncode]
        last = sum(json.loads(run.stdout.splitlines()[-1])["all_shards"] for run in ended if not run.returncode)
        trained = sum("train: " in run.stderr for run in ended)
        if (last < 1) or trained != 1:
            wrong.append(f"{last} have found all shards, {trained} have trained")
        figures["shards"] = n
        hold({"shards": n, "seconds": round(seconds, 2), "have found all": last}, root, wrong)
    print(json.dumps({"figures": dict(sorted(figures.items()))}))
    return 1 if figures["wrong"] else 0


class Start:
    """Starts runs together."""

    def __init__(self, binary, pipeline, place, apart):
        self.binary, self.pipeline, self.place, self.apart = binary, pipeline, place, apart

    def together(self, root, runs):
        """Seconds until all have ended, and how they have."""
        began, processes = time.monotonic(), []
        for number, arguments in enumerate(runs):
            own = environment(root) | {"ODDLOT_LOG": "warn,oddlot=info"}
            if self.apart:
                own["TMPDIR"] = str(self.place / f"machine-{number}")
                Path(own["TMPDIR"]).mkdir(exist_ok=True)
            processes.append(subprocess.Popen(
                [self.binary, "run", str(self.pipeline), *arguments], env=own, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            ))
        ended = []
        for process in processes:
            stdout, stderr = process.communicate()
            ended.append(subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr))
        return time.monotonic() - began, ended


def environment(root):
    return dict(os.environ) | {"KILLS_ROOT": root.name, "NO_COLOR": "1"}


def lasting(files):
    """What no run's name or clock is in."""
    def is_lasting(path):
        if path.startswith("tables/"):
            return "/part-" in path
        return path.startswith("models/") or (
            path.startswith("_state/") and not path.startswith(OF_A_RUN)
        )
    return {path: content for path, content in files.items() if is_lasting(path)}


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    sys.exit(main())
