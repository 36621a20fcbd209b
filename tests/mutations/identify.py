"""Mutations of the identification of devices: fit, intervals, tests of residuals,
files."""

_RESIDUALS = "tests/identify/test_residuals.py"
_REPORT = "tests/identify/test_report.py"
_BAD = "tests/identify/test_bad_recordings.py"
_FIT = "tests/identify/test_identify.py"
_HOT = "tests/identify/test_thermal.py"
_OUT = "tests/identify/test_outliers.py"
_ANY = "tests/identify/test_any_kind.py"
_RINGS = "tests/identify/test_ringing.py"


def _mutation(file, old, new, tests, k):
    return {"file": f"spinrnn/identify/{file}.py", "old": old, "new": new, "tests": tests, "k": k}


MUTATIONS = [
    {
        "file": "spinrnn/recordings/samples.py",
        "old": "if np.isfinite(size) and size > HIGHEST:",
        "new": "if False:",
        "tests": "tests/identify/test_bad_recordings.py",
        "k": "strong or beyond",
    },
    {
        "file": "spinrnn/recordings/samples.py",
        "old": "return bool(np.allclose(known, np.round(known), rtol=1e-12, atol=0))",
        "new": "return False",
        "tests": "tests/identify/test_bad_recordings.py",
        "k": "whole or floats",
    },
    {
        "file": "spinrnn/identify/outliers.py",
        "old": "squares[squares > (1 + _ROUNDING) * total] = 0.0",
        "new": "pass",
        "tests": "tests/identify/test_outliers.py",
        "k": "alone_fixes",
    },
    # intervals and errors
    _mutation(
        "result",
        "float(stats.t.ppf((1 + level) / 2, freedom))",
        "float(stats.norm.ppf((1 + level) / 2))",
        _REPORT,
        "students",
    ),
    _mutation(
        "result",
        "1.0, float(stats.norm.ppf((1 + level) / 2))",
        "1.0, float(stats.t.ppf((1 + level) / 2, freedom))",
        _REPORT,
        "known_noise_are_normal",
    ),
    _mutation(
        "result",
        "freedom = problem.count - len(free) - gathered.rank",
        "freedom = problem.count - len(free)",
        _REPORT,
        "students or short_keys",
    ),
    _mutation(
        "result",
        "return 2 * solution.cost / freedom,",
        "return solution.cost / freedom,",
        _REPORT,
        "repeated_measurements",
    ),
    _mutation(
        "result",
        "by_labels - basis @ (basis.T @ by_labels)",
        "by_labels",
        _REPORT,
        "unknowns_together",
    ),
    _mutation(
        "result",
        "shift[free] = -inverse",
        "shift[free] = inverse",
        _FIT,
        "uncertainty",
    ),
    _mutation(
        "result",
        "covariance += uncertainty**2 *",
        "covariance += uncertainty *",
        _FIT,
        "uncertainty",
    ),
    _mutation(
        "result",
        "residual / problem.sigma,",
        "residual / np.mean(problem.sigma),",
        _FIT,
        "known_noise_is_tested",
    ),
    _mutation(
        "result",
        "TOGETHER = 1e-7",
        "TOGETHER = 1e-1",
        _FIT,
        "several_cases or simulated_network or uncertainty",
    ),
    _mutation("result", "TOGETHER = 1e-7", "TOGETHER = 1e-30", _FIT, "cannot_tell"),
    # derived numbers and coordinates
    _mutation(
        "oscillator",
        "gamma * (1 - bias) / gain\n",
        "gamma * (bias - 1) / gain\n",
        _REPORT,
        "derived",
    ),
    _mutation(
        "oscillator",
        "-gamma * (1 - bias) / gain**2",
        "gamma * (1 - bias) / gain**2",
        _REPORT,
        "derived",
    ),
    _mutation(
        "oscillator",
        "[bias - 1, 0, gamma, 0, 0, 0]",
        "[bias - 1, gamma, 0, 0, 0, 0]",
        _REPORT,
        "derived",
    ),
    _mutation(
        "models",
        '"log1p": 1 + value',
        '"log1p": value',
        _REPORT,
        "coordinate",
    ),
    _mutation("oscillator", '"Q": -1.0', '"Q": 0.0', _FIT, "negative_nonlinear"),
    _mutation(
        "oscillator",
        "return start * (1 - start)",
        "return start",
        _FIT,
        "jacobian_of",
    ),
    _mutation(
        "problem",
        "(np.arange(self.pieces) + 0.5) / self.pieces",
        "np.arange(self.pieces) / self.pieces",
        _FIT,
        "linearly_between",
    ),
    _mutation(
        "problem",
        "self.sigma = data.noise",
        "self.sigma = np.full((self.cases, 1), data.noise.mean())",
        _FIT,
        "known_noise_is",
    ),
    # tests of the residuals
    _mutation(
        "residuals", "LEVEL = 0.01", "LEVEL = 0.02", _RESIDUALS, "half_of_a_hundredth or overstated"
    ),
    _mutation("residuals", "LEVEL / len(found)", "LEVEL", _RESIDUALS, "half_of_a_hundredth"),
    _mutation("residuals", "LAGS = 20", "LAGS = 10", _RESIDUALS, "ljung"),
    _mutation("residuals", "_ROUNDING = 30", "_ROUNDING = 40", _RESIDUALS, "thirty"),
    _mutation("residuals", "_LEFT = 1e-5", "_LEFT = 1e-8", _RESIDUALS, "imitates"),
    _mutation("residuals", "_LEFT = 1e-5", "_LEFT = 1e-3", _RESIDUALS, "imitates"),
    _mutation("residuals", "np.sum(pairs * r**2)", "np.sum(r**2)", _RESIDUALS, "ljung"),
    _mutation(
        "residuals",
        "stats.chi2.sf(total, freedom)",
        "stats.chi2.cdf(total, freedom)",
        _RESIDUALS,
        "chi_square_test",
    ),
    _mutation(
        "residuals",
        "stats.chi2.cdf(total, freedom) < LEVEL",
        "stats.chi2.sf(total, freedom) < LEVEL",
        _RESIDUALS,
        "overstated",
    ),
    _mutation(
        "residuals",
        "stats.f.sf(ratio, 1, freedom - 1)",
        "stats.chi2.sf(ratio, 1)",
        _RESIDUALS,
        "f_test",
    ),
    _mutation(
        "residuals",
        "max(total - score**2, 0.0) / (freedom - 1)",
        "total / (freedom - 1)",
        _RESIDUALS,
        "f_test",
    ),
    _mutation(
        "residuals",
        "np.sign(suspect.factor) * score * scale",
        "score * scale",
        _RESIDUALS,
        "f_test",
    ),
    _mutation(
        "residuals",
        "abs(suspect.factor) / (left * length)",
        "abs(suspect.factor) / length",
        _RESIDUALS,
        "f_test",
    ),
    _mutation(
        "residuals",
        "float(score**2 / total)",
        "float(abs(score) / total)",
        _RESIDUALS,
        "f_test",
    ),
    _mutation(
        "residuals",
        "-(check.share or 0), check.p",
        "(check.share or 0), check.p",
        _RESIDUALS,
        "stand_first",
    ),
    # suspects
    _mutation(
        "suspects",
        "-gain * self._slope_of_the_drive(stretch)",
        "gain * self._slope_of_the_drive(stretch)",
        _RESIDUALS,
        "small_fault and drive_lag",
    ),
    _mutation(
        "suspects",
        "-gain * drive * np.abs(drive)",
        "gain * drive * np.abs(drive)",
        _RESIDUALS,
        "small_fault and saturation",
    ),
    _mutation(
        "suspects",
        'drive", 1 / self.largest,',
        'drive", self.largest,',
        _RESIDUALS,
        "small_fault and saturation",
    ),
    _mutation(
        "oscillator",
        "-gamma * middle**2",
        "-gamma * middle",
        _RESIDUALS,
        "small_fault and damping",
    ),
    _mutation(
        "suspects",
        "gain * drive * middle",
        "np.abs(gain) * drive * middle",
        _RESIDUALS,
        "gain_state",
    ),
    _mutation("suspects", "share * np.abs(share)", "share", _RESIDUALS, "otherwise"),
    _mutation("suspects", "/ abs(scale) or 1.0", " or 1.0", _RESIDUALS, "gain_state or otherwise"),
    _mutation(
        "suspects", "np.abs(self.gain_now[cases])", "self.gain_now[cases]", _RESIDUALS, "otherwise"
    ),
    _mutation("suspects", "-scale * found.speed", "scale * found.speed", _RESIDUALS, "readout_lag"),
    _mutation(
        "suspects",
        '"offset of the readout", scale,',
        '"offset of the readout", -scale,',
        _RESIDUALS,
        "readout_offset",
    ),
    _mutation(
        "suspects",
        "if label in problem.known and",
        "if problem.known.get(label, (0, 1))[1] == 0 and",
        _RESIDUALS,
        "what_is_fixed",
    ),
    _mutation(
        "suspects",
        "np.diff(given[:, first : last + 1], axis=1)\n",
        "np.diff(given[:, : last + 1], axis=1, prepend=given[:, :1])\n",
        _RESIDUALS,
        "linear",
    ),
    # guesses and search
    _mutation("guesses", "growth, both - growth,", "growth, both + growth,", _REPORT, "integrals"),
    _mutation(
        "fit",
        "found.cost < best.cost * (1 - _SAME)",
        "found.cost > best.cost * (1 - _SAME)",
        _FIT,
        "least_cost",
    ),
    _mutation(
        "oscillator",
        'usual["bias"] = 0.0',
        'usual["bias"] = 1.0',
        _FIT,
        "neuron_of_a_simulated",
    ),
    _mutation("fit", "if len(reached) == 2:", "if len(reached) == 3:", _FIT, "least_cost"),
    _mutation("oscillator", "MOST_ABOVE = 0.05", "MOST_ABOVE = 1.0", _FIT, "wrong_arguments"),
    # what is reported
    _mutation("wording", "100 * check.share", "check.share", _REPORT, "does_not_describe"),
    _mutation("wording", "100 * fit.level", "fit.level", _REPORT, "good_fit"),
    _mutation(
        "wording",
        "rounded(end, error) for end in",
        "rounded(end, 0) for end in",
        _REPORT,
        "good_fit",
    ),
    _mutation("wording", "SLOWEST = 1e3", "SLOWEST = 1e-3", _REPORT, "doubts"),
    _mutation("models", "FAINTEST = 1e-3", "FAINTEST = 1e-9", _REPORT, "doubts"),
    _mutation(
        "wording",
        "elif cases > 1:",
        "elif cases > 0:",
        _REPORT,
        "does_not_describe",
    ),
    _mutation(
        "report",
        "numbers = (drive, data.power[case, k], fit.predicted[case, k],",
        "numbers = (drive, fit.predicted[case, k], data.power[case, k],",
        _REPORT,
        "csv",
    ),
    _mutation(
        "entries",
        "low, high = fit.intervals[name]",
        "high, low = fit.intervals[name]",
        _REPORT,
        "short_keys",
    ),
    _mutation(
        "entries",
        '"share": check.share,',
        '"share": check.estimate,',
        _REPORT,
        "short_keys",
    ),
    _mutation(
        "entries",
        "found.freedom,",
        "len(fit.free),",
        _REPORT,
        "short_keys",
    ),
    _mutation(
        "figures",
        "axhspan(-scale * fit.noise, scale * fit.noise,",
        "axhspan(-fit.noise, fit.noise,",
        _REPORT,
        "picture_of_a_long",
    ),
    _mutation("figures", "np.argsort(-misfits", "np.argsort(misfits", _REPORT, "described_worst"),
    _mutation("figures", "stretches.argmax()", "stretches.argmin()", _REPORT, "picture_of_a_long"),
    {
        "file": "spinrnn/recordings/gaps.py",
        "old": "LOST = 2.5",
        "new": "LOST = 1.5",
        "tests": "tests/recordings/test_samples.py",
        "k": "gaps_are_told",
    },
    _mutation("arguments", "far = (sizes > FAR * usual) |", "far =", _BAD, "in_another_unit"),
    _mutation("figures", "bound = 2 / np.sqrt", "bound = 1 / np.sqrt", _REPORT, "picture_shows"),
    _mutation(
        "figures",
        "range(1, len(correlation) + 1)",
        "range(len(correlation))",
        _REPORT,
        "picture_shows",
    ),
    _mutation(
        "figures",
        "residual = fit.residual[case, own]",
        "residual = fit.predicted[case, own]",
        _REPORT,
        "picture_shows",
    ),
    # kinds in general
    _mutation("sensitivity", "by_level[c] + u * by_gain[c]", "by_level[c]", _ANY, "sensitivities"),
    _mutation("sensitivity", "work[row + 1 + n] * by_q", "work[row + n] * by_q", _ANY, "sensitiv"),
    _mutation("sensitivity", "slopes[j, c]", "slopes[i, c]", _ANY, "sensitivities"),
    _mutation(
        "sensitivity", "work[row] * kicks[e]", "work[at_b] * kicks[e]", _ANY, "sensitivities"
    ),
    _mutation("models", "np.where(near | ~np.isfinite(by), exact, by)", "exact", _ANY, "imaginary"),
    _mutation(
        "models", "(8 * (rough[0] - rough[1])", "(4 * (rough[0] - rough[1])", _ANY, "imaginary"
    ),
    _mutation(
        "problem", "slice(self.first + (self.first > 0),", "slice(self.first,", _ANY, "factor"
    ),
    _mutation("problem", "* d + np.arange(d)] = own", "* d] = own", _ANY, "factor"),
    _mutation("triangles", "part[width:, width:], common", "part[width:, width:]", _HOT, "arrow"),
    _mutation("triangles", "self._parts.get(number)", "None", _HOT, "arrow"),
    _mutation("problem", "+ min(self.samples, STRETCH)", "+ self.samples", _FIT, "kept"),
    _mutation("result", "problem.cases * d :]\n", "problem.cases * d :] * 0\n", _OUT, "leverages"),
    _mutation("problem", "(self.recordings if own", "(0 * self.recordings if own", _ANY, "lengths"),
    _mutation(
        "fit", "np.sqrt(total / np.bincount(", "np.sqrt(1e-4 * np.bincount(", _ANY, "other_lengths"
    ),
    _mutation("steps", "_FINE = 0.3", "_FINE = 3e9", _ANY, "coarse"),
    _mutation("fit", "label in found.held or (own", "(own", _RINGS, "does_not_tell"),
    _mutation("fit", "not away < FAR", "not away < 2 * FAR", _RINGS, "does_not_tell"),
    _mutation("fit", "not away < FAR", "not away < 0.9 * FAR", _RINGS, "does_not_tell"),
    _mutation("fit", "BEGINNING = 1 / 8", "BEGINNING = 1", _RINGS, "period"),
    _mutation(
        "fit", "shortened(2 * part.samples)", "shortened(99 * part.samples)", _RINGS, "period"
    ),
    _mutation(
        "result", "coarse = problem.steps >= MOST_STEPS", "coarse = False", _RINGS, "too_coarse"
    ),
    _mutation("fit", " & (least >= high)", " & (least < high)", _ANY, "bounds_hold"),
    _mutation("fit", " & (least <= low)", "", _HOT, "far_away"),
    _mutation("fit", "(x - low < near) & ", "", _ANY, "next_to"),
    _mutation(
        "result",
        "ends | dict.fromkeys(told, (np.nan, np.nan)),",
        "ends,",
        _ANY,
        "bounds_hold",
    ),
    # outliers
    _mutation(
        "outliers", "1 - np.minimum(leverage", "1 + 0 * np.minimum(leverage", _OUT, "fit_without"
    ),
    _mutation(
        "outliers", "2 * float(tail) * len(residual)", "2 * float(tail)", _OUT, "studentised"
    ),
    _mutation(
        "outliers", "stats.norm.sf(size) if known", "stats.t.sf(size, 5) if known", _OUT, "known"
    ),
    _mutation(
        "outliers", "max(total - squares[worst], 0.0) / others", "total / freedom", _OUT, "studen"
    ),
    _mutation("outliers", "total -= float(squares[worst])", "total -= 0.0", _OUT, "hide"),
    _mutation("fit", "power[one.case, one.sample] = np.nan", "power[0, 0] = np.nan", _OUT, "named"),
    # derivatives of an own kind
    _mutation("slopes", "if error > FALSE:", "if False:", _ANY, "wrong_derivative"),
    _mutation("slopes", "low, high = np.min(sides", "low, high = np.mean(sides", _ANY, "wrong_der"),
    _mutation("slopes", "np.isfinite(given), error, lost", "True, error, lost", _ANY, "wrong_der"),
    _mutation(
        "slopes",
        "np.append(moved.any(axis=0), [",
        "np.append([True] * numbers, [",
        _ANY,
        "diverges",
    ),
    _mutation(
        "slopes", "blurred = np.abs(middles[0] - middles[1])", "blurred = 0.0", _ANY, "diverges"
    ),
    _mutation("slopes", "_ROUNDING * rounding)", "0 * rounding)", _ANY, "diverges"),
    _mutation("slopes", "_ROUNDING * rounding)", "_ROUNDING * rounding.max())", _ANY, "diverges"),
    _mutation("slopes", "if step > last:", "if False:", _ANY, "diverges"),
    _mutation("slopes", "_NEAR_ZERO * most", "0.0 * most", _ANY, "diverges"),
    _mutation("slopes", "np.fmax(np.abs(x), _NEAR_ZERO * most)", "1e8 + 0 * x", _ANY, "diverges"),
    _mutation("slopes", "lost = 0.0 if", "lost = np.inf if", _ANY, "diverges"),
    _mutation(
        "slopes", "return _FAR * seen if seen > 0 else np.inf", "return np.inf", _ANY, "diverges"
    ),
    _mutation(
        "slopes",
        "size = _known(size[:, j]",
        "size = _known(0 * size[:, j] + size[:, j].max()",
        _ANY,
        "diverges",
    ),
    _mutation("slopes", "failed if row is None else row[:2]", "row[:2]", _ANY, "of_a_kick"),
    _mutation("slopes", "row | (noise or {})", "row", _ANY, "of_a_kick"),
    _mutation(
        "slopes",
        "q, s, size = x[:, :numbers],",
        "q, s, size = x[:, :numbers] + 0.01,",
        _ANY,
        "of_a_kick",
    ),
    _mutation("slopes", "0.0 if np.isfinite(size).any() else 1.0", "0.0", _ANY, "wrong_der"),
    _mutation("result", "if intervals[label][0] <= 0", "if False", _REPORT, "units_that_a_file"),
    _mutation("figures", "{data.name_of(case)[-MOST_LETTERS:]}", "{case}", _ANY, "several_files"),
    _mutation("thermal", "optimize.Bounds(*ends)", "None", _HOT, "bounds_hold"),
    # thermal noise
    _mutation("filtering", "2 * half, ANGLES", "half, ANGLES", _HOT, "rule"),
    _mutation(
        "filtering",
        "work[at_m + i * d + j] - work[i] * work[j]",
        "work[at_m + i * d + j]",
        _HOT,
        "filter_equals",
    ),
    _mutation("filtering", "scale * scale * work[at_c", "scale * work[at_c", _HOT, "filter_equals"),
    _mutation(
        "filtering", "size * work[2 * d + i] * work", "work[2 * d + i] * work", _HOT, "equals"
    ),
    _mutation("filtering", "0.5 * h if halves", "h if halves", _HOT, "filter_equals"),
    _mutation("filtering", "if y == y:", "if True:", _HOT, "filter_equals"),
    _mutation(
        "thermal", "covariance = 2 * np.linalg.inv", "covariance = np.linalg.inv", _HOT, "moves"
    ),
    _mutation("thermal", "/ (4 * h[i] * h[j])", "/ (2 * h[i] * h[j])", _HOT, "curvature"),
    _mutation("thermal", "moved = -0.5 * covariance", "moved = -covariance", _HOT, "uncertain"),
    _mutation("thermal", "(x <= self.low)", "(x <= self.low + 1e-6)", _HOT, "far_away"),
    _mutation("thermal", "x if 0 < x < math.inf else own", "x", _HOT, "at_zero"),
    _mutation("thermal", "if faint and np.isnan(whole).any()", "if False", _HOT, "level"),
    _mutation("result", "at = np.flatnonzero(g)", "at = np.arange(len(g))", _HOT, "no_width"),
    _mutation("result", "or name in problem.free else 0.0", "and False else 0.0", _HOT, "least"),
    _mutation("thermal", "_FAINT = 2.71", "_FAINT = -1e9", _HOT, "without_thermal"),
    _mutation("thermal", "BENT, MANY = 0.3", "BENT, MANY = 30.0", _HOT, "near_zero"),
    _mutation(
        "triangles", "share = _dot(own, other, j)", "share = 2 * _dot(own, other, j)", _HOT, "tri"
    ),
]
