"""The command line of `spinrnn train`."""

import os
import sys
from pathlib import Path

import spinrnn


def _train(options):
    from spinrnn.config.toml import load_config
    from spinrnn.machine.signals import StopSignals
    from spinrnn.runs import run

    if options.seed is not None and any(
        text.replace(" ", "").startswith("train.seed=") for text in options.set
    ):
        raise spinrnn.ConfigError(["--seed and --set train.seed: give one of them"])
    settings = options.set + ([] if options.seed is None else [f"train.seed={options.seed}"])
    given = options.config is not None or settings
    config = load_config(options.config, settings)
    if options.out == "":
        raise spinrnn.ConfigError(["--out: give the name of a folder"])
    out = (
        Path(options.out)
        if options.out
        else _newest_run(config if given else None)
        if options.resume
        else None
    )
    if out is None:
        out = _free_folder(config)
    resuming = options.resume and (out / "config.toml").exists()
    if resuming and not given:
        config = None
    stop = StopSignals()
    with _Progress() as progress:

        def start(trainer):
            print(
                f"{'continuing' if resuming else 'training'} in {out}; the first run compiles for some seconds",
                flush=True,
            )
            print(_memory_line(trainer), flush=True)

        try:
            result = run.train(
                config, out, resume=options.resume, on_start=start, on_epoch=progress, stop=stop
            )
        except run.Interrupted as error:
            print(
                f"spinrnn: {error}; to go on: spinrnn train --out {out} --resume", file=sys.stderr
            )
            return stop.status
    _print_summary(result)
    return 0


def _memory_line(trainer):
    """What a batch will take, said before it is taken."""
    from spinrnn.machine.memory import format_size

    plan, cases = trainer.plan, min(trainer.config.train.batch, len(trainer.training))
    cut = (
        f"; the time is cut into {plan.segments} segments, whole it would take {format_size(plan.whole)}"
        if plan.segments > 1
        else ""
    )
    return f"memory {format_size(plan.bytes)} for a batch of {cases} on {plan.threads} thread{'s' if plan.threads > 1 else ''}{cut}"


def _newest_run(config):
    """The run folder in runs/ that was written to last, among those of this configuration (None: of any); None if there is none."""
    from spinrnn.config.toml import load_config
    from spinrnn.runs.folder import differences

    folders = []
    for path in Path("runs").glob("*/config.toml"):
        try:
            if config is None or not differences(load_config(path), config):
                folders.append(path.parent)
        except spinrnn.SpinrnnError:
            pass  # a damaged one is not the one that is meant
    return max(
        folders, key=lambda folder: max(p.stat().st_mtime for p in folder.iterdir()), default=None
    )


def _free_folder(config):
    """runs/NAME-seedN, or the first of runs/NAME-seedN-2, -3 ... that does not exist."""
    source = Path(
        os.path.abspath(config.data.source)
    )  # without the dots of "../mnist/..", but with the names of links
    stem = f"{source.name if source.is_dir() else source.stem}-seed{config.train.seed}"
    names = [stem, *(f"{stem}-{k}" for k in range(2, 10000))]
    return next(Path("runs") / name for name in names if not (Path("runs") / name).exists())


class _Progress:
    """A bar on a terminal; elsewhere, as in a batch job's log, a line for about each tenth of the run."""

    def __enter__(self):
        self._bar = None
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def __call__(self, trainer):
        record, epochs = trainer.history[-1], trainer.config.train.epochs
        text = f"loss {record['train_loss']:.3f}, validation {100 * record['validation_accuracy']:.1f} %, best {100 * trainer.best['validation_accuracy']:.1f} %"
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(
                    total=epochs, initial=record["epoch"] - 1, unit="epoch", dynamic_ncols=True
                )
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()
        elif (
            record["epoch"] == 1
            or record["epoch"] * 10 // epochs > (record["epoch"] - 1) * 10 // epochs
        ):
            print(
                f"epoch {record['epoch']:>4} of {epochs}: {text}, {trainer.seconds():.1f} s",
                flush=True,
            )


def _print_summary(result):
    s = result.summary
    print(
        f"test accuracy        {100 * s['test_accuracy']:6.2f} %   with {s['substeps']} substeps, loss {s['test_loss']:.4f}"
    )
    print(
        f"test accuracy, fine  {100 * s['test_accuracy_fine']:6.2f} %   with {s['substeps_fine']} substeps, loss {s['test_loss_fine']:.4f}"
    )
    print(
        f"validation accuracy  {100 * s['validation_accuracy']:6.2f} %   best epoch {s['best_epoch']} of {s['epochs']}"
    )
    print(
        f"time                 {s['seconds_training']:6.1f} s   training, {s['seconds_compiling']:.1f} s compiling"
    )
    print(f"results              {result.folder}/summary.json, curves.png, confusion.png")
