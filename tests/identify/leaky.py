"""A resonator of two states for the tests, as a user writes a kind."""

from dataclasses import dataclass

from spinrnn import Neuron, State, quantity, register


@register
@dataclass(frozen=True)
class Resonator(Neuron):
    """dv/dt = (I - v - w) / tau, dw/dt = (a v - w) / tau_w."""

    kind = "leaky_resonator"
    states = (State("voltage", "V", "membrane voltage v"), State("recovery", "V", "recovery w"))
    drive = State("current", "V", "drive times resistance")

    tau: float = quantity(10e-9, "s", "time constant of v", above=0, fit="log")
    tau_w: float = quantity(50e-9, "s", "time constant of w", above=0, fit="log")
    coupling: float = quantity(0.5, "1", "of w to v", low=0, high=10, fit="plain")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {
            "rate": time_unit / self.tau,
            "slow": time_unit / self.tau_w,
            "a": self.coupling,
        }

    @staticmethod
    def step(q, shared, h, s, current, one):
        """The midpoint rule; the Jacobian is that of these very lines."""
        rate, slow, a = q
        v, w = s
        half = h / (one + one)
        vm = v + half * rate * (current - v - w)
        wm = w + half * slow * (a * v - w)
        v_next = v + h * rate * (current - vm - wm)
        w_next = w + h * slow * (a * vm - wm)
        vm_v, vm_w, vm_i = one - half * rate, -half * rate, half * rate
        wm_v, wm_w = half * slow * a, one - half * slow
        jacobian = (
            (one - h * rate * (vm_v + wm_v), -h * rate * (vm_w + wm_w)),
            (h * slow * (a * vm_v - wm_v), one + h * slow * (a * vm_w - wm_w)),
        )
        by_current = (h * rate * (one - vm_i), h * slow * a * vm_i)
        vm_rate, wm_slow, wm_a = half * (current - v - w), half * (a * v - w), half * slow * v
        by_numbers = (
            (h * (current - vm - wm) - h * rate * vm_rate, -h * rate * wm_slow, -h * rate * wm_a),
            (
                h * slow * a * vm_rate,
                h * (a * vm - wm) - h * slow * wm_slow,
                h * slow * (vm - wm_a),
            ),
        )
        return (v_next, w_next), jacobian, by_current, by_numbers
