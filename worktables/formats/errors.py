"""What can go wrong between a table and a file; each error names the thing and the remedy."""

from dataclasses import asdict
from difflib import get_close_matches


class FormatError(ValueError):
    """A table cannot be read or written as asked."""

    code = "format-error"
    status = 400


class UnknownFormat(FormatError):
    """There is no format of that name."""

    code = "unknown-format"

    def __init__(self, name, known):
        self.name, self.known = name, tuple(known)
        super().__init__(f"there is no format “{name}”{suggestion(name, known)}; choose {', '.join(known)}")


class MissingLibrary(FormatError):
    """A format needs a library that is not installed."""

    code = "missing-library"
    status = 501

    def __init__(self, format_name, library, extra):
        self.format_name, self.library = format_name, library
        super().__init__(
            f"{format_name} needs {library}, which is not installed: pip install 'stoa[{extra}]'"
        )


# Writing


class BadValue(FormatError):
    """A cell holds something its column cannot."""

    code = "bad-value"

    def __init__(self, column, value, kind):
        self.column, self.value, self.kind = column, value, kind
        super().__init__(f"column “{column}” of kind {kind} cannot hold {shortened(value)}")


class NullInData(FormatError):
    """The number that shall stand for "no value" in a FITS file is itself a value of the column."""

    code = "null-in-data"

    def __init__(self, column, sentinel):
        self.column, self.sentinel = column, sentinel
        super().__init__(
            f"column “{column}” holds {sentinel}, which stands for “no value” in a FITS file; "
            "choose a number for “no value” that the column does not hold, or download VOTable"
        )


class NoNull(FormatError):
    """A column declared to be without nulls has one."""

    code = "no-null"

    def __init__(self, column):
        self.column = column
        super().__init__(
            f"column “{column}” has an empty cell, but was declared to have none; "
            "give it a number that stands for “no value”"
        )


class RowCountDiffers(FormatError):
    """More or fewer rows came than the header of the file has promised."""

    code = "row-count-differs"
    status = 500

    def __init__(self, promised, written):
        self.promised, self.written = promised, written
        super().__init__(
            f"{promised} rows were promised in the header, but {written} came; "
            "count and read the rows in one snapshot, then download again"
        )


class TextTooLong(FormatError):
    """A text is longer than the width its column was given."""

    code = "text-too-long"
    status = 500

    def __init__(self, column, width, found):
        self.column, self.width, self.found = column, width, found
        super().__init__(
            f"column “{column}” was declared {width} bytes wide, but has a text of {found} bytes; "
            "measure widths and read the rows in one snapshot, then download again"
        )


class CellsDiffer(FormatError):
    """A row handed to a writer has not one cell for each field."""

    code = "cells-differ"
    status = 500

    def __init__(self, found, expected):
        self.found, self.expected = found, expected
        super().__init__(f"a row has {found} cells, but the table has {expected} columns")


# Reading


class NotATable(FormatError):
    """What was given is not a table we can read."""

    code = "not-a-table"

    def __init__(self, name, why):
        self.name = name
        super().__init__(
            f"“{name}” is not a table we can read: {why}. Give a CSV, ECSV, VOTable, FITS or Parquet table"
        )


class TruncatedFile(FormatError):
    """The file ends before its table does."""

    code = "truncated-file"

    def __init__(self, name, why):
        self.name = name
        super().__init__(f"“{name}” is cut off: {why}. Fetch the file again, and check its size")


class UnclosedQuote(TruncatedFile):
    """A quote in separated text is opened, and never closed."""

    code = "unclosed-quote"

    def __init__(self, name, line):
        self.name, self.line = name, line
        FormatError.__init__(
            self,
            f"the quote opened in line {line} of “{name}” is never closed; close it, or fetch the file again "
            "if it was cut off",
        )


class NoColumns(FormatError):
    """The table has no columns."""

    code = "no-columns"

    def __init__(self, name):
        self.name = name
        super().__init__(f"the table in “{name}” has no columns; its first line must name them")


class DuplicateColumns(FormatError):
    """Two columns have one name."""

    code = "duplicate-columns"

    def __init__(self, names):
        self.names = tuple(names)
        quoted = ", ".join(f"“{name}”" for name in self.names)
        super().__init__(f"more than one column is called {quoted}; give each column a name of its own")


class WrongNumberOfCells(FormatError):
    """A row has too few or too many cells."""

    code = "wrong-number-of-cells"

    def __init__(self, line, found, expected):
        self.line, self.found, self.expected = line, found, expected
        fault = "too few" if found < expected else "too many"
        super().__init__(
            f"line {line} has {fault} cells: {found} found, {expected} expected; "
            "leave a cell empty where there is no value, and put quotes around text with the separator in it"
        )


class ForbiddenCharacter(FormatError):
    """A text has a character that no table may hold: NUL, or half of a surrogate pair."""

    code = "forbidden-character"

    def __init__(self, where, character="\0"):
        self.where, self.character = where, character
        what = "a NUL byte" if character == "\0" else f"the lone surrogate U+{ord(character):04X}"
        super().__init__(f"{where} holds {what}; remove it, or save the table again as UTF-8 text")


class UnknownUnit(FormatError):
    """A unit nobody knows."""

    code = "unknown-unit"

    def __init__(self, column, unit, near=()):
        self.column, self.unit, self.near = column, unit, tuple(near)
        remedy = "write it as in “Jy/beam”, or leave it empty"
        if self.near:
            remedy = f"did you mean {' or '.join(f'“{name}”' for name in self.near)}?"
        super().__init__(f"column “{column}” has the unknown unit “{unit}”; {remedy}")


class BadCell(FormatError):
    """A text does not say a value of the kind its column holds."""

    code = "bad-cell"

    def __init__(self, kind, text, remedy):
        self.kind, self.text, self.remedy = kind, text, remedy
        super().__init__(f"{shortened(text)} is not {WHAT.get(kind, kind)}: {remedy}")


class UnknownColumn(FormatError):
    """A pasted header names a column the table does not have."""

    code = "unknown-column"

    def __init__(self, name, known):
        self.name, self.known = name, tuple(known)
        super().__init__(
            f"line 1 names the column “{name}”, which this table does not have{suggestion(name, known)}; "
            f"its columns are {', '.join(known)}"
        )


class NothingPasted(FormatError):
    """The pasted text has no rows."""

    code = "nothing-pasted"

    def __init__(self):
        super().__init__("there is no row in the text; paste one row a line, commas or tabs between cells")


class BadCells(FormatError):
    """Cells of a text that do not fit; `problems` lists each with its line, column and value."""

    code = "bad-cells"

    def __init__(self, problems):
        self.problems = tuple(problems)
        first = self.problems[0]
        more = len(self.problems) - 1
        others = f" (and {more} more {'cell' if more == 1 else 'cells'})" if more else ""
        super().__init__(f"line {first.line}, column “{first.column}”: {first.detail}{others}")

    def facts(self):
        """Return the problems as plain values, for programs."""
        return {"problems": [asdict(problem) for problem in self.problems]}


WHAT = {
    "bool": "true or false",
    "int": "an integer",
    "float": "a number",
    "text": "a text",
    "time": "a time",
    "position": "a sky position",
    "array": "an array",
    "product": "a file's sha256",
    "catalogue": "a catalogue's sha256",
}


def shortened(value):
    """Quote a value for a message, cut at 60 characters."""
    text = value if isinstance(value, str) else repr(value)
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"


def suggestion(name, known):
    """Say what was probably meant, or nothing."""
    near = get_close_matches(name, list(known), 1)
    return f" (did you mean “{near[0]}”?)" if near else ""
