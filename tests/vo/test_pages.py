"""The pages of what is published: what they say, where, and to whom."""

import pytest
from django.urls import reverse

from tests.vo.conftest import FACTS
from vo.models import Scope
from vo.publishing.deciding import refuse

pytestmark = pytest.mark.django_db


def text_of(answer):
    """Return a page with its spaces as they are seen."""
    return " ".join(answer.content.decode().split())


def address(version):
    publication = version.publication
    return reverse("published-version", args=[publication.schema, publication.name, version.number])


@pytest.mark.parametrize(
    ("scope", "words"),
    [(Scope.PROJECT, "seen by whoever may see the worktable"), (Scope.WORLD, "seen by everybody")],
)
def test_who_sees_a_version_is_a_sentence(client, owner, sources, publish, scope, words):
    client.force_login(owner)

    assert f"<span>{words}</span>" in text_of(client.get(address(publish(sources, scope))))


def test_a_form_that_is_refused_names_each_remedy_and_keeps_what_was_typed(client, owner, sources):
    client.force_login(owner)

    answer = client.post(
        reverse("worktable-publications", args=[sources.pk]),
        {**FACTS, "asked": "world", "title": "", "rights": "", "contact": "ask the door"},
    )

    assert answer.status_code == 400
    assert "Nothing is published yet" in text_of(answer)
    assert "Say in a few words what the table is." in text_of(answer)
    assert "for example CC BY 4.0" in text_of(answer)
    assert 'value="ask the door"' in text_of(answer)
    assert not sources.publications.exists()


def test_what_waits_says_so_until_it_is_decided(client, owner, sources, publish, judge):
    client.force_login(owner)
    version = publish(sources, decided=False)
    waiting = text_of(client.get(reverse("published")))

    refuse(version, "say over which area", by=judge)

    assert ">waiting</span>" in waiting
    assert ">waiting</span>" not in text_of(client.get(reverse("published")))
    assert "Not shown to more people: say over which area" in text_of(client.get(address(version)))


def test_every_page_of_a_table_says_from_where_a_link_makes_its_rows(client, owner, family):
    client.force_login(owner)

    for name in ("worktable", "worktable-columns", "worktable-publications"):
        shown = text_of(client.get(reverse(name, args=[family.items.pk])))
        assert (
            f'its rows come from <a href="{reverse("worktable", args=[family.fields.pk])}">fields</a>'
            in shown
        )


def test_to_whom_that_table_is_hidden_it_is_not_named(client, family, owner, stranger):
    from projects.sharing import share_with

    share_with(family.items, stranger, "reader", by=owner)
    client.force_login(stranger)

    shown = text_of(client.get(reverse("worktable-columns", args=[family.items.pk])))

    assert "plain table" in shown
    assert "rows come from" not in shown


def test_a_refusal_without_a_reason_is_asked_for_it_at_its_field(client, sources, publish, judge):
    client.force_login(judge)
    version = publish(sources, decided=False)

    answer = client.post(address(version), {"scope": "world", "verdict": "refuse", "reason": " "})

    assert answer.status_code == 400
    assert "<li>Say what would have to change.</li>" in text_of(answer)


def test_the_page_of_what_everybody_sees_leads_to_its_record(client, owner, sources, publish):
    client.force_login(owner)
    first, hidden = publish(sources), publish(sources, Scope.PROJECT, changes="more")
    identifier = "ivo://stoa.invalid/virgo.sources"

    shown = text_of(client.get(address(first)))
    found = client.get("/oai", {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": identifier})

    assert f">{identifier}</a>" in shown
    assert address(first) in found.content.decode()
    assert identifier not in text_of(client.get(address(hidden)))

    publish(sources, changes="more still")

    assert identifier not in text_of(client.get(address(first)))
