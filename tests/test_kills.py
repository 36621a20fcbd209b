"""A dozen kills with -9 of training, simulation and a sweep; `python tests/kills.py 200` does more."""

import kills


def test_kills_lose_nothing_and_change_no_bit():
    counts, wrong = kills.kills(12)
    assert wrong == []
    assert min(counts[name] for name in ("Train", "Simulate", "Sweep")) >= 1
    assert sum(counts.values()) >= 12
