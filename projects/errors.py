"""What can go wrong with projects and the people on them."""


class ProjectError(Exception):
    """The root of everything that goes wrong here; `code` and `status` are for programs."""

    code = "project-error"
    status = 400


class NameRefused(ProjectError):
    """The name of a project cannot be had by whoever asks for it."""

    code = "project-name-refused"


class SlugTaken(NameRefused):
    """A project of that name exists, though perhaps not for the eyes of the asker."""

    code = "project-name-taken"
    status = 409

    def __init__(self, slug):
        self.slug = slug
        super().__init__(f"A project named “{slug}” exists already; choose another name.")


class UnknownRole(ProjectError):
    """The word is not one of the roles."""

    code = "unknown-role"

    def __init__(self, role, known):
        self.role, self.known = role, list(known)
        super().__init__(f"“{role}” is not a role; choose one of {', '.join(self.known)}.")


class UnknownMember(ProjectError):
    """Nobody with that name can be given a role."""

    code = "unknown-member"
    status = 404

    def __init__(self, name, kind="person"):
        self.name, self.kind = name, kind
        account = "an account" if kind == "person" else "a group"
        super().__init__(
            f"There is no {kind} named “{name}”; check the spelling, or ask the curator to make {account}."
        )


class LastOwner(ProjectError):
    """Without an owner nobody could ever share the thing again."""

    code = "last-owner"
    status = 409

    def __init__(self, who, thing):
        self.who, self.thing = str(who), str(thing)
        super().__init__(
            f"{who} is the last owner of “{thing}”; make somebody else an owner first, then change this."
        )
