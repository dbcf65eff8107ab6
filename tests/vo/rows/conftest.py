"""A table whose rows are jobs, and the cast as programs: each with a client that proves who they are by a token."""

import xml.etree.ElementTree as ElementTree

import pytest
from django.test import Client

from portal.accounts.tokens import create_token
from tests.vo.uws.test_documents import xsdvalidate  # noqa: F401
from worktables.creating import describe_worktable

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
HREF = "{http://www.w3.org/1999/xlink}href"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
CUSTOM = "{urn:uwscustom}"


class Program:
    """A client of jobs, as a program signs its requests."""

    def __init__(self, base, user=None):
        self.base, self.client = base, Client(raise_request_exception=False)
        self.signed = {"Authorization": f"Bearer {create_token(user, 'tests')[1]}"} if user else {}

    def get(self, place="", **asked):
        return self.client.get(self.base + place, asked, headers=self.signed)

    def post(self, place="", **said):
        return self.client.post(self.base + place, said, headers=self.signed)

    def delete(self, place=""):
        return self.client.delete(self.base + place, headers=self.signed)

    def make(self, **said):
        """Make a job and return its place."""
        answer = self.post(**said)
        assert answer.status_code == 303, answer.content
        return answer["Location"].removeprefix(f"http://testserver{self.base}")

    def phase(self, place):
        return self.get(f"{place}/phase").content.decode()

    def document(self, place="", **asked):
        answer = self.get(place, **asked)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml"), answer.content
        return ElementTree.fromstring(answer.content)


@pytest.fixture
def base(worktable):
    return f"/worktables/{worktable.pk}/jobs"


@pytest.fixture
def program(base, owner):
    """The owner's program."""
    return Program(base, owner)


@pytest.fixture
def by_hand(worktable, owner):
    """Let the table be updated only when somebody asks."""
    describe_worktable(worktable, by=owner, update="manual")


def said(answer):
    """Return what an answer says that refuses."""
    assert answer["Content-Type"] == "text/plain; charset=utf-8", answer.content
    return answer.status_code, answer.content.decode().strip()
