"""What the comparison runs on, and whether others are using it."""

import os
import platform
import time
from pathlib import Path

QUIET = 0.15  # cores that others may use


def machine():
    def told(path, key):
        lines = Path(path).read_text().splitlines() if Path(path).exists() else []
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "unknown")

    return {"cpu": told("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
            "avx512": "avx512f" in told("/proc/cpuinfo", "flags").split(),
            "memory": told("/proc/meminfo", "MemTotal"), "system": platform.platform(),
            "python": platform.python_version()}


def busy_seconds():
    """CPU seconds that all processes have used since the machine started; also those stolen from it."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def others(patience):
    """Cores in use while every worker sleeps: waits up to `patience` seconds for them to become free."""
    if not Path("/proc/stat").exists():
        return 0.0
    end = time.monotonic() + patience
    while True:
        before, began = busy_seconds(), time.monotonic()
        time.sleep(0.2)
        used = (busy_seconds() - before) / (time.monotonic() - began)
        if used <= QUIET or time.monotonic() >= end:
            return used
