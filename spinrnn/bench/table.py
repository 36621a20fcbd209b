"""The results of `bench` for people: a table that grows line by line, and below it the ratios that they were measured for."""

from spinrnn.machine.memory import format_size

_COLUMNS = (
    ("work", 24, "<"), ("n", 5, ">"), ("scheme", 12, "<"), ("dtype", 8, "<"), ("density", 8, ">"), ("threads", 8, ">"),
    ("first s", 9, ">"), ("best s", 9, ">"), ("median s", 9, ">"), ("GFLOP/s", 8, ">"), ("of SGEMM", 9, ">"),
)  # fmt: skip


def lines(row):
    """Lines of text of one row, as they are to be printed; none for a row that is only a ratio."""
    if row["work"] == "machine":
        versions = ", ".join(
            f"{name} {version}" for name, version in row["packages"].items() if version
        )
        return [
            f"{row['processor']}, {row['processors']} processors, {row['threads']} threads, {row['system']}",
            f"Python {row['python']}, {versions}; {row['date']}",
            "",
            _line(name for name, _, _ in _COLUMNS),
        ]
    if row["work"] == "note":
        return [f"note: {row['text']}"]
    if row["best_s"] is None:
        return []
    cells = (
        _name(row), row["neurons"], row["scheme"], row["dtype"], row["density"], row["threads"],
        *(_seconds(row[key]) for key in ("first_s", "best_s", "median_s")),
        None if row["gflops"] is None else f"{row['gflops']:.1f}", None if "of_sgemm" not in row else f"{row['of_sgemm']:.2f}",
    )  # fmt: skip
    return [_line(cells)]


def ratios(rows):
    """Lines with what follows from all rows of a run, each beginning with what was compared."""
    made = [text for row in rows for text in _ratios(row)]
    width = max((len(name) for name, _ in made), default=0)
    return ["", *(f"{name:<{width}}  {text}" for name, text in made)]


def _line(cells):
    return " ".join(
        f"{'' if c is None else str(c):{side}{width}}"
        for c, (_, width, side) in zip(cells, _COLUMNS, strict=True)
    ).rstrip()


def _name(row):
    """What the row is, with what distinguishes it from its neighbours."""
    more = row.get("when") or row.get("peer") or row.get("kernel") or ""
    if row["work"] == "growth":
        more = f"{row['against']} {row['sizes'][-1]}"
    elif row["work"] == "long" and row["segments"] > 1:
        more = f"{row['segments']} segments"
    elif row["work"] == "mnist":
        more = f"S = {row['substeps']}"
    return f"{row['work']} {more}".rstrip()


def _seconds(value):
    return None if value is None else f"{value:.5f}" if value < 1 else f"{value:.3f}"


def _ratios(row):
    """(what, result) pairs of one row."""
    work, n = row["work"], row["neurons"]
    what = ", ".join(str(v) for v in (work, n and f"n = {n}", row["scheme"], row["dtype"]) if v)
    if work in ("reference", "inference"):
        yield what, f"{row['of_sgemm']:.2f} of SGEMM (best {row['of_sgemm_best']:.2f})"
    if "to_euler" in row:
        yield what, f"{row['to_euler']:.2f} x the time of Euler"
    if "of_float32" in row:
        yield what, f"{row['of_float32']:.2f} of float32's rate"
    if "of_training" in row:
        yield what, f"{row['of_training']:.2f} of the forward share of training's rate"
    if work == "sparse" and "speedup" in row:
        yield f"{what}, density {row['density']}", f"{row['speedup']:.1f} x as fast as density 1"
    if work == "crossover" and "measured" in row:
        low, high = row["densities"][0], row["densities"][-1]
        found = (
            f"not between {low} and {high}"
            if row["measured"] is None
            else f"at density {row['measured']:.2f}"
        )
        yield what, f"both kernels take the same time {found}; spinrnn changes at {row['used']}"
    if work == "threads" and "speedup" in row:
        bits = "the same bits" if row["identical"] else "OTHER BITS"
        yield what, f"{row['threads']} threads {row['speedup']:.2f} x as fast as one, {bits}"
    if work == "long":
        measured = (
            ""
            if row["measured_bytes"] is None
            else f", {format_size(max(1, row['measured_bytes']))} measured"
        )
        yield (
            f"{what}, {row['segments']} segments",
            f"{format_size(row['memory_bytes'])} planned{measured}",
        )
        if "to_whole" in row:
            bits = "the same bits" if row["identical"] else "OTHER BITS"
            yield (
                f"{what}, {row['segments']} segments",
                f"{100 * row['of_memory']:.0f} % of the memory, {row['to_whole']:.2f} x the time, {bits}",
            )
    if work in ("compile", "from cache"):
        yield (
            what,
            f"{row['median_s']:.2f} s to the first results, {row['process_s']:.2f} s with Python's start and imports",
        )
    if work.startswith("import"):
        yield what, f"{row['median_s']:.3f} s"
    if work == "growth":
        yield _growth_name(row), _exponents(row)
    if work == "mnist":
        yield (
            f"{what}, S = {row['substeps']}",
            f"{row['epoch_s']:.1f} s for an epoch (from {row['images']} images)",
        )
    if "to_best_peer" in row:
        yield what, f"{row['to_best_peer']:.1f} x as fast as the best peer, {row['best_peer']}"
    if row.get("when") == "whole run":
        yield (
            work,
            f"{row['spread']:.2f} between the slow and the fast tenth of {row['products']} products",
        )


def _growth_name(row):
    threads = f", {row['threads']} thread{'s' if row['threads'] > 1 else ''}"
    return f"growth against {row['against']}{threads}" + (
        f", {row['kernel']} kernel" if row["kernel"] else ""
    )


def _exponents(row):
    if row["exponent"] is None:
        return "too few sizes for an exponent"
    fits = [(row["exponent"], row["fitted"])]
    if row["fitted_upper"] != row["fitted"]:
        fits.append((row["exponent_upper"], row["fitted_upper"]))
    return "; ".join(f"exponent {value:.2f} over {low} ... {high}" for value, (low, high) in fits)
