"""What `import spinrnn` offers, what editors see of it, and what it takes to install it."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import spinrnn
from spinrnn.cli import main as cli
from spinrnn.doctor import installation

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def stub():
    """{name: module below spinrnn} that __init__.pyi takes it from, as re-exported."""
    found = {}
    for node in ast.parse((ROOT / "spinrnn/__init__.pyi").read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name, "only `import x as x` is re-exported"
                found[alias.name] = node.module.removeprefix("spinrnn").removeprefix(".")
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = ""
    return found


def test_editors_see_the_names_that_there_are():
    assert stub() == spinrnn._HOMES | {"analysis": "", "__version__": ""}
    assert sorted(stub()) == sorted(spinrnn.__all__) == dir(spinrnn)
    for name, module in spinrnn._HOMES.items():
        value = getattr(spinrnn, name)
        assert value is getattr(importlib.import_module(f"spinrnn.{module}"), name)
        # a name that its home only imports would have two homes
        assert value.__module__ == f"spinrnn.{module}"
    assert (ROOT / "spinrnn/py.typed").exists()


def test_analysis_is_there_without_an_import_of_its_own():
    code = "import spinrnn; print(spinrnn.analysis.energy.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "energy\n", done.stderr


USES = """
import numpy as np
import spinrnn

config = spinrnn.NetworkConfig(layers=(4,), inputs=1, outputs=2)
spinrnn.NetworkConfig(layer=3)  # wrong
spinrnn.NetworkConfig(substeps="four")  # wrong
net = spinrnn.Network(config, seed=1)
net.forward(np.zeros((2, 1, 5)))
net.forwards(np.zeros((2, 1, 5)))  # wrong
data = spinrnn.Dataset(np.zeros((4, 1, 5)), np.zeros(4, int))
run = spinrnn.RunConfig(config, spinrnn.TrainConfig(epochs=1))
spinrnn.train(run, "run", data=data)
spinrnn.train(run, "run", datas=data)  # wrong
spinrnn.load("run").config.layers
spinrnn.laod("run")  # wrong
spinrnn.set_threads(2)
spinrnn.set_threads("2")  # wrong
spinrnn.analysis.energy
"""


@pytest.mark.slow
def test_an_editor_tells_wrong_uses(tmp_path):
    pytest.importorskip("pyright")
    (tmp_path / "uses.py").write_text(USES)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "basic"}))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=300,
    )  # fmt: skip
    told = {int(line) for line in re.findall(r"uses\.py:(\d+):\d+ - error", done.stdout)}
    lines = enumerate(USES.splitlines(), 1)
    assert told == {n for n, line in lines if line.endswith("# wrong")}, done.stdout


# ---- installing ----


def versions(texts):
    """{package: lowest version, as text} of requirements."""
    return dict(re.fullmatch(r"([A-Za-z0-9-]+)>=([0-9.]+)", text).groups() for text in texts)


def test_the_lowest_versions_are_said_alike():
    """In pyproject.toml, in environment.yml and in what `spinrnn doctor` complains of."""
    project, extras = PROJECT["project"], PROJECT["project"]["optional-dependencies"]
    needed, tests = versions(project["dependencies"]), versions(extras["test"])
    lines = (ROOT / "environment.yml").read_text().splitlines()
    conda = versions(re.findall(r"^  - (\S+>=\S+)$", "\n".join(lines), re.M))
    # conda writes the names in lower case, and calls a plugin of pytest and Python so
    assert conda.pop("python") == project["requires-python"].removeprefix(">=")
    assert conda == {name.lower(): version for name, version in (needed | tests).items()}
    told = {name: ".".join(map(str, lowest)) for name, lowest in installation.TESTED.items()}
    assert told == needed


def test_the_systems_are_said_at_install():
    systems = {text for text in PROJECT["project"]["classifiers"] if "Operating System" in text}
    assert systems == {"Operating System :: POSIX :: Linux", "Operating System :: MacOS"}


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("win32", "spinrnn runs on Linux and macOS, not on Windows; install it in the Windows"),
        ("emscripten", "spinrnn runs on Linux and macOS, not on a browser"),
    ],
)
def test_a_system_that_lacks_what_is_needed_is_told_at_first_use(
    monkeypatch, capsys, platform, text
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delitem(vars(spinrnn), "Network", raising=False)
    with pytest.raises(ImportError, match=text):
        spinrnn.Network  # noqa: B018
    assert cli.main(["doctor"]) == 2
    out, complaint = capsys.readouterr()
    assert (out, complaint.count("\n")) == ("", 1)
    assert complaint.startswith(f"spinrnn: error: {text}")


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_a_system_that_has_it_is_not(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delitem(vars(spinrnn), "Dataset", raising=False)
    assert spinrnn.Dataset.__name__ == "Dataset"
