"""Kills oddlot with `kill -9` time and again, while readers poll, and lets the same command complete it.

    pip install -r requirements.txt
    python kills.py BINARY [--kills 100] [--seed 1] [--first 0] [--seconds N] [--s3 s3://BUCKET/PREFIX]

Each kill has a number, and with the seed that makes its edition of the job (job.py) and its moment: a
time drawn over the measured duration, a named failpoint at which the process is held and killed, or a
time after one that it has passed. Half of the moments are drawn so that training, scoring, writing and
committing are met equally often. A run that ends before its moment is drawn again and not counted.

After each kill: every cell is byte for byte that of an undisturbed run before or after, `oddlot verify`
finds no damage, the same command ends with 0, and then every cell, model and alert is that of an
undisturbed run. With --s3 the server is the one that AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID name.
Prints one JSON line a kill and one of figures; ends with 1 if anything was wrong.
"""

import argparse
import collections
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import job
import watch
from roots import Bucket, Folder
from runs import Killer, Reference, complete

MODES = ("time", "failpoint", "after failpoint")
# A draw over the measured time meets training most and committing least.
PHASES = ("train", "score", "score", "write", "commit", "commit", "commit")


def main():
    parser = argparse.ArgumentParser(description="kill oddlot and see what is left")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first kill")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no kill later than this")
    parser.add_argument("--s3", metavar="URL")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    began = time.monotonic()
    binary = str(arguments.binary.resolve())
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        files = job.make(Path(place) / "job", binary, arguments.units, arguments.epochs)
        home = Bucket(arguments.s3) if arguments.s3 else Folder(Path(place) / "out")
        references = {}
        for edition, found in job.EDITIONS.items():
            earlier = references[found].files if found else {}
            pipeline = job.take(files[edition])
            references[edition] = Reference.make(home, binary, pipeline, edition, earlier)
        told = {name: round(reference.seconds, 2) for name, reference in references.items()}
        print(json.dumps({"undisturbed seconds": told, "seed": arguments.seed}), flush=True)

        figures = collections.Counter()
        last = arguments.first + arguments.kills
        for number in range(arguments.first, last):
            if time.monotonic() - began > arguments.seconds:
                break
            line = one(number, arguments.seed, home, binary, files, references)
            print(json.dumps(line), flush=True)
            figures.update(["kills", f"in {line['phase']}", f"by {line['mode']}", line["edition"]])
            figures.update({f"polls of {who}": n for who, n in line["polls"].items()})
            figures["wrong"] += len(line["wrong"])
            figures["next"] = number + 1
        print(json.dumps({"figures": dict(sorted(figures.items()))}))
        return 1 if figures["wrong"] else 0


def one(number, seed, home, binary, files, references):
    """One kill, its resumption, and what was wrong."""
    draw = random.Random(f"{seed}/{number}")
    while True:
        edition = draw.choice(list(job.EDITIONS))
        mode, phase = draw.choice(MODES), draw.choice(PHASES)
        reference = references[edition]
        before = references[job.EDITIONS[edition]] if job.EDITIONS[edition] else Reference.nothing()
        root = home.new(f"kill-{number}")
        root.fill(before.files)
        pipeline = job.take(files[edition])
        environment = os.environ | {"KILLS_ROOT": root.name}
        seen = watch.Watch(root, binary, environment, before.seen, reference.seen)
        try:
            killer = Killer(binary, pipeline, environment)
            passed = killer.kill(reference, mode, phase, draw)
            wrong = []
            if passed is not None:
                wrong += complete(root, binary, pipeline, environment, before, reference)
        finally:
            wrong_seen = seen.stop()
        root.remove()
        if passed is None and not wrong_seen:
            continue
        return {
            "kill": number,
            "edition": edition,
            "mode": mode,
            "phase": killer.phase(),
            "last passed": (passed or ["-"])[-1],
            "passed": len(passed or []),
            "polls": seen.polls,
            "wrong": wrong + wrong_seen,
        }


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    sys.exit(main())
