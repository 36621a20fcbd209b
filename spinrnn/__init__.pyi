# What editors and checkers of types see of `import spinrnn`: the names of __init__.py, each
# re-exported from its home. tests/test_interface.py holds the two together.

from spinrnn import analysis as analysis
from spinrnn.analysis.drive import cumulative_drive as cumulative_drive
from spinrnn.analysis.powers import inference_energy as inference_energy
from spinrnn.analysis.report import analyse as analyse
from spinrnn.checks.gradient import check_gradient as check_gradient
from spinrnn.config.kinds import register as register
from spinrnn.config.quantity import quantity as quantity
from spinrnn.config.run import DataConfig as DataConfig
from spinrnn.config.run import NetworkConfig as NetworkConfig
from spinrnn.config.run import RunConfig as RunConfig
from spinrnn.config.run import TrainConfig as TrainConfig
from spinrnn.config.spread import Spread as Spread
from spinrnn.config.toml import load_config as load_config
from spinrnn.datasets.dataset import Dataset as Dataset
from spinrnn.datasets.loading import load_dataset as load_dataset
from spinrnn.datasets.loading import load_digits as load_digits
from spinrnn.errors import ConfigError as ConfigError
from spinrnn.errors import DataError as DataError
from spinrnn.errors import DivergenceError as DivergenceError
from spinrnn.errors import EngineError as EngineError
from spinrnn.errors import MemoryLimitError as MemoryLimitError
from spinrnn.errors import SpinrnnError as SpinrnnError
from spinrnn.errors import StoreError as StoreError
from spinrnn.identify.fit import identify_device as identify_device
from spinrnn.identify.result import DeviceFit as DeviceFit
from spinrnn.learning.trainer import evaluate as evaluate
from spinrnn.machine.memory import get_memory_limit as get_memory_limit
from spinrnn.machine.memory import set_memory_limit as set_memory_limit
from spinrnn.machine.threads import get_threads as get_threads
from spinrnn.machine.threads import set_threads as set_threads
from spinrnn.networks.recurrent import Network as Network
from spinrnn.neurons.ctrnn import CTRNN as CTRNN
from spinrnn.neurons.oscillator import Oscillator as Oscillator
from spinrnn.neurons.oscillator import linewidth as linewidth
from spinrnn.neurons.oscillator import thermal_power as thermal_power
from spinrnn.neurons.protocol import Neuron as Neuron
from spinrnn.neurons.protocol import State as State
from spinrnn.neurons.spread import Devices as Devices
from spinrnn.paper.guide import advise as advise
from spinrnn.paper.reproduction import reproduce as reproduce
from spinrnn.recordings.reading import TrajectoryFile as TrajectoryFile
from spinrnn.recordings.reading import open_trajectory as open_trajectory
from spinrnn.recordings.trajectory import Trajectory as Trajectory
from spinrnn.recordings.writing import write_trajectory as write_trajectory
from spinrnn.runs.loading import load as load
from spinrnn.runs.run import Interrupted as Interrupted
from spinrnn.runs.run import train as train
from spinrnn.sweep.cube import collect_sweep as collect_sweep
from spinrnn.sweep.cube import load_cube as load_cube
from spinrnn.sweep.file import Sweep as Sweep
from spinrnn.sweep.file import load_sweep as load_sweep
from spinrnn.sweep.runner import run_sweep as run_sweep

__version__: str
