"""Tables and what is said of them: the nearest known name, or all that are known."""

import pytest

from spinrnn.config.tables import suggest


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("layres", ["inputs", "layers"], "; did you mean layers?"),
        ("inputs", ["network.inputs", "train.seed"], "; did you mean network.inputs?"),
        ("train.inputs", ["network.inputs", "zip"], "; did you mean network.inputs?"),
        ("zzz", ["inputs", "layers"], "; known are inputs, layers"),
        ("zzz", [f"key{k}" for k in range(31)], ""),
        (3, ["inputs"], "; known are inputs"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(name, known, hint):
    assert suggest(name, known) == hint
