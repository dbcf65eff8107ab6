"""What can happen to a query while it runs."""

from vo.errors import VoError


class QueryStopped(VoError):
    """A query took too long, or somebody stopped it."""

    code = "query-stopped"

    def __init__(self, seconds=None):
        if seconds is None:
            super().__init__("the query was stopped")
        else:
            super().__init__(
                f"the query took longer than {seconds:g} seconds and was stopped; narrow it by a cone or TOP, "
                "or ask it as an asynchronous job with a longer execution duration"
            )


class QueryFailed(VoError):
    """The database could not compute what was asked for."""

    code = "query-failed"

    def __init__(self, reason):
        super().__init__(f"the database could not compute this: {reason}")


class DatabaseRefuses(VoError):
    """The database takes no further connection, or is away."""

    code = "database-refuses"
    status = 503
    retry_seconds = 10

    def __init__(self):
        super().__init__(
            "the database takes no further connection just now: it is very busy, or being restarted; ask again in "
            f"{self.retry_seconds} seconds"
        )


class ReaderMissing(VoError):
    """The role that reads is not there."""

    code = "reader-missing"
    status = 503

    def __init__(self, role, account):
        super().__init__(
            "queries are not answered here yet: an administrator of the database must once say "
            f'CREATE ROLE "{role}" NOLOGIN; GRANT "{role}" TO "{account}"; and migrate again'
        )
