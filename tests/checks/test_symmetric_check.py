"""`spinrnn gradcheck` of a network that settles: right gradients pass, wrong ones are
found.
"""

import numpy as np
import pytest

import spinrnn
from spinrnn.checks.symmetric import check_symmetric
from spinrnn.networks.symmetric import Prepared

CONFIG = spinrnn.SymmetricConfig(layers=(5, 4), inputs=6, outputs=3, steps=7, bias_deviation=1.0)


def test_the_gradient_is_the_derivative():
    rows = list(check_symmetric(CONFIG))
    assert [row.block for row in rows] == ["w_0", "w_1", "w_2", "bias_0", "bias_1", "bias_2"]
    assert all(row.ok and row.entries for row in rows)


def test_a_wrong_gradient_is_found(monkeypatch):
    original = Prepared.adjoint

    def wrong(self, batch, back=None):
        outputs, losses, gradient = original(self, batch, back)
        gradient[self._net.layout.places("w_1")] *= 1 + 1e-6
        return outputs, losses, gradient

    monkeypatch.setattr(Prepared, "adjoint", wrong)
    found = {row.block: row.ok for row in check_symmetric(CONFIG)}
    assert not found.pop("w_1")
    assert all(found.values())


def test_blocks_without_a_derivative_are_told():
    synapse = (spinrnn.Sign(largest=0.3), spinrnn.Ideal(), spinrnn.Ideal())
    config = spinrnn.SymmetricConfig(layers=(5, 4), inputs=6, outputs=3, steps=7, synapse=synapse)
    rows = {row.block: row.entries for row in check_symmetric(config)}
    assert rows["w_0"] == 0
    assert rows["w_1"] == 8
    assert np.isfinite(rows["bias_0"])


@pytest.mark.slow
def test_the_command_checks_what_a_file_describes(tmp_path, capsys):
    from spinrnn.cli.main import main

    (tmp_path / "s.toml").write_text('[network]\nkind = "symmetric"\nlayers = [5]\nsteps = 6\n')
    assert main(["gradcheck", str(tmp_path / "s.toml"), "--set", "network.inputs=4"]) == 0
    assert "all blocks ok" in capsys.readouterr().out


def test_the_command_checks_the_neuron_of_a_network_that_settles(tmp_path, capsys):
    from spinrnn.cli.main import main

    (tmp_path / "s.toml").write_text('[network]\nkind = "symmetric"\nlayers = [5]\n')
    kind = ["--neuron", "stuart_landau"]
    for given in (["--set", "neuron.bias_ratio=3"], [str(tmp_path / "s.toml")]):
        assert main(["gradcheck", *kind, *given]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == "16 promises of stuart_landau: all kept"
        assert lines[0].startswith("stuart_landau implicit ")
