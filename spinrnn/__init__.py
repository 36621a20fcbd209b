"""spinrnn: multilayer recurrent networks of spin-torque nano-oscillators, simulated, trained and compared with their software twin.

Names are imported when they are first used, so that `import spinrnn` and `spinrnn --help` are quick.
"""

__version__ = "0.1.0"

_HOMES = {
    "NetworkConfig": "config",
    "TrainConfig": "config",
    "DataConfig": "config",
    "RunConfig": "config",
    "load_config": "config",
    "Network": "network",
    "Devices": "devices",
    "Trajectory": "trajectory",
    "open_trajectory": "trajectory_file",
    "write_trajectory": "trajectory_file",
    "TrajectoryFile": "trajectory_file",
    "Dataset": "datasets",
    "load_digits": "datasets",
    "load_dataset": "datasets",
    "load": "store",
    "train": "run",
    "Interrupted": "run",
    "evaluate": "training",
    "check_gradient": "gradcheck",
    "cumulative_drive": "quantities",
    "Sweep": "sweep.spec",
    "load_sweep": "sweep.spec",
    "run_sweep": "sweep.runner",
    "collect_sweep": "sweep.cube",
    "load_cube": "sweep.cube",
    "inference_energy": "quantities",
    "analyse": "analysis.report",
    "linewidth": "quantities",
    "thermal_power": "quantities",
    "reproduce": "paper.reproduction",
    "advise": "paper.guide",
    "identify_device": "identify",
    "DeviceFit": "identify",
    "set_threads": "threads",
    "get_threads": "threads",
    "set_memory_limit": "memory",
    "get_memory_limit": "memory",
    "SpinrnnError": "errors",
    "ConfigError": "errors",
    "DataError": "errors",
    "StoreError": "errors",
    "DivergenceError": "errors",
    "MemoryLimitError": "errors",
    "EngineError": "errors",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'spinrnn' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"spinrnn.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
