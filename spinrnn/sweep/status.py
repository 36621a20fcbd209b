"""How far a sweep is: what is done, running, failed, and how long the rest takes."""

from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import COMPLETE, SweepFolder

STATES = ("done", "diverged", "failed", "damaged", "running", "waiting")
SHOWN = 10
"""Errors that are listed."""


def look(sweep: Sweep, folder: SweepFolder) -> dict:
    """How far a sweep is, ready for JSON.

    Returns:
        sweep: its name.
        points: {status: number}.
        remaining: expected seconds for the rest with as many workers as run now, at
            least one; None if nothing is done yet or nothing is left.
        seconds: mean time of a finished point, None without one.
        errors: [{"point", "status", "error"}] of failed and diverged points, ten at
            most, failures first; more_errors: number of the others.
    """
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    errors = []
    seconds_done = cost_done = cost_left = 0.0
    for point, status, _, state in folder.results(sweep.points):
        counts[status] += 1
        if state is not None and state["error"]:
            errors.append({"point": str(point), "status": status, "error": state["error"]["text"]})
        if status == "done" and state is not None:
            # a resumed point's own time is that of its last session
            seconds_done += max(state["seconds"], state["summary"]["seconds_training"])
            cost_done += point.cost
        elif status not in (*COMPLETE, "failed"):
            cost_left += point.cost
    errors.sort(key=lambda error: error["status"] != "failed")
    remaining = None
    if cost_done and cost_left:
        remaining = cost_left * seconds_done / cost_done / max(1, counts["running"])
    return {
        "sweep": sweep.name,
        "points": counts,
        "remaining": remaining,
        "seconds": seconds_done / counts["done"] if counts["done"] else None,
        "errors": errors[:SHOWN],
        "more_errors": max(0, len(errors) - SHOWN),
    }
