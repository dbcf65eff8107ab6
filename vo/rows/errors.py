"""What can go wrong with a row as a job, besides what can with any row and any job."""

from vo.errors import VoError


class Refused(VoError):
    """What is asked of a row cannot be done, in the words of whoever found out."""

    code = "refused"

    def __init__(self, sentence, status=400):
        self.status = status
        super().__init__(sentence)


class HeldBySomebody(VoError):
    """A row is held: it is released by people, who see the reason."""

    code = "held"

    def __init__(self, row_id, reason):
        self.row_id, self.reason = row_id, reason
        why = reason or "the row it comes from is held"
        super().__init__(f"the job is HELD: {why}; release it on its page, then start it")


class NothingToRun(VoError):
    """No step of a row can run."""

    code = "nothing-to-run"

    def __init__(self, column, step):
        self.column, self.step = column, step
        super().__init__(f"“{column}” is empty, and “{step}” needs it; give it a value, then start the job")


class NothingToAbort(VoError):
    """No step of a row waits or runs."""

    code = "nothing-to-abort"

    def __init__(self, phase):
        self.phase = str(phase)
        super().__init__(
            f"the job is {self.phase}, but no step of it waits or runs, so there is nothing to abort"
        )


class CannotBeSet(VoError):
    """Something of a job that a row does not have."""

    code = "cannot-be-set"

    def __init__(self, name, why):
        self.name = name
        super().__init__(f"{name} cannot be set: {why}; leave it out")
