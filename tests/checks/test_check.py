"""The gradient check itself: what it must see, and what it must not call wrong."""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.checks import gradient as gradcheck

SMALL = dataclasses.replace(
    gradcheck.AWKWARD, layers=(3, 2), amplification=(1.0, 1.5), density_int=1.0, density_ext=1.0
)


def rows_of(entries=2, **changes):
    config = dataclasses.replace(SMALL, **changes)
    return list(spinrnn.check_gradient(config, entries=entries))


def one_kind(entries, **changes):
    """As `rows_of`, for one kind and scheme: what is seen does not depend on them."""
    config = dataclasses.replace(SMALL, dtype="float64", **changes)
    return list(gradcheck.check_one(config, entries, 0, gradcheck.BOUND))


def spoil(monkeypatch, block, place, change):
    """Makes `loss_and_grad` return another gradient at one place of a block."""
    right = spinrnn.Network.loss_and_grad

    def wrong(self, *arguments):
        loss, gradient = right(self, *arguments)
        own = gradient[self.layout.blocks[block][0]]
        own[place] = change(own)
        return loss, gradient

    monkeypatch.setattr(spinrnn.Network, "loss_and_grad", wrong)


@pytest.mark.parametrize(
    "changes",
    [{"nonlinear_damping": 1000.0}, {"output_amplification": 1e-6}, {"amplification": 10.0}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_right_gradient_is_not_called_wrong(changes):
    """Small against the loss, and with Euler unstable with as many substeps as asked for."""
    rows = rows_of(entries=1, **changes)
    assert len(rows) == 2 * (3 * 2 + 2)
    assert all(row.ok for row in rows), [row for row in rows if not row.ok]


@pytest.mark.parametrize("changes", [{"output_amplification": 1e-6}, {}], ids=["small", "usual"])
def test_one_wrong_entry_among_right_ones_is_seen(monkeypatch, changes):
    """By 3e-8 of the block's largest, though the mean over 6 entries is below the bound."""
    spoil(monkeypatch, "w_out", 4, lambda own: own[4] + 3e-8 * np.abs(own).max())
    failed = {row.block for row in one_kind(6, **changes) if not row.ok}
    assert failed == {"w_out"}


def test_an_error_is_measured_by_its_own_block(monkeypatch):
    """A block whose gradients are small is not excused by another's large ones."""
    spoil(monkeypatch, "w_int_0", 0, lambda own: own[0] + 1e-6 * np.abs(own).max())
    failed = {row.block: row.error for row in one_kind(9) if not row.ok}
    assert set(failed) == {"w_int_0"}
    assert failed["w_int_0"] == pytest.approx(1e-6, rel=0.05)


def test_a_nan_is_wrong(monkeypatch):
    spoil(monkeypatch, "bias_1", slice(None), lambda own: np.nan)
    assert {row.block for row in one_kind(2) if not row.ok} == {"bias_1"}


def test_the_largest_error_beyond_what_is_unknown():
    gradient, right = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.25])
    none, some = np.zeros(3), np.array([0.0, 0.375, 0.0])
    assert gradcheck.largest_error(gradient, right, none, 2.0) == 0.25
    assert gradcheck.largest_error(gradient, right, some, 2.0) == 0.125
    assert gradcheck.largest_error(gradient, right, none, 0.0) == 0.5


def test_a_network_that_diverges_with_its_own_scheme_is_told():
    with pytest.raises(spinrnn.DivergenceError):
        rows_of(scheme="euler", substeps=8, input_interval=8e-6, power_floor=0.0)
