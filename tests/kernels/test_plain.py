"""Every kind of network through the kernels as plain Python: each pair of them without
a compiler.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent
KINDS = (
    "exponential",
    "euler",
    "ctrnn exponential",
    "ctrnn euler",
    "spread exponential",
    "spread euler",
    "noise exponential",
    "noise euler",
    "spread and noise",
    "wide",
    "sparse",
    "mixed",
    "sparse spread",
    "sparse noise",
    "window",
    "squares",
    "segments",
    "strong",
    "strong spread",
    "strong noise",
    "strong noise euler",
    "floor",
    "floor euler",
    "learned",
    "learned, trained",
    "layers of learned and others",
    "learned noise",
    "one state",
    "two states",
    "two states, trained",
    "two states, sparse",
    "two states, segments",
    "layers of two kinds",
    "three states",
    "three states at rest",
)


@pytest.fixture(scope="module")
def results():
    """{kind: [distance of the logits, of the slopes]} from plain_networks.py."""
    paths = [str(FOLDER.parent), str(FOLDER.parent.parent), *sys.path]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, str(FOLDER / "plain_networks.py")]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_gradient_are_those_of_the_twin(results, kind):
    logits, slope = results[kind]
    assert logits < 1e-11
    assert slope < 1e-11


def test_all_kinds_are_tested(results):
    assert set(results) == set(KINDS)
