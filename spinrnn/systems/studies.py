"""The studies of further papers, by the name of the command."""

from spinrnn.systems import (
    bayes,
    bayes_figures,
    devices,
    domain_wall,
    figures,
    learning,
    macrospin,
    macrospin_figures,
    metaplasticity,
    nbox,
    nbox_figures,
    rf,
    skyrmion,
    weak_reset,
)
from spinrnn.systems.trials import Study

STUDIES: dict[str, Study] = {
    found.name: found
    for found in (
        Study(
            "rf",
            "the RF network on drones: learning, devices that differ, three ways to them",
            "docs/rf.md",
            rf.trials,
            rf.numbers,
            figures.rf,
        ),
        Study(
            "metaplasticity",
            "binary networks that learn one task after another, with a gate on their weights",
            "docs/metaplasticity.md",
            metaplasticity.trials,
            metaplasticity.numbers,
            figures.metaplasticity,
            ("mnist", "fashion-mnist"),
            learning.check_images,
        ),
        Study(
            "domain-wall",
            "domain walls with 2, 3 and 5 states, written in place and once",
            "docs/domain-wall.md",
            domain_wall.trials,
            domain_wall.numbers,
            figures.domain_wall,
            ("mnist",),
            learning.check_images,
        ),
        Study(
            "weak-reset",
            "weak RESET of hafnium oxide: which imperfection costs what",
            "docs/weak-reset.md",
            weak_reset.trials,
            weak_reset.numbers,
            figures.weak_reset,
            ("mnist",),
            learning.check_images,
        ),
        Study(
            "skyrmion",
            "learned devices of published weights: skyrmions and a measured oscillator",
            "docs/skyrmion.md",
            skyrmion.trials,
            skyrmion.numbers,
            figures.skyrmion,
            ("skyrmion",),
        ),
        Study(
            "devices-on-rnn",
            "all of these devices as synapses of the recurrent network of oscillators",
            "docs/devices-on-rnn.md",
            devices.trials,
            devices.numbers,
            figures.devices,
        ),
        Study(
            "nbox",
            "the thermal memristor: six behaviours, what is known beforehand, a network",
            "docs/nbox.md",
            nbox.trials,
            nbox.numbers,
            nbox_figures.nbox,
        ),
        Study(
            "macrospin",
            "where the power equation describes a macrospin: formulas, orbits, simulation",
            "docs/macrospin.md",
            macrospin.trials,
            macrospin.numbers,
            macrospin_figures.macrospin,
        ),
        Study(
            "bayes",
            "a Bayesian machine: cycles, wrong bits, seeds, against a float classifier",
            "docs/bayes.md",
            bayes.trials,
            bayes.numbers,
            bayes_figures.bayes,
            ("imu",),
            bayes.check,
        ),
    )
}
"""{name: `Study`}."""
