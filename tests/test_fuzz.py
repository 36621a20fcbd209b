"""Files with mistakes, of chance and of malice, of every kind: a few hundred of those that `python tests/fuzz.py` makes."""

import fuzz


def test_mutated_files_are_refused_or_harmless():
    counts, wrong, _, most = fuzz.fuzz(330)
    assert wrong == []
    assert most < fuzz.MEMORY
    for kind in fuzz.READERS:
        outcomes = {
            outcome: sum(n for (k, _, o), n in counts.items() if (k, o) == (kind, outcome)) for outcome in ("refused", "same", "other")
        }
        assert sum(outcomes.values()) == 30
        assert outcomes["refused"] >= 10, (kind, outcomes)


def test_a_reader_that_accepts_what_is_wrong_is_seen(tmp_path, monkeypatch):
    """The judge itself: other numbers, other errors, long texts and warnings."""
    import warnings

    def reader(what):
        monkeypatch.setitem(fuzz.READERS, "network", what)
        return fuzz.judge("network", "bytes", tmp_path, ["1"])

    def fails(_):
        raise fuzz.SpinrnnError("one\ntwo")

    assert reader(lambda _: ["1"]) == "same"
    assert reader(lambda _: ["2"]).startswith("WRONG: other")
    assert reader(lambda _: 1 / 0).startswith("WRONG: Trace")
    assert reader(fails).startswith("WRONG: message")
    assert reader(lambda _: warnings.warn("x", stacklevel=1)).startswith("WRONG: Trace")
