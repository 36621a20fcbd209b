"""OVF 2 text files of OOMMF and mumax3 (.ovf, .omf, .ohf): a field on a grid.

https://math.nist.gov/oommf/doc/userguide20a3/userguide/OVF_2.0_format.html: a header of
comments, then the values of each node, x fastest. One array for each component, in the
order of the file; the header's numbers are attributes.
"""

import re
from pathlib import Path

import numpy as np

from spinrnn.errors import DataError
from spinrnn.readers.cells import names_and_units
from spinrnn.readers.table import Table
from spinrnn.readers.text import head_of, lines_of, number, numbers

ENDINGS = (".ovf", ".omf", ".ohf")
_CLAIM = re.compile(r"\s*#\s*OOMMF\s*(:\s*rectangular mesh v\d|OVF)", re.I)
_SECOND = re.compile(r"\s*#\s*OOMMF OVF 2", re.I)
_ENTRY = re.compile(r"^#+\s*([A-Za-z ]+?)\s*:\s*(.*?)\s*$")


def claims(content: bytes) -> bool:
    """Whether the bytes begin as such a file."""
    return _CLAIM.match(head_of(content) or _beginning(content)) is not None


def _beginning(content):
    """The head of a file whose data are binary."""
    return content[:64].decode("latin-1")


def read(path: str | Path, content: bytes) -> Table:
    """`Table` of the bytes of a file: (node,) of each component.

    Raises:
        DataError: of version 1, binary, of several segments, or damaged.
    """
    if not _SECOND.match(_beginning(content)):
        raise DataError(f"{path}: is of OVF 1; save it as OVF 2 text (mumax3: OutputFormat)")
    if re.search(rb"#\s*Begin:\s*Data\s+Binary", content, re.I):
        raise DataError(
            f"{path}: holds binary data; convert it to text (mumax3-convert -ovf text, or"
            " OutputFormat = OVF2_TEXT)"
        )
    lines, notes = lines_of(path, content)
    header, rows = _parts(path, lines)
    dimension, nodes = _sizes(path, header)
    values = numbers(" ".join(rows).split())
    if values is None or values.size != dimension * nodes or not np.isfinite(values).all():
        found = "words" if values is None else f"{values.size} values"
        raise DataError(
            f"{path}: damaged or truncated, its header says {nodes} nodes of {dimension} values,"
            f" it holds {found}"
        )
    names, _, said = names_and_units(_names(header, dimension))
    units = header.get("valueunits", "").split()
    columns = values.reshape(nodes, dimension).T
    return Table(
        Path(path),
        {name: column.copy() for name, column in zip(names, columns, strict=True)},
        {name: _attribute(text) for name, text in header.items()},
        dict(zip(names, units, strict=False)),
        notes=(*notes, *said, f"the values of {nodes} nodes, x fastest"),
    )


def _parts(path, lines):
    """({name in small letters: text} of the header, lines of data)."""
    header, rows, inside = {}, [], False
    for line in lines:
        entry = _ENTRY.match(line)
        if entry is None:
            if inside and not line.lstrip().startswith("#"):
                rows.append(line)
            continue
        name, text = entry[1].lower(), entry[2]
        if name == "begin" and text.lower().startswith("data"):
            if rows:
                raise DataError(f"{path}: holds several segments; save them as files")
            inside = True
        elif name == "end":
            inside = False
        elif name != "begin":
            header[name] = f"{header[name]}; {text}" if name == "desc" and name in header else text
    return header, rows


def _sizes(path, header):
    """(values of a node, nodes)."""
    try:
        dimension = int(header["valuedim"])
        if header.get("meshtype", "rectangular").lower() == "irregular":
            nodes = int(header["pointcount"])
        else:
            nodes = int(header["xnodes"]) * int(header["ynodes"]) * int(header["znodes"])
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: damaged, its header has no whole number for {error}") from None
    if dimension < 1 or nodes < 1:
        raise DataError(f"{path}: its header says {nodes} nodes of {dimension} values")
    if header.get("meshtype", "").lower() == "irregular":
        dimension += 3
    return dimension, nodes


def _names(header, dimension):
    """Labels of the components; of irregular meshes with their places before."""
    labels = header.get("valuelabels", "").split()
    if header.get("meshtype", "").lower() == "irregular":
        labels = ["x", "y", "z", *labels]
    return labels if len(labels) == dimension else [f"value_{k}" for k in range(1, dimension + 1)]


def _attribute(text):
    """A number where it is one."""
    try:
        return number(text)
    except ValueError:
        return text
