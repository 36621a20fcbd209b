"""Sentences that the command line prints about training and times."""

from collections.abc import Iterator
from typing import Any


def span(seconds: float) -> str:
    """A time for people: 12 s, 3 min, 1 h 20 min, 5 days, 300 years."""
    if 0.05 < seconds < 3:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    days = seconds / 86400
    if days >= 730:
        return f"{days / 365:.3g} years"
    if days >= 4:
        return f"{days:.0f} days"
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


def drives_of(trainer: Any) -> str:
    """The drive for which the gains were chosen."""
    before, after = (", ".join(f"{d:.3g}" for d in drives) for drives in trainer.drives)
    return f"initial cumulative drive of the layers {after}; as drawn {before}"


def progress_of_training(trainer: Any) -> str:
    """Loss and the score that chooses, after the latest epoch."""
    record, score = trainer.history[-1], chosen(trainer.config.task)
    validation, best = (
        value_of(score, r[f"validation_{score.name}"], 1) for r in (record, trainer.best)
    )
    return f"loss {record['train_loss']:.3f}, validation {validation}, best {best}"


def chosen(task: Any) -> Any:
    """The `Score` by which a task chooses the best epoch."""
    return next(score for score in task.scores if score.name == task.chooses)


def value_of(score: Any, value: float, digits: int = 2) -> str:
    """A score for people: an accuracy in percent, anything else as a number."""
    if score.name == "accuracy":
        return f"{100 * value:.{digits}f} %"
    return f"{value:.4g}"


def number_of(value: float | None) -> str:
    """A further score; None is one that is not defined."""
    return "undefined" if value is None else f"{value:.4f}"


def of_classes(found: dict[str, Any], net: Any = None) -> list[str]:
    """Lines about what an accuracy hides; none where the classes are even.

    Args:
        found: numbers of a summary under their names.
        net: what was trained, which may know the classes' names.
    """
    names = list(getattr(getattr(net, "knows", None), "classes", None) or [])
    share, missing = found.get("largest_class_share", 0.0), found.get("never_answered", [])
    classes, lines = len(found.get("confusion", [])), []
    if classes and share > 1.5 / classes:
        balanced = 100 * found["test_balanced_accuracy"]
        text = f"the largest class is {100 * share:.1f} % of the test cases; mean over the classes"
        lines.append(f"{text} {balanced:.2f} %")
    if missing:
        plural = "es" if len(missing) > 1 else ""
        told = [names[k] if k < len(names) else str(k) for k in missing]
        lines.append(f"never answered: class{plural} {', '.join(told)}")
    if found.get("tied"):
        text = f"{100 * found['tied']:.1f} % of the test cases are ties, of which the first class"
        lines.append(f"{text} is the answer")
    return lines


def _epochs_of(summary: dict[str, Any], score: Any) -> str:
    """The best epoch, or what the members of an ensemble have reached."""
    members = summary.get("members")
    if not members:
        return f"best epoch {summary['best_epoch']} of {summary['epochs']}"
    tests = sorted(member[f"test_{score.name}"] for member in members)
    low, high = value_of(score, tests[0]), value_of(score, tests[-1])
    return f"ensemble of {len(members)}, whose networks alone have {low} to {high} in the test"


def _with(summary: dict[str, Any], key: str) -> str:
    """With how many substeps a number was found; nothing of a network without time."""
    return f"with {summary[key]} substeps, " if key in summary else ""


def _programming(summary: dict[str, Any]) -> dict[str, str]:
    """A line with what programming devices has cost; none where there are none."""
    count = summary.get("programming_count")
    if count is None:
        return {}
    energy, refused = summary["programming_energy"], summary["programming_refused"]
    text = f"{count:8d}   events, {energy:.3g} J, {refused} refused"
    return {"programming": f"{text}, {summary['programming_saturated']} at the end of their range"}


def results_of_training(result: Any) -> list[str]:
    """Lines with what a finished run has reached."""
    task = result.config.task
    s, score = result.summary, chosen(task)
    timed = "substeps" in s
    test, validation, fine = (
        f"{value_of(score, s[name]):>8}"
        for name in (
            f"test_{score.name}",
            f"validation_{score.name}",
            f"test_{score.name}{'_fine' if timed else ''}",
        )
    )
    seconds = f"{s['seconds_training']:6.1f} s   training, {s['seconds_compiling']:.1f} s compiling"
    others = [one for one in task.scores if one is not score and "balanced" not in one.name]
    also, also_fine = (
        ", ".join(f"{one.name} {number_of(s[f'test_{one.name}{ending}'])}" for one in others)
        for ending in ("", "_fine" if timed else "")
    )
    pictures = [name for name in ("curves.png", "confusion.png") if (result.folder / name).exists()]
    names = [f"test {score.name}", f"test {score.name}, fine", f"validation {score.name}"]
    width = max(len(name) for name in (*names, "results")) + 2
    lines = {
        names[0]: f"{test}   {_with(s, 'substeps')}{also}",
        **({names[1]: f"{fine}   {_with(s, 'substeps_fine')}{also_fine}"} if timed else {}),
        **_twin(s, score),
        names[2]: f"{validation}   {_epochs_of(s, score)}",
        **_programming(s),
        "time": seconds,
        "results": f"{result.folder}/{', '.join(['summary.json', *pictures])}",
    }
    return [f"{name:<{width}}{text}" for name, text in lines.items()] + of_classes(
        s, result.network
    )


def _twin(s: dict[str, Any], score: Any) -> dict[str, str]:
    """Lines about a device in the loop: its twin's score, and what it was asked."""
    if "forward" not in s:
        return {}
    failures = f", {s['forward_failures']} attempts in vain" if s["forward_failures"] else ""
    asked = f"{s['forward_calls']:8d}   calls of {s['forward']}, {s['forward_seconds']:.1f} s"
    return {
        f"test {score.name}, twin": f"{value_of(score, s[f'test_{score.name}_twin']):>8}",
        "device": asked + failures,
    }


# ---- what was learned ----


def _values(net: Any) -> dict[str, dict[int, Any]]:
    """`Network.trained_values`; of an ensemble none, whose networks have their own."""
    return net.trained_values() if hasattr(net, "trained_values") else {}


def trained_numbers(net: Any) -> dict[str, Any]:
    """For machines: trained quantities, {"trained": {quantity: {layer: values}}}."""
    found = {
        name: {str(layer): values.tolist() for layer, values in layers.items()}
        for name, layers in _values(net).items()
    }
    return {"trained": found} if found else {}


def trained_lines(net: Any) -> Iterator[str]:
    """Lines on the neurons' trained quantities: a layer's value, or the range of its
    neurons'.
    """
    from spinrnn.config.quantity import quantities
    from spinrnn.notebook import amount

    for name, layers in _values(net).items():
        texts = []
        for layer, values in layers.items():
            unit = quantities(net.config.neurons[layer])[name].unit
            ends = dict.fromkeys(amount(float(v), unit) for v in (values.min(), values.max()))
            texts.append(f"layer {layer} {' to '.join(map(str, ends))}")
        yield f"trained {name}: {', '.join(texts)}"
