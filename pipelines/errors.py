"""What can go wrong with steps, their ports and the graphs they form; every message names the remedy."""


class PipelinesError(Exception):
    """The root of what the pipelines refuse."""

    code = "pipelines-error"
    status = 400


class BadStep(PipelinesError, ValueError):
    """A step is declared in a way that cannot work."""

    code = "bad-step"
    status = 500

    def __init__(self, step, problem):
        self.step, self.problem = step, problem
        super().__init__(f"step “{step}” is not declared well: {problem}")


class UnknownStep(PipelinesError, LookupError):
    """There is no step of that name."""

    code = "unknown-step"

    def __init__(self, name, known=()):
        self.name, self.known = name, sorted(known)
        super().__init__(f"there is no step “{name}”; the steps are {', '.join(self.known) or 'none at all'}")


class StepNotInstalled(PipelinesError, LookupError):
    """No registered version of a step has the code that is asked for."""

    code = "step-not-installed"

    def __init__(self, name, fingerprint, version=""):
        self.name, self.fingerprint, self.version = name, fingerprint, version
        which = f"version {version} ({fingerprint[:8]})" if version else f"the code {fingerprint[:8]}"
        super().__init__(
            f"needs “{name}” {which}, which is not installed here; unpin it in the table's versions, or install it"
        )


class PortGone(PipelinesError, LookupError):
    """A version of a step has no port of that name, to which a table has tied a column."""

    code = "port-gone"

    def __init__(self, step, version, use, port):
        self.step, self.version, self.use, self.port = step, version, use, port
        super().__init__(
            f"“{step}” version {version} has no {use} “{port}”, to which this table ties a column; "
            "pin the table to an earlier version, or make a new table"
        )


class SourceMissing(PipelinesError, LookupError):
    """The source text of a module cannot be read, so nobody could say later which code ran."""

    code = "source-missing"
    status = 500

    def __init__(self, module):
        self.module = module
        super().__init__(
            f"the source of “{module}” cannot be found; a step must live in a file of an importable module"
        )


class BadParameter(PipelinesError, ValueError):
    """A parameter's value is of the wrong kind, or outside its limits."""

    code = "bad-parameter"

    def __init__(self, parameter, value, needed):
        self.parameter, self.value, self.needed = parameter, value, needed
        super().__init__(f"parameter “{parameter}” cannot be {value!r}: it must be {needed}")


class WrongValue(PipelinesError, ValueError):
    """A value does not fit the port it was given to."""

    code = "wrong-value"

    def __init__(self, port, value, needed):
        self.port, self.value, self.needed = port, value, needed
        shown = repr(value[:60] if isinstance(value, str | bytes | list | tuple) else value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        super().__init__(f"“{port}” cannot hold {shown}: it needs {needed}")


class UnknownUnit(PipelinesError, ValueError):
    """A unit that nobody knows."""

    code = "unknown-unit"

    def __init__(self, unit):
        self.unit = unit
        super().__init__(
            f"“{unit}” is not a unit; write it as in the VO, for example “Jy/beam”, “arcsec” or “GHz”"
        )


class GraphError(PipelinesError, ValueError):
    """A pipeline document that does not make a graph of steps."""

    code = "bad-graph"


class BadDocument(GraphError):
    """The document has not the form of a pipeline."""

    code = "bad-document"


class StepTwice(GraphError):
    """Two steps of one pipeline have the same name."""

    code = "step-twice"

    def __init__(self, name):
        self.name = name
        super().__init__(f"two steps are called “{name}”; give one of them another name")


class UnknownPort(GraphError):
    """A port or parameter that the step does not have."""

    code = "unknown-port"

    def __init__(self, step, use, port, known):
        self.step, self.use, self.port, self.known = step, use, port, sorted(known)
        listed = ", ".join(self.known) or "none"
        super().__init__(f"step “{step}” has no {use} “{port}”; it has {listed}")


class UnboundInput(GraphError):
    """A required input is tied to no column."""

    code = "unbound-input"

    def __init__(self, step, port):
        self.step, self.port = step, port
        super().__init__(f"input “{port}” of step “{step}” is required, but tied to no column")


class WrittenTwice(GraphError):
    """Two steps would fill one column."""

    code = "written-twice"

    def __init__(self, column, first, second):
        self.column, self.first, self.second = column, first, second
        super().__init__(
            f"column “{column}” would be filled by {first} and by {second}; "
            "a column has one origin: rename one of them"
        )


class KindMismatch(GraphError):
    """A column of one kind is tied to a port of another."""

    code = "kind-mismatch"

    def __init__(self, column, kind, step, port, needed):
        self.column, self.kind, self.step, self.port, self.needed = column, kind, step, port, needed
        super().__init__(f"column “{column}” holds {kind}, but “{port}” of step “{step}” needs {needed}")


class UnitMismatch(GraphError):
    """A value in one unit is read in another into which it cannot be converted."""

    code = "unit-mismatch"

    def __init__(self, have, need, where=""):
        self.have, self.need, self.where = have, need, where
        place = f"{where}: " if where else ""
        super().__init__(
            f"{place}“{have or 'no unit'}” cannot be converted to “{need or 'no unit'}”; "
            "tie it to a column in a matching unit"
        )


class GraphCycle(GraphError):
    """Steps that wait for each other for ever."""

    code = "cycle"

    def __init__(self, names):
        self.names = list(names)
        circle = " → ".join(f"“{name}”" for name in [*self.names, self.names[0]])
        super().__init__(f"these steps wait for each other: {circle}; untie one of them")
