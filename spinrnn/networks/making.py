"""The network of a configuration, of any kind."""

from typing import Any

from spinrnn.config.bayesian import BayesianConfig
from spinrnn.config.feedforward import FeedforwardConfig
from spinrnn.config.kinds import loaded
from spinrnn.config.run import NetworkConfig
from spinrnn.config.spiking import SpikingConfig
from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.errors import ConfigError

NETWORKS: dict[type, str] = {
    NetworkConfig: "spinrnn.networks.recurrent:Network",
    FeedforwardConfig: "spinrnn.networks.feedforward:FeedforwardNetwork",
    SymmetricConfig: "spinrnn.networks.symmetric:SymmetricNetwork",
    SpikingConfig: "spinrnn.networks.spiking:SpikingNetwork",
    BayesianConfig: "spinrnn.networks.bayesian:BayesianNetwork",
}
"""{class of a configuration: module and class of its network}."""


def network_of(config: Any, seed: int = 0) -> Any:
    """`Network` of a `NetworkConfig`, `FeedforwardNetwork` of a `FeedforwardConfig`,
    and so on.

    seed: of the initial weights, masks and synapses.

    Raises:
        ConfigError: it is none of them.
    """
    made = NETWORKS.get(type(config))
    if made is None:
        wanted = " or ".join(f"a {cls.__name__}" for cls in NETWORKS)
        raise ConfigError([f"network: must be {wanted}, got {config!r}"])
    return loaded(made)(config, seed=seed)
