"""Times as numbers: modified Julian days of what ISO 8601 writes."""

import re
from datetime import datetime

ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?Z?")
EPOCH = datetime(1858, 11, 17)


def mjd_of(text: str | None) -> float | None:
    """Return the MJD of ``2015-12-31`` or ``2015-12-31T23:59:59.5``; None if it is no time."""
    if text is None or not ISO.fullmatch(text):
        return None
    try:
        passed = datetime.fromisoformat(text.removesuffix("Z")) - EPOCH
    except ValueError:
        return None
    return passed.days + (passed.seconds + passed.microseconds / 1e6) / 86400.0


def iso_of(mjd: float | None) -> str | None:
    """Return an MJD as ISO 8601 writes it, to the microsecond; None if no calendar has it."""
    from datetime import timedelta

    try:
        return (EPOCH + timedelta(days=mjd)).isoformat() if mjd is not None else None
    except (OverflowError, ValueError):
        return None
