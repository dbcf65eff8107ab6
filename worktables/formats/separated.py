"""Lines of separated cells, as CSV has them: quotes, line ends inside quotes, and where each row began."""

import io
import re

from worktables.formats.errors import ForbiddenCharacter, UnclosedQuote

QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
LONGEST_CELL = 2000


def records(text, separator=",", name="text", first_line=1):
    """Yield each record as (number of its first line, list of cells).

    A cell that is empty is None; one that is empty in quotes is "". Lines with nothing in them give an empty list.
    """
    number = first_line - 1
    lines = iter(io.StringIO(text, newline=""))
    for line in lines:
        number += 1
        start = number
        if "\0" in line:
            raise ForbiddenCharacter(f"line {number} of “{name}”")
        if '"' not in line:
            line = line.rstrip("\r\n")
            yield start, [cell.strip() or None for cell in line.split(separator)] if line.strip(" ") else []
            continue
        while (cells := _split(line, separator)) is None:
            following = next(lines, None)
            number += 1
            if following is None or number - start > LONGEST_CELL:
                raise UnclosedQuote(name, start)
            if "\0" in following:
                raise ForbiddenCharacter(f"line {number} of “{name}”")
            line += following
        yield start, cells


def _split(line, separator):
    """The cells of a line that has quotes; None if a quote is still open at its end."""
    if line.endswith("\r\n"):
        line = line[:-2]
    elif line.endswith(("\n", "\r")):
        line = line[:-1]
    cells, position = [], 0
    while True:
        first = position
        while separator != " " and line.startswith(" ", first):
            first += 1
        opened = line.startswith('"', first)
        match = QUOTED.match(line, first) if opened else None
        if match:
            end = line.find(separator, match.end())
            rest = line[match.end() : end if end >= 0 else len(line)].strip()
            cells.append(match[1].replace('""', '"') + rest)
        elif opened:
            return None
        else:
            end = line.find(separator, position)
            cells.append(line[position : end if end >= 0 else len(line)].strip() or None)
        if end < 0:
            return cells
        position = end + 1


def separator_of(line):
    """Which of tab, comma and semicolon separates the cells of a line."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max("\t,;", key=bare.count) if any(mark in bare for mark in "\t,;") else ","
