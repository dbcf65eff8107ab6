"""`stoa import --publish`: a table is imported and published, or neither."""

import pytest

from portal import command
from vo.models import PublishedVersion, Scope
from worktables.models import Worktable

pytestmark = pytest.mark.django_db


@pytest.fixture
def stoa(project, owner, tmp_path, capsys):
    """Import a small table with these options; return the exit status and what was said."""
    file = tmp_path / "sources.csv"

    def run(*options, name="sources", text="name,flux\nA,1.5\n"):
        file.write_text(text)
        arguments = ["import", str(file), "--project", "virgo", "--name", name, *options]
        status = command.main(arguments)
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def test_what_is_wanted_is_imported_and_published(stoa):
    status, said = stoa("--publish", "project", "--description", "what was found")

    assert status == 0, said
    assert "It is published as virgo.sources_v1, seen by whoever may see the worktable." in said
    version = PublishedVersion.objects.get()
    assert (version.scope, version.description, version.indexed) == (Scope.PROJECT, "what was found", True)


@pytest.mark.parametrize(
    ("options", "facts", "reason"),
    [
        (
            ["--title", "x" * 300],
            {},
            "title: at most 200 characters, not 300 (--title); nothing was imported",
        ),
        ([], {"name": "sources_v2"}, "names that end in _v and a number are those of versions"),
        (
            [],
            {"text": "name,flux\n"},
            "has no rows yet, so there is nothing to publish; nothing was imported",
        ),
    ],
)
def test_what_cannot_be_published_is_not_imported_either(stoa, options, facts, reason):
    status, said = stoa("--publish", "world", *options, **facts)

    assert status == 2
    assert reason in said
    assert said.count("\n") == 1
    assert not Worktable.objects.exists()
    assert not PublishedVersion.objects.exists()

    assert stoa("--publish", "private", "--title", "Sources")[0] == 0


def test_a_description_that_is_missing_is_asked_for_by_its_option(stoa, project):
    project.description = ""
    project.save()

    status, said = stoa("--publish")

    assert (status, "say what a row is, and how it came about (--description)" in said) == (2, True)


def test_a_file_that_follows_publish_is_not_taken_for_a_scope(capsys):
    with pytest.raises(SystemExit):
        command.main(["import", "--publish", "t.csv", "--project", "virgo", "--name", "t"])

    assert "“t.csv” is none of private, project, portal, world" in capsys.readouterr().err
