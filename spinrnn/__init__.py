"""spinrnn: multilayer recurrent networks of spin-torque nano-oscillators.

They are simulated, trained and compared with their software twin. Names are imported
when they are first used, so that `import spinrnn` and `spinrnn --help` are quick;
editors find the names and their types in __init__.pyi.
"""

__version__ = "0.1.0"

# {public name: module below spinrnn that has it}
_HOMES = {
    "NetworkConfig": "config.run",
    "FeedforwardConfig": "config.feedforward",
    "BayesianConfig": "config.bayesian",
    "SymmetricConfig": "config.symmetric",
    "SpikingConfig": "config.spiking",
    "TrainConfig": "config.run",
    "DataConfig": "config.run",
    "RunConfig": "config.run",
    "load_config": "config.toml",
    "recipe": "config.run",
    "Neuron": "neurons.protocol",
    "State": "neurons.protocol",
    "quantity": "config.quantity",
    "register": "config.kinds",
    "Oscillator": "neurons.oscillator",
    "CTRNN": "neurons.ctrnn",
    "Rate": "neurons.rate_units",
    "BinaryRate": "neurons.rate_units",
    "StuartLandau": "neurons.stuart_landau",
    "PhaseOscillator": "neurons.phase_oscillator",
    "Memristor": "neurons.memristor",
    "Macrospin": "neurons.macrospin",
    "oscillator_from": "neurons.autooscillation",
    "threshold_current": "neurons.autooscillation",
    "AutoOscillator": "neurons.autooscillation",
    "excitation": "neurons.excitation",
    "Learned": "neurons.learnedkind",
    "LearnedDevice": "neurons.learned",
    "load_learned": "neurons.learned",
    "VO2": "neurons.memristor_vo2",
    "learned_of_weights": "neurons.published",
    "Activation": "neurons.static",
    "ReLU": "neurons.rate",
    "HardTanh": "neurons.rate",
    "Linear": "neurons.rate",
    "RF": "neurons.rf",
    "Synapse": "synapses.protocol",
    "Ideal": "synapses.ideal",
    "Resonator": "synapses.resonator",
    "Sign": "synapses.sign",
    "DomainWall": "synapses.domain_wall",
    "RRAM": "synapses.rram",
    "write_devices": "networks.writing",
    "Written": "networks.writing",
    "Measured": "synapses.measured",
    "Conductance": "synapses.conductance",
    "Task": "tasks.protocol",
    "Classification": "tasks.classification",
    "Estimator": "learning.protocol",
    "Writer": "learning.protocol",
    "BPTT": "learning.bptt",
    "Twin": "learning.twin",
    "Equilibrium": "learning.equilibrium",
    "VDSP": "learning.vdsp",
    "Adam": "learning.adam",
    "Metaplastic": "learning.metaplastic",
    "Flips": "learning.flips",
    "Pulses": "learning.pulses",
    "Regression": "tasks.regression",
    "Forecasting": "tasks.forecasting",
    "free_run": "tasks.forecasting",
    "valid_time": "tasks.forecasting",
    "capacities": "tasks.capacity",
    "Reservoir": "learning.reservoir",
    "Counts": "learning.counts",
    "Field": "synapses.protocol",
    "Answer": "synapses.protocol",
    "Events": "synapses.protocol",
    "Change": "learning.protocol",
    "Request": "synapses.protocol",
    "Spread": "config.spread",
    "Network": "networks.recurrent",
    "FeedforwardNetwork": "networks.feedforward",
    "BayesianNetwork": "networks.bayesian",
    "SymmetricNetwork": "networks.symmetric",
    "SpikingNetwork": "networks.spiking",
    "network_of": "networks.making",
    "Devices": "neurons.spread",
    "Scaling": "networks.scaling",
    "Ensemble": "networks.ensemble",
    "Trajectory": "recordings.trajectory",
    "open_trajectory": "recordings.reading",
    "write_trajectory": "recordings.writing",
    "TrajectoryFile": "recordings.reading",
    "envelope": "recordings.envelope",
    "Envelope": "recordings.envelope",
    "Dataset": "datasets.dataset",
    "mel": "datasets.mel",
    "statistics": "datasets.statistics",
    "load_digits": "datasets.loading",
    "load_dataset": "datasets.loading",
    "load": "runs.loading",
    "predict": "runs.predicting",
    "Prediction": "runs.predicting",
    "train": "runs.run",
    "Call": "learning.loop",
    "Reading": "learning.readings",
    "Interrupted": "runs.run",
    "evaluate": "learning.trainer",
    "check_gradient": "checks.gradient",
    "cumulative_drive": "analysis.drive",
    "Sweep": "sweep.file",
    "load_sweep": "sweep.file",
    "run_sweep": "sweep.runner",
    "collect_sweep": "sweep.cube",
    "load_cube": "sweep.cube",
    "inference_energy": "analysis.powers",
    "analyse": "analysis.report",
    "linewidth": "neurons.oscillator",
    "thermal_power": "neurons.oscillator",
    "reproduce": "paper.reproduction",
    "advise": "paper.guide",
    "identify_device": "identify.fit",
    "DeviceFit": "identify.result",
    "learn_device": "identify.learn",
    "LearnedFit": "identify.learn",
    "identify_synapse": "identify.responses",
    "SynapseFit": "identify.responses",
    "fit_lines": "identify.lines",
    "Lines": "identify.lines",
    "set_threads": "machine.threads",
    "get_threads": "machine.threads",
    "set_memory_limit": "machine.memory",
    "get_memory_limit": "machine.memory",
    "SpinrnnError": "errors",
    "ConfigError": "errors",
    "DataError": "errors",
    "StoreError": "errors",
    "DeviceError": "errors",
    "DivergenceError": "errors",
    "MemoryLimitError": "errors",
    "EngineError": "errors",
}

__all__ = [*_HOMES, "analysis", "__version__"]


def __getattr__(name):
    import importlib

    # no name of __all__, as `from spinrnn import *` must not need scikit-learn
    if name == "sklearn":
        return importlib.import_module("spinrnn.sklearn")
    if name not in __all__:
        raise AttributeError(f"module 'spinrnn' has no attribute {name!r}")
    trouble = importlib.import_module("spinrnn.machine.system").unsupported()
    if trouble:
        raise ImportError(trouble)
    if name == "analysis":
        return importlib.import_module("spinrnn.analysis")
    value = getattr(importlib.import_module(f"spinrnn.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
