"""What the records say, compared with what was published and with what the services say of themselves."""

import xml.etree.ElementTree as ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.command import prepare
from portal.settings import authority
from tests.vo.registry.harvesting import DC, OAI, TYPE
from vo.models import PublishedVersion, ServiceRecord
from vo.publishing.deciding import grant
from vo.registry.coverage import wavebands_between, wavebands_named
from vo.registry.noting import note_services
from vo.registry.people import contact_in, creators_in, licence_in

SOURCES = "ivo://stoa.invalid/virgo.sources"


def texts(element, path):
    """Return the texts of all elements there."""
    return [one.text for one in element.findall(path)]


def alike(elements):
    """Return elements as texts that are equal where they say the same."""
    return [ElementTree.canonicalize(ElementTree.tostring(one), strip_text=True) for one in elements]


def access(record, standard):
    """Return the address of a capability."""
    return record.findtext(f"capability[@standardID='{standard}']/interface/accessURL")


@pytest.mark.django_db
def test_a_record_says_what_its_publisher_said(client, harvester, sources, publish, settings):
    settings.VO = settings.VO | {"ORGANISATION": "Observatory of Nowhere"}
    version = publish(
        sources,
        title="Sources <of> Virgo & more",
        creator="O. Wner; S. Econd",
        contact="The desk <desk@example.org>",
        rights="CC BY-SA 4.0",
    )
    record = harvester.record(SOURCES)

    assert record.get(TYPE) == "vs:CatalogService"
    assert record.get("status") == "active"
    assert record.get("created") == f"{version.decided_at:%Y-%m-%dT%H:%M:%SZ}" <= record.get("updated")
    assert record.findtext("title") == "Sources <of> Virgo & more"
    assert texts(record, "curation/creator/name") == ["O. Wner", "S. Econd"]
    assert record.findtext("curation/publisher") == "Observatory of Nowhere"
    assert record.findtext("curation/version") == "1"
    assert record.findtext("curation/contact/name") == "The desk"
    assert record.findtext("curation/contact/email") == "desk@example.org"
    assert record.findtext("curation/date[@role='Created']")[:10] == f"{version.made_at:%Y-%m-%d}"
    assert record.findtext("content/description").startswith("What was found near M87.")
    assert version.citation in record.findtext("content/description")
    assert (record.findtext("rights"), record.find("rights").get("rightsURI")) == (
        "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    )
    assert client.get(record.findtext("content/referenceURL")).status_code == 200
    related = record.find("content/relationship/relatedResource")
    assert harvester.record(related.get("ivo-id")).findtext("title").startswith("TAP service")


@pytest.mark.django_db(transaction=True)  # what is published is read by a connection of its own
def test_a_record_leads_to_its_table(client, harvester, sources, publish):
    publish(sources)
    record = harvester.record(SOURCES)

    ra, dec, radius = [one.text for one in record.find("capability/testQuery")]
    near = client.get(f"{access(record, 'ivo://ivoa.net/std/ConeSearch')}RA={ra}&DEC={dec}&SR={radius}")
    assert near.status_code == 200
    assert near.getvalue().count(b"<TR>") == 1
    assert access(record, "ivo://ivoa.net/std/TAP#aux") == "http://testserver/tap"
    table = client.get(f"/tap/tables/{record.findtext('tableset/schema/table/name')}")
    assert alike(record.iter("column")) == alike(ElementTree.fromstring(table.content).iter("column"))
    assert record.findtext("tableset/schema/table/nrows") == "4"


@pytest.mark.django_db
def test_a_table_without_places_has_no_cone_search(harvester, small_table, publish):
    publish(small_table("plain"))
    record = harvester.record("ivo://stoa.invalid/virgo.plain")

    assert record.get(TYPE) == "vs:CatalogResource"
    assert access(record, "ivo://ivoa.net/std/ConeSearch") is None
    assert access(record, "ivo://ivoa.net/std/TAP#aux") == "http://testserver/tap"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "address"),
    [("tap", "/tap/capabilities"), ("images", "/sia/capabilities"), ("registry", "/oai/capabilities")],
)
def test_services_can_what_they_say_themselves(client, harvester, shown, key, address):
    record = harvester.record(f"ivo://stoa.invalid/{key}")
    own = ElementTree.fromstring(client.get(address).content)

    said = alike(own.findall("capability"))
    assert alike(record.findall("capability"))[: len(said)] == said
    for one in own.iter("accessURL"):
        if one.get("use") == "full":
            assert client.get(one.text).status_code == 200


@pytest.mark.django_db
def test_files_have_identifiers_under_their_tables_record(harvester, shown):
    """IVOA Identifiers 2.0, section 4: what stands before the question mark is in the registry."""
    table = shown.products.first().did.partition("?")[0]

    assert harvester.record(f"ivo://stoa.invalid/{table}").findtext("title") == "Pictures"


