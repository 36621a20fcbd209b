"""How far a sweep is: what is done, running, failed, and how long the rest will take."""

from spinrnn.sweep.folder import COMPLETE

STATES = ("done", "diverged", "failed", "damaged", "running", "waiting")
SHOWN = 10
"""Errors that are listed."""


def look(sweep, folder):
    """Dictionary, ready for JSON, on a sweep and its `SweepFolder`.

    points: {status: number}; remaining: expected seconds for the rest with as many workers as run now, at least one, None if nothing is done yet or
    nothing is left; seconds: mean time of a finished point; errors: [{"point", "status", "error"}] of failed and diverged points, ten at most;
    more_errors: number of the others.
    """
    counts, errors = dict.fromkeys(STATES, 0), []
    spent = finished = left = 0.0
    for point, status, _, state in folder.results(sweep.points):
        counts[status] += 1
        if state is not None and state["error"]:
            errors.append({"point": str(point), "status": status, "error": state["error"]["text"]})
        if status == "done":
            spent += max(state["seconds"], state["summary"]["seconds_training"])
            finished += point.cost
        elif status not in (*COMPLETE, "failed"):
            left += point.cost
    errors.sort(key=lambda error: error["status"] != "failed")  # failures first
    return {
        "sweep": sweep.name,
        "points": counts,
        "remaining": left * spent / finished / max(1, counts["running"])
        if finished and left
        else None,
        "seconds": spent / counts["done"] if counts["done"] else None,
        "errors": errors[:SHOWN],
        "more_errors": max(0, len(errors) - SHOWN),
    }
