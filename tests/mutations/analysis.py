"""Mutations of the measures of recordings, their sentences and pictures."""

_MEASURES = "tests/analysis/test_measures.py"
_FIGURES = "tests/analysis/test_figures.py"
_ANALYSIS = "tests/analysis/test_analysis.py"
_COVERAGE = "tests/analysis/test_coverage.py"
_REPORT = "tests/analysis/test_analyse.py"


def _mutation(file, old, new, tests, k):
    return {"file": f"spinrnn/analysis/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    # what is tested on what
    _mutation(
        "readout",
        "fold == (number + 1) % folds",
        "fold == number",
        _MEASURES,
        "own_fold",
    ),
    _mutation(
        "readout",
        "train = ~(test | choice)",
        "train = ~test",
        _MEASURES,
        "each_target",
    ),
    _mutation(
        "readout",
        "fit = _Ridge(features[~test], targets[~test], strata[~test])",
        "fit = trial",
        _MEASURES,
        "own_fold or each_target",
    ),
    _mutation(
        "readout", "scores.argmin(axis=0)", "scores.argmax(axis=0)", _MEASURES, "each_target"
    ),
    _mutation(
        "readout",
        "fold = members % folds",
        "fold = np.arange(len(features)) % folds",
        _ANALYSIS,
        "all_cases_share or shift_register",
    ),
    _mutation(
        "readout",
        "self._weights(RIDGES[number])[:, mine]",
        "self._weights(RIDGES[0])[:, mine]",
        _MEASURES,
        "each_target",
    ),
    # thinned recordings
    {
        "file": "spinrnn/recordings/recording.py",
        "old": "self.inputs[:: self.stride]",
        "new": "self.inputs[: len(range(0, self.cases, self.stride))]",
        "tests": _MEASURES,
        "k": "thinned or capacity_span",
    },
    {
        "file": "spinrnn/recordings/recording.py",
        "old": "self.labels[:: self.stride]",
        "new": "self.labels[: len(range(0, self.cases, self.stride))]",
        "tests": _MEASURES,
        "k": "thinned",
    },
    {
        "file": "spinrnn/recordings/recording.py",
        "old": "self.drive[layer][:: self.stride, :,",
        "new": "self.drive[layer][: len(range(0, self.cases, self.stride)), :,",
        "tests": _MEASURES,
        "k": "thinned",
    },
    _mutation(
        "recall",
        "values = recording.taken_inputs()",
        "values = recording.inputs",
        _MEASURES,
        "capacity_span",
    ),
    # windows, lags, segments
    _mutation("spectra", "WINDOW = 5", "WINDOW = 8", _MEASURES, "five_times"),
    _mutation("spectra", "WINDOW = 5", "WINDOW = 2", _MEASURES, "five_times"),
    _mutation(
        "spectra", "sums = 0.5 + np.cumsum", "sums = 1.0 + np.cumsum", _MEASURES, "five_times"
    ),
    _mutation("spectra", "min(times // 2, LONGEST)", "min(times // 3, LONGEST)", _MEASURES, "lags"),
    _mutation(
        "spectra",
        "int(longest / step + 0.5)",
        "int(longest / step)",
        _MEASURES,
        "lags",
    ),
    _mutation("spectra", "SEGMENTS = 8", "SEGMENTS = 4", _MEASURES, "lags"),
    _mutation(
        "spectra", "share[neuron, -1] / 2", "share[neuron, -1] / 3", _ANALYSIS, "white_noise"
    ),
    _mutation(
        "spectra",
        "total + count * density",
        "total + density",
        _ANALYSIS,
        "spectrum_of_an_ar1",
    ),
    _mutation(
        "spectra",
        "np.where(pairs > 0, products / pairs, np.nan)",
        "products / pairs[:, :1]",
        _ANALYSIS,
        "pairs_of_each_lag",
    ),
    # degrees of freedom and intervals
    _mutation(
        "relaxation",
        "freedom = max(1, len(p) / successive - 3)",
        "freedom = max(1, len(p) / successive)",
        _ANALYSIS,
        "degrees_of_freedom",
    ),
    _mutation(
        "relaxation",
        "np.sqrt(covariance[1, 1] * successive)",
        "np.sqrt(covariance[1, 1])",
        _ANALYSIS,
        "as_often_as_they_say",
    ),
    _mutation(
        "transfer",
        "scipy.stats.t.ppf(0.5 + confidence / 2, freedom)",
        "scipy.stats.norm.ppf(0.5 + confidence / 2)",
        _ANALYSIS,
        "threshold_and_damping",
    ),
    _mutation("transfer", "scale * quantile**2", "scale * quantile", _COVERAGE, "steady_powers"),
    _mutation(
        "intervals",
        "scipy.stats.t.ppf(0.5 + confidence / 2, best.freedom)",
        "scipy.stats.t.ppf(confidence, best.freedom)",
        _COVERAGE,
        "wider_confidence",
    ),
    _mutation(
        "likelihood",
        "factor = samples / max(1, freedom)",
        "factor = 2 * samples / max(1, freedom)",
        _COVERAGE,
        "a_device_is_within",
    ),
    _mutation(
        "likelihood",
        '- np.einsum(\n        "rkm,rmn,rln->kl"',
        '- 0 * np.einsum(\n        "rkm,rmn,rln->kl"',
        _COVERAGE,
        "a_device_is_within",
    ),
    _mutation(
        "devices",
        "if not found.fit.shared_error[k] < LARGEST",
        "if not found.fit.shared_error[k] < 1e9",
        _COVERAGE,
        "does_not_determine",
    ),
    _mutation(
        "devices",
        "np.log(shortest) < np.log(SLOW)",
        "np.log(shortest) < 99",
        _COVERAGE,
        "does_not_determine",
    ),
    {
        "file": "spinrnn/kernels/innovations.py",
        "old": "info[i, j] += by_e * work[_E, j + 1]",
        "new": "info[i, j] += 2.0 * by_e * work[_E, j + 1]",
        "tests": _COVERAGE,
        "k": "a_device_is_within",
    },
    {
        "file": "spinrnn/kernels/innovations.py",
        "old": "work[_P, lane] = v * r / s",
        "new": "work[_P, lane] = v",
        "tests": _COVERAGE,
        "k": "a_device_is_within",
    },
    _mutation(
        "leastsquares",
        "max(1.0, 2 * sums[enough[0]]",
        "max(1.0, sums[enough[0]]",
        _MEASURES,
        "inefficiency",
    ),
    _mutation("classes", "z = 1.96", "z = 1.64", _MEASURES, "wilson"),
    # thresholds and plateaus
    _mutation(
        "plateaus",
        "drifts = np.ptp(part) > 2 * change",
        "drifts = np.ptp(part) > 4 * change",
        _MEASURES,
        "drift_by_twice",
    ),
    _mutation("plateaus", "SHORTEST = 8", "SHORTEST = 7", _MEASURES, "shortest"),
    _mutation(
        "plateaus",
        "measured.sum() > SHORTEST",
        "measured.sum() > 1",
        _MEASURES,
        "shortest",
    ),
    _mutation(
        "plateaus",
        "slice(plateaus.start[k], plateaus.stop[k] + 1)",
        "slice(plateaus.start[k], plateaus.stop[k])",
        _MEASURES,
        "shortest",
    ),
    _mutation(
        "plateaus",
        "row[edges[number - 1] : start].mean()",
        "row[start:stop].mean()",
        _MEASURES,
        "relaxation_in_rows",
    ),
    _mutation(
        "plateaus",
        "np.nanmax(np.abs(drive), initial=0.0) * tolerance",
        "np.nanmedian(np.abs(drive)) * tolerance",
        _MEASURES,
        "beyond_the_tolerance",
    ),
    _mutation("steady", "0.01 * np.ptp(p)", "0.02 * np.ptp(p)", _MEASURES, "rests_where"),
    _mutation(
        "steady",
        "((0.5, 0.75), (0.75, 1.0))",
        "((0.25, 0.5), (0.5, 1.0))",
        _MEASURES,
        "rests_where",
    ),
    _mutation(
        "steady",
        "variance = min(",
        "variance = max(",
        _ANALYSIS,
        "rises_late",
    ),
    _mutation(
        "relaxation", "least, 4 * noise)", "least, 2 * noise)", _MEASURES, "four_times_the_noise"
    ),
    _mutation(
        "relaxation", "20 * plateaus.drift[k]", "0 * plateaus.drift[k]", _ANALYSIS, "drifts_within"
    ),
    _mutation("transfer", "SPAN = 0.1", "SPAN = 0.05", _MEASURES, "span_a_tenth"),
    _mutation("transfer", "FEW = 4", "FEW = 3", _MEASURES, "four_drives"),
    _mutation("transfer", "UNLIKE = 0.05", "UNLIKE = 0.1", _MEASURES, "does_not_follow"),
    _mutation("activity", "SHARE = 0.99", "SHARE = 0.98", _MEASURES, "99_of_100"),
    _mutation("activity", "STILL = 1e-3", "STILL = 2e-3", _MEASURES, "thousandth"),
    _mutation(
        "activity",
        "DEAD, SATURATED = 0.01, 0.9",
        "DEAD, SATURATED = 0.02, 0.9",
        _MEASURES,
        "99_of_100",
    ),
    _mutation(
        "recall", "5 / np.sqrt(self.rows)", "10 / np.sqrt(self.rows)", _MEASURES, "five_standard"
    ),
    _mutation("recall", "% block >= longest)", "% block >= 0)", _ANALYSIS, "shift_register"),
    _mutation("recall", "interval * (good - 1)", "interval * good", _ANALYSIS, "shift_register"),
    _mutation("classes", "_ALIKE = 1e-13", "_ALIKE = -1.0", _MEASURES, "alike"),
    {
        "file": "spinrnn/networks/driving.py",
        "old": "np.abs(sums * scale - rest[:, None])",
        "new": "np.abs(sums * scale)",
        "tests": _ANALYSIS,
        "k": "cumulative_drive_of_a_recording",
    },
    _mutation(
        "drive",
        "np.abs(np.diff(_at_ends",
        "np.square(np.diff(_at_ends",
        _MEASURES,
        "drive_activity",
    ),
    _mutation(
        "dimension",
        "total**2 / squares",
        "total / squares",
        _ANALYSIS,
        "orthogonal_states",
    ),
    # what is reported
    _mutation(
        "steady",
        '"power": found.power,',
        '"power": found.expected,',
        _MEASURES,
        "steady_states_in_rows",
    ),
    _mutation(
        "steady",
        "worst = np.abs(off).argmax()",
        "worst = off.argmax()",
        _MEASURES,
        "steady_states_in_rows",
    ),
    _mutation(
        "relaxation",
        '"rate_low_per_s": found.rate_low,',
        '"rate_low_per_s": found.rate_high,',
        _MEASURES,
        "relaxation_in_rows",
    ),
    _mutation(
        "relaxation",
        '"first_power": found.first,',
        '"first_power": found.last,',
        _MEASURES,
        "relaxation_in_rows",
    ),
    _mutation("relaxation", "{100 * off:.2g} %", "{off:.2g} %", _MEASURES, "relaxation_in_rows"),
    _mutation(
        "relaxation",
        "np.where(low > 0, 1 / low, np.inf)",
        "np.where(high > 0, 1 / high, np.inf)",
        _MEASURES,
        "relaxation_in_rows",
    ),
    _mutation(
        "transfer",
        "[{low:.{digits}g}, {high:.{digits}g}]",
        "[{low:.{digits}g}, {low:.{digits}g}]",
        _MEASURES,
        "transfer_curves_in_rows",
    ),
    _mutation(
        "transfer",
        "values[settled][order] for values",
        "values[settled] for values",
        _MEASURES,
        "transfer_curves_in_rows",
    ),
    _mutation(
        "classes",
        "{100 * c.accuracy[-1]:.1f} %",
        "{c.accuracy[-1]:.1f} %",
        _MEASURES,
        "classes_in_rows",
    ),
    _mutation("classes", '"low": c.low,', '"low": c.high,', _MEASURES, "classes_in_rows"),
    _mutation(
        "spectra",
        '"density_lowest_per_hz": np.nanmin',
        '"density_lowest_per_hz": np.nanmax',
        _MEASURES,
        "spectrum_and_correlation",
    ),
    _mutation(
        "spectra",
        '"integrated_time_s": a.integrated,',
        '"integrated_time_s": a.efold,',
        _MEASURES,
        "spectrum_and_correlation",
    ),
    _mutation(
        "consumption",
        '"neurons_j": found.neurons,',
        '"neurons_j": found.synapses,',
        _MEASURES,
        "energy_in",
    ),
    _mutation("report", '"findings": found,', '"findings": {},', _REPORT, "machines"),
    _mutation(
        "report",
        "len(range(0, recording.cases, recording.stride))",
        "recording.stride",
        _REPORT,
        "machines",
    ),
    # pictures
    _mutation(
        "figures",
        "ax.errorbar(x, result.power, result.spread,",
        "ax.errorbar(x, result.power, None,",
        _FIGURES,
        "steady",
    ),
    _mutation(
        "figures",
        "r.power, r.spread, label=text",
        "r.power, r.residual, label=text",
        _FIGURES,
        "transfer",
    ),
    _mutation(
        "figures",
        "[result.rate - result.rate_low, result.rate_high - result.rate]",
        "[result.rate - result.rate_low, result.rate_high]",
        _FIGURES,
        "relaxation",
    ),
    _mutation(
        "figures",
        "r.density[drawn, 1:] / factor",
        "r.density[drawn, 1:] * factor",
        _FIGURES,
        "spectra",
    ),
    _mutation(
        "figures",
        "r.mean[order], r.deviation[order],",
        "r.mean[order], r.deviation,",
        _FIGURES,
        "sorted",
    ),
    _mutation("figures", "r.score.sum(axis=0)", "r.score[0]", _FIGURES, "memory"),
    _mutation(
        "figures",
        "_band(ax, time, 100 * r.low, 100 * r.high,",
        "_band(ax, time, r.low, r.high,",
        _FIGURES,
        "accuracy",
    ),
    _mutation(
        "figures", "bbox_to_anchor=(1.0, 1.0)", "bbox_to_anchor=(0.5, 1.0)", _FIGURES, "legends"
    ),
    _mutation(
        "figures",
        "np.stack([result.neurons, result.synapses])",
        "np.stack([result.synapses, result.neurons])",
        _FIGURES,
        "energy",
    ),
]
