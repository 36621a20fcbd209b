"""The command line of trajectory files: `spinrnn simulate`. Exit status: 0 written, 2 bad input or a full disk, 130, 143 or 75 stopped; then nothing is left."""

import sys
from pathlib import Path


def add_commands(command, positive, size):
    """Adds the command; arguments as those of `cli_sweep.add_commands`."""
    sub = command(
        "simulate",
        _simulate,
        "Simulate a network and write its states and drives over time to an HDF5 file.",
    )
    sub.add_argument(
        "network",
        metavar="RUN_OR_CONFIG",
        help="run folder or file of a network: as trained; CONFIG.toml: a fresh network of its seed",
    )
    sub.add_argument(
        "--input",
        metavar="DATA",
        default=":test",
        help="source:part[cases], as in digits:test[0:100], mine.npz or mnist:train[7]; parts are train, validation, test and all, as the run "
        "splits the data (default: the test part of the run's own data)",
    )
    sub.add_argument("--out", required=True, metavar="FILE", help="file to write, as in traces.h5")
    sub.add_argument(
        "--every",
        type=positive,
        default=1,
        metavar="K",
        help="store every K-th substep (default: 1)",
    )
    sub.add_argument(
        "--variables",
        default="p,drive,output",
        metavar="NAMES",
        help="of p (power), m (mean power), drive and output (default: p,drive,output; m is p - output)",
    )
    sub.add_argument(
        "--layers", metavar="NUMBERS", help="layers to store, from 0, as in 0,2 (default: all)"
    )
    sub.add_argument(
        "--noise-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="of thermal noise, if network.thermal_power is set (default: 0)",
    )
    sub.add_argument(
        "--overwrite",
        action="store_true",
        help="replace FILE if it exists, once the new one is complete",
    )
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="overrule one key, as in network.substeps=16",
    )
    sub.add_argument(
        "--memory",
        type=size,
        metavar="SIZE",
        help="memory for the blocks at work, as in 2G (default: SPINRNN_MEMORY)",
    )


def _simulate(options):
    import spinrnn
    from spinrnn.datasets.selection import select
    from spinrnn.errors import ConfigError, StoreError
    from spinrnn.machine.memory import format_size
    from spinrnn.machine.signals import StopSignals
    from spinrnn.recordings.writing import write_trajectory
    from spinrnn.runs.loading import open_any

    out = Path(options.out)
    if out.is_dir():
        raise StoreError(f"{out} is a folder; give the name of a file")
    if out.exists() and not options.overwrite:
        raise StoreError(f"{out} exists; --overwrite replaces it, or choose another --out")
    try:
        layers = (
            None
            if options.layers is None
            else [int(number) for number in options.layers.split(",")]
        )
    except ValueError:
        raise ConfigError(
            [
                f"--layers: must be numbers with commas between them, as in 0,2, got {options.layers!r}"
            ]
        ) from None
    net, config, run = open_any(options.network, options.set)
    if run is not None and run.note:
        print(f"spinrnn: warning: {run.note}", file=sys.stderr)
    data, cases, digest = select(options.input, config, run and run.check_data)
    attributes = {"source": options.input, "data_sha256": digest}
    if config is not None:
        attributes |= {"seed": config.train.seed, "split_seed": config.resolved_split_seed}
    stop = StopSignals()
    with _Bar(len(data)) as bar:

        def on_start(size):
            print(
                f"{out}: {len(data)} case{'s' if len(data) > 1 else ''}, {format_size(size)} to write",
                flush=True,
            )

        def on_block(done):
            if stop():
                raise _Stopped
            bar(done)

        try:
            write_trajectory(
                out, net, data.inputs, data.lengths, labels=data.labels, every=options.every, variables=[name.strip() for name in options.variables.split(",")],
                layers=layers, cases=cases, attributes=attributes, on_start=on_start, on_block=on_block, noise_seed=options.noise_seed,
            )  # fmt: skip
        except _Stopped:
            print(f"spinrnn: stopped, nothing of {out} is kept", file=sys.stderr)
            return stop.status
    with spinrnn.open_trajectory(out) as file:
        print(
            f"{out}: {len(file)} cases, {len(file.time)} times to {file.time[-1]:g} s, {format_size(out.stat().st_size)}"
        )
    return 0


class _Stopped(Exception):
    """A signal asked to stop."""


class _Bar:
    """A progress bar of cases on a terminal, silent elsewhere."""

    def __init__(self, cases):
        self._cases, self._bar = cases, None

    def __enter__(self):
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._cases, unit="case", dynamic_ncols=True)
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done):
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
