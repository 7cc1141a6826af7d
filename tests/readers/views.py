"""Runs what `oddlot export ddl` prints in DuckDB, and a query over its views; prints the rows as JSON.

    python views.py VIEWS.sql QUERY [--bucket]

With --bucket the tables lie on S3, at AWS_ENDPOINT_URL and with the keys of the environment. DuckDB's own extension
for it (httpfs) comes from a server of theirs that a test may not reach; s3fs reads the same objects instead.
"""

import json
import os
import sys
from pathlib import Path

import duckdb


def main():
    views, query, *options = sys.argv[1:]
    db = duckdb.connect()
    if "--bucket" in options:
        import s3fs

        db.register_filesystem(
            s3fs.S3FileSystem(
                key=os.environ["AWS_ACCESS_KEY_ID"],
                secret=os.environ["AWS_SECRET_ACCESS_KEY"],
                endpoint_url=os.environ["AWS_ENDPOINT_URL"],
            )
        )
    db.execute(Path(views).read_text())
    print(json.dumps(db.execute(query).fetchall()))


if __name__ == "__main__":
    main()
