"""Memory: what this process takes, and what the batch system grants it."""

from spinrnn.doctor.verdict import Finding
from spinrnn.errors import ConfigError
from spinrnn.machine import memory


def memory_checks(environ, limit, available):
    """Of memory: limit, bytes of the control groups, None without; available, bytes that spinrnn would take unasked."""
    try:
        taken = memory.get_memory_limit()
    except ConfigError as error:
        return [Finding("memory", "problem", str(error), "export SPINRNN_MEMORY=2G, or unset it")]
    size, limit = (
        memory.format_size(taken),
        None if limit is None or limit > 2**50 else limit,
    )  # version 1 says "none" by an enormous one
    within = "" if limit is None else f", control group {memory.format_size(limit)}"
    most = available / memory.SHARE if limit is None else min(limit, available / memory.SHARE)
    if environ.get("SPINRNN_MEMORY", "").strip() and taken > most:
        text = f"SPINRNN_MEMORY={size}, but there are {memory.format_size(int(most))}{within}: the process may be killed without a word"
        return [
            Finding(
                "memory",
                "problem",
                text,
                "ask the batch system for more (--mem), or unset SPINRNN_MEMORY",
            )
        ]
    if taken < 64 * 2**20:
        text = f"only {size} for the states of a batch{within}: time is cut into segments, which costs time"
        return [Finding("memory", "note", text, "ask the batch system for more (--mem)")]
    return [Finding("memory", "fine", f"{size} for the states of a batch{within}")]
