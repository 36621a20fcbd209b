"""The macrospin beside the public simulator cmtj: python docs/macrospin_peers.py

    pip install 'spinrnn[macrospin]'     # cmtj, for this comparison alone

Same equation, same constants, same Runge-Kutta step, one process, one thread:

    trajectories of 1 ns with spin torque, field, anisotropy and demagnetising factors
    the threshold current, by bisection of the growth in cmtj, over ours
    seconds for 1000 devices of 10 ns in steps of 1 ps
"""

import sys
import time

import numpy as np

import spinrnn
from spinrnn.neurons.macrospin import CHARGE, HBAR, PERMEABILITY

try:
    import cmtj  # type: ignore[reportMissingImports]
except ImportError:
    sys.exit("cmtj is missing: pip install 'spinrnn[macrospin]'")

# cmtj's constants, see its core/constants.hpp
GYRO, MU0 = 220880.0, 12.566e-7
THEIR_HBAR, THEIR_CHARGE = 6.62607015e-34 / (2 * np.pi), 1.60217662e-19
# A of ours for 1 A of cmtj: its mu_0, hbar and e have fewer digits
UNIT = PERMEABILITY / MU0 * (THEIR_HBAR / THEIR_CHARGE) / (HBAR / CHARGE)
DEVICES = 1000


def ours(**changes):
    """A macrospin with cmtj's gyromagnetic ratio."""
    given = {"gyromagnetic_ratio": GYRO / MU0, "bias_current": 0.0, "current_unit": 1e-3}
    return spinrnn.Macrospin(**(given | changes))


def theirs(macrospin, begin, current):
    """A junction of cmtj with the quantities of a macrospin."""
    demag = [cmtj.CVector(*row) for row in np.diag(macrospin.vector("demag")).tolist()]
    axis = macrospin.vector("axis")
    layer = cmtj.Layer.createSTTLayer(
        id="free",
        mag=cmtj.CVector(*begin),
        anis=cmtj.CVector(*(axis / np.linalg.norm(axis)).tolist()),
        Ms=PERMEABILITY * macrospin.saturation,
        thickness=macrospin.thickness,
        cellSurface=macrospin.area,
        demagTensor=demag,
        damping=macrospin.damping,
        SlonczewskiSpacerLayerParameter=macrospin.asymmetry,
        # its torque stands in the form of Landau and Lifshitz: that of Gilbert turns
        # part of it into a field-like one
        beta=macrospin.damping,
        spinPolarisation=macrospin.polarisation,
    )
    p = macrospin.vector("polariser")
    layer.setReferenceLayer(cmtj.CVector(*(p / np.linalg.norm(p)).tolist()))
    junction = cmtj.Junction([layer])
    field = (macrospin.vector("field") / MU0).tolist()
    junction.setLayerExternalFieldDriver("free", cmtj.AxialDriver(*field))
    # K over Ms in T is a field in A/m
    anisotropy = cmtj.ScalarDriver.getConstantDriver(macrospin.anisotropy * PERMEABILITY / MU0)
    junction.setLayerAnisotropyDriver("free", anisotropy)
    density = cmtj.ScalarDriver.getConstantDriver(UNIT * current / macrospin.area)
    junction.setLayerCurrentDriver("free", density)
    return junction


def network(macrospin, duration, steps, points=1):
    """One macrospin whose input is its current in `current_unit`."""
    config = spinrnn.NetworkConfig(
        layers=(1,),
        inputs=1,
        outputs=1,
        neuron=macrospin,
        input_interval=duration / points,
        substeps=steps // points,
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    net.parameters[net.layout.places("w_ext_0")] = 1
    return net


def trajectory(macrospin, current, duration, steps):
    """(3, steps + 1) of ours."""
    net = network(macrospin, duration, steps)
    found = net.simulate(np.full((1, 1, 1), current / macrospin.current_unit))
    return np.array(
        [found.state[0][0, 0], found.states["my"][0][0, 0], found.states["mz"][0][0, 0]]
    )


def compare_trajectories(out):
    step, duration, kept = 1e-13, 1e-9, 100
    rich = {
        "field_x": 0.1,
        "field_y": 0.02,
        "field_z": 0.3,
        "demag_x": 0.05,
        "demag_y": 0.1,
        "demag_z": 0.85,
        "anisotropy": 1e5,
        "axis_x": 0.3,
        "asymmetry": 1.8,
        "start_angle": 0.5,
    }
    for name, macrospin, current in (
        ("perpendicular field", ours(start_angle=0.1), 5e-4),
        ("all terms", ours(**rich), 2e-3),
        ("all terms, I < 0", ours(**rich), -2e-3),
    ):
        own = trajectory(macrospin, current, duration, round(duration / step))
        junction = theirs(macrospin, own[:, 0].tolist(), current)
        junction.runSimulation(duration, step, kept * step, solverMode=cmtj.RK4)
        log = junction.getLog()
        other = np.array([log[f"free_m{axis}"] for axis in "xyz"])
        # row i of its log stands after step i * kept
        at = np.rint(np.array(log["time"]) / step).astype(int)
        differences = []
        for later in (0, 1):
            here = (at + later)[at + later < own.shape[1]]
            differences.append(np.abs(other[:, : len(here)] - own[:, here]).max())
        worst = min(differences)
        out(f"trajectory, {name}: largest difference of a component {worst:.1e} over 1 ns")


def their_growth(macrospin, begin, current):
    """ln of the ratio of the angle at the end to that at the beginning."""
    junction = theirs(macrospin, begin, current)
    junction.runSimulation(20e-9, 1e-12, 1e-11, solverMode=cmtj.RK4)
    log = junction.getLog()
    z = np.array(log["free_mz"])
    angle = np.arccos(np.clip(z, -1, 1))
    return np.log(angle[-1] / angle[0])


def compare_thresholds(out):
    macrospin = ours(polariser_x=0.0, polariser_z=-1.0)
    own = spinrnn.threshold_current(macrospin)
    begin = [1e-3, 0.0, float(np.sqrt(1 - 1e-6))]
    low, high = 0.5 * own, 1.5 * own
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if their_growth(macrospin, begin, middle) > 0 else (middle, high)
    other = (low + high) / 2
    out(f"threshold: ours {own:.6g} A, cmtj {other:.6g} A, ratio {other / own:.5f}")


def compare_speed(out, devices):
    duration, steps, rounds = 10e-9, 10_000, 3
    macrospin = ours()
    net = network(macrospin, duration, steps)
    currents = np.linspace(1e-4, 6e-4, devices)
    u = currents[:, None, None] / macrospin.current_unit
    spinrnn.set_threads(1)
    net.forward(u[:8])
    own, other = [], []
    begin = [0.01, 0.0, float(np.sqrt(1 - 1e-4))]
    for _ in range(rounds):
        before = time.perf_counter()
        net.forward(u)
        own.append(time.perf_counter() - before)
        before = time.perf_counter()
        some = currents[:: max(1, devices // 50)]
        for current in some:
            junction = theirs(macrospin, begin, float(current))
            junction.runSimulation(duration, 1e-12, duration, solverMode=cmtj.RK4)
        other.append((time.perf_counter() - before) * devices / len(some))
    out(
        f"{devices} devices x 10 ns, 1 ps steps, one thread: ours {min(own):.2f} s, cmtj"
        f" {min(other):.2f} s (from {len(some)} of them), {min(other) / min(own):.1f} times"
    )


def main():
    compare_trajectories(print)
    compare_thresholds(print)
    compare_speed(print, int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES)


if __name__ == "__main__":
    main()
