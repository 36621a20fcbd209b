"""`spinrnn bench`: the fields of its results, what it computes from times, its
sentences.

With tiny sizes; that the times mean anything is not tested.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import spinrnn
from spinrnn.bench import devices, processes, reference, reservoirs
from spinrnn.bench import runner as bench
from spinrnn.bench import table as benchtable
from spinrnn.bench import timing as measure
from spinrnn.bench.sizes import QUICK, Sizes
from spinrnn.bench.timing import Times
from spinrnn.cli import main as cli
from spinrnn.datasets import loading, parts
from spinrnn.kernels import compiling
from spinrnn.machine import memory, threads
from spinrnn.networks import packing

TINY = Sizes(
    sgemm=64,
    rounds=2,
    seconds=0.1,
    reference=((4, 3),),
    float64=(4,),
    sparse=((16, 0.1, 2),),
    crossover=((8, 2, (0.2, 0.5)),),
    threads=(4,),
    long=300,
    starts=1,
    growth_neurons=(4, 8, 16, 24),
    growth_points=(2, 4),
    growth_batch=(16, 48),
    growth_density=(0.1, 0.2, 0.5),
    growth_n=16,
    brief=2,
    mnist=1,
    reservoirs=((6, 600),),
    devices=(8, 6),
    rf=4,
    widths=(4, 8, 16),
    cases=(4, 8),
)


_rows = []


@pytest.fixture
def no_new_processes(monkeypatch):
    """Starting Python some times would take seconds; what is asked of the new processes
    has a test of its own.
    """
    monkeypatch.setattr(bench, "in_new_process", lambda code, argument: (0.25, 0.5))
    monkeypatch.setattr(measure, "PAUSE", 0.0)


@pytest.fixture
def rows(no_new_processes, idx_folder):
    """Of one run that all tests share."""
    if not _rows:
        _rows.extend(bench.run(TINY, count=2, mnist=idx_folder))
    return _rows


def test_all_kinds_of_work_are_there_and_complete(rows):
    kinds = [row["work"] for row in rows if row["work"] != "note"]
    expected = [
        "machine",
        "sgemm",
        "compile",
        "from cache",
        "import spinrnn",
        "import spinrnn.networks.recurrent",
        "reference",
        "inference",
    ]
    assert list(dict.fromkeys(kinds)) == [
        *expected,
        "sparse",
        "crossover",
        "threads",
        "long",
        "growth",
        "mnist",
    ]
    for row in rows:
        assert list(row)[: len(reference.FIELDS)] == list(reference.FIELDS)
        json.dumps(row, allow_nan=False)
        if row["best_s"] is not None:
            assert 0 < row["best_s"] <= row["median_s"]
            assert row["first_s"] > 0
    assert [row["when"] for row in rows if row["work"] == "sgemm"] == [
        "before",
        "after",
        "whole run",
    ]
    assert {(r["scheme"], r["dtype"]) for r in rows if r["work"] == "reference"} == {
        (scheme, dtype) for scheme in ("euler", "exponential") for dtype in ("float32", "float64")
    }


def test_what_must_not_depend_on_threads_and_memory_does_not(rows):
    (compared,) = [row for row in rows if row["work"] == "threads" and "identical" in row]
    assert compared["identical"]
    assert compared["threads"] == 2
    cut, whole = (row for row in rows if row["work"] == "long")
    assert cut["identical"]
    assert cut["segments"] > 1 == whole["segments"]
    assert cut["memory_bytes"] < 0.5 * whole["memory_bytes"]


def test_the_check_of_bits_sees_one_bit():
    one = (np.zeros((2, 2)), 1.0, np.ones(3))
    assert bench._same_bits(one, (np.zeros((2, 2)), 1.0, np.ones(3)))
    assert not bench._same_bits(one, (np.zeros((2, 2)), 1.0, np.array([1, 1, np.nextafter(1, 2)])))
    assert not bench._same_bits(one, (np.zeros((2, 2)), np.nextafter(1.0, 2), np.ones(3)))


def test_operations_are_those_of_the_existing_weights():
    n, points, batch = 6, 3, 20
    dense = reference.Side(n, points=points, batch=batch)
    assert dense.operations() == 3 * 2 * batch * points * 4 * (3 * n * n + 2 * n * n + n)
    assert (
        reference.Side(n, points=points, batch=batch, backward=False).operations() * 3
        == dense.operations()
    )
    half = reference.Side(n, points=points, batch=batch, density=0.5)
    assert half.operations() == dense.operations() / 2
    assert half.row("sparse", Times(1.0, [0.5, 2.0]))["gflops"] == round(
        half.operations() / 0.5 / 1e9, 2
    )


def test_a_kernel_can_be_forced():
    results, before = [], packing.SPARSE_BELOW
    for sparse in (True, False):
        side = reference.Side(8, density=0.5, points=2, dtype="float64", sparse=sparse)
        results.append(side.run())
        assert side.net._packing().sparse is sparse  # still, after a run
    assert before == packing.SPARSE_BELOW
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_limits_hold_within_a_run_only(no_new_processes):
    before = threads.get_threads(), memory.get_memory_limit()
    rows = bench.run(TINY, count=3)
    assert next(rows)["threads"] == 3
    rows.close()
    assert (threads.get_threads(), memory.get_memory_limit()) == before
    with threads.using(5), memory.using(4096):
        assert (threads.get_threads(), memory.get_memory_limit()) == (5, 4096)
    assert (threads.get_threads(), memory.get_memory_limit()) == before


# ---- what is computed of times ----


def test_shares_of_the_product():
    """Medians with medians and best times with best times."""
    times, product = Times(9.0, [1.0, 2.0, 4.0]), Times(9.0, [0.5, 0.8, 3.0])
    # half the operations in 2 s against 0.8 s are 0.2 of the rate
    assert bench.of_product(0.5, times, product) == {"of_sgemm": 0.2, "of_sgemm_best": 0.25}


def test_ratios_of_the_reference_work():
    seconds = {
        ("reference", "euler"): 6.0,
        ("inference", "euler"): 3.0,
        ("float64", "euler"): 15.0,
        ("reference", "exponential"): 9.0,
        ("inference", "exponential"): 4.0,
        ("float64", "exponential"): 12.0,
    }
    # the median is 1.0 times the number, the best time is another one
    times = {name: Times(99.0, [value / 8, value, value]) for name, value in seconds.items()}
    assert [bench.reference_ratios(*name, times) for name in times] == [
        {},
        {"of_training": 0.6667},
        {"of_float32": 0.4},
        {"to_euler": 1.5},
        {"of_training": 0.75},
        {"of_float32": 0.75},
    ]


def test_exponents_of_all_sizes_and_of_the_upper_half():
    sizes = [1, 2, 4, 8, 16, 32]
    seconds = [1.0, 1.0, 1.0, 8.0, 32.0, 128.0]
    found = bench.exponents(sizes, seconds)
    assert found["exponent_upper"] == 2.0
    assert found["exponent"] == round(measure.exponent(sizes, seconds), 3) == 1.514
    assert (found["fitted"], found["fitted_upper"]) == ([1, 32], [8, 32])
    # two points are no line: then the upper half is all
    short = bench.exponents([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0])
    assert (short["exponent_upper"], short["fitted_upper"]) == (2.0, [1, 8])
    one = bench.exponents([4], [1.0])
    assert (one["exponent"], one["fitted_upper"]) == (None, [4, 4])


def test_the_best_peer_is_the_one_of_the_smallest_median(no_new_processes):
    run = bench._Run(TINY, True, None, lambda text: None)
    times = {
        "ours": Times(1.0, [2.0, 1.0, 4.0]),
        "slow": Times(1.0, [0.5, 9.0, 9.0]),
        "fast": Times(1.0, [5.0, 5.0, 5.0]),
    }
    ours = reference.Side(4, points=3, scheme="euler")
    slow, fast, own = run._peer_rows(ours, ["slow", "fast"], times)
    assert (slow["to_ours"], fast["to_ours"]) == (4.5, 2.5)
    assert (own["best_peer"], own["to_best_peer"], own["peer"]) == ("fast", 2.5, "spinrnn")
    assert (slow["neurons"], slow["points"], slow["scheme"]) == (4, 3, "euler")


def test_the_whole_run_has_the_spread_of_its_products(no_new_processes):
    run = bench._Run(TINY, False, None, lambda text: None)
    run.sgemm.seconds = [1.0] + [2.0] * 9 + [6.0]
    row = run._whole_run()
    assert (row["spread"], row["products"], row["when"]) == (1.0, 11, "whole run")
    run.sgemm.seconds = list(np.linspace(1, 3, 11))
    assert run._whole_run()["spread"] == round(2.8 / 1.2, 4)


def test_rows_have_the_times_and_the_rate_of_the_best():
    row = reference.new_row("sgemm", Times(0.25, [0.5, 1.0, 2.5, 1.5]), 4e9, more=1)
    assert (row["first_s"], row["best_s"], row["median_s"]) == (0.25, 0.5, 1.25)
    assert (row["gflops"], row["more"], row["scheme"]) == (8.0, 1, None)


# ---- measuring ----


def test_sides_take_turns_in_both_orders():
    calls = []
    timer = lambda name: lambda: calls.append(name) or 1.0
    times = measure.take_turns({"a": timer("a"), "b": timer("b")}, 3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"
    assert times["a"] == Times(1.0, [1.0] * 3)


def test_short_calls_are_repeated_and_the_limit_ends_it(monkeypatch):
    times = measure.take_turns({"a": lambda: 0.02}, 2)
    assert len(times["a"].others) == 2 * 3
    monkeypatch.setattr(
        measure.time, "perf_counter", iter(range(100)).__next__
    )  # one second for each look at the clock
    for limit, rounds in ((0, measure.LEAST_ROUNDS), (4.5, measure.LEAST_ROUNDS + 4), (1000, 50)):
        assert len(measure.take_turns({"a": lambda: 1.0}, 50, limit)["a"].others) == rounds


def test_exponents_of_made_up_times():
    sizes = [32, 64, 128, 256]
    assert measure.exponent(sizes, [3e-6 * n**2 for n in sizes]) == pytest.approx(2)
    assert measure.exponent(sizes, [3e-6 * n**2 + 1e-2 for n in sizes]) < 1.5


def test_the_crossing_is_interpolated():
    assert measure.crossing([0.1, 0.2, 0.4], [0.25, 0.5, 2.0]) == pytest.approx(0.3)
    # between the logarithms: log 4 below 1 and log 2 above it
    assert measure.crossing([0.1, 0.4], [0.25, 2.0]) == pytest.approx(0.3)
    assert measure.crossing([0.1, 0.2], [0.25, 0.5]) is None
    assert measure.crossing([0.1, 0.2], [1.5, 2.0]) is None
    assert measure.crossing([1, 2, 3, 4], [0.5, 2, 0.5, 2]) == pytest.approx(3.5)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_peak_of_memory_is_seen():
    grown, result = measure.peak_growth(lambda: np.ones(20_000_000).sum())
    assert result == 2e7
    assert grown is None or 150e6 < grown < 200e6


def test_a_machine_that_is_not_steady_is_said_so(no_new_processes, monkeypatch):
    kinds = ("start", "reference", "sparse", "crossover", "one_thread", "long", "growth")
    for name in kinds:
        monkeypatch.setattr(bench._Run, name, lambda self: ())
    for slower, notes in ((1.0, 0), (1.5, 1)):
        seconds = iter([1.0] * 3 + [slower] * 3)
        monkeypatch.setattr(
            measure.Sgemm,
            "__call__",
            lambda self, s=seconds: self.seconds.append(next(s)) or self.seconds[-1],
        )
        found = [row["text"] for row in bench.run(TINY) if row["work"] == "note"]
        assert len(found) == notes, found


# ---- other processes ----


def test_a_new_process_looks_for_compiled_code_in_the_given_folder_only(tmp_path):
    seconds, total = processes.in_new_process(processes.IMPORT, "spinrnn.config")
    assert 0 < seconds < total
    (tmp_path / "small.py").write_text("def small(x):\n    return x + 1\n")
    small = (
        f"sys.path.append({str(tmp_path)!r})\nfrom small import small\n"
        "entry = compiling.kernel(small)\nentry(1)\n"
    )
    code = f"{processes.EMPTY_CACHE}\n{small}print(sum(entry.stats.cache_hits.values()))"
    assert [processes.in_new_process(code, str(tmp_path / "cache"))[0] for _ in range(2)] == [0, 1]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_new_process_runs_the_first_step(tmp_path):
    spinrnn.Network().loss_and_grad(
        np.zeros((1, 1, 1)), [0]
    )  # so that one of the folders is filled
    filled = next(
        path for folder in compiling.cache_folders() for path in folder.glob("*run_blocks*")
    )
    shutil.copytree(
        filled.parent,
        tmp_path / "cache",
        ignore=lambda _, names: [name for name in names if not name.endswith(".nbc")],
    )
    before = sorted((tmp_path / "cache").iterdir())
    seconds, total = processes.in_new_process(processes.FIRST, str(tmp_path / "cache"))
    assert 0 < seconds < total
    assert before == sorted((tmp_path / "cache").iterdir())


def test_a_process_that_fails_is_a_note(monkeypatch):
    with pytest.raises(processes.ProcessError, match="No module named 'no_such_module'"):
        processes.in_new_process(processes.IMPORT, "no_such_module")
    code = "import sys; sys.stderr.buffer.write(bytes([255])); sys.exit(1)"
    with pytest.raises(processes.ProcessError, match="\N{REPLACEMENT CHARACTER}"):
        processes.in_new_process(code, "")
    monkeypatch.setattr(bench, "IMPORT", "raise SystemExit('no memory')")
    monkeypatch.setattr(bench, "FIRST", "print(1)")
    monkeypatch.setattr(bench._Run, "rows", lambda self: self.guarded(self.start))
    rows = list(bench.run(TINY))
    assert [row["work"] for row in rows] == ["compile", "from cache", "note"]
    assert "no memory" in rows[-1]["text"]


PEER = """
import json, sys
asked = json.loads(sys.argv[1])
for _ in sys.stdin:
    if asked["peer"] == "torch-eager":
        sys.exit("it is broken")
    print(json.dumps({"seconds": 0.5, "loss": 1.0, "norm": 2.0}), flush=True)
