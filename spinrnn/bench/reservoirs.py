"""The work by which reservoirs are compared: states of the training part of a NARMA10
series, and the ridge regression.

Ours runs the training part as windows side by side, and also chooses the penalty on the
validation part.
"""

from spinrnn.bench.timing import seconds_of
from spinrnn.config.run import NetworkConfig, RunConfig, from_tables
from spinrnn.datasets.loading import load_configured
from spinrnn.datasets.parts import divide
from spinrnn.learning.reservoir import Reservoir
from spinrnn.networks.recurrent import Network


def reservoir_config(neurons: int, points: int) -> RunConfig:
    """One layer of oscillators with twice the input interval as relaxation time, so of
    two substeps, on a NARMA10 series.
    """
    neuron = {"relaxation_time": 20e-9}
    network = {"layers": [neurons], "outputs": 1, "readout": "points", "highpass_time": 0.0}
    data = {"source": "narma10", "length": points}
    return from_tables({"network": network, "neuron": neuron, "data": data})


class ReservoirSide:
    """A reservoir and its series, ready to be timed: calling it makes the weights,
    computes the states and fits the readout, and returns the seconds.
    """

    config: NetworkConfig

    def __init__(self, neurons: int, points: int) -> None:
        run = reservoir_config(neurons, points)
        self.config, self._task = run.network, run.task
        parts = divide(load_configured(run.data), run)
        self._training, self._validation, _ = parts
        self.points = points
        self._time = seconds_of(self.run)

    def run(self) -> Network:
        net = Network(self.config)
        Reservoir().fit(net, self._task, self._training, self._validation)
        return net

    def __call__(self) -> float:
        return self._time()
