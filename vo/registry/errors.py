"""What can be wrong with a request for records, by the codes of OAI-PMH 2.0 (section 3.6)."""

from vo.errors import VoError


class OaiError(VoError):
    """A request cannot be answered; the answer says why, with one of the codes of OAI-PMH."""

    status = 200  # errors are answers there

    @property
    def knows_request(self):
        """Whether the answer repeats what was asked: not if that makes no sense."""
        return self.code not in ("badVerb", "badArgument")


class BadVerb(OaiError):
    """No verb, more than one, or one that there is not."""

    code = "badVerb"


class BadArgument(OaiError):
    """An argument is missing, is not for this verb, comes twice, or makes no sense."""

    code = "badArgument"


class CannotDisseminateFormat(OaiError):
    """There are no records in that format."""

    code = "cannotDisseminateFormat"

    def __init__(self, prefix, known):
        super().__init__(f"“{prefix}” is not among the formats of records: {', '.join(known)}")


class IdDoesNotExist(OaiError):
    """No record has that identifier."""

    code = "idDoesNotExist"

    def __init__(self, identifier):
        super().__init__(
            f"no record here has the identifier “{identifier[:200]}”; ListIdentifiers names them all"
        )


class NoRecordsMatch(OaiError):
    """There is nothing to list."""

    code = "noRecordsMatch"

    def __init__(self):
        super().__init__("no record fits these dates and this set")


class BadResumptionToken(OaiError):
    """A token is not one of ours."""

    code = "badResumptionToken"

    def __init__(self):
        super().__init__(
            "this resumption token is not one of ours, or was for another verb; begin the list anew"
        )
