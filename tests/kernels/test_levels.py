"""Levels of authors' functions: when they are compiled again, and when they are taken
from the cache."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from spinrnn.kernels.authors import compiled, fingerprint, references
from spinrnn.kernels.levels import _misshapen
from spinrnn.kernels.stepping import Form

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "leaky.py"
PROCESS = """
import sys
from spinrnn.config import kinds
from spinrnn.kernels import compiling
from spinrnn.kernels.levels import level_address
from spinrnn.kernels.stepping import Form

kinds.use(sys.argv[1])
saved, right = [], compiling.KernelCache.save_overload
compiling.KernelCache.save_overload = lambda self, *a: saved.append(self._entry) or right(self, *a)
leaky = kinds.kind_of("neuron", "leaky")()
for chosen in ((), (0,)):
    form = Form(2, 3, chosen, False, False)
    assert level_address(leaky.functions("exponential"), form, "f4", "leaky")
print(len(saved))
"""


@pytest.mark.parametrize(
    ("by_numbers", "gave"),
    [
        (((1, 1, 1), (1, 1)), "rows of the lengths 3, 2"),
        (((1, 1, 1), 1), "rows of the lengths 3, no tuple"),
        (((1, (1, 1), 1), (1, 1, 1)), "tuples in tuples of unequal lengths"),
        (((1, 1, 1),), "(1, 3)"),
    ],
)
def test_what_a_step_gave_is_told_where_an_entry_is_missing(by_numbers, gave):
    (told,) = _misshapen(
        ((1, 1), ((1, 1), (1, 1)), (1, 1), by_numbers), Form(2, 3, (), False, False), "mine"
    )
    assert told.endswith(f"give P = ds'/dq as tuples of the form (2, 3), gave {gave}")


def in_a_process(path, cache):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROCESS, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


@pytest.mark.slow
def test_another_process_and_another_file_take_the_same_machine_code(tmp_path):
    """What counts is what the functions do; an edit of them compiles again."""
    # a name that no process has compiled, whatever folders the cache has
    text = EXAMPLE.read_text().replace("half", f"half_{time.time_ns()}")
    cache = tmp_path / "cache"
    one, other, edited = (tmp_path / name for name in ("one.py", "other.py", "edited.py"))
    one.write_text(text)
    other.write_text("# a remark\n" + text)
    edited.write_text(
        text.replace("v + h * rate * (current - vm - wm)", "v + h * rate * (current - vm)")
    )
    assert in_a_process(one, cache) == 2
    assert in_a_process(other, cache) == 0
    assert in_a_process(edited, cache) == 2


FACTOR = 2.0
TABLE = np.array([1.0, 2.0])


def helper(x):
    return FACTOR * x


def author(x):
    return helper(x) + TABLE[0]


def test_a_fingerprint_covers_what_a_function_calls_and_reads(monkeypatch):
    before = fingerprint(author)
    assert before == fingerprint(author)
    assert set(references(author)) == {"helper", "TABLE"}
    for name, value in (
        ("FACTOR", 3.0),
        ("TABLE", np.array([1.0, 3.0])),
        ("helper", lambda x: FACTOR + x),
    ):
        with monkeypatch.context() as changed:
            changed.setitem(globals(), name, value)
            assert fingerprint(author) != before
    assert fingerprint(author) == before


def test_what_has_no_lasting_form_has_no_fingerprint(monkeypatch):
    monkeypatch.setitem(globals(), "FACTOR", object())
    assert fingerprint(author) is None


def test_helpers_of_an_author_are_compiled_with_it():
    from spinrnn.kernels.authors import called

    assert called(author)(1.5) == 4.0
    assert compiled(author) is not compiled(author)


@pytest.mark.parametrize("closed", [1.0, 2.5])
def test_an_enclosing_variable_counts(closed):
    def within(x):
        return closed * x

    def other(x):
        return closed * x

    assert fingerprint(within) == fingerprint(other)
    assert references(within) == {"closed": closed}
