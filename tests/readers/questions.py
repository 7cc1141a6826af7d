"""Runs `oddlot export ddl` and the questions of sql/questions in DuckDB, and compares the answers with those of
`oddlot sql`.

    python questions.py VIEWS.sql ASKED.json

ASKED is a list of {name, query, given, rows}: `given` are the values of the query's $names, `rows` what oddlot
answered, in order. Prints one JSON object: how many questions and views there were, and how many columns of views
have no comment. Exit code 0: all answers agree. 1: they differ (told on stderr).
"""

import datetime
import json
import math
import re
import sys
from pathlib import Path

import duckdb

# Engines add in different orders; sums of 64-bit floats then differ in the last digits.
RELATIVE_TOLERANCE = 1e-9

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT.*Z$")


def main():
    views, asked = (Path(name).read_text() for name in sys.argv[1:3])
    db = duckdb.connect()
    db.execute(views)
    differences = []
    for question in json.loads(asked):
        rows = answer(db, question["query"], question["given"])
        differences += compare(question["name"], question["rows"], rows)
    for difference in differences:
        print(difference, file=sys.stderr)
    db.execute("DROP TABLE IF EXISTS answer")
    ours = "FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal"
    counted = {
        "questions": len(json.loads(asked)),
        "views": one(db, "SELECT count(*) FROM duckdb_views() WHERE NOT internal AND comment IS NOT NULL"),
        "columns_without_comment": one(
            db, f"SELECT count(*) {ours} AND comment IS NULL AND table_name <> 'committed_models'"
        ),
    }
    print(json.dumps(counted))
    sys.exit(1 if differences else 0)


def answer(db, query, given):
    """The rows of a query, in order. Instants are made text by DuckDB: Python's need another library."""
    db.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {query}", given)
    columns = db.execute("SELECT column_name, column_type FROM (DESCRIBE answer)").fetchall()
    instant = "strftime({}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {}"
    shown = [instant.format(n, n) if "TIME ZONE" in kind else n for n, kind in columns]
    rows = db.execute(f"SELECT {', '.join(shown)} FROM answer").fetchall()
    names = [name for name, _ in columns]
    return [dict(zip(names, map(plain, row))) for row in rows]


def one(db, query):
    return db.execute(query).fetchone()[0]


def plain(value):
    """As JSON of oddlot has it: a day as text."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def compare(name, ours, theirs):
    if len(ours) != len(theirs):
        yield f"{name}: oddlot has {len(ours)} rows, duckdb {len(theirs)}"
        return
    for number, (mine, other) in enumerate(zip(ours, theirs)):
        if sorted(mine) != sorted(other):
            yield f"{name}: oddlot has the columns {list(mine)}, duckdb {list(other)}"
            return
        for column, value in mine.items():
            if not same(value, other[column]):
                yield f"{name}: row {number}, {column}: oddlot {value}, duckdb {other[column]}"


def same(mine, other):
    if isinstance(mine, float) or isinstance(other, float):
        if mine is None or other is None:
            return mine is other
        return math.isclose(mine, float(other), rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    if isinstance(mine, str) and isinstance(other, str) and INSTANT.match(other):
        return datetime.datetime.fromisoformat(mine) == datetime.datetime.fromisoformat(other)
    return mine == other and isinstance(mine, bool) == isinstance(other, bool)


if __name__ == "__main__":
    main()
