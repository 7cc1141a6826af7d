"""Joins the labelled series of NAB and of Microsoft's cloud monitoring dataset into two Parquet files.

    python3 data/labelled.py $IN/labelled data/labelled        # pyarrow 18 or later

`$IN/labelled` holds `nab/` and `ms-cloud/` as they were published. Written are `series.parquet` (ticker, ts,
value), sorted, and `labels.parquet` (ticker, start_ts, end_ts): intervals of which both ends belong to the
anomaly; a ticker without one has none. Times have no zone and are taken for UTC. Of rows that repeat an
instant the first is kept; rows without a value stay, as NULL.
"""

import csv
import datetime
import json
import pathlib
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def instant(text: str) -> datetime.datetime:
    text = text.replace("T", " ").removesuffix("Z").split(".")[0]
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)


def read(path: pathlib.Path) -> tuple[list, dict]:
    """Sorted (ts, value) of distinct instants, and the instants that a column `Label` marks."""
    values, labels = {}, {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            row = {key.lower(): text for key, text in row.items()}
            ts = instant(row["timestamp"])
            if ts not in values:
                values[ts] = float(row["value"]) if row["value"] not in ("", "NaN", None) else None
                labels[ts] = row.get("label") not in (None, "", "0")
    rows = sorted(values.items())
    return rows, [labels[ts] for ts, _ in rows]


def runs(rows: list, flags: list) -> list:
    """First and last instant of each run of flagged rows."""
    found, start = [], None
    for (ts, _), flag, following in zip(rows, flags, flags[1:] + [False]):
        start = ts if flag and start is None else start
        if flag and not following:
            found.append((start, ts))
            start = None
    return found


def main(source: pathlib.Path, target: pathlib.Path) -> None:
    windows = json.loads((source / "nab" / "labels_windows.json").read_text())
    series, labels = [], []
    for path in sorted(source.glob("*/*/*.csv")):
        collection, folder, name = path.relative_to(source).parts
        ticker = f"{'nab' if collection == 'nab' else 'cloud'}/{folder}/{path.stem}"
        rows, flags = read(path)
        if collection == "nab":
            found = [tuple(map(instant, window)) for window in windows[f"{folder}/{name}"]]
        else:
            found = runs(rows, flags)
        series += [(ticker, ts, value) for ts, value in rows]
        labels += [(ticker, start, end) for start, end in found]
    instants = pa.timestamp("us", "UTC")
    target.mkdir(parents=True, exist_ok=True)
    for name, rows, fields in [
        ("series", series, [("ticker", pa.string()), ("ts", instants), ("value", pa.float64())]),
        ("labels", labels, [("ticker", pa.string()), ("start_ts", instants), ("end_ts", instants)]),
    ]:
        columns = zip(*sorted(rows, key=lambda row: row[:2]))
        schema = pa.schema(fields)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema)]
        table = pa.Table.from_arrays(arrays, schema=schema)
        pq.write_table(table, target / f"{name}.parquet", compression="zstd", compression_level=9)
    shutil.copy(source / "nab" / "LICENSE.txt", target / "LICENSE.nab.txt")
    shutil.copy(source / "ms-cloud" / "LICENSE", target / "LICENSE.cloud.txt")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
