"""Numbers of an answer as a plot: where points, ticks and lines come to lie; drawn by a template."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 14, 12, 48
LARGEST = 1e250  # that has a place on an axis, so that there is room for a margin among the numbers there are
MARGIN = 0.04  # of the range, on either side


@dataclass(frozen=True)
class Tick:
    """A number at an axis, and where it is."""

    at: float
    text: str


@dataclass(frozen=True)
class Plot:
    """What is drawn.

    Attributes
    ----------
    points : str
        A path of dots.
    n_points, n_left_out : int
        How many there are, and how many rows have no value, or none that can be drawn.
    x_ticks, y_ticks : tuple of Tick
    x_label, y_label : str
    lines : tuple of str
        Paths of a grid on the sky.
    about : str
        The plot in a sentence.
    frame : (float, float, float, float) or None
        Left, top, width and height.
    """

    points: str
    n_points: int
    n_left_out: int
    x_label: str
    y_label: str
    about: str
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    lines: tuple[str, ...] = ()
    frame: tuple[float, float, float, float] | None = field(
        default=(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    )
    width: int = WIDTH
    height: int = HEIGHT


class NothingToDraw(ValueError):
    """There are no two numbers in any row."""


def scatter(pairs: Iterable, x_label: str, y_label: str, *, x_log: bool = False, y_log: bool = False) -> Plot:
    """Plot one number against another.

    Parameters
    ----------
    pairs : iterable of (number or None, number or None)
    x_label, y_label : str
        With their units.
    x_log, y_log : bool
        What is not above zero is left out then.

    Raises
    ------
    NothingToDraw
    """
    pairs = list(pairs)
    drawn = [(plain(x), plain(y)) for x, y in pairs if can_be_drawn(x, x_log) and can_be_drawn(y, y_log)]
    if not drawn:
        raise NothingToDraw("No row has both numbers.")
    x_axis = Axis([x for x, _ in drawn], LEFT, WIDTH - RIGHT, x_log)
    y_axis = Axis([y for _, y in drawn], HEIGHT - BOTTOM, TOP, y_log)
    return Plot(
        dots((x_axis.place(x), y_axis.place(y)) for x, y in drawn),
        len(drawn),
        len(pairs) - len(drawn),
        x_label,
        y_label,
        f"{y_label} against {x_label}: from {x_axis.least:.4g} to {x_axis.most:.4g}, "
        f"and from {y_axis.least:.4g} to {y_axis.most:.4g}",
        x_axis.ticks(),
        y_axis.ticks(),
    )


def can_be_drawn(value, log: bool) -> bool:
    """Say whether a value has a place on an axis."""
    return value is not None and abs(value) < LARGEST and (not log or value > 1 / LARGEST)


def plain(value) -> float:
    """Return a number as it is drawn: what is as small as nothing is nothing."""
    return float(value) if abs(value) > 1 / LARGEST else 0.0


class Axis:
    """Where numbers lie between two ends of an axis, some way within them."""

    def __init__(self, values: list[float], start: float, end: float, log: bool = False) -> None:
        self.least, self.most, self.log = min(values), max(values), log
        low, high = (math.log10(self.least), math.log10(self.most)) if log else (self.least, self.most)
        if high - low <= 1e-12 * max(abs(low), abs(high)):
            low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
        room = (high - low) * MARGIN
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def place(self, value: float) -> float:
        """Return where a value lies."""
        value = math.log10(value) if self.log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> tuple[Tick, ...]:
        """Return round numbers along the axis."""
        if self.log and self.high - self.low > 1.2:
            first, last = math.ceil(self.low), math.floor(self.high)
            step = max(1, math.ceil((last - first) / 7))
            return tuple(
                Tick(self.place(10.0**power), f"{10.0**power:g}") for power in range(first, last + 1, step)
            )
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        values, digits = round_numbers(low, high)
        return tuple(Tick(self.place(value), written(value, digits)) for value in values)


def round_numbers(low: float, high: float, about: int = 6) -> tuple[list[float], int]:
    """Return some round numbers in a range, and how many digits they have after the point."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999) * power
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if f"{step:e}".startswith("2.5") else 0)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first
    return [(first + number) * step for number in range(count + 1)], digits


def written(value: float, digits: int) -> str:
    """Write a number at an axis."""
    if value and (abs(value) >= 1e7 or (digits > 6 and abs(value) < 1e-3)):
        return f"{value:.6g}"
    return f"{value + 0.0:.{digits}f}"


def dots(places: Iterable[tuple[float, float]]) -> str:
    """Return a path of dots: lines without length that have round ends."""
    return "".join(dict.fromkeys(f"M{x:.1f} {y:.1f}h0" for x, y in places))
