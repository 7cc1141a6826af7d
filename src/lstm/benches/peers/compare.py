"""Runs ours and theirs by turns on the same machine and prints how many times faster ours is.

    python compare.py [--json FILE]

A worker is a command that speaks the protocol of README.md; without --ours, our kernels and Burn's operation are
ours, and stock Burn is a peer, all of them built by cargo. Every worker stays up for the whole run; in each
round each one gets a short slice in turn, and its quickest batch of all rounds counts. Ours runs with the most
threads asked for, a peer with whatever number of threads (and, in scoring, whatever batch) suits it best.
"""

import argparse
import json
import os
import shlex
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import machine, others
from protocol import Worker
from table import text

HERE = Path(__file__).parent
PEERS = {name: [sys.executable, str(HERE / f"{name}_worker.py")] for name in ("torch", "keras", "onnxruntime")}
OURS = ["kernel", "op"]
STOCK = "stock"
HOPELESS = 1.5  # a worker's setting that is this much slower than its best one after the first round is dropped


def cargo(engine):
    """The command that starts our worker, building it where needed; what cargo has to say goes to stderr."""
    manifest = HERE.parents[3] / "Cargo.toml"
    return ["cargo", "bench", "-q", "--manifest-path", str(manifest), "-p", "oddlot-nets", "--bench", "worker",
            "--", engine]


@dataclass
class Setting:
    """A worker with a number of threads and a batch; the best of its slices."""

    worker: str
    threads: int
    batch: int
    seconds_per_batch: float = float("inf")
    batches: int = 0
    unsupported: str | None = None

    @property
    def seconds_per_window(self):
        return self.seconds_per_batch / self.batch


def measure(workers, request, settings, rounds, patience):
    """Fills `settings` in, a slice of each in each round; a round begins one setting further than the last.

    Answers with the settings that can be run, and the cores that others used before each round.
    """
    running, disturbed = list(settings), []
    for turn in range(rounds):
        disturbed.append(others(patience))
        for setting in running[turn % len(running):] + running[:turn % len(running)]:
            reply = workers[setting.worker].ask(
                {**request, "threads": setting.threads, "batch": setting.batch})
            setting.unsupported = reply.get("unsupported")
            if setting.unsupported is None:
                setting.seconds_per_batch = min(setting.seconds_per_batch, reply["seconds_per_batch"])
                setting.batches += reply["batches"]
        running = [setting for setting in running if setting.unsupported is None]
        if turn == 0:
            running = [setting for setting in running if setting.seconds_per_window < HOPELESS * min(
                other.seconds_per_window for other in running if other.worker == setting.worker)]
        if not running:
            break
    return [setting for setting in settings if setting.unsupported is None], disturbed


def ratios(settings, ours, threads):
    """Of every one of ours at `threads` to the best setting of every peer."""
    of_worker = {}
    for setting in settings:
        if setting.worker not in ours or setting.threads == threads:
            of_worker.setdefault(setting.worker, []).append(setting)
    best = {name: min(many, key=lambda s: s.seconds_per_window) for name, many in of_worker.items()}
    return [{"ours": mine, "peer": peer,
             "ratio": best[peer].seconds_per_window / best[mine].seconds_per_window,
             "ours_setting": asdict(best[mine]), "peer_setting": asdict(best[peer])}
            for mine in ours if mine in best for peer in best if peer not in ours]


def rows(arguments):
    """What is measured: op, batch (None: the best of several), and the batches and threads to try."""
    for op in arguments.ops:
        if op == "train":
            yield from ((op, batch, [batch], arguments.threads) for batch in arguments.train_batches)
        elif op == "score":
            yield op, None, arguments.score_batches, arguments.threads
        else:
            yield op, 32, [32], [max(arguments.threads)]


def parsed():
    def words(kind=str):
        return lambda given: [kind(word) for word in given.split(",") if word]

    def named(given):
        name, _, command = given.partition("=")
        if not command:
            raise argparse.ArgumentTypeError(f"expected NAME=COMMAND, found {given}")
        return name, shlex.split(command)

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=named, action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--peer", type=named, action="append", default=[], metavar="NAME=COMMAND",
                        help="a peer beside those of --peers")
    parser.add_argument("--peers", type=words(), default=[*PEERS, STOCK], help=f"of {','.join([*PEERS, STOCK])}")
    parser.add_argument("--models", type=words(), default=["A", "C", "B"])
    parser.add_argument("--ops", type=words(), default=["train", "score", "bulk"])
    parser.add_argument("--threads", type=words(int), default=[1, 2])
    parser.add_argument("--train-batches", type=words(int), default=[32, 256])
    parser.add_argument("--score-batches", type=words(int), default=[32, 96, 256, 1024])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--bulk-rounds", type=int, default=2, help="an epoch takes seconds")
    parser.add_argument("--bulk-models", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a slice")
    parser.add_argument("--patience", type=float, default=0.0, metavar="SECONDS",
                        help="before each round, how long to wait for others to leave the machine alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="- is stdout, instead of the table")
    arguments = parser.parse_args()
    if unknown := set(arguments.peers) - {*PEERS, STOCK}:
        parser.error(f"--peers {','.join(unknown)}: known are {','.join([*PEERS, STOCK])}")
    return arguments


def main():
    arguments = parsed()
    ours = dict(arguments.ours) or {name: cargo(name) for name in OURS}
    peers = {name: PEERS.get(name) or cargo(name) for name in arguments.peers} | dict(arguments.peer)
    commands, ours = ours | peers, list(ours)
    workers = {name: Worker(command) for name, command in commands.items()}
    result = {
        "machine": machine(), "command": shlex.join(sys.argv), "load_before": os.getloadavg(),
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "ours": ours,
        "workers": {name: {"command": shlex.join(commands[name]), **worker.ask({"op": "describe"})}
                    for name, worker in workers.items()},
        "measured": [],
    }
    for op, batch, batches, threads in rows(arguments):
        for model in arguments.models:
            print(f"{op} {model} {batch or ''}", file=sys.stderr, flush=True)
            settings = [Setting(name, n, b) for b in batches for n in threads for name in workers]
            request = {"op": op, "model": model, "seconds": arguments.seconds}
            if op == "bulk":
                request |= {"models": arguments.bulk_models, "windows": 1_024, "seconds": 0}
            rounds = arguments.bulk_rounds if op == "bulk" else arguments.rounds
            found, disturbed = measure(workers, request, settings, rounds, arguments.patience)
            result["measured"].append({
                "op": op, "model": model, "batch": batch, "settings": [asdict(setting) for setting in found],
                "cores_used_by_others": disturbed,
                "windows": arguments.bulk_models * 1_024 if op == "bulk" else None,
                "ratios": ratios(found, ours, max(arguments.threads))})
    for worker in workers.values():
        worker.close()
    result["load_after"] = os.getloadavg()
    if arguments.json and str(arguments.json) != "-":
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1) if str(arguments.json) == "-" else text(result))


main()
