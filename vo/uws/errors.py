"""What can go wrong with a job; each sentence names the value and the remedy."""

from vo.errors import VoError


class PhaseConflict(VoError):
    """A job cannot go from its phase into the one that is asked for."""

    code = "phase-conflict"

    def __init__(self, phase, verb, needed):
        self.phase = str(phase)
        self.needed = [str(one) for one in needed]
        super().__init__(
            f"the job is {self.phase}, and can be {verb} only while it is {' or '.join(self.needed)}"
        )


class UnfitValue(VoError):
    """Something that is said of a job is no such value."""

    code = "unfit-value"

    def __init__(self, name, value, wanted):
        self.field, self.value = name, str(value)[:80]
        super().__init__(f"{name} is “{self.value}”; give {wanted}")


class TooMuch(VoError):
    """A job brings more than is taken."""

    code = "too-much"
    status = 413

    def __init__(self, what, size, limit):
        self.size, self.limit = size, limit
        super().__init__(f"{what} {size:,}; at most {limit:,} are taken, so send less")


class TooManyJobs(VoError):
    """Somebody has very many jobs waiting."""

    code = "too-many-jobs"
    status = 503
    retry_seconds = 60

    def __init__(self, limit):
        self.limit = limit
        super().__init__(
            f"{limit:,} of your jobs wait or run already; abort some, or try again when some have ended"
        )


class NotThere(VoError):
    """A job, or a part of it, is not there, or not for this person; the two look the same."""

    code = "not-found"
    status = 404

    def __init__(self, what="there is no such job; it may have been destroyed, or belong to somebody else"):
        super().__init__(what)
