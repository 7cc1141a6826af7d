"""The worker's side of the protocol that README.md describes: one JSON object a line, asked and answered."""

import json
import math
import os
import subprocess
import sys
import time

WINDOW, LEARNING_RATE, DROPOUT = 30, 1e-3, 0.2
BULK_MODELS, BULK_WINDOWS = 64, 1_024


class Unsupported(Exception):
    """What this worker cannot do, in words."""


def fastest(step, batch, seconds):
    """Runs `step` for `seconds` after up to three calls to warm up, and answers with the quickest.

    Calls under 0.1 ms are timed in groups: the clock's own cost stays out.
    """
    begin = time.perf_counter()
    for warm in range(1, 4):
        step()
        if time.perf_counter() - begin > seconds:
            break
    group = max(1, min(100, int(1e-4 * warm / (time.perf_counter() - begin))))
    best, n_groups, end = math.inf, 0, time.perf_counter() + seconds
    while n_groups == 0 or time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(group):
            step()
        best = min(best, (time.perf_counter() - begin) / group)
        n_groups += 1
    return answer(best, n_groups * group, batch)


def answer(seconds_per_batch, n_batches, batch):
    return {
        "seconds_per_batch": seconds_per_batch,
        "batches": n_batches,
        "windows_per_second": batch / seconds_per_batch,
    }


def serve(ops):
    """Answers requests from stdin until it ends; `ops` maps an op to a function of the request."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] not in ops:
                raise Unsupported(f"no op {request['op']}")
            reply = ops[request["op"]](request)
        except Unsupported as why:
            reply = {"unsupported": str(why)}
        print(json.dumps(reply), file=out, flush=True)


class Worker:
    """A worker process, asked from outside."""

    def __init__(self, command, env=None):
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, bufsize=1)

    def send(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the worker ended: {' '.join(self.command)}")
        return json.loads(line)

    def ask(self, request):
        self.send(request)
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def bulk_in_processes(workers, request):
    """One epoch of all models, shared out over `workers`; they run at the same time and are waited for."""
    n_models = request.get("models", BULK_MODELS)
    n_windows = request.get("windows", BULK_WINDOWS)
    batch = request["batch"]
    share = {"op": "epoch", "model": request["model"], "batch": batch, "windows": n_windows}
    shares = [{**share, "models": n_models // len(workers) + (i < n_models % len(workers))}
              for i in range(len(workers))]
    for worker, part in zip(workers, shares):
        worker.ask({**part, "op": "prepare"})
    best, n_epochs, end = math.inf, 0, time.perf_counter() + request["seconds"]
    while n_epochs == 0 or time.perf_counter() < end:
        begin = time.perf_counter()
        for worker, part in zip(workers, shares):
            worker.send(part)
        for worker in workers:
            worker.receive()
        best = min(best, time.perf_counter() - begin)
        n_epochs += 1
    n_batches = n_models * (n_windows // batch)
    return {**answer(best / n_batches, n_epochs * n_batches, batch), "seconds_per_epoch": best}
