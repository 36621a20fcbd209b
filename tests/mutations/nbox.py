"""The thermal memristor: its step, its equilibrium, and what is known of it beforehand."""

NEURON = "spinrnn/neurons/memristor.py"
THEORY = "spinrnn/systems/nbox_theory.py"
OXIDE = "spinrnn/systems/nbox_vo2.py"
STEP = {"file": NEURON, "tests": "tests/neurons/test_memristor.py", "k": "each_derivative"}
COARSE = {"file": NEURON, "tests": "tests/neurons/test_memristor.py"}
REST = {"file": NEURON, "tests": "tests/neurons/test_memristor.py", "k": "equilibrium"}
KNOWN = {"file": THEORY, "tests": "tests/systems/test_nbox.py", "k": "threshold or edges"}
VO2 = {"file": OXIDE, "tests": "tests/systems/test_nbox.py", "k": "vanadium or window or minor"}
OWN = {
    "file": "spinrnn/neurons/memristor_vo2.py",
    "tests": "tests/neurons/test_memristor_vo2.py",
    "k": "each_way",
}

MUTATIONS = [
    # Jacobian of the rates
    {**STEP, "old": "q[6] * root / (two * t)", "new": "q[6] * root / t"},
    {**STEP, "old": "-slope * x / t\n", "new": "slope * x / t\n"},
    {**STEP, "old": "(one + g + bent)", "new": "(one + g)"},
    {**STEP, "old": "(two * g + bent)", "new": "(two * g - bent)"},
    {**STEP, "old": "warm - q[2])", "new": "warm + q[2])"},
    # derivatives by numbers
    {**STEP, "old": "-heat * g * g)", "new": "heat * g * g)"},
    {**STEP, "old": "rest = slope / q[4]", "new": "rest = slope * q[4]"},
    {**STEP, "old": "(zero, q[7] - t)", "new": "(zero, t - q[7])"},
    {**STEP, "old": "(-into * slope * root / t,", "new": "(-into * slope / t,"},
    {**STEP, "old": "        (zero, q[2]),", "new": "        (zero, -q[2]),"},
    {**STEP, "old": "owns, 6, one), along", "new": "owns, 5, one), along"},
    # the stages
    {**STEP, "old": "dt + half * second[1])", "new": "dt + half * first[1])"},
    {**STEP, "old": "dv + h * third[0],", "new": "dv + half * third[0],"},
    {**STEP, "old": "jacobian[0][1] * dt", "new": "jacobian[1][0] * dt"},
    {
        **STEP,
        "old": "driven = (j1, j2, j3, j4), (zero, zero), (q[0], zero)",
        "new": "driven = (j1, j2, j3, j4), (zero, zero), (zero, q[0])",
    },
    # a divided step
    {**STEP, "old": "product(own, jacobian)", "new": "product(jacobian, own)"},
    {**STEP, "old": "plus(by_own, product(own, by_u))", "new": "plus(by_own, by_u)"},
    {**STEP, "old": "plus(by_each, product(own, by_numbers))", "new": "by_each"},
    {
        "file": NEURON,
        "old": "    thermal = q[2] * h * two\n",
        "new": "    thermal = q[2] * h\n",
        "tests": "tests/neurons/test_memristor.py",
        "k": "coarse",
    },
    {**COARSE, "old": "MOST = 10_000", "new": "MOST = 64", "k": "hundreds"},
    {**COARSE, "old": "else square_root(-one)", "new": "else h", "k": "too_many"},
    {
        **COARSE,
        "old": "thermal.real > electrical.real else electrical",
        "new": "True else electrical",
        "k": "capacitor",
    },
    {
        **COARSE,
        "old": "return MOST * self.time_unit / strength",
        "new": "return 9 * MOST * self.time_unit / strength",
        "k": "too_many",
    },
    # limits and noise
    {
        **STEP,
        "old": "slope if x.real > 0 else one - one, x",
        "new": "slope, x",
        "k": "takes_the_barrier",
    },
    {**STEP, "old": "moved / (q[8] + q[8])", "new": "moved / q[8]", "k": "kick"},
    {**STEP, "old": "square_root(q[8] * h * r2)", "new": "q[8] * square_root(h * r2)", "k": "kick"},
    # equilibrium
    {**REST, "old": "- resistance * (current - v)", "new": "- resistance * current"},
    {**REST, "old": "- resistance * v * current\n", "new": "- resistance * current\n"},
    {**REST, "old": "sign * v, q[", "new": "v, q["},
    {
        **REST,
        "old": "lowering / BOLTZMANN",
        "new": "lowering / BOLTZMANN / 2",
        "k": "beta or equilibrium",
    },
    # closed forms and eigenvalues
    {**KNOWN, "old": "(a - np.sqrt(a * a - 4", "new": "(a + np.sqrt(a * a - 4"},
    {**KNOWN, "old": "a <= 4 * neuron.ambient", "new": "a <= 2 * neuron.ambient"},
    {**KNOWN, "old": "root / (2 * thermal)", "new": "root / thermal", "k": "edges or jacobian"},
    {**KNOWN, "old": "(r - neuron.series_resistance) / r", "new": "1.0", "k": "edges or hold"},
    {**KNOWN, "old": "- cooled)", "new": "+ cooled)"},
    {**KNOWN, "old": "point.voltage + neuron.load", "new": "neuron.load"},
    # vanadium dioxide
    {
        **VO2,
        "old": "np.clip(temperature, COLDEST, HOTTEST)",
        "new": "temperature",
        "tests": "tests/neurons/test_memristor_vo2.py",
        "k": "study",
    },
    # the neuron of vanadium dioxide
    {**OWN, "old": "kept * inverse, two * kept", "new": "kept * inverse, kept"},
    {**OWN, "old": "p if fresh else p - x * slope", "new": "p if fresh else p"},
    {**OWN, "old": "- two * pi * wave * closing", "new": "+ two * pi * wave * closing"},
    {**OWN, "old": "(zero if cold or hot else by_limited)", "new": "by_limited"},
    {**OWN, "old": "by_gap * (one + by_t)", "new": "by_gap"},
    {
        **OWN,
        "old": "-by_gap * by_proximity, by_gap * q[6] / two",
        "new": "-by_gap, by_gap * q[6] / two",
    },
    {**OWN, "old": "by_gap * q[6] / two)", "new": "by_gap * q[6])"},
    {**OWN, "old": "dt + half * kt, places)", "new": "dt + h * kt, places)"},
    {**OWN, "old": "slopes[1] * places[0]", "new": "slopes[2] * places[0]"},
    {**OWN, "old": "rest - direction * q[6]", "new": "rest + direction * q[6]", "k": "jump"},
    {**OWN, "old": "off - on, zero)", "new": "off + on, zero)"},
    {
        **OWN,
        "old": "off, unseen, way = one - on, one - seen,",
        "new": "off, unseen, way = one - on, one - on,",
    },
    {**VO2, "old": "1 - np.sin(PROXIMITY * x)", "new": "1 - np.sin(x)", "k": "vanadium"},
    {**VO2, "old": "- memory.proximity * left", "new": "- memory.proximity", "k": "vanadium"},
    {**VO2, "old": "looks & (np.sign", "new": "(np.sign"},
    {**VO2, "old": "np.where(looks, temperature, memory.looked)", "new": "temperature"},
    {**VO2, "old": "- np.arctanh(2 * g - 1)", "new": "+ np.arctanh(2 * g - 1)"},
    {**VO2, "old": "by_t + COOLING) / HEAT", "new": "by_t - COOLING) / HEAT"},
]
