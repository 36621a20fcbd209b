"""Kinds of neurons with one and three states, for tests."""

from dataclasses import dataclass

from spinrnn.config.kinds import register
from spinrnn.config.quantity import quantity
from spinrnn.neurons.protocol import Neuron, State


@register
@dataclass(frozen=True)
class Memristor(Neuron):
    """dp/dt = (-p + (I^2 / (1 + I^2)) (1 - p)) / tau, from a rest that is not 0."""

    kind = "made_memristor"
    states = (State("conductance", "S", "conductance p"),)
    schemes = ("exponential", "euler")

    tau: float = quantity(20e-9, "s", "time constant", above=0, spread=True, fit="log")
    start: float = quantity(0.3, "1", "at the start", low=0, high=1, fit="plain")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / (self.tau * factors["tau"]), "start": self.start}

    def rest(self, q):
        return (q["start"],)

    @staticmethod
    def step(q, shared, h, s, current, one):
        rate, (p,) = q[0], s
        square = current * current
        bottom = one + square
        target = square / bottom
        by_target = (current + current) / (bottom * bottom)
        change = target * (one - p) - p
        slope = -(target + one)
        # a Taylor step of second order: dp/dt' = slope dp/dt
        grown = h * rate * (one + h * rate * slope / (one + one))
        by_grown_i = h * rate * h * rate * (-by_target) / (one + one)
        by_rate = h * (one + h * rate * slope)
        p_next = p + grown * change
        jacobian = ((one + grown * slope,),)
        by_i = grown * by_target * (one - p) + by_grown_i * change
        return (p_next,), jacobian, (by_i,), ((by_rate * change, one - one),)


@register
@dataclass(frozen=True)
class Chain(Neuron):
    """Three states: x' = I - x - f z, y' = x - y - I/2, z' = y^2 - z + I/4; x is
    emitted."""

    kind = "made_chain"
    states = (State("x", "1", "first"), State("y", "1", "second"), State("z", "1", "third"))
    schemes = ("euler",)

    tau: float = quantity(10e-9, "s", "time constant", above=0, fit="log")
    feedback: float = quantity(0.2, "1", "of z to x", fit="plain")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau, "feedback": self.feedback}

    @staticmethod
    def step(q, shared, h, s, current, one):
        rate, feedback = q
        x, y, z = s
        k, zero, two = h * rate, one - one, one + one
        half, quarter = current / two, current / (two * two)
        dx, dy, dz = current - x - feedback * z, x - y - half, y * y - z + quarter
        after = x + k * dx, y + k * dy, z + k * dz
        jacobian = (
            (one - k, zero, -k * feedback),
            (k, one - k, zero),
            (zero, k * two * y, one - k),
        )
        by_numbers = ((h * dx, -k * z), (h * dy, zero), (h * dz, zero))
        return after, jacobian, (k, -k / two, k / (two * two)), by_numbers


@register
@dataclass(frozen=True)
class Growing(Neuron):
    """x' = I - x, y' = 9 I^2 y from 1: y, which is not emitted, grows while there is a
    drive.
    """

    kind = "made_growing"
    states = (State("x", "1", "emitted"), State("y", "1", "growing"))
    schemes = ("euler",)

    tau: float = quantity(10e-9, "s", "time constant", above=0)

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau}

    def rest(self, q):
        return 0.0, 1.0

    @staticmethod
    def step(q, shared, h, s, current, one):
        (rate,), (x, y), zero = q, s, one - one
        k, nine = h * rate, (one + one + one) * (one + one + one)
        factor = one + k * nine * current * current
        after = x + k * (current - x), y * factor
        jacobian = (one - k, zero), (zero, factor)
        by_drive = k, y * k * nine * (current + current)
        return (
            after,
            jacobian,
            by_drive,
            ((h * (current - x),), (y * h * nine * current * current,)),
        )


@register
@dataclass(frozen=True)
class Settled(Chain):
    """The same from three different states at rest, of which no number knows."""

    kind = "made_settled"

    begin: float = quantity(0.3, "1", "x at the start", fit="plain")

    def bias(self, q):
        return self.begin / 2

    def rest(self, q):
        return (self.begin, q["feedback"], self.begin**2)
