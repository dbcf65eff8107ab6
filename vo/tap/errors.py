"""What can be wrong with a request to TAP."""

from vo.errors import VoError


class BadParameter(VoError):
    """A parameter is missing, comes twice, or says what cannot be."""

    code = "bad-parameter"

    def __init__(self, name, problem):
        self.parameter = name
        super().__init__(f"{name}: {problem}")


class UploadRefused(VoError):
    """An uploaded table cannot be used."""

    code = "upload-refused"

    def __init__(self, name, problem):
        self.upload = name
        super().__init__(f"the uploaded table “{name}” cannot be used: {problem}")
