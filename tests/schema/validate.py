"""Holds `oddlot schema` against an implementation of JSON Schema that is not ours.

    pip install jsonschema
    python tests/schema/validate.py target/debug/oddlot

The schema must be one of draft 2020-12, every pipeline of this repository valid, and each of a few mistakes not.
"""

import datetime
import json
import pathlib
import subprocess
import sys
import tomllib

from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).parents[2]
MISTAKES = [
    ("length = 30", "lenght = 30"),
    ("length = 30", 'length = "30"'),
    ("length = 30", "length = 1"),
    ("units = 64", "units = 0"),
    ("lstm_forecaster", "lstm_forecasters"),
    ("q = 0.995", "q = 1.0"),
    ("q = 0.995", "q = 0.995\n[threshold.fixed]\nvalue = 4.0"),
    ("[source]", 'profile = "archive"\n[source]'),
    ("lambda = 0.94", "lamda = 0.94"),
]


def document(text):
    """A file as editors see it: dates are texts."""
    return json.loads(json.dumps(tomllib.loads(text), default=datetime.date.isoformat))


def main(binary):
    schema = json.loads(subprocess.run([binary, "schema"], check=True, capture_output=True).stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    files = sorted((ROOT / "pipelines").glob("*.toml"))
    for file in files:
        errors = [error.message for error in validator.iter_errors(document(file.read_text()))]
        assert not errors, f"{file}: {errors}"
    right = (ROOT / "pipelines" / "sp500.toml").read_text()
    for before, after in MISTAKES:
        assert before in right, before
        assert not validator.is_valid(document(right.replace(before, after, 1))), after
    print(f"{len(files)} pipelines are valid, {len(MISTAKES)} mistakes are not")


if __name__ == "__main__":
    main(sys.argv[1])
