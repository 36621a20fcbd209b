"""Log mel energies: their formula written out, tones in their bands, folders of sounds."""

import numpy as np
import pytest
from conftest import here
from scipy.io import wavfile

import spinrnn
from spinrnn.datasets.mel import triangles

RATE = 8000


def written_out(samples, bands, length, hop):
    """The energies by sums, without the transform."""
    edges = 700 * (
        10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2) / 2595) - 1
    )
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    found = []
    for start in range(0, len(samples) - length + 1, hop):
        n = np.arange(length)
        w = 0.5 - 0.5 * np.cos(2 * np.pi * n / length)
        row = []
        for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
            energy = 0.0
            for k in range(length // 2 + 1):
                f = k * RATE / length
                if not low < f < high:
                    continue
                part = (mel(f) - mel(low)) / (mel(centre) - mel(low))
                part = part if f <= centre else (mel(high) - mel(f)) / (mel(high) - mel(centre))
                x = (
                    samples[start : start + length] * w * np.exp(-2j * np.pi * k * n / length)
                ).sum()
                energy += part * abs(x) ** 2 / (w**2).sum()
            row.append(np.log(max(energy, 1e-10)))
        found.append(row)
    return np.array(found).T


def test_the_formula():
    samples = np.random.default_rng(0).normal(size=300)
    found = spinrnn.mel(samples, RATE, bands=6, window=8e-3, step=5e-3)
    assert found.shape == (6, 6)
    np.testing.assert_allclose(found, written_out(samples, 6, 64, 40), rtol=1e-9)


def test_a_tone_is_in_its_band():
    centres = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 22)[1:-1] / 2595) - 1)
    for band in (3, 9, 17):
        tone = np.sin(2 * np.pi * centres[band] * np.arange(4000) / RATE)
        found = spinrnn.mel(tone, RATE)
        assert (found.argmax(axis=0) == band).all()
        np.testing.assert_allclose(spinrnn.mel(3 * tone, RATE)[band] - found[band], np.log(9))


def test_between_the_outer_centres_no_energy_is_lost():
    frequencies = np.linspace(0, 4000, 999)
    weights = triangles(frequencies, RATE, 20)
    first, last = weights[0].argmax(), weights[-1].argmax()
    np.testing.assert_allclose(weights[:, first : last + 1].sum(axis=0), 1, atol=0.02)
    assert weights.max() <= 1


def test_frames():
    assert spinrnn.mel(np.ones(256), RATE).shape == (20, 1)
    # silence behind what is shorter than a window, nothing of the end
    assert spinrnn.mel(np.ones(10), RATE).shape == (20, 1)
    assert spinrnn.mel(np.ones(256 + 119), RATE).shape == (20, 1)
    assert spinrnn.mel(np.ones(256 + 120), RATE).shape == (20, 2)
    assert (spinrnn.mel(np.zeros(500), RATE) == np.log(1e-10)).all()


def test_what_is_no_sound():
    for samples, text in (
        (np.ones((3, 4)), r"numbers \(sample,\)"),
        ([], r"numbers \(sample,\)"),
        ([1.0, np.nan], "no finite number at sample 1"),
    ):
        with pytest.raises(spinrnn.DataError, match=text):
            spinrnn.mel(samples, RATE)
    with pytest.raises(spinrnn.ConfigError) as told:
        spinrnn.mel(np.ones(9), 0, bands=0, window=-1, step=np.inf)
    assert len(told.value.problems) == 4
    with pytest.raises(spinrnn.ConfigError, match="60 are too many for a window"):
        spinrnn.mel(np.ones(9), RATE, bands=60, window=0.01)


@pytest.mark.filterwarnings("ignore::spinrnn.errors.DataNote")
def test_a_folder_of_sounds(tmp_path):
    rng = np.random.default_rng(1)
    sounds = {}
    for name in ("no", "yes"):
        (tmp_path / name).mkdir()
        for take in range(2):
            own = rng.integers(-9000, 9000, 1000 + 200 * take).astype(np.int16)
            wavfile.write(tmp_path / name / f"{take}.wav", RATE, own)
            sounds[name, take] = own / 2**15
    data = spinrnn.load_dataset(tmp_path, frontend="mel")
    assert (data.labels.tolist(), data.classes) == ([0, 0, 1, 1], ("no", "yes"))
    assert data.lengths.tolist() == [7, 8, 7, 8]
    np.testing.assert_allclose(data.inputs[3], spinrnn.mel(sounds["yes", 1], RATE), rtol=1e-5)
    one = spinrnn.load_dataset(tmp_path / "no" / "0.wav", labelled=False, frontend="mel")
    np.testing.assert_allclose(one.inputs[0], data.inputs[0, :, :7], rtol=1e-6)
    with pytest.raises(spinrnn.DataError, match="is one case without a label"):
        spinrnn.load_dataset(tmp_path / "no" / "0.wav", frontend="mel")
    with pytest.raises(spinrnn.DataError, match=r"one of none, mel, .*; got fft"):
        spinrnn.load_dataset(tmp_path, frontend="fft")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").mkdir()
    (tmp_path / "a" / "b" / "1.csv").write_text("t,V\n0,1\n1,2\n2,4\n")
    with pytest.raises(spinrnn.DataError, match="is for WAV files"):
        spinrnn.load_dataset(tmp_path / "a", frontend="mel")


@pytest.mark.filterwarnings("ignore")
def test_a_run_keeps_its_front_end(tmp_path):
    for name, pitch in (("low", 400), ("high", 1500)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for take in range(10):
            sound = np.sin(2 * np.pi * pitch * np.arange(700 + 40 * take) / RATE)
            path = tmp_path / "sounds" / name / f"{take}.wav"
            wavfile.write(path, RATE, (9000 * sound).astype(np.int16))
    out = tmp_path / "run"
    settings = [f"data.source={tmp_path / 'sounds'}", "data.frontend=mel", "data.scaling=standard"]
    settings += ["estimator.kind=reservoir", "network.readout=both", "network.layers=[8]"]
    done = here("train", *(word for text in settings for word in ("--set", text)), "--out", out)
    assert done.returncode == 0, done.stderr
    config = spinrnn.load_config(out / "config.toml")
    assert (config.network.inputs, config.data.frontend) == (20, "mel")
    assert spinrnn.load(out).config.inputs == 20
    answer = here("predict", out, tmp_path / "sounds" / "high" / "3.wav")
    assert answer.returncode == 0, answer.stderr
    assert "high" in answer.stdout.splitlines()[-1]
    assert here("evaluate", out).returncode == 0


def test_two_channels_have_bands_each(tmp_path):
    both = np.random.default_rng(2).integers(-9000, 9000, (900, 2)).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", RATE, both)
    data = spinrnn.load_dataset(tmp_path / "a.wav", labelled=False, frontend="mel")
    assert data.inputs.shape[1] == 40
    np.testing.assert_allclose(
        data.inputs[0, 20:], spinrnn.mel(both[:, 1] / 2**15, RATE), rtol=1e-5
    )