"""


def test_peers_are_timed_compared_and_may_fail(monkeypatch):
    started = subprocess.Popen
    monkeypatch.setattr(
        processes.subprocess,
        "Popen",
        lambda command, **more: started([sys.executable, "-c", PEER, command[-1]], **more),
    )
    monkeypatch.setattr(bench, "is_installed", lambda library: True)
    monkeypatch.setattr(bench._Run, "rows", lambda self: self.against_peers())
    rows = list(bench.run(TINY))
    notes = [row["text"] for row in rows if row["work"] == "note"]
    assert sum("not the same work" in note for note in notes) == 3
    assert [note for note in notes if "it is broken" in note]
    assert [row["peer"] for row in rows if row["work"] == "peer"] == [
        "jax-layers",
        "jax-block",
        "torch-compiled",
        "spinrnn",
    ]
    assert rows[-1]["to_best_peer"] == pytest.approx(0.5 / rows[-1]["median_s"], rel=1e-3)
    monkeypatch.setattr(bench, "is_installed", lambda library: library != "jax")
    assert "jax is not installed" in next(iter(bench.run(TINY)))["text"]


@pytest.mark.slow
def test_reservoirs_are_timed_beside_a_peer(monkeypatch):
    """The peer says half a second for each step."""
    started = subprocess.Popen
    command = [sys.executable, "-c", PEER]
    monkeypatch.setattr(
        processes.subprocess, "Popen", lambda given, **more: started([*command, given[-1]], **more)
    )
    monkeypatch.setattr(bench, "is_installed", lambda library: library == "reservoirpy")
    rows = list(bench.run(TINY, reservoirs=True))
    theirs, ours = (row for row in rows if row["work"] == "reservoir")
    assert (theirs["peer"], theirs["median_s"]) == ("reservoirpy", 0.5)
    assert (ours["peer"], ours["neurons"], ours["substeps"], ours["points"]) == (
        "spinrnn", 6, 2, 600,
    )  # fmt: skip
    assert ours["to_reservoirpy"] == pytest.approx(0.5 / ours["median_s"], rel=1e-3)
    assert {row["work"] for row in rows} == {"machine", "sgemm", "reservoir"} | {
        row["work"] for row in rows if row["work"] == "note"
    }
    text = "\n".join(benchtable.ratios(rows))
    assert f"{ours['to_reservoirpy']:.1f} x as fast as reservoirpy's echo state network" in text
    monkeypatch.setattr(bench, "is_installed", lambda library: False)
    rows = list(bench.run(TINY, reservoirs=True))
    assert any("reservoirpy is not installed" in row.get("text", "") for row in rows)


def test_a_reservoir_of_the_bench_is_one_that_learns():
    side = reservoirs.ReservoirSide(40, 1500)
    run = reservoirs.reservoir_config(40, 1500)
    test = parts.divide(loading.load_configured(run.data), run)[2]
    assert spinrnn.evaluate(side.run(), test, task=run.task).nrmse < 0.9
    assert side() > 0


@pytest.mark.slow
def test_the_peer_of_reservoirs_does_its_work():
    pytest.importorskip("reservoirpy")
    peer = processes.Peer(processes.RESERVOIR, 20, 600, 1, 1)
    try:
        assert peer() > 0
    finally:
        peer.close()


@pytest.mark.parametrize("name", list(processes.PEERS))
def test_a_peer_does_the_same_work(name):
    pytest.importorskip(processes.PEERS[name][0])
    _, loss, gradient = reference.Side(8, points=3, batch=10, scheme="euler").run()
    peer = processes.Peer(name, 8, 3, 10, 1)
    try:
        assert peer() > 0
        assert peer.loss == pytest.approx(loss, rel=1e-5)
        assert peer.norm == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    finally:
        peer.close()


# ---- what people see ----


def test_the_table_is_aligned_and_says_every_ratio(rows):
    heading = benchtable.lines(rows[0])[-1]
    end = heading.index("median s") + len("median s")
    for row in rows:
        if row["best_s"] is not None:
            (line,) = benchtable.lines(row)
            assert line[:end].split()[-1] == benchtable._seconds(row["median_s"])
            assert len(line) == end or line[end] == " "
    text = "\n".join(benchtable.ratios(rows))
    for part in (
        "of SGEMM", "x the time of Euler", "of float32's rate", "forward share",
        "x as fast as density 1", "both kernels", "2 threads", "the same bits", "of the memory",
        "first results", "exponent", "for an epoch",
    ):  # fmt: skip
        assert part in text, part
    assert "OTHER BITS" not in text


def sentences(row):
    """What is said of a row, {what: result}."""
    lines = benchtable.ratios([reference.new_row(row.pop("work")) | row])[1:]
    return dict(line.split("  ", 1) for line in lines)


@pytest.mark.parametrize(
    ("row", "what", "said"),
    [
        (
            {"work": "reference", "neurons": 32, "scheme": "euler", "dtype": "float32"}
            | {"of_sgemm": 0.5, "of_sgemm_best": 0.625},
            "reference, n = 32, euler, float32",
            "0.50 of SGEMM (best 0.62)",
        ),
        ({"work": "x", "to_euler": 1.234}, "x", "1.23 x the time of Euler"),
        ({"work": "x", "of_float32": 0.5}, "x", "0.50 of float32's rate"),
        (
            {"work": "x", "of_training": 0.9},
            "x",
            "0.90 of the forward share of training's rate",
        ),
        (
            {"work": "sparse", "density": 0.1, "speedup": 3.21},
            "sparse, density 0.1",
            "3.2 x as fast as density 1",
        ),
        (
            {"work": "crossover", "measured": 0.314, "used": 0.4, "densities": [0.1, 0.6]},
            "crossover",
            "both kernels take the same time at density 0.31; spinrnn changes at 0.4",
        ),
        (
            {"work": "crossover", "measured": None, "used": 0.4, "densities": [0.1, 0.6]},
            "crossover",
            "both kernels take the same time not between 0.1 and 0.6; spinrnn changes at 0.4",
        ),
        (
            {"work": "threads", "threads": 4, "speedup": 3.5, "identical": True},
            "threads",
            "4 threads 3.50 x as fast as one, the same bits",
        ),
        (
            {"work": "threads", "threads": 4, "speedup": 3.5, "identical": False},
            "threads",
            "4 threads 3.50 x as fast as one, OTHER BITS",
        ),
        (
            {"work": "long", "segments": 5, "memory_bytes": 2**20, "measured_bytes": 2**21}
            | {"of_memory": 0.2, "to_whole": 1.35, "identical": True},
            "long, 5 segments",
            "20 % of the memory, 1.35 x the time, the same bits",
        ),
        (
            {"work": "long", "segments": 1, "memory_bytes": 2**20, "measured_bytes": 2**21},
            "long, 1 segments",
            "1.0 MiB planned, 2.0 MiB measured",
        ),
        (
            {"work": "compile", "median_s": 9.5, "process_s": 10.25},
            "compile",
            "9.50 s to the first results, 10.25 s with Python's start and imports",
        ),
        ({"work": "import spinrnn", "median_s": 0.05}, "import spinrnn", "0.050 s"),
        (
            {"work": "growth", "against": "batch", "threads": 1, "kernel": "dense"}
            | {"exponent": 0.9, "fitted": [1, 8], "exponent_upper": 1.01, "fitted_upper": [4, 8]},
            "growth against batch, 1 thread, dense kernel",
            "exponent 0.90 over 1 ... 8; exponent 1.01 over 4 ... 8",
        ),
        (
            {"work": "mnist", "substeps": 2, "epoch_s": 12.34, "images": 600},
            "mnist, S = 2",
            "12.3 s for an epoch (from 600 images)",
        ),
        (
            {"work": "peer", "to_best_peer": 4.44, "best_peer": "jax-block"},
            "peer",
            "4.4 x as fast as the best peer, jax-block",
        ),
        (
            {"work": "sgemm", "when": "whole run", "spread": 1.25, "products": 40},
            "sgemm",
            "1.25 between the slow and the fast tenth of 40 products",
        ),
    ],
)
def test_sentences(row, what, said):
    assert sentences(dict(row))[what].strip() == said


def test_a_line_of_the_table():
    times = Times(2.5, [0.125, 0.25])
    row = reference.new_row("peer", times, 1e9, neurons=32, scheme="euler", dtype="float32")
    row |= {"density": 1.0, "threads": 2, "peer": "jax-block", "of_sgemm": 0.456}
    (line,) = benchtable.lines(row)
    cells = "peer jax-block 32 euler float32 1.0 2 2.500 0.12500 0.18750 8.0 0.46"
    assert line.split() == cells.split()


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_the_command(rows, monkeypatch, capsys, extra):
    asked = []
    monkeypatch.setattr(
        bench, "run", lambda sizes, **options: asked.append((sizes, options)) or iter(rows)
    )
    assert (
        cli.main(["bench", "--quick", "--threads", "2", "--peers", "--mnist", "there", *extra]) == 0
    )
    spinrnn.set_threads(None)
    ((sizes, options),) = asked
    assert sizes is QUICK
    assert (options["count"], options["peers"], options["mnist"]) == (2, True, "there")
    out, err = capsys.readouterr()
    assert err == ""
    if extra:
        assert [json.loads(line) for line in out.splitlines()] == json.loads(json.dumps(rows))
    else:
        assert out.splitlines()[-len(benchtable.ratios(rows)) :] == benchtable.ratios(rows)


def test_wrong_arguments(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "--threads", "0"])
    assert stopped.value.code == 2
    assert "must be a whole number of at least 1, got '0'" in capsys.readouterr().err
    for folder, text in (
        (tmp_path / "none", "no such folder; --mnist takes"),
        (tmp_path, "has no file train-images-idx3-ubyte"),
    ):
        assert cli.main(["bench", "--quick", "--mnist", str(folder)]) == 2
        out, err = capsys.readouterr()
        assert text in err
        assert (out, len(err.splitlines())) == ("", 1)


# ---- networks of devices ----


class FakePeer:
    """A library that takes three times our time, whose loss is ours times a factor."""

    factor = 1.0

    def __init__(self, name, neurons, points, batch, threads):
        if name.startswith("aihwkit"):
            raise processes.ProcessError("no such symbol")
        self.side = devices.DeviceSide(name.partition("-")[2], neurons, batch)
        self.loss, self.name = 0.0, name

    def __call__(self):
        seconds = self.side()
        self.loss = self.side.loss * self.factor
        return 3 * seconds

    def close(self):
        pass


def device_rows(monkeypatch, count=2, **installed):
    """Rows of a run, of which those of a peer that is there."""
    monkeypatch.setattr(bench, "is_installed", lambda library: library in installed)
    monkeypatch.setattr(bench, "Peer", FakePeer)
    monkeypatch.setattr(measure, "PAUSE", 0.0)
    return list(bench.run(TINY, count=count, devices=True))


@pytest.mark.slow
def test_networks_of_devices_stand_beside_other_libraries(monkeypatch):
    rows = device_rows(monkeypatch, torch=True)
    for row in rows:
        assert list(row)[: len(reference.FIELDS)] == list(reference.FIELDS)
        json.dumps(row, allow_nan=False)
    for work in devices.WORKS:
        ours, theirs = (row for row in rows if row["work"] == work)
        assert (ours["peer"], theirs["peer"]) == ("spinrnn", f"torch-{work}")
        ratio = theirs["median_s"] / ours["median_s"]
        assert theirs["to_device_peer"] == pytest.approx(ratio, rel=0.02)
        assert theirs["of_best"] == pytest.approx(theirs["best_s"] / ours["best_s"], rel=0.02)
        (sentence,) = benchtable.ratios([theirs])[1:]
        assert f"{theirs['to_device_peer']:.2f} x as fast as PyTorch" in sentence
    texts = [row["text"] for row in rows if row["work"] == "note"]
    assert any("aihwkit is not installed" in text and "spinrnn[analog]" in text for text in texts)
    assert not any("not the same work" in text for text in texts)
    compared = [row for row in rows if row["work"] == "threads"]
    assert [row["identical"] for row in compared] == [True] * 3
    grown = [row for row in rows if row["work"] == "growth"]
    assert [row["against"] for row in grown[:2]] == ["width (binary)", "batch (binary)"]
    assert [row["sizes"] for row in grown[:2]] == [[4, 8, 16], [4, 8]]


def test_another_work_and_a_library_that_fails_are_told(monkeypatch):
    monkeypatch.setattr(FakePeer, "factor", 1.01)
    rows = device_rows(monkeypatch, count=1, torch=True, aihwkit=True)
    texts = [row["text"] for row in rows if row["work"] == "note"]
    assert sum("not the same work" in text for text in texts) == 4
    failed = [text for text in texts if "failed: no such symbol" in text]
    assert len(failed) == 2
    assert "walls in aihwkit, devices of constant steps" in failed[0]
    assert not [row for row in rows if row["work"] == "threads"]


def test_operations_of_a_step_of_layers():
    side = devices.DeviceSide("binary", 8, 6)
    first, others = 784 * 8, 8 * 8 + 8 * 10
    # no gradient by the inputs
    assert side.operations() == 6 * (4 * first + 6 * others)
    assert side.row(Times(1.0, [0.5]))["gflops"] == round(side.operations() / 0.5 / 1e9, 2)


def test_an_epoch_of_spectra_has_three_steps():
    side = devices.DeviceSide("rf", 4, 5)
    start = side.net.parameters.copy()
    side.run()
    assert side._learner.steps == 3
    assert len(side.u) == 15
    assert (side.net.parameters != start).mean() > 0.5
    assert side.row(Times(1.0, [0.5]))["gflops"] is None
