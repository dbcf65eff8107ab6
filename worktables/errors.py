"""What can go wrong with worktables, each with the facts and the remedy."""


class WorktableError(Exception):
    """The root of this package's errors; `code` and `status` are what the API answers."""

    code = "worktable-error"
    status = 400

    def facts(self):
        """Return the facts of the error, for the API."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}


class UnfitValue(WorktableError, ValueError):
    """A value does not fit its column."""

    code = "unfit-value"

    def __init__(self, column, value, problem, *, line=None):
        self.column, self.value, self.problem, self.line = column, repr(value)[:200], problem, line
        where = f"line {line}, " if line is not None else ""
        super().__init__(f"{where}column “{column}”: {repr(value)[:80]} {problem}")


class UnknownClass(WorktableError, ValueError):
    """A worker was told to take work of a class that there is not."""

    code = "unknown-class"

    def __init__(self, name, known):
        self.name, self.known = name, list(known)
        super().__init__(f"“{name}” is no class of work; a worker takes {', '.join(known)}, or some of them")


class UnfitName(WorktableError, ValueError):
    """A table or column name cannot be used."""

    code = "unfit-name"

    def __init__(self, name, problem):
        self.name, self.problem = name, problem
        super().__init__(f"“{name}” {problem}")


class EditConflict(WorktableError):
    """Somebody else has changed the cell since it was seen."""

    code = "edit-conflict"
    status = 409

    def __init__(self, column, row_id, seen, present):
        self.column, self.row_id, self.seen, self.present = column, row_id, seen, present
        super().__init__(
            f"“{column}” of row {row_id} was {show(seen)} when you looked and is {show(present)} now; "
            "look again, then decide"
        )


class NotEditable(WorktableError):
    """A computed cell was to be typed."""

    code = "not-editable"

    def __init__(self, column, role):
        self.column, self.role = column, role
        super().__init__(
            f"“{column}” is {role}: it is filled by its step or link, not typed; edit its inputs instead"
        )


class RowsOfALink(WorktableError):
    """A row was to be added to a table whose rows are the items of another one."""

    code = "rows-of-a-link"
    status = 409

    def __init__(self, worktable, link):
        self.worktable, self.link = worktable, link
        super().__init__(
            f"the rows of “{worktable}” are made by the link “{link}”, one of each item of a list, and are "
            "neither added nor copied; change the inputs from which the list is computed"
        )


class NoSuchStep(WorktableError, LookupError):
    """A table has no step of that name."""

    code = "no-such-step"
    status = 404

    def __init__(self, step, worktable, known):
        self.step, self.known = step, list(known)
        super().__init__(
            f"“{worktable}” has no step “{step}”; its steps are {', '.join(self.known) or 'none at all'}"
        )


class NoSuchRow(WorktableError):
    """The row is not there (or was deleted)."""

    code = "no-such-row"
    status = 404

    def __init__(self, row_id):
        self.row_id = row_id
        super().__init__(f"row {row_id} is not in this table, or was deleted")


class NoSuchColumn(WorktableError):
    """The column is not there."""

    code = "no-such-column"

    def __init__(self, name, known=()):
        self.name = name
        listed = f"; its columns are {', '.join(known)}" if known else ""
        super().__init__(f"there is no column “{name}” in this table{listed}")


class ColumnInUse(WorktableError):
    """A column that a step or link needs was to be dropped."""

    code = "column-in-use"
    status = 409

    def __init__(self, name, users):
        self.name, self.users = name, list(users)
        super().__init__(
            f"“{name}” cannot be dropped: {', '.join(self.users)} needs it; rename it or describe it anew instead"
        )


class CannotUndo(WorktableError):
    """A change that cannot be taken back (any more)."""

    code = "cannot-undo"
    status = 409


class CannotKeep(WorktableError):
    """Nothing of a step is stale and has a result that could be kept."""

    code = "cannot-keep"
    status = 409

    def __init__(self, step):
        self.step = step
        super().__init__(
            f"nothing of “{step}” can be kept here: only what was made before and is stale now can; "
            "what is fresh needs it not, and what never ran has nothing to keep"
        )


class LinkRefused(WorktableError):
    """A link that cannot be made, and why."""

    code = "link-refused"


class UnfitFilter(WorktableError, ValueError):
    """A filter that means nothing for its column."""

    code = "unfit-filter"

    def __init__(self, column, text, problem):
        self.column, self.text = column, text
        super().__init__(f"filter “{text}” on “{column}”: {problem}")


class TooLarge(WorktableError):
    """A file or text is larger than one request may bring."""

    code = "too-large"
    status = 413

    def __init__(self, name, size, most):
        self.name, self.size, self.most = str(name), size, most
        super().__init__(
            f"“{name}” has {size} bytes, and {most} is the most that is taken at once; divide it into parts"
        )


def show(value):
    """Write a value as an error message shows it."""
    return "empty" if value is None else repr(value) if isinstance(value, str) else str(value)


class NoSuchVersion(WorktableError, LookupError):
    """A version is none of that step."""

    code = "no-such-version"
    status = 404

    def __init__(self, name, version):
        self.name, self.version = name, str(version)
        super().__init__(f"“{name}” has had no version {version}; its page lists those there are")
