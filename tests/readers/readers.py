"""Reads every table of an output root with DuckDB, Polars and pyarrow, and compares what they see.

    python readers.py ROOT [--with FILE]

Each engine reads `<ROOT>/tables/<table>` as a person would: by directory or glob, with hive
partitions, told nothing about types. Prints one JSON object: by table and engine the number of
rows, the sum of every numeric column, the number of true values of every boolean column, and the
least and greatest ticker. FILE holds the same figures as seen by `oddlot sql`, by table, and takes
part in the comparison. Exit code 0: all agree. 1: they differ (told on stderr). 2: no table.

Partition columns are not summed: engines guess their types (a pipeline named 0005 is a number to
some), which is why no ticker is ever one.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.dataset as dataset

PARTITIONS = ("pipeline", "year")
# Engines add in different orders; sums of 64-bit floats then differ in the last digits.
RELATIVE_TOLERANCE = 1e-9


def main():
    parser = argparse.ArgumentParser(description="compare what engines see in the tables of a root")
    parser.add_argument("root", type=Path)
    parser.add_argument("--with", dest="ours", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    tables = sorted(
        folder
        for folder in (arguments.root / "tables").glob("*")
        if folder.is_dir() and any(folder.rglob("*.parquet"))
    )
    if not tables:
        print(f"no table under {arguments.root}/tables", file=sys.stderr)
        sys.exit(2)
    engines = {"duckdb": by_duckdb, "polars": by_polars, "pyarrow": by_pyarrow}
    seen = {t.name: {name: read(t) for name, read in engines.items()} for t in tables}
    if arguments.ours:
        for table, figures in json.loads(arguments.ours.read_text()).items():
            seen.setdefault(table, {})["oddlot"] = figures
    print(json.dumps(seen, indent=2, sort_keys=True))
    differences = [d for table, by in seen.items() for d in compare(table, by)]
    for difference in differences:
        print(difference, file=sys.stderr)
    sys.exit(1 if differences else 0)


def summary(n_rows, sums, trues, ticker):
    """One engine's view of one table. A sum over no value is 0 to some engines, null to others."""
    return {
        "rows": n_rows,
        "sums": {name: float(value or 0) for name, value in sorted(sums.items())},
        "trues": {name: int(value or 0) for name, value in sorted(trues.items())},
        "ticker": ticker,
    }


def by_duckdb(folder):
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    path = str(folder / "**" / "*.parquet").replace("'", "''")
    # What a table has: its columns by name, over all files.
    db.execute(
        f"CREATE VIEW t AS SELECT * FROM read_parquet('{path}', hive_partitioning = true, "
        "union_by_name = true)"
    )
    columns = db.execute("SELECT column_name, column_type FROM (DESCRIBE t)").fetchall()
    columns = [(name, kind) for name, kind in columns if name not in PARTITIONS]
    numeric = [n for n, kind in columns if kind.split("(")[0] in DUCKDB_NUMBERS]
    booleans = [n for n, kind in columns if kind == "BOOLEAN"]

    def one(expression):
        return db.execute(f"SELECT {expression} FROM t").fetchone()

    def quoted(name):
        return '"' + name.replace('"', '""') + '"'

    has_ticker = any(name == "ticker" for name, _ in columns)
    return summary(
        one("count(*)")[0],
        {name: one(f"sum({quoted(name)})")[0] for name in numeric},
        {name: one(f"count(*) FILTER ({quoted(name)})")[0] for name in booleans},
        list(one("min(ticker), max(ticker)")) if has_ticker else None,
    )


DUCKDB_NUMBERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL",
}


def by_polars(folder):
    frame = polars.scan_parquet(
        folder / "**" / "*.parquet", hive_partitioning=True, missing_columns="insert"
    )
    schema = {n: kind for n, kind in frame.collect_schema().items() if n not in PARTITIONS}
    rows = frame.select(list(schema)).collect()
    numeric = [name for name, kind in schema.items() if kind.is_numeric()]
    booleans = [name for name, kind in schema.items() if kind == polars.Boolean]
    return summary(
        rows.height,
        {name: rows[name].cast(polars.Float64).sum() for name in numeric},
        {name: rows[name].sum() for name in booleans},
        [rows["ticker"].min(), rows["ticker"].max()] if "ticker" in schema else None,
    )


def by_pyarrow(folder):
    files = dataset.dataset(folder, format="parquet", partitioning="hive")
    schema = [field for field in files.schema if field.name not in PARTITIONS]
    rows = files.to_table(columns=[field.name for field in schema])
    kinds = arrow.types
    numeric = [
        f.name
        for f in schema
        if kinds.is_integer(f.type) or kinds.is_floating(f.type) or kinds.is_decimal(f.type)
    ]
    booleans = [f.name for f in schema if kinds.is_boolean(f.type)]
    ticker = None
    if "ticker" in rows.column_names:
        ends = compute.min_max(rows["ticker"]).as_py()
        ticker = [ends["min"], ends["max"]]
    return summary(
        rows.num_rows,
        {name: compute.sum(rows[name].cast(arrow.float64())).as_py() for name in numeric},
        {name: compute.sum(rows[name]).as_py() for name in booleans},
        ticker,
    )


def compare(table, by):
    """What differs from the first engine, in words."""
    (first, expected), *others = by.items()
    for name, found in others:
        for what in ("rows", "trues", "ticker"):
            if found[what] != expected[what]:
                yield f"{table}.{what}: {first} {expected[what]}, {name} {found[what]}"
        for column in sorted(expected["sums"].keys() | found["sums"].keys()):
            pair = expected["sums"].get(column), found["sums"].get(column)
            if None in pair or not math.isclose(*pair, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12):
                yield f"{table}.{column}: sum in {first} {pair[0]}, in {name} {pair[1]}"


if __name__ == "__main__":
    main()
