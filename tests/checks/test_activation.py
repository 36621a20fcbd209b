"""The check of a kind of activation notices each promise that is broken, and says so."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from conftest import here

from spinrnn.checks.activation import check_activation
from spinrnn.config.kinds import kinds_of
from spinrnn.neurons.static import Activation


@dataclass(frozen=True)
class Squashed(Activation):
    """z / (1 + |z|)."""

    kind: ClassVar[str] = "squashed"

    def value(self, z, factors=None):
        return z / (1 + np.abs(z))

    def slope(self, z, factors=None):
        return 1 / (1 + np.abs(z)) ** 2


def broken(**methods):
    """The promises that Squashed with other methods breaks."""
    changed = type("Changed", (Squashed,), methods)
    return {row.promise: row.text for row in check_activation(changed()) if not row.ok}


def test_a_good_one_keeps_all():
    assert [row.promise for row in check_activation(Squashed())] == [
        "shapes and precision",
        "slope",
        "NaN stays NaN",
    ]
    assert broken() == {}


@pytest.mark.parametrize("name", ["relu", "sign", "hard_tanh", "linear", "rf"])
def test_the_built_in_ones_keep_all(name):
    assert all(row.ok for row in check_activation(kinds_of("activation")[name]()))


def test_wrong_slopes_are_told():
    def slope(self, z, factors=None):
        return (1 + 2e-8) / (1 + np.abs(z)) ** 2

    assert list(broken(slope=slope)) == ["slope"]
    told = broken(slope=lambda self, z, factors=None: -Squashed.slope(self, z))["slope"]
    assert "differences say" in told
    assert broken(slope=slope, exact=False) == {}
    endless = broken(slope=lambda self, z, factors=None: z * np.nan, exact=False)
    assert "are not finite" in endless["slope, a stand-in"]


def test_wrong_forms_and_hidden_nan_are_told():
    double = broken(value=lambda self, z, factors=None: np.tanh(z).astype("f8"))
    assert "value of float32 (200, 5) gives float64" in double["shapes and precision"]
    hidden = broken(value=lambda self, z, factors=None: np.nan_to_num(Squashed.value(self, z)))
    assert hidden == {"NaN stays NaN": "NaN becomes a number"}
    short = broken(factors=lambda self, neurons, rng: np.ones(2),
                   value=lambda self, z, factors=None: Squashed.value(self, z))  # fmt: skip
    assert "factors: of the shape (2,), wanted is (5,)" in short["shapes and precision"]


def test_the_command():
    done = here("gradcheck", "--activation", "rf", "--set", "activation.tolerance=0.1")
    assert done.returncode == 0
    assert "3 promises of rf: all kept" in done.stdout
