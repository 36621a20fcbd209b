"""Which kinds go together: the tables of docs/together.md hold for every combination."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import spinrnn
from spinrnn.config import kinds
from spinrnn.config.run import NETWORKS, RunConfig, TrainConfig
from spinrnn.config.tables import keys_of
from spinrnn.learning.trainer import Trainer

PAGE = Path(__file__).parents[2] / "docs" / "together.md"
ROW = re.compile(r"\| `(\w+)`[^|]*\|(.*)\|")

STRONG = {"resonator": 1e-4}


def tables():
    """{column: [kinds that go with it]} of each table of the page, rows in all."""
    found, rows = [], []
    for line in PAGE.read_text().splitlines():
        match = ROW.match(line)
        if line.startswith("| ") and not match:
            head = re.findall(r"`(\w+)`", line)
            found.append({name: [] for name in head})
            rows.append([])
        elif match:
            rows[-1].append(match[1])
            for name, cell in zip(found[-1], match[2].split("|"), strict=True):
                assert cell.strip() in ("yes", "no")
                if cell.strip() == "yes":
                    found[-1][name].append(match[1])
    return found, rows


(BY_NETWORK, BY_WRITER, BY_RULE), (ESTIMATORS, SYNAPSES, _) = tables()
EVERY = [
    kind
    for kind in itertools.product(BY_NETWORK, ESTIMATORS, SYNAPSES, BY_WRITER)
    if "synapse" in NETWORKS[kind[0]].parts or kind[2:] == (SYNAPSES[0], next(iter(BY_WRITER)))
]


def run_of(network, estimator, synapse, writer):
    """A small run, with all kinds possible in themselves; ConfigError: what misfits."""
    cls = NETWORKS[network]
    given = {"synapse": kinds.kind_of("synapse", synapse).example()}
    own = given if "synapse" in cls.parts else {}
    own |= {"layers": (3,)} if "layers" in keys_of(cls) else {}
    # the kernels that other tests compile
    own |= {"dtype": "float64"} if network == "symmetric" else {}
    if network == "symmetric":
        # weights of devices are large, and a unit that is held at 0 or 1 learns nothing
        own |= {"neuron": spinrnn.Oscillator(), "amplification": STRONG.get(synapse, 0.3)}
    made = cls(inputs=2, outputs=2, **own)
    train = TrainConfig(
        epochs=1, batch=8, estimator=kinds.kind_of("estimator", estimator).example(), writer=writer
    )
    return RunConfig(made, train)


def fits(network, estimator, synapse, writer):
    """Whether the page says that these go together."""
    if estimator in BY_RULE:
        return estimator in BY_NETWORK[network] and synapse in BY_RULE[estimator]
    exact = kinds.kind_of("estimator", estimator).ideal_synapses
    if "synapse" not in NETWORKS[network].parts:
        # neither synapses nor a writer are asked
        return estimator in BY_NETWORK[network]
    together = estimator in BY_NETWORK[network] and synapse in BY_WRITER[writer]
    return together and (synapse == "ideal" or not exact)


def test_the_page_has_every_built_in_kind():
    assert list(BY_NETWORK) == list(NETWORKS)
    assert list(kinds.BUILT_IN["estimator"]) == ESTIMATORS
    assert list(BY_WRITER) == list(kinds.BUILT_IN["writer"])
    assert list(kinds.BUILT_IN["synapse"]) == SYNAPSES
    local = [name for name in ESTIMATORS if kinds.kind_of("estimator", name).local]
    assert list(BY_RULE) == local


def test_tables_of_devices_have_every_built_in_kind():
    """Synapses and writers of docs/synapses.md; what is a device, of docs/systems.md."""
    text = PAGE.with_name("synapses.md").read_text()
    for role in ("synapse", "writer"):
        rows = re.findall(r'^\| "(\w+)" \| `spinrnn\.(\w+)\(\)` \|', text, re.MULTILINE)
        known = {name: cls.__name__ for name, cls in kinds.kinds_of(role).items()}
        assert known.items() <= dict(rows).items(), role
    text = PAGE.with_name("systems.md").read_text()
    for role, software in {
        "neuron": {"ctrnn", "rate", "binary_rate"},
        "synapse": {"ideal", "sign"},
    }.items():
        found = set(re.findall(rf"^\|.*\| {role} `(\w+)`.*\|$", text, re.MULTILINE))
        assert found == set(kinds.BUILT_IN[role]) - software, role


def test_what_the_page_says_not_to_fit_is_told_in_a_line_each():
    for kind in EVERY:
        if fits(*kind):
            run_of(*kind)
            continue
        with pytest.raises(spinrnn.ConfigError) as told:
            run_of(*kind)
        for problem in told.value.problems:
            assert "\n" not in problem
            assert any(name in problem for name in kind), (kind, problem)


@pytest.mark.parametrize("kind", [kind for kind in EVERY if fits(*kind)], ids="-".join)
def test_what_the_page_says_to_fit_learns(kind):
    """A batch changes what the network has learned; nothing is refused on the way."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(24, 1, 2)).astype(np.float32)
    config = run_of(*kind)
    inputs = np.repeat(inputs, 2, axis=1) if "time" in config.network.abilities else inputs
    data = spinrnn.Dataset(inputs, np.arange(24) % 2)
    trainer = Trainer(config, data)
    before, at = trainer.net.effective().copy(), trainer.net.connections.copy().named()
    next(trainer.steps())
    now = trainer.net.effective()
    assert np.isfinite(now).all()
    devices = trainer.net.connections.named()
    moved = any((devices[name] != array).any() for name, array in at.items())
    assert moved or (now != before).any()
