"""The registry, as harvesters of OAI-PMH 2.0 ask it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.vo.registry.harvesting import OAI, RI, TYPE, Harvester
from vo.models import PublishedVersion, Scope, ServiceRecord
from vo.publishing.deciding import grant
from vo.publishing.proposing import propose

pytestmark = pytest.mark.django_db
OWN = {f"ivo://stoa.invalid{key}" for key in ("", "/organisation", "/registry", "/tap")}
SOURCES = "ivo://stoa.invalid/virgo.sources"
MOMENT = datetime(2026, 3, 4, 12, 30, 15, 600_000, tzinfo=UTC)


@pytest.fixture
def dated(sources, publish, harvester):
    """A table that everybody could see at a known moment; all other records are of the year before."""
    version = publish(sources)
    PublishedVersion.objects.filter(pk=version.pk).update(decided_at=MOMENT, products_indexed_at=MOMENT)
    assert set(harvester.identifiers()) == OWN | {SOURCES}
    ServiceRecord.objects.update(created_at=MOMENT.replace(year=2025), updated_at=MOMENT.replace(year=2025))
    return version


def test_identify_says_who_we_are(harvester, dated):
    root = harvester.ask(verb="Identify")

    said = {one.tag.removeprefix(OAI): one.text for one in root.find(f"{OAI}Identify")}
    assert said["baseURL"] == "http://testserver/oai"
    assert said["protocolVersion"] == "2.0"
    assert (
        said["granularity"] == "YYYY-MM-DDThh:mm:ssZ"
    )  # Registry Interfaces 1.1, section 2.7, asks for seconds
    assert said["deletedRecord"] == "persistent"
    assert said["earliestDatestamp"] == "2025-03-04T12:30:15Z"
    resource = root.find(f"{OAI}Identify/{OAI}description/{RI}Resource")
    assert resource.get(TYPE) == "vg:Registry"
    assert resource.findtext("identifier") == "ivo://stoa.invalid/registry"
    assert resource.findtext("managedAuthority") == "stoa.invalid"
    assert "must not be registered" in resource.findtext("content/description")


def test_formats_and_sets_are_those_that_the_standard_asks_for(harvester, dated):
    formats = harvester.ask(verb="ListMetadataFormats").iter(f"{OAI}metadataPrefix")
    of_one = harvester.ask(verb="ListMetadataFormats", identifier=SOURCES).iter(f"{OAI}metadataPrefix")
    sets = harvester.ask(verb="ListSets").iter(f"{OAI}setSpec")

    assert [one.text for one in formats] == [one.text for one in of_one] == ["ivo_vor", "oai_dc"]
    assert [one.text for one in sets] == ["ivo_managed"]


LIST = {"verb": "ListRecords", "metadataPrefix": "ivo_vor"}
GET = {"verb": "GetRecord", "metadataPrefix": "ivo_vor"}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "badVerb"),
        ({"verb": "listRecords"}, "badVerb"),
        ({"verb": ["Identify", "Identify"]}, "badVerb"),
        ({"verb": "Identify", "set": "ivo_managed"}, "badArgument"),
        ({"verb": "Identify", "Verb": "Identify"}, "badArgument"),
        ({"verb": "ListRecords"}, "badArgument"),
        ({"verb": "GetRecord", "metadataPrefix": "ivo_vor"}, "badArgument"),
        ({"verb": "GetRecord", "identifier": SOURCES}, "badArgument"),
        ({**LIST, "identifier": SOURCES}, "badArgument"),
        ({**LIST, "set": ["ivo_managed", "ivo_managed"]}, "badArgument"),
        ({**LIST, "set": "two words"}, "badArgument"),
        ({**LIST, "resumptionToken": "x"}, "badArgument"),
        ({**LIST, "from": "yesterday"}, "badArgument"),
        ({**LIST, "from": "2026-02-30"}, "badArgument"),
        ({**LIST, "from": "2026-1-1"}, "badArgument"),
        ({**LIST, "from": "٢٠٢٦-01-01"}, "badArgument"),
        ({**LIST, "from": "2026-01-01T00:00:00"}, "badArgument"),
        ({**LIST, "from": "2026-01-01T00:00:00.5Z"}, "badArgument"),
        ({**LIST, "from": "2026-01-01", "until": "2026-01-01T00:00:00Z"}, "badArgument"),
        ({**LIST, "from": "2026-01-02", "until": "2026-01-01"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc 21"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc21"}, "cannotDisseminateFormat"),
        ({"verb": "GetRecord", "metadataPrefix": "marc21", "identifier": SOURCES}, "cannotDisseminateFormat"),
        ({**LIST, "set": "ivo_publishers"}, "noRecordsMatch"),
        ({**LIST, "until": "1999-12-31"}, "noRecordsMatch"),
        ({**LIST, "from": "9999-12-31"}, "noRecordsMatch"),
        ({**GET, "identifier": f"{SOURCES}_v1"}, "idDoesNotExist"),
        ({**GET, "identifier": f"{SOURCES}?v1/1/image"}, "idDoesNotExist"),
        ({**GET, "identifier": "ivo://stoa.invalid/"}, "idDoesNotExist"),
        ({**GET, "identifier": "ivo://stoa.invalid/images"}, "idDoesNotExist"),
        ({**GET, "identifier": "ivo://stoa.invalids"}, "idDoesNotExist"),
        ({**GET, "identifier": "ivo://elsewhere/virgo.sources"}, "idDoesNotExist"),
        ({**GET, "identifier": "<no> identifier %"}, "idDoesNotExist"),
        ({"verb": "ListMetadataFormats", "identifier": "ivo://stoa.invalid/nothing"}, "idDoesNotExist"),
        ({"verb": "ListSets", "resumptionToken": "x"}, "badResumptionToken"),
        ({"verb": "ListRecords", "resumptionToken": "x"}, "badResumptionToken"),
    ],
)
def test_what_is_wrong_has_the_code_of_the_standard(harvester, dated, sent, code):
    assert harvester.error(**sent) == code


def test_what_makes_no_sense_is_not_repeated(harvester, dated):
    """Section 3.6: the element `request` has no attributes then, and else those that were sent."""
    wrong = harvester.ask(verb="ListRecords", metadataPrefix="ivo_vor", colour="blue").find(f"{OAI}request")
    right = harvester.ask(verb="ListRecords", metadataPrefix="nothing").find(f"{OAI}request")

    assert (wrong.attrib, wrong.text) == ({}, "http://testserver/oai")
    assert right.attrib == {"verb": "ListRecords", "metadataPrefix": "nothing"}


def test_what_is_posted_is_answered_alike(client, harvester, dated):
    posting = Harvester(lambda sent: client.post("/oai", sent))

    assert posting.identifiers() == harvester.identifiers()
    assert posting.error(verb="Nothing") == "badVerb"


@pytest.mark.parametrize(
    ("dates", "there"),
    [
        ({"from_": "2026-03-04"}, True),
        ({"from_": "2026-03-05"}, False),
        ({"until": "2026-03-04", "from_": "2026-03-04"}, True),
        ({"until": "2026-03-03", "from_": "2026-01-01"}, False),
        ({"from_": "2026-03-04T12:30:15Z"}, True),
        ({"from_": "2026-03-04T12:30:16Z"}, False),
        ({"from_": "2026-01-01T00:00:00Z", "until": "2026-03-04T12:30:15Z"}, True),
        ({"from_": "2026-01-01T00:00:00Z", "until": "2026-03-04T12:30:14Z"}, False),
        ({"until": "9999-12-31"}, True),
        ({"until": "9999-12-31T23:59:59Z"}, True),
    ],
)
def test_both_ends_of_an_interval_belong_to_it(harvester, dated, dates, there):
    root = harvester.ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", **dates)

    assert (SOURCES in [one.text for one in root.iter(f"{OAI}identifier")]) is there


@pytest.fixture
def in_twos(settings):
    """Two records in each answer."""
    settings.VO = settings.VO | {"REGISTRY_RECORDS": 2}


@pytest.mark.parametrize("verb", ["ListIdentifiers", "ListRecords"])
def test_a_walk_meets_every_record_once(harvester, publish, small_table, in_twos, verb):
    names = [f"t{number}" for number in range(5)]
    for name in names:
        publish(small_table(name))
    PublishedVersion.objects.update(decided_at=MOMENT, products_indexed_at=MOMENT)  # all at once

    pages = list(harvester.pages(verb, metadataPrefix="ivo_vor", set="ivo_managed"))

    entries = [[one.text for one in page.iter(f"{OAI}identifier")] for page in pages]
    assert [len(page) for page in entries] == [2, 2, 2, 2, 1]
    found = [one for page in entries for one in page]
    assert sorted(found) == sorted(OWN | {f"ivo://stoa.invalid/virgo.{name}" for name in names})
    tokens = [page.find(f".//{OAI}resumptionToken") for page in pages]
    assert [(one.get("cursor"), one.get("completeListSize")) for one in tokens] == [
        (str(cursor), "9") for cursor in (0, 2, 4, 6, 8)
    ]
    assert not tokens[-1].text


def test_what_is_published_during_a_walk_is_met_in_it(harvester, publish, small_table, in_twos):
    names = ["early", "later", "third"]
    tables = [small_table(name) for name in names]
    late = iter([small_table("late"), small_table("last")])
    for table in tables:
        publish(table)

    def happen():
        if table := next(late, None):
            publish(table)

    pages = harvester.pages("ListRecords", between=happen, metadataPrefix="ivo_vor")

    found = [one.text for page in pages for one in page.iter(f"{OAI}identifier")]
    assert sorted(found) == sorted(
        OWN | {f"ivo://stoa.invalid/virgo.{name}" for name in [*names, "late", "last"]}
    )


def test_a_list_between_dates_is_walked_between_them(harvester, publish, small_table, in_twos):
    ServiceRecord.objects.update(updated_at=MOMENT.replace(year=2025))
    for number in range(4):
        version = publish(small_table(f"t{number}"))
        at = MOMENT + timedelta(days=number)
        PublishedVersion.objects.filter(pk=version.pk).update(decided_at=at, products_indexed_at=at)

    found = harvester.identifiers(from_="2026-03-04", until="2026-03-06")

    assert found == [f"ivo://stoa.invalid/virgo.t{number}" for number in range(3)]


def test_a_list_that_fits_has_no_token(harvester, dated):
    root = harvester.ask(verb="ListRecords", metadataPrefix="oai_dc")

    assert root.find(f".//{OAI}resumptionToken") is None


def test_tokens_of_ours_alone_go_on(harvester, publish, small_table, in_twos):
    publish(small_table("one"))
    root = harvester.ask(verb="ListRecords", metadataPrefix="ivo_vor")
    token = root.find(f".//{OAI}resumptionToken").text
    parts = token.split("~")

    assert harvester.error(verb="ListIdentifiers", resumptionToken=token) == "badResumptionToken"
    for place, value in [
        (1, "marc 21"),
        (1, ""),
        (3, "yesterday"),
        (6, "9" * 18),
        (8, "9" * 19),
        (6, "-1"),
        (7, "²"),
    ]:
        forged = "~".join([*parts[:place], value, *parts[place + 1 :]])
        assert harvester.error(verb="ListRecords", resumptionToken=forged) == "badResumptionToken", forged
    for cut in (token[:-1] + "~", "~".join(parts[:-1]), f"{token}~", "\1"):
        assert harvester.error(verb="ListRecords", resumptionToken=cut) == "badResumptionToken", cut


def test_the_number_of_queries_does_not_grow(
    harvester, publish, small_table, shown, django_assert_num_queries
):
    for number in range(6):
        publish(small_table(f"t{number}"))

    with django_assert_num_queries(9):
        assert len(harvester.identifiers("ListRecords")) == len(OWN) + 8
    with django_assert_num_queries(3):
        harvester.identifiers("ListIdentifiers")
    with django_assert_num_queries(4):
        assert harvester.record("ivo://stoa.invalid/virgo.t3") is not None


def test_a_new_version_is_harvested_anew(harvester, dated, sources, owner, judge):
    facts = {name: getattr(dated, name) for name in ("title", "description", "creator", "rights", "contact")}
    newer = propose(sources, facts | {"title": "Better", "changes": "more"}, Scope.WORLD, by=owner)
    before = harvester.error(verb="ListRecords", metadataPrefix="ivo_vor", from_="2026-03-05")

    grant(newer, by=judge)

    assert before == "noRecordsMatch"
    assert harvester.identifiers(from_="2026-03-05") == [SOURCES]
    record = harvester.record(SOURCES)
    assert (record.findtext("title"), record.findtext("curation/version")) == ("Better", "2")
    assert record.get("created") == "2026-03-04T12:30:15Z"
    assert record.get("updated") > record.get("created")
