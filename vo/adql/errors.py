"""What can be wrong with a query, in one sentence with the place and a hint."""

from collections.abc import Iterable
from difflib import get_close_matches


class AdqlError(ValueError):
    """The query cannot be answered as it is written.

    Parameters
    ----------
    message : str
        What is wrong, without a full stop at its end.
    position : (int, int), optional
        Line and column of the query, counted from 1.
    hint : str
        What to write instead.
    """

    def __init__(self, message: str, position: tuple[int, int] | None = None, hint: str = "") -> None:
        self.message, self.position, self.hint = message, position, hint
        place = f" (line {position[0]}, column {position[1]})" if position else ""
        end = "" if hint.endswith("?") else "."
        super().__init__(f"{message}{place}" + (f"; {hint}{end}" if hint else "."))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return “did you mean …?” for the known names that look alike, or nothing."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    return "did you mean " + " or ".join(by_lower[each] for each in close) + "?" if close else ""
