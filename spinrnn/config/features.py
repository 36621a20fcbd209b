"""Which numbers are made of a sequence: the key data.features, as in "maximum 1,
deviation gyro_z, jerk 1-3".
"""

import re
from typing import NamedTuple

from spinrnn.config.tables import suggest
from spinrnn.errors import ConfigError

STATISTICS = ("mean", "deviation", "maximum", "minimum", "jerk")
"""Numbers of a channel, in the order in which they stand where none are named."""
FORM = '"STATISTIC CHANNEL" between commas, as in "maximum 1, jerk 1-3, mean gyro_x"'
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class Feature(NamedTuple):
    """A number of a sequence.

    Attributes:
        statistic: one of `STATISTICS`; channel: name, or None; first, last: numbers of
            channels from 1, over which the mean is taken, where there is no name.
    """

    statistic: str
    channel: str | None
    first: int
    last: int


def features_of(text: str) -> list[Feature]:
    """The features of a text.

    ConfigError: what is wrong with it, all at once.
    """
    found, problems = [], []
    for part in text.split(","):
        statistic, _, channel = part.strip().partition(" ")
        channel = channel.strip()
        if not channel:
            problems.append(f"must be {FORM}, got {part.strip()!r}")
        elif statistic not in STATISTICS:
            known = ", ".join(STATISTICS)
            hint = suggest(statistic, STATISTICS)
            problems.append(f"{statistic!r} is none of {known}{hint}")
        else:
            feature = _feature(statistic, channel)
            if feature.channel is None and not 1 <= feature.first <= feature.last:
                problems.append(f"channels count from 1 and rise, got {channel!r}")
            found.append(feature)
    if problems:
        raise ConfigError([f"features: {problem}" for problem in problems])
    return found


def _feature(statistic, channel):
    numbers = _RANGE.fullmatch(channel)
    if numbers is None:
        return Feature(statistic, channel, 0, 0)
    return Feature(statistic, None, int(numbers[1]), int(numbers[2] or numbers[1]))