@pytest.mark.django_db
def test_a_record_says_which_part_of_the_sky_its_rows_are_in(harvester, sources, publish):
    publish(sources)

    moc = harvester.record(SOURCES).findtext("coverage/spatial")

    # By astropy-healpix, at order 6: near M87 both sources, and one at longitude 359.9 just above the equator.
    assert moc == "6/18773,27765"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["images", "virgo.pictures"])
def test_images_say_what_they_cover(harvester, shown, key):
    record = harvester.record(f"ivo://stoa.invalid/{key}")

    first, last = map(float, record.findtext("coverage/temporal").split())
    assert first == 57245.0  # 2015-08-11
    assert last == pytest.approx(57245 + 1 / 24)
    # The cube is at 100 GHz and has five channels of 10 MHz each: h times 100 GHz is 6.626e-23 J.
    least, most = map(float, record.findtext("coverage/spectral").split())
    assert least == pytest.approx(6.626e-23, rel=1e-3)
    assert most == pytest.approx(6.626e-23 * 1.0005, rel=1e-3)
    assert texts(record, "coverage/waveband") == ["Millimeter"]
    assert texts(record, "facility") == ["ALMA"]
    assert "27765" in record.findtext("coverage/spatial").replace("-", ",").split("/")[1].split(",")
    assert "millimeter-astronomy" in texts(record, "content/subject")


@pytest.mark.django_db
def test_obscore_is_found_by_its_utype(harvester, shown):
    """ObsCore 1.1, section 4: by the utype of its table, and by the data model of TAP."""
    table = harvester.record("ivo://stoa.invalid/images").find("tableset/schema/table")
    model = harvester.record("ivo://stoa.invalid/tap").find("capability/dataModel")

    assert (table.findtext("name"), table.findtext("utype")) == (
        "ivoa.obscore",
        "ivo://ivoa.net/std/ObsCore#table-1.1",
    )
    assert model.get("ivo-id") == "ivo://ivoa.net/std/ObsCore#core-1.1"


@pytest.mark.django_db
def test_images_are_registered_once_there_are_any(harvester, small_table, publish):
    publish(small_table("plain"))

    assert harvester.error(verb="GetRecord", metadataPrefix="ivo_vor", identifier="ivo://stoa.invalid/images")


@pytest.mark.django_db
def test_dublin_core_says_the_same(harvester, sources, publish):
    publish(sources)
    root = harvester.ask(
        verb="GetRecord", metadataPrefix="oai_dc", identifier=SOURCES.upper().replace("IVO", "ivo")
    )

    assert root.findtext(f".//{OAI}header/{OAI}identifier") == SOURCES
    assert root.findtext(f".//{DC}title") == "Sources of Virgo"
    assert root.findtext(f".//{DC}rights") == "CC BY 4.0"
    assert [one.text for one in root.iter(f"{DC}identifier")] == [
        SOURCES,
        "http://testserver/published/virgo/sources/v1/",
    ]


@pytest.mark.django_db
def test_a_service_is_updated_when_it_says_something_new(harvester, settings):
    long_ago = "2020-01-01T00:00:00Z"
    ServiceRecord.objects.update(created_at=long_ago, updated_at=long_ago)

    note_services()
    same = harvester.identifiers(from_=long_ago, until=long_ago)
    settings.VO = settings.VO | {"MAXREC": 5}
    note_services()

    assert len(same) == 4
    assert harvester.identifiers(from_="2020-01-02") == ["ivo://stoa.invalid/tap"]
    record = harvester.record("ivo://stoa.invalid/tap")
    assert (record.get("created"), record.get("updated") > long_ago) == (long_ago, True)


@pytest.mark.django_db
def test_a_decision_about_images_updates_theirs(harvester, pictures, publish, judge):
    long_ago = "2020-01-01T00:00:00Z"
    version = publish(pictures, decided=False)
    ServiceRecord.objects.update(created_at=long_ago, updated_at=long_ago)

    grant(version, by=judge)

    assert set(harvester.identifiers(from_="2020-01-02")) == {
        "ivo://stoa.invalid/images",
        "ivo://stoa.invalid/virgo.pictures",
    }


@pytest.mark.django_db
def test_starting_the_portal_notes_what_its_settings_say(settings):
    settings.VO = settings.VO | {"ORGANISATION": "Observatory of Nowhere"}
    before = dict(ServiceRecord.objects.values_list("key", "updated_at"))

    prepare()

    after = dict(ServiceRecord.objects.values_list("key", "updated_at"))
    assert set(after) == {"", "organisation", "registry", "tap", "tables"}
    assert all(after[key] > before[key] for key in after)


