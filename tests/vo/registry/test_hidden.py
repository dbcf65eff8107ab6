"""What not everybody may see is not in the registry, whoever asks."""

import pytest
from django.contrib.auth import get_user_model

from portal.accounts.tokens import create_token
from tests.vo.registry.harvesting import OAI, Harvester
from vo.models import Scope
from vo.registry.noting import note_services

pytestmark = pytest.mark.django_db
VERBS = (
    {"verb": "Identify"},
    {"verb": "ListSets"},
    {"verb": "ListMetadataFormats"},
    {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"},
    {"verb": "ListRecords", "metadataPrefix": "oai_dc"},
    {"verb": "ListRecords", "metadataPrefix": "ivo_vor"},
    {"verb": "ListRecords", "metadataPrefix": "ivo_vor", "from": "2020-01-01", "until": "2100-01-01"},
)


@pytest.fixture
def askers(client, owner, curator, stranger):
    """Everybody who might ask, by what they send along."""

    def signed_in(user):
        def send(sent):
            client.force_login(user)
            return client.get("/oai", sent)

        return send

    def nobody(sent):
        client.logout()
        return client.get("/oai", sent)

    def with_token(sent):
        client.logout()
        return client.get("/oai", sent, headers={"Authorization": f"Bearer {token}"})

    token = create_token(get_user_model().objects.get(pk=owner.pk), "tests")[1]
    return {
        "nobody": nobody,
        "owner": signed_in(owner),
        "superuser": signed_in(curator),
        "stranger": signed_in(stranger),
        "token": with_token,
    }


@pytest.fixture
def answers(askers):
    """All answers to everybody, {who: [text]}, without the moment at which they were given."""

    def ask():
        return {
            who: [send(sent).content.decode().partition("</responseDate>")[2] for sent in VERBS]
            for who, send in askers.items()
        }

    return ask


@pytest.mark.parametrize("scope", [Scope.PRIVATE, Scope.PROJECT, Scope.PORTAL, None])
def test_a_hidden_table_changes_no_answer(small_table, pictures, publish, answers, askers, scope):
    publish(small_table("plain"))
    before = answers()

    if scope:
        publish(small_table("hidden"), scope, title="Hidden title")
        publish(pictures, scope, title="Hidden pictures")
    else:  # asked for the world, and still to be decided
        publish(small_table("hidden"), decided=False, title="Hidden title")
        publish(pictures, decided=False, title="Hidden pictures")

    note_services()  # as a portal does that starts

    after = answers()
    assert after == before
    for who, said in after.items():
        assert said == after["nobody"], who
        assert not any("idden" in text or "pictures" in text for text in said)
    for who, send in askers.items():
        there = Harvester(send)
        for key in ("virgo.hidden", "virgo.pictures", "images", "virgo.nothing"):
            identifier = f"ivo://stoa.invalid/{key}"
            wrong = there.ask(verb="GetRecord", metadataPrefix="ivo_vor", identifier=identifier)
            told = wrong.findtext(f"{OAI}error")
            assert told.replace(key, "") == (
                "no record here has the identifier “ivo://stoa.invalid/”; ListIdentifiers names them all"
            ), who


def test_a_hidden_version_leaves_the_record_as_it_is(sources, publish, harvester):
    identifier = "ivo://stoa.invalid/virgo.sources"
    publish(sources, title="Shown")
    before = harvester.record(identifier).attrib

    publish(sources, Scope.PROJECT, title="Hidden", changes="hidden change")

    record = harvester.record(identifier)
    assert record.findtext("title") == "Shown"
    assert record.attrib == before
    assert record.findtext("content/referenceURL").endswith("/v1/")


def test_walks_count_only_what_is_shown(small_table, publish, harvester, settings):
    settings.VO = settings.VO | {"REGISTRY_RECORDS": 2}
    for number in range(3):
        publish(small_table(f"shown{number}"))
        publish(small_table(f"hidden{number}"), Scope.PORTAL)

    pages = list(harvester.pages("ListRecords", metadataPrefix="ivo_vor"))

    sizes = {page.find(f".//{OAI}resumptionToken").get("completeListSize") for page in pages}
    assert sizes == {"7"}
    assert sum(len(page.findall(f".//{OAI}record")) for page in pages) == 7
