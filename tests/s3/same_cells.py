"""Runs pipelines twice, on local folders and on S3 as moto serves it, and compares every cell.

    pip install -r tests/s3/requirements.txt
    python tests/s3/same_cells.py [--oddlot target/debug/oddlot] [PIPELINE…]     # pipelines/sp500.toml

moto is no code of ours and none of s3s-fs, which the Rust tests use. For each pipeline: its source is
copied into a bucket, beside the mark of a folder as consoles leave one; source and output of a copy of
the file are turned to buckets; both are run, the one on S3 twice, with the same name and the same
binary. Cells must have the same paths and the same bytes, the second run must replace none, and
`oddlot sql` must say the same of both. Exit code 0: all so. 1: something differs (told on stderr).
"""

import argparse
import glob
import json
import logging
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

SECRET = "moto-asks-for-none"
QUERY = "SELECT model, count(*) AS n, sum(score) AS score FROM errors GROUP BY model ORDER BY model"


def main():
    parser = argparse.ArgumentParser(description="compare runs on S3 with local ones")
    parser.add_argument("--oddlot", type=Path, default=Path("target/debug/oddlot"))
    parser.add_argument("pipelines", nargs="*", type=Path, default=[Path("pipelines/sp500.toml")])
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        differing = [p for p in arguments.pipelines if not compare(arguments.oddlot.resolve(), p, url)]
    finally:
        server.stop()
    sys.exit(1 if differing else 0)


def compare(oddlot, pipeline, url):
    """Whether both runs of one pipeline give the same."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    on_s3 = environment | {
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="moto",
        aws_secret_access_key=SECRET,
    )
    settings = tomllib.loads(pipeline.read_text())
    source, root = settings["source"]["path"], settings["output"]["root"]
    pattern = os.path.normpath(pipeline.parent / source)
    prices = f"prices-{pipeline.stem}".replace("_", "-")
    tables = f"tables-{pipeline.stem}".replace("_", "-")
    for bucket in (prices, tables):
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=prices, Key="eod/", Body=b"")
    for file in sorted(glob.glob(pattern)):
        client.upload_file(file, prices, f"eod/{Path(file).name}")

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # One name, since the tables are called by it.
        local, remote = (folder / kind / pipeline.name for kind in ("local", "remote"))
        text = pipeline.read_text()
        for file, path, output in (
            (local, str(Path(pattern).absolute()), "out"),
            (remote, f"s3://{prices}/eod/", f"s3://{tables}/some/prefix"),
        ):
            file.parent.mkdir()
            written = text.replace(json.dumps(source), json.dumps(path))
            file.write_text(written.replace(json.dumps(root), json.dumps(output)))
        run(oddlot, ["run", local], environment)
        first = result(run(oddlot, ["run", remote], on_s3))
        second = result(run(oddlot, ["run", remote], on_s3))
        here = cells_of_folder(local.parent / "out" / "tables")
        there = cells_of_bucket(client, tables, "some/prefix/tables/")
        differing = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
        answers = [
            run(oddlot, ["sql", "-p", file, "--format", "csv", QUERY], of)
            for file, of in ((local, environment), (remote, on_s3))
        ]

    n_bytes = sum(len(cell) for cell in here.values())
    print(
        f"{pipeline}: {len(here)} cells, {n_bytes} bytes locally; {len(there)} on S3, {len(differing)} differ; "
        f"replaced {first['cells_replaced']}, then {second['cells_replaced']}"
    )
    for name in differing[:10]:
        print(f"  differs: {name}", file=sys.stderr)
    if answers[0] != answers[1]:
        print(f"  sql says\n{answers[0]}  and on S3\n{answers[1]}", file=sys.stderr)
    is_same = here and not differing and answers[0] == answers[1]
    return is_same and first["cells_replaced"] == len(there) and second["cells_replaced"] == 0


def run(oddlot, arguments, environment):
    """What a command prints; it must end well, and tell no secret."""
    done = subprocess.run([oddlot, *map(str, arguments)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"oddlot {arguments[0]} ended with {done.returncode}:\n{done.stderr}")
    assert SECRET not in done.stdout + done.stderr, "a secret is told"
    return done.stdout


def result(stdout):
    return json.loads(stdout.splitlines()[-1])


def cells_of_folder(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("part-*.parquet")}


def cells_of_bucket(client, bucket, prefix):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {
        key.removeprefix(prefix): client.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in keys
        if "/part-" in key
    }


if __name__ == "__main__":
    main()
