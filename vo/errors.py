"""What can go wrong when something is published or asked for; each error names the thing and the remedy."""


class VoError(Exception):
    """Something cannot be done as asked."""

    code = "vo-error"
    status = 400


class NotUpToDate(VoError):
    """Rows wait to be computed, so what would be published is not what their inputs say."""

    code = "not-up-to-date"
    status = 409

    def __init__(self, table, count):
        self.table, self.count = table, count
        rows, are = ("row", "is") if count == 1 else ("rows", "are")
        super().__init__(
            f"{count:,} {rows} of “{table}” {are} not up to date; "
            "update the table, wait until it is done, then publish it"
        )


class NothingToPublish(VoError):
    """A table has no rows, or no columns."""

    code = "nothing-to-publish"

    def __init__(self, table, what):
        self.table = table
        super().__init__(f"“{table}” has no {what} yet, so there is nothing to publish")


class UnfitPublishedName(VoError):
    """A name that means something else in ADQL."""

    code = "unfit-published-name"

    def __init__(self, name, why):
        self.name = name
        super().__init__(f"“{name}” cannot be a published name: {why}; rename it first")


class FieldNeeded(VoError):
    """What must be said of a published table was left empty."""

    code = "field-needed"

    def __init__(self, name, why):
        self.field, self.remedy = name, f"{why[0].upper()}{why[1:]}."
        super().__init__(f"{name}: {why}")


class ScopeNotFree(VoError):
    """A scope cannot be what was asked for."""

    code = "scope-not-free"
