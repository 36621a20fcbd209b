"""How much `spinrnn bench` measures, in full and with --quick."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        sgemm: rows of the matrices; rounds, seconds: of each measurement in turns, at
            most.
        reference: (neurons, points) of the reference work; float64: neurons of it that
            are done in float64 too.
        sparse: (neurons, density, points); crossover: (neurons, points, densities);
            threads: neurons.
        long: input points of the long sequence; starts: new processes for each kind of
            start.
        growth_neurons, growth_points, growth_batch, growth_density: what is varied;
            growth_n: neurons of the last; brief: input points where neurons and density
            grow.
        mnist: batches of the epoch, None for all.
        reservoirs: (neurons, points of the series).
        devices: (neurons of a layer, cases of a step) of networks of devices; rf: cases
            of a step of the RF network; widths, cases: along which their step grows.
    """

    sgemm: int = 2048
    rounds: int = 9
    seconds: float = 20
    reference: tuple[tuple[int, int], ...] = ((32, 64), (128, 64), (512, 64))
    float64: tuple[int, ...] = (32, 128)
    sparse: tuple[tuple[int, float, int], ...] = ((256, 0.1, 64), (1024, 0.01, 16))
    crossover: tuple[tuple[int, int, tuple[float, ...]], ...] = (
        (128, 64, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
        (512, 8, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
    )
    threads: tuple[int, ...] = (32, 128)
    long: int = 2500
    starts: int = 3
    growth_neurons: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    growth_points: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    growth_batch: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024)
    growth_density: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08, 0.16, 0.4, 0.6, 0.8, 1.0)
    growth_n: int = 512
    brief: int = 32
    mnist: int | None = None
    reservoirs: tuple[tuple[int, int], ...] = ((100, 20_000), (300, 20_000))
    devices: tuple[int, int] = (1024, 100)
    rf: int = 256
    widths: tuple[int, ...] = (256, 512, 1024, 2048)
    cases: tuple[int, ...] = (10, 100, 1000)


FULL = Sizes()
QUICK = Sizes(
    rounds=3,
    seconds=1,
    reference=((32, 64), (128, 64), (512, 8)),
    float64=(32,),
    sparse=((256, 0.1, 16), (1024, 0.01, 4)),
    crossover=((128, 16, (0.2, 0.35, 0.5)),),
    threads=(32,),
    long=2500,
    starts=1,
    growth_neurons=(32, 128, 512),
    growth_points=(64, 256, 1024),
    growth_batch=(64, 256, 1024),
    growth_density=(0.02, 0.06, 0.18, 0.4, 0.7, 1.0),
    growth_n=256,
    brief=8,
    mnist=40,
    reservoirs=((100, 20_000),),
    widths=(256, 1024),
    cases=(10, 100),
)
