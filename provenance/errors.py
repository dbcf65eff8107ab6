"""What can go wrong when somebody asks for lineage."""


class ProvenanceError(Exception):
    """The root of this floor's errors."""

    code = "provenance-error"
    status = 400


class UnfitQuestion(ProvenanceError):
    """A parameter of the question is not one of those that can be answered."""

    code = "unfit-question"

    def __init__(self, name, text, remedy):
        super().__init__(f"{name} “{text}” cannot be: {remedy}")
        self.name, self.text = name, text
