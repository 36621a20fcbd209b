"""JSON and CSV: values as text, and files of them."""

import csv
import io
import json

from spinrnn.errors import StoreError
from spinrnn.files.atomic import read_bytes, write_atomic


def read_json(path, keys):
    """The object in a JSON file; StoreError if it is damaged or lacks one of the
    keys.
    """
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(key in value for key in keys):
        raise StoreError(f"{path}: damaged; remove it and resume the run to make it again")
    return value


def write_json(path, value):
    """Writes a value as JSON, atomically; StoreError if that is impossible."""
    write_atomic(path, to_json(value))


def to_json(value):
    """A value as the text of a JSON file."""
    return json.dumps(value, indent=2) + "\n"


def to_csv(rows):
    """CSV text of rows, a list of dictionaries with the same keys.

    Floats have seven digits; what is NaN is left empty.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value):
    if not isinstance(value, float):
        return value
    return "" if value != value else f"{value:.7g}"