@pytest.mark.django_db
def test_a_table_is_updated_when_all_records_say_something_new(harvester, sources, publish, settings):
    long_ago = "2020-01-01T00:00:00Z"
    publish(sources)
    PublishedVersion.objects.update(decided_at=long_ago, products_indexed_at=long_ago)
    ServiceRecord.objects.update(created_at=long_ago, updated_at=long_ago)

    note_services()
    before = harvester.error(verb="ListRecords", metadataPrefix="ivo_vor", from_="2020-01-02")
    settings.VO = settings.VO | {"ORGANISATION": "Observatory of Nowhere"}
    note_services()

    assert before == "noRecordsMatch"
    assert SOURCES in harvester.identifiers(from_="2020-01-02")
    record = harvester.record(SOURCES)
    assert (record.get("created"), record.get("updated") > long_ago) == (long_ago, True)
    assert record.findtext("curation/date[@role='Available']") == long_ago


@pytest.mark.django_db
def test_asking_changes_nothing(harvester, sources, publish, settings):
    publish(sources)
    settings.VO = settings.VO | {"MAXREC": 5}

    with CaptureQueriesContext(connection) as asked:
        harvester.ask(verb="Identify")
        harvester.identifiers("ListRecords")

    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []


@pytest.mark.django_db
def test_settings_say_who_answers_for_it(harvester, settings):
    settings.STOA_AUTHORITY = "stoa.example.org"
    settings.VO = settings.VO | {
        "ORGANISATION": "Observatory of Nowhere",
        "ORGANISATION_PAGE": "https://example.org/about",
        "CONTACT": "The desk <desk@example.org>",
    }
    root = harvester.ask(verb="Identify")
    own = harvester.record("ivo://stoa.example.org")

    assert root.findtext(f".//{OAI}adminEmail") == "desk@example.org"
    assert root.findtext(".//managedAuthority") == "stoa.example.org"
    assert "must not be registered" not in ElementTree.tostring(root, encoding="unicode")
    assert (own.get(TYPE), own.findtext("managingOrg")) == ("vg:Authority", "Observatory of Nowhere")
    manager = harvester.record(own.find("managingOrg").get("ivo-id"))
    assert manager.get(TYPE) == "vr:Organisation"
    assert manager.findtext("content/referenceURL") == "https://example.org/about"


def test_an_authority_that_nobody_set_is_taken_by_no_registry():
    assert authority("", ["localhost", "127.0.0.1", "[::1]"]) == "stoa.invalid"
    assert authority("", ["*", "Stoa.Example.org"]) == "stoa.example.org.invalid"
    assert authority("org.example", ["stoa.example.org"]) == "org.example"
    for wrong in ("ivo://org.example", "ab", "two words", "a/b"):
        with pytest.raises(ValueError, match="STOA_AUTHORITY"):
            authority(wrong, [])


@pytest.mark.parametrize(
    ("text", "name", "email"),
    [
        ("A. Stronomer <a@example.org>", "A. Stronomer", "a@example.org"),
        ("a@example.org", "a@example.org", "a@example.org"),
        ("A. Stronomer, a@example.org", "A. Stronomer", "a@example.org"),
        ("ask the door", "ask the door", ""),
    ],
)
def test_a_contact_is_a_name_and_an_address(text, name, email):
    assert contact_in(text) == {"name": name, "email": email}


def test_creators_and_licences_are_read_from_a_line():
    assert creators_in("A. One; B. Two ;") == ["A. One", "B. Two"]
    assert licence_in("cc by-nc-sa 3.0, please cite") == "https://creativecommons.org/licenses/by-nc-sa/3.0/"
    assert licence_in("CC0") == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert licence_in("all rights reserved") == ""


def test_wavebands_have_the_limits_of_the_vocabulary():
    """VODataService 1.1, section 3.1.2: millimetre from 0.1 to 10 mm, optical from 300 to 1000 nm, ..."""
    assert wavebands_between(0.2, 0.21) == ["Radio"]
    assert wavebands_between(1.3e-3, 1.3e-3) == ["Millimeter"]
    assert wavebands_between(5e-7, 2e-6) == ["Infrared", "Optical"]
    assert wavebands_between(1e-12, 1e-12) == ["Gamma-ray"]
    assert wavebands_named(["phot.flux.density;em.mm.100-200GHz", "phot.mag;em.opt.V", "pos.eq.ra"]) == [
        "Millimeter",
        "Optical",
    ]


@pytest.mark.django_db
def test_nothing_that_is_listed_can_go_away(sources, publish, owner, project, harvester):
    """So deletedRecord is `persistent`: harvesters need not ask for everything again."""
    publish(sources)
    sources.delete()

    assert PublishedVersion.objects.count() == 1
    assert SOURCES in harvester.identifiers()
