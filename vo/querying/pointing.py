"""Where in a query something is wrong."""

import re

WORD = re.compile(r"\w+|\s*\S|$")


def point_at(text, position):
    """Return the line of a position, as what is before it, what stands there, and the rest; None without a position."""
    if position is None:
        return None
    number, column = position
    lines = text.split("\n")
    if not 1 <= number <= len(lines):
        return None
    line = lines[number - 1]
    start = min(max(column - 1, 0), len(line))
    match = WORD.match(line, start)
    end = match.end() if match else start
    return line[:start], line[start:end], line[end:]
