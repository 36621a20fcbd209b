"""Kills with -9, some of each program; `python tests/kills.py 200` does more.

And that the checks after a kill can fail.
"""

import random
from collections import Counter

import pytest
from kills import PROGRAMS, Train, disturb, look_at

import spinrnn

ONCE = [(1, made) for made in PROGRAMS if made is Train]
MORE = [(kills, made) for made in PROGRAMS for kills in (1, 4) if (kills, made) not in ONCE]


@pytest.mark.parametrize(
    ("kills", "made"),
    [*ONCE, *(pytest.param(*more, marks=pytest.mark.slow) for more in MORE)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_kills_leave_what_is_complete_or_refused(tmp_path, tiny_config, tiny_data, made, kills):
    """A single kill hits a fork of this process, four hit processes of their own."""
    rng = random.Random(3)
    if kills == 1:
        # so that a fork has everything compiled
        spinrnn.train(tiny_config, data=tiny_data)
    program = made(tmp_path / "home", rng, fork=kills == 1)
    assert disturb(program, kills, rng) == []
    assert program.counts["ends"] >= 1
    assert program.counts["complete files"] > 0


def test_a_fault_is_found(tmp_path, tiny_data, tiny_config):
    """The checks see files that are not complete, an older checkpoint and other
    results.
    """
    folder = tmp_path / "run"
    spinrnn.train(tiny_config, out=folder, data=tiny_data, pictures=False)
    program, counts = Train.__new__(Train), Counter()
    program.folder, program.counts = folder, Counter()
    program.forget()
    look_at(folder, counts)
    program.check()
    newest = max((folder / "checkpoints").iterdir())
    content = newest.read_bytes()
    newest.with_name(f".{newest.name}.0123456789ab.tmp").write_bytes(content)
    newest.with_name(".00000099.h5.0123456789ab.tmp").write_bytes(content[:-1])
    look_at(folder, counts)
    assert (counts["temporary files, complete"], counts["temporary files, refused"]) == (1, 1)
    newest.write_bytes(content[:-1])
    with pytest.raises(AssertionError, match=rf"{newest.name} is not complete"):
        look_at(folder, counts)
    newest.unlink()
    with pytest.raises(AssertionError, match="the newest checkpoint is of step"):
        program.check()
    newest.write_bytes(content)
    (folder / "summary.json").write_text("{}")
    with pytest.raises(AssertionError, match="have changed"):
        program.check()


def test_what_a_killed_session_left_is_removed(tmp_path, sweep_file):
    """Their names never come again, so that no later write of the same file would do
    it.
    """
    out = tmp_path / "out"
    sweep = spinrnn.load_sweep(
        sweep_file('[[axes]]\nkey = "train.learning_rate"\nvalues = [1e-3, 1e-2]')
    )
    assert spinrnn.run_sweep(sweep, out, executor="serial").done == 2
    next(out.glob("points/*.h5")).unlink()
    (out / ".session-0123456789ab.0123456789ab.tmp").write_bytes(b"{")
    (out / "points" / ".0123.h5.0123456789ab.tmp").write_bytes(b"x")
    assert spinrnn.run_sweep(sweep, out, executor="serial").done == 2
    assert not list(out.rglob("*.tmp"))
