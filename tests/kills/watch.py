"""Readers that ask for everything, time and again, while runs are killed and completed.

A cell is told by a signature: its rows, its distinct keys, and a hash of all its values. Each that a
reader sees must be that of a whole cell, of the edition before or after the run; no cell that was
once there may be missing. DuckDB reads a folder itself; of a bucket it is given whole objects as the
reader has fetched them, since its own S3 client is an extension that has to be downloaded. `oddlot
sql` reads both by itself.
"""

import csv
import io
import subprocess
import tempfile
import threading
from pathlib import Path

import duckdb

KEYS = {
    "errors": ("ticker", "ts", "model"),
    "reconstructions": ("ticker", "ts", "model", "feature"),
    "anomalies": ("ticker", "ts", "model"),
    "events": ("event_id",),
}
OURS = """
SELECT pipeline, year, ticker, count(*) AS n, count(DISTINCT ticker || '|' || CAST(ts AS BIGINT) || '|' || model) AS keys,
  sum(CAST(round(coalesce(score, 0) * 1e6) AS BIGINT)) AS scores,
  sum(CAST(round(coalesce(threshold, 0) * 1e6) AS BIGINT)) AS thresholds,
  sum(CAST(is_anomaly AS INT)) AS flags, min(model_id) AS low, max(model_id) AS high
FROM {table} GROUP BY pipeline, year, ticker ORDER BY pipeline, year, ticker"""


def duckdb_sees(root, tables=tuple(KEYS)):
    """path -> signature of every cell with rows."""
    seen = {}
    with tempfile.TemporaryDirectory() as place:
        here = root
        if not hasattr(root, "glob"):
            from roots import Folder

            here = Folder(place)
            here.fill(root.files("tables"))
        connection = duckdb.connect(config={"threads": 1, "enable_external_file_cache": False})
        for table in tables:
            pattern, prefix = here.glob(table)
            if not any((Path(prefix) / "tables" / table).rglob("*.parquet")):
                continue
            key = ", ".join(KEYS[table])
            files = f"read_parquet('{pattern}', hive_partitioning=false, filename=true)"
            rows = connection.execute(
                f"SELECT filename, count(*), count(DISTINCT ({key})), {values(connection, files)} "
                f"FROM {files} GROUP BY filename"
            ).fetchall()
            for name, n, keys, content in rows:
                seen[name.removeprefix(prefix)] = (n, keys, content)
        connection.close()
    return seen


def values(connection, files):
    """An expression over all columns, whose value no order of rows can change."""
    columns = connection.execute(f"DESCRIBE SELECT * EXCLUDE (filename) FROM {files}").fetchall()
    return "bit_xor(hash(" + ", ".join(f'"{column[0]}"' for column in columns) + "))"


def ours_sees(root, binary, environment, table="errors_all"):
    """(year, ticker) -> signature, or the exit code and stderr of a reader that was refused."""
    ran = subprocess.run(
        [binary, "sql", "--root", root.name, "--format", "csv", OURS.format(table=table)],
        capture_output=True, text=True, env=environment,
    )
    if ran.returncode:
        return None, (ran.returncode, ran.stderr)
    rows = csv.DictReader(io.StringIO(ran.stdout))
    return {(row["year"], row["ticker"]): tuple(row.values()) for row in rows}, None


class Watch:
    """Polls a root from two threads until it is stopped; keeps what should not have been seen."""

    def __init__(self, root, binary, environment, before, after):
        self.root, self.binary, self.environment = root, binary, environment
        self.before, self.after = before, after
        self.polls = {"duckdb": 0, "oddlot sql": 0, "duckdb refused": 0, "told to ask again": 0}
        self.wrong = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.poll, args=(ask,)) for ask in (self.duckdb, self.ours)]
        for thread in self.threads:
            thread.start()

    def poll(self, ask):
        known, refusals = set(), 0
        while not self.over.is_set():
            try:
                known, refusals = ask(known), 0
            except duckdb.Error as error:
                # It opens a file again for its pages: where the footer is that of a cell replaced
                # meanwhile it ends with an error, and shows no row. Asked again, it has to answer.
                refusals += 1
                self.polls["duckdb refused"] += 1
                if refusals == 3:
                    self.wrong.append(f"duckdb, three times in turn: {error}")
                    return
            except Exception as error:  # A reader that fails is what this script looks for.
                self.wrong.append(f"{ask.__name__}: {type(error).__name__}: {error}")
                return

    def hold(self, who, seen, known, before, after):
        for name, found in seen.items():
            if found not in (before.get(name), after.get(name)):
                self.wrong.append(
                    f"{who}: {name} is {found}, neither {before.get(name)} nor {after.get(name)}"
                )
        lost = (known | set(before)) - set(seen)
        if lost:
            self.wrong.append(f"{who}: lost {sorted(lost)}")
        self.polls[who] += 1
        return known | set(seen)

    def duckdb(self, known):
        seen = duckdb_sees(self.root)
        # A cell of anomalies or events may lose its last row, and then it has no signature.
        emptied = set(self.before["duckdb"]) - set(self.after["duckdb"])
        before = {name: found for name, found in self.before["duckdb"].items() if name not in emptied}
        seen = {name: found for name, found in seen.items()
                if name not in emptied or found != self.before["duckdb"][name]}
        return self.hold("duckdb", seen, known, before, self.after["duckdb"])

    def ours(self, known):
        seen, refused = ours_sees(self.root, self.binary, self.environment)
        if refused:
            code, stderr = refused
            if not known and not self.before["ours"]:
                return known  # There is no table yet.
            if code == 75 and "changed" in stderr:
                self.polls["told to ask again"] += 1
                return known
            raise RuntimeError(f"code {code}: {stderr}")
        return self.hold("oddlot sql", seen, known, self.before["ours"], self.after["ours"])

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.wrong
