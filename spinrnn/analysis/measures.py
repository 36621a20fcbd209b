"""The measures of a recording: each function with its title and its picture.

A measure that the recording does not allow raises DataError with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes

from spinrnn.analysis import figures
from spinrnn.analysis.activity import measure_activity
from spinrnn.analysis.answer import Answer, Settings
from spinrnn.analysis.classes import measure_classifier, measure_variance
from spinrnn.analysis.consumption import measure_energy
from spinrnn.analysis.dimension import measure_dimension
from spinrnn.analysis.drive import measure_drive
from spinrnn.analysis.recall import measure_capacity, measure_memory
from spinrnn.analysis.relaxation import measure_relaxation
from spinrnn.analysis.spectra import measure_correlation, measure_spectrum
from spinrnn.analysis.steady import measure_steady
from spinrnn.analysis.transfer import measure_transfer
from spinrnn.recordings.recording import Recording


@dataclass(frozen=True)
class Measure:
    """A measure: what it is, the function that measures, the one that draws its
    answer."""

    title: str
    answer: Callable[[Recording, Settings], Answer]
    draw: Callable[..., Axes]


MEASURES: dict[str, Measure] = {
    "steady": Measure("Steady states against theory", measure_steady, figures.steady_states),
    "relaxation": Measure(
        "Relaxation after steps of the drive", measure_relaxation, figures.step_responses
    ),
    "transfer": Measure("Transfer curve and threshold", measure_transfer, figures.transfer_curve),
    "spectrum": Measure("Power spectrum", measure_spectrum, figures.power_spectrum),
    "correlation": Measure("Autocorrelation time", measure_correlation, figures.autocorrelation),
    "memory": Measure("Memory of the inputs", measure_memory, figures.memory),
    "capacity": Measure("Linear memory capacity", measure_capacity, figures.memory),
    "drive": Measure("Cumulative drive", measure_drive, figures.cumulative_drive),
    "activity": Measure("Dead and saturated neurons", measure_activity, figures.neuron_activity),
    "dimension": Measure(
        "Effective dimension of the states", measure_dimension, figures.effective_dimension
    ),
    "variance": Measure(
        "Share of the variance between the classes", measure_variance, figures.class_variance
    ),
    "classifier": Measure(
        "Linear classifier on held-out cases", measure_classifier, figures.class_accuracy
    ),
    "energy": Measure("Energy of a case", measure_energy, figures.energy),
}
"""By the name, which is that of the files, too."""
