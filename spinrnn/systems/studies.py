"""The studies of further papers, by the name of the command."""

from spinrnn.systems import figures, rf
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
    )
}
"""{name: `Study`}."""
