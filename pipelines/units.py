"""Units of columns and ports: whether one can be read as the other, and by which factor."""

from functools import lru_cache
from typing import Any

from pipelines.errors import UnitMismatch, UnknownUnit


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Any:
    """Return the `astropy.units` unit a text names, or raise `UnknownUnit`; no text is no unit."""
    from astropy import units

    try:
        return units.Unit(text or "", parse_strict="raise")
    except (ValueError, TypeError):
        raise UnknownUnit(text) from None


@lru_cache(maxsize=4096)
def factor_between(have: str, need: str, where: str = "") -> float:
    """Return by what a value in the unit `have` is multiplied to be in `need`, or raise `UnitMismatch`.

    A value without unit is a pure number: it is not silently taken to be in whatever is needed.
    """
    if have == need:
        return 1.0
    from astropy import units

    one, other = parse_unit(have), parse_unit(need)
    if one == other:
        return 1.0
    if not (isinstance(one, units.UnitBase) and isinstance(other, units.UnitBase)):
        raise UnitMismatch(have, need, where)  # magnitudes and decibels are no multiples of each other
    try:
        return float(one.to(other))
    except units.UnitConversionError:
        raise UnitMismatch(have, need, where) from None


def carry_factor(have: str, need: str, kind: str, where: str = "") -> float:
    """Return by what a value is multiplied on its way between columns; one without a unit takes it as it is."""
    return factor_between(have, need, where) if have and need and kind in ("float", "array") else 1.0


def converted(value: Any, factor: float) -> Any:
    """Return a value, or a list of values, in the other unit; missing values stay missing."""
    if factor == 1.0 or value is None:
        return value
    if isinstance(value, list | tuple):
        return [converted(each, factor) for each in value]
    return value * factor
