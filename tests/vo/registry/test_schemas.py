"""Every answer of the registry follows its schemas, says STILTS.

STILTS brings the schemas of VOResource, VODataService and TAPRegExt, but not those of OAI-PMH and of registries. DaCHS
has them (on Debian: python3-gavo); another folder of that kind is named by STOA_TEST_SCHEMAS.
"""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.django_db
FOLDER = Path(os.environ.get("STOA_TEST_SCHEMAS") or "/usr/lib/python3/dist-packages/gavo/resources/schemata")
SCHEMAS = {
    "http://www.openarchives.org/OAI/2.0/": "OAI-PMH.xsd",
    "http://www.openarchives.org/OAI/2.0/oai_dc/": "oai_dc.xsd",
    "http://purl.org/dc/elements/1.1/": "simpledc20021212.xsd",
    "http://www.ivoa.net/xml/RegistryInterface/v1.0": "RegistryInterface.xsd",
    "http://www.ivoa.net/xml/VORegistry/v1.0": "VORegistry.xsd",
    "http://www.ivoa.net/xml/ConeSearch/v1.0": "ConeSearch.xsd",
}
TOGETHER = """<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:together">
<element name="all"><complexType><sequence>
<any processContents="strict" maxOccurs="unbounded"/>
</sequence></complexType></element></schema>"""
SOURCES = "ivo://stoa.invalid/virgo.sources"
ASKED = (
    "verb=Identify",
    "verb=ListMetadataFormats",
    f"verb=ListMetadataFormats&identifier={SOURCES}",
    "verb=ListSets",
    f"verb=GetRecord&metadataPrefix=ivo_vor&identifier={SOURCES}",
    f"verb=GetRecord&metadataPrefix=oai_dc&identifier={SOURCES}",
    "verb=ListIdentifiers&metadataPrefix=ivo_vor",
    "verb=ListRecords&metadataPrefix=ivo_vor&set=ivo_managed&from=2020-01-01&until=2100-01-01",
    "verb=ListRecords&metadataPrefix=ivo_vor&from=2020-01-01T00:00:00Z",
    "verb=ListRecords&metadataPrefix=oai_dc",
    "verb=ListRecords&metadataPrefix=marc21",
    "verb=ListRecords&metadataPrefix=ivo_vor&set=none",
    "verb=GetRecord&metadataPrefix=ivo_vor&identifier=%3Cno%20identifier%25%3E",
    "verb=GetRecord&metadataPrefix=ivo_vor&identifier=ivo://stoa.invalid/a%23b%23c",
    "verb=ListRecords&resumptionToken=%01%3Cx",
    "verb=ListRecords&metadataPrefix=ivo_vor&from=now",
    "verb=%3Cx%3E",
    "",
)


@pytest.fixture
def schemas():
    """The folder of the schemas, or a visible skip."""
    if not (FOLDER / "OAI-PMH.xsd").exists():
        reason = "there are no schemas of OAI-PMH; STOA_TEST_SCHEMAS names a folder of them"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return FOLDER


@pytest.fixture
def check(schemas, run_tool, tmp_path):
    """Let STILTS validate documents, all at once."""

    def check(documents):
        (tmp_path / "together.xsd").write_text(TOGETHER)
        bodies = [document.decode().partition("?>")[2] for document in documents]
        (tmp_path / "all.xml").write_text(f'<t:all xmlns:t="urn:together">{"".join(bodies)}</t:all>')
        places = {name: schemas / file for name, file in SCHEMAS.items()}
        places["urn:together"] = tmp_path / "together.xsd"
        _, said = run_tool(
            "stilts",
            "xsdvalidate",
            "uselocals=true",
            f"doc={tmp_path / 'all.xml'}",
            *(f"schemaloc={name}={place}" for name, place in places.items()),
        )
        return [line for line in said.splitlines() if "Unused custom schema" not in line]

    return check


def test_every_answer_follows_its_schemas(client, sources, shown, small_table, publish, check):
    publish(
        sources,
        title="All <of> “them” & \x07 more",
        description="é\n\n]]> & <b>",
        contact="nobody <at> home",
        rights="mine & yours",
    )
    publish(small_table("plain"))

    answers = [client.get(f"/oai?{asked}").content for asked in ASKED]
    answers.append(client.get("/oai/capabilities").content)

    assert check(answers) == []
    kinds = {
        "vg:Authority",
        "vg:Registry",
        "vr:Organisation",
        "vs:CatalogService",
        "vs:CatalogResource",
        "cs:ConeSearch",
    }
    everything = b"".join(answers).decode()
    assert all(f'xsi:type="{kind}"' in everything for kind in kinds)


def test_pages_of_a_list_follow_their_schemas(client, harvester, small_table, publish, check, settings):
    settings.VO = settings.VO | {"REGISTRY_RECORDS": 3}
    for number in range(3):
        publish(small_table(f"t{number}"))
    said = []

    def keep(sent):
        answer = client.get("/oai", sent)
        said.append(answer.content)
        return answer

    harvester.send = keep
    for verb in ("ListIdentifiers", "ListRecords"):
        assert len(list(harvester.pages(verb, metadataPrefix="ivo_vor"))) == 3

    assert check(said) == []


def test_a_wrong_answer_is_noticed(client, check):
    """The validator is no use if it is content with everything."""
    wrong = client.get("/oai?verb=Identify").content.replace(b"<full>false</full>", b"<full>perhaps</full>")

    assert "perhaps" in " ".join(check([wrong]))
