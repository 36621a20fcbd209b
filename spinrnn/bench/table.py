"""The results of `bench` for people.

A table grows line by line; below it stand the ratios that the rows were measured for.
Each function of `_RATIOS` looks at one row and yields (what was compared, the result).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spinrnn.machine.memory import format_size

Row = Mapping[str, Any]
Pair = tuple[str, str]

_COLUMNS = (
    ("work", 24, "<"),
    ("n", 5, ">"),
    ("scheme", 12, "<"),
    ("dtype", 8, "<"),
    ("density", 8, ">"),
    ("threads", 8, ">"),
    ("first s", 9, ">"),
    ("best s", 9, ">"),
    ("median s", 9, ">"),
    ("GFLOP/s", 8, ">"),
    ("of SGEMM", 9, ">"),
)
"""(heading, width, side) of the columns."""


def lines(row: Row) -> list[str]:
    """Lines of text of one row, as they are to be printed; none of a row that is only a
    ratio.
    """
    if row["work"] == "machine":
        return _machine(row)
    if row["work"] == "note":
        return [f"note: {row['text']}"]
    if row["best_s"] is None:
        return []
    cells = (
        _name(row),
        *(row[key] for key in ("neurons", "scheme", "dtype", "density", "threads")),
        *(_seconds(row[key]) for key in ("first_s", "best_s", "median_s")),
        None if row["gflops"] is None else f"{row['gflops']:.1f}",
        f"{row['of_sgemm']:.2f}" if "of_sgemm" in row else None,
    )
    return [_line(cells)]


def ratios(rows: Iterable[Row]) -> list[str]:
    """Lines with what follows from all rows of a run, each beginning with what was
    compared.
    """
    made = [pair for row in rows for sentence in _RATIOS for pair in sentence(row)]
    width = max((len(name) for name, _ in made), default=0)
    return ["", *(f"{name:<{width}}  {text}" for name, text in made)]


# ---- the table ----


def _machine(row: Row) -> list[str]:
    """The head of the table."""
    packages = row["packages"].items()
    versions = ", ".join(f"{name} {version}" for name, version in packages if version)
    counts = f"{row['processors']} processors, {row['threads']} threads"
    return [
        f"{row['processor']}, {counts}, {row['system']}",
        f"Python {row['python']}, {versions}; {row['date']}",
        "",
        _line(heading for heading, _, _ in _COLUMNS),
    ]


def _line(cells: Iterable[Any]) -> str:
    columns = zip(cells, _COLUMNS, strict=True)
    texts = (f"{'' if c is None else c!s:{side}{width}}" for c, (_, width, side) in columns)
    return " ".join(texts).rstrip()


def _name(row: Row) -> str:
    """What the row is, with what distinguishes it from its neighbours."""
    more = row.get("when") or row.get("peer") or row.get("kernel") or ""
    if row["work"] == "growth":
        more = f"{row['against']} {row['sizes'][-1]}"
    elif row["work"] == "long" and row["segments"] > 1:
        more = f"{row['segments']} segments"
    elif row["work"] == "mnist":
        more = f"S = {row['substeps']}"
    return f"{row['work']} {more}".rstrip()


def _seconds(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.5f}" if value < 1 else f"{value:.3f}"


# ---- the ratios ----


def _what(row: Row, *more: str) -> str:
    """What is compared: the kind of work and what of it may vary."""
    neurons = row["neurons"] and f"n = {row['neurons']}"
    parts = (row["work"], neurons, row["scheme"], row["dtype"], *more)
    return ", ".join(part for part in parts if part)


def _bits(row: Row) -> str:
    return "the same bits" if row["identical"] else "OTHER BITS"


def _reference(row: Row) -> Iterator[Pair]:
    if row["work"] in ("reference", "inference"):
        best = f"best {row['of_sgemm_best']:.2f}"
        yield _what(row), f"{row['of_sgemm']:.2f} of SGEMM ({best})"
    if "to_euler" in row:
        yield _what(row), f"{row['to_euler']:.2f} x the time of Euler"
    if "of_float32" in row:
        yield _what(row), f"{row['of_float32']:.2f} of float32's rate"
    if "of_training" in row:
        yield _what(row), f"{row['of_training']:.2f} of the forward share of training's rate"


def _sparse(row: Row) -> Iterator[Pair]:
    if row["work"] == "sparse" and "speedup" in row:
        what = _what(row, f"density {row['density']}")
        yield what, f"{row['speedup']:.1f} x as fast as density 1"


def _crossover(row: Row) -> Iterator[Pair]:
    if row["work"] != "crossover" or "measured" not in row:
        return
    if row["measured"] is None:
        found = f"not between {row['densities'][0]} and {row['densities'][-1]}"
    else:
        found = f"at density {row['measured']:.2f}"
    text = f"both kernels take the same time {found}"
    yield _what(row), f"{text}; spinrnn changes at {row['used']}"


def _threads(row: Row) -> Iterator[Pair]:
    if row["work"] == "threads" and "speedup" in row:
        text = f"{row['threads']} threads {row['speedup']:.2f} x as fast as one"
        yield _what(row), f"{text}, {_bits(row)}"


def _long(row: Row) -> Iterator[Pair]:
    if row["work"] != "long":
        return
    what = _what(row, f"{row['segments']} segments")
    planned = f"{format_size(row['memory_bytes'])} planned"
    if row["measured_bytes"] is not None:
        planned += f", {format_size(max(1, row['measured_bytes']))} measured"
    yield what, planned
    if "to_whole" in row:
        share = f"{100 * row['of_memory']:.0f} % of the memory"
        yield what, f"{share}, {row['to_whole']:.2f} x the time, {_bits(row)}"


def _start(row: Row) -> Iterator[Pair]:
    if row["work"] in ("compile", "from cache"):
        whole = f"{row['process_s']:.2f} s with Python's start and imports"
        yield _what(row), f"{row['median_s']:.2f} s to the first results, {whole}"
    if row["work"].startswith("import"):
        yield _what(row), f"{row['median_s']:.3f} s"


def _growth(row: Row) -> Iterator[Pair]:
    if row["work"] != "growth":
        return
    threads = f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}"
    kernel = f", {row['kernel']} kernel" if row["kernel"] else ""
    yield f"growth against {row['against']}, {threads}{kernel}", _exponents(row)


def _exponents(row: Row) -> str:
    if row["exponent"] is None:
        return "too few sizes for an exponent"
    fits = [(row["exponent"], row["fitted"])]
    if row["fitted_upper"] != row["fitted"]:
        fits.append((row["exponent_upper"], row["fitted_upper"]))
    return "; ".join(f"exponent {value:.2f} over {low} ... {high}" for value, (low, high) in fits)


def _mnist(row: Row) -> Iterator[Pair]:
    if row["work"] == "mnist":
        text = f"{row['epoch_s']:.1f} s for an epoch (from {row['images']} images)"
        yield _what(row, f"S = {row['substeps']}"), text


def _peers(row: Row) -> Iterator[Pair]:
    if "to_best_peer" in row:
        text = f"{row['to_best_peer']:.1f} x as fast as the best peer, {row['best_peer']}"
        yield _what(row), text


def _reservoirs(row: Row) -> Iterator[Pair]:
    if "to_reservoirpy" in row:
        text = f"{row['to_reservoirpy']:.1f} x as fast as reservoirpy's echo state network"
        yield _what(row, f"{row['points']} points"), text


def _devices(row: Row) -> Iterator[Pair]:
    if "to_device_peer" in row:
        text = f"{row['to_device_peer']:.2f} x as fast as {row['what']}"
        yield _what(row, f"batch {row['batch']}"), text


def _steadiness(row: Row) -> Iterator[Pair]:
    if row.get("when") == "whole run":
        text = "between the slow and the fast tenth"
        yield row["work"], f"{row['spread']:.2f} {text} of {row['products']} products"


_RATIOS = (
    _reference,
    _sparse,
    _crossover,
    _threads,
    _long,
    _start,
    _growth,
    _mnist,
    _peers,
    _reservoirs,
    _devices,
    _steadiness,
)
