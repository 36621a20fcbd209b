"""JSON and CSV files: as text, and read with the keys that they must have."""

import csv
import io
import json

from spinrnn.errors import StoreError
from spinrnn.files.atomic import read_bytes, write_atomic


def read_json(path, keys):
    """The object in a JSON file; StoreError if it cannot be read or lacks one of the keys."""
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(key in value for key in keys):
        raise StoreError(f"{path}: damaged; remove it and resume the run to make it again")
    return value


def write_json(path, value):
    write_atomic(path, to_json(value))


def to_json(value):
    return json.dumps(value, indent=2) + "\n"


def to_csv(rows):
    """Rows (list of dictionaries with the same keys) as CSV text; floats with seven digits, what is missing left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: ("" if value != value else f"{value:.7g}")
                if isinstance(value, float)
                else value
                for name, value in row.items()
            }
        )
    return text.getvalue()
