"""Memory: what this process takes, and what the batch system grants it."""

from collections.abc import Mapping

from spinrnn.doctor.verdict import Verdict, fine, note, problem
from spinrnn.errors import ConfigError
from spinrnn.machine import memory

LITTLE = 64 * 2**20
"""Bytes below which the time of usual batches is cut into segments."""
NO_LIMIT = 2**50
"""Bytes beyond which a limit is none: version 1 of control groups says "none" so."""
MORE = "ask the batch system for more (--mem)"


def memory_checks(environ: Mapping[str, str], limit: int | None, available: int) -> list[Verdict]:
    """The verdict on memory.

    Args:
        environ: variables of the environment.
        limit: bytes of the control groups, None without.
        available: bytes that spinrnn would take unasked.
    """
    try:
        taken = memory.get_memory_limit()
    except ConfigError as error:
        return [problem("memory", str(error), "export SPINRNN_MEMORY=2G, or unset it")]
    limit = None if limit is None or limit > NO_LIMIT else limit
    size = memory.format_size(taken)
    within = "" if limit is None else f", control group {memory.format_size(limit)}"
    # what is available unasked is a share of what there is
    most = available / memory.SHARE
    most = int(most if limit is None else min(limit, most))
    if environ.get("SPINRNN_MEMORY", "").strip() and taken > most:
        text = f"SPINRNN_MEMORY={size}, but there are {memory.format_size(most)}{within}"
        risk = "the process may be killed without a word"
        return [problem("memory", f"{text}: {risk}", f"{MORE}, or unset SPINRNN_MEMORY")]
    if taken < LITTLE:
        text = f"only {size} for the states of a batch{within}"
        cost = "time is cut into segments, which costs time"
        return [note("memory", f"{text}: {cost}", MORE)]
    return [fine("memory", f"{size} for the states of a batch{within}")]
