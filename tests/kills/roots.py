"""Where the job writes: a folder, or a prefix in a bucket. Both as a dictionary of path -> bytes."""

import os
import shutil
from pathlib import Path


class Folder:
    """A root on this machine."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def new(self, name):
        root = Folder(self.folder / name)
        root.remove()
        return root

    @property
    def name(self):
        return str(self.folder)

    def files(self, below=""):
        """Every file below a folder of the root; one that a run removes meanwhile is left out."""
        found = {}
        for place, _, names in os.walk(self.folder / below):
            for name in names:
                path = Path(place, name)
                try:
                    found[path.relative_to(self.folder).as_posix()] = path.read_bytes()
                except FileNotFoundError:
                    pass
        return found

    def fill(self, files):
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def glob(self, table):
        """What DuckDB is told to read; the prefix of the names it gives back."""
        return f"{self.folder}/tables/{table}/**/*.parquet", f"{self.folder}/"


class Bucket:
    """A prefix in a bucket of the server that the environment names, as AWS's own tools read it."""

    def __init__(self, url, client=None):
        import boto3
        from botocore.config import Config

        self.bucket, _, self.prefix = url.removeprefix("s3://").rstrip("/").partition("/")
        # Servers for tests keep a checksum beside the object, and replace the two one after the other.
        path_style = Config(
            s3={"addressing_style": "path"},
            max_pool_connections=16,
            response_checksum_validation="when_required",
        )
        self.client = client or boto3.client("s3", config=path_style)

    def new(self, name):
        root = Bucket(f"{self.name}/{name}", self.client)
        root.remove()
        return root

    @property
    def name(self):
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def keys(self, below=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/{below}"
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def files(self, below=""):
        found = {}
        for key in self.keys(below):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
                found[key[len(self.prefix) + 1 :]] = body
            except self.client.exceptions.NoSuchKey:
                pass
        return found

    def fill(self, files):
        for path, content in files.items():
            self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{path}", Body=content)

    def remove(self):
        for key in self.keys():
            self.client.delete_object(Bucket=self.bucket, Key=key)
