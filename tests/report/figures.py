"""Compares the figures of a report with the tables, as DuckDB reads them.

    python tests/report/figures.py report.html out/tables PIPELINE

Needs duckdb. Fails on the first table of the page whose figures are others than those of the tables.
"""
import sys
from html.parser import HTMLParser

import duckdb


class Tables(HTMLParser):
    """Rows of each table under its caption; of a number its exact value."""

    def __init__(self):
        super().__init__()
        self.tables, self.rows, self.cell, self.caption = {}, None, None, None

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.rows = []
        elif tag == "caption":
            self.caption = ""
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.cell = dict(attrs).get("data-v")
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            self.tables[self.told] = self.rows[1:]
            self.rows = None
        elif tag == "caption":
            self.told, self.caption = self.caption, None
        elif tag in ("td", "th") and self.rows:
            if self.cell is not None:
                self.rows[-1][-1] = self.cell
            self.cell = None

    def handle_data(self, data):
        if self.caption is not None:
            self.caption += data
        elif self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def main(page, tables, pipeline):
    parser = Tables()
    parser.feed(open(page, encoding="utf-8").read())

    def shown(beginning):
        found = [rows for caption, rows in parser.tables.items() if caption.startswith(beginning)]
        assert found, f"no table {beginning!r}"
        return found[0]

    def ask(query):
        return duckdb.execute(query, {"pipeline": pipeline}).fetchall()

    def read(table):
        return f"read_parquet('{tables}/{table}/**/*.parquet', hive_partitioning = true, union_by_name = true)"

    events = ask(f"""SELECT ticker, CAST(CAST(peak_ts AS DATE) AS VARCHAR), n_points, model
                     FROM {read('events')} WHERE pipeline = $pipeline""")
    known = set(events)
    n = 0
    for row in shown("Events"):
        assert (row[0], row[2], int(row[4]), row[7]) in known, row
        n += 1
    flags = dict(ask(f"""SELECT model, count(*) FROM {read('anomalies')}
                         WHERE pipeline = $pipeline AND split = 'test' GROUP BY model"""))
    for row in shown("Models and baselines"):
        assert int(row[6]) == flags.get(row[0], 0), (row, flags)
    days = dict(ask(f"""SELECT ticker, count(DISTINCT trade_date) FROM {read('anomalies')}
                        WHERE pipeline = $pipeline AND split = 'test' GROUP BY ticker"""))
    for row in shown("Tickers by flagged days"):
        assert int(row[1]) == days[row[0]], (row, days[row[0]])
    print(f"{n} events, {len(flags)} models and {len(days)} tickers have the figures of the tables")


if __name__ == "__main__":
    main(*sys.argv[1:])
