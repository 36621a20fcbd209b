"""Sentences that the command line prints about training and times."""

from typing import Any


def span(seconds: float) -> str:
    """A time for people: 12 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


# ---- training ----


def memory_of_batch(trainer: Any) -> str:
    """What a batch will take, said before it is taken."""
    from spinrnn.machine.memory import format_size

    plan, cases = trainer.plan, min(trainer.config.train.batch, len(trainer.training))
    threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    text = f"memory {format_size(plan.bytes)} for a batch of {cases} on {threads}"
    if plan.segments == 1:
        return text
    whole = f"whole it would take {format_size(plan.whole)}"
    return f"{text}; the time is cut into {plan.segments} segments, {whole}"


def progress_of_training(trainer: Any) -> str:
    """Loss and accuracies after the latest epoch."""
    record = trainer.history[-1]
    validation, best = (100 * r["validation_accuracy"] for r in (record, trainer.best))
    return f"loss {record['train_loss']:.3f}, validation {validation:.1f} %, best {best:.1f} %"


def results_of_training(result: Any) -> list[str]:
    """Lines with what a finished run has reached."""
    s = result.summary
    test, fine, validation = (
        f"{100 * s[f'{name}_accuracy{ending}']:6.2f} %"
        for name, ending in (("test", ""), ("test", "_fine"), ("validation", ""))
    )
    seconds = f"{s['seconds_training']:6.1f} s   training, {s['seconds_compiling']:.1f} s compiling"
    loss, loss_fine = f"loss {s['test_loss']:.4f}", f"loss {s['test_loss_fine']:.4f}"
    pictures = [name for name in ("curves.png", "confusion.png") if (result.folder / name).exists()]
    return [
        f"test accuracy        {test}   with {s['substeps']} substeps, {loss}",
        f"test accuracy, fine  {fine}   with {s['substeps_fine']} substeps, {loss_fine}",
        f"validation accuracy  {validation}   best epoch {s['best_epoch']} of {s['epochs']}",
        f"time                 {seconds}",
        f"results              {result.folder}/{', '.join(['summary.json', *pictures])}",
    ]
