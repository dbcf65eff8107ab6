"""Parts of published images, as clients ask for them."""

from io import BytesIO

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from django.urls import reverse
from pyvo.dal.adhoc import DatalinkResults

from tests.vo.observations import skies

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning"),
]
DID = "ivo://stoa.invalid/virgo.pictures?v1/"
LIGHT = 299_792_458.0


@pytest.fixture
def ask(client):
    """Ask for a part of a file; return the answer, read to its end."""

    def ask(name, user=None, **parameters):
        client.logout()
        if user is not None:
            client.force_login(user)
        answer = client.get(reverse("soda-sync"), {"ID": DID + name, **parameters})
        answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer

    return ask


def original(facts):
    with fits.open(BytesIO(skies.image(**facts))) as hdus:
        return np.array(hdus[0].data), hdus[0].header.copy()


@pytest.mark.parametrize(
    ("row", "facts"),
    [
        (1, {}),
        (2, {"centre": (0.0, -30.0)}),
        (3, {"centre": (40.0, 90.0)}),
    ],
    ids=["near M87", "at right ascension 0", "at the pole"],
)
def test_a_part_has_the_pixels_and_the_sky_of_the_whole(shown, ask, row, facts):
    data, header = original(facts)
    centre = WCS(header).pixel_to_world(10, 9)

    answer = ask(f"{row}/image", CIRCLE=f"{centre.ra.deg} {centre.dec.deg} {3.2 / 3600}")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/fits"
    with fits.open(BytesIO(answer.body)) as hdus:
        part, there = np.array(hdus[0].data), WCS(hdus[0].header)
    np.testing.assert_array_equal(part, data[6:13, 7:14])
    assert there.pixel_to_world(3, 3).separation(centre).arcsec < 1e-6


def test_channels(shown, ask):
    data, _ = original({"shape": (5, 24, 32)})
    band = f"{LIGHT / (skies.HERTZ + 2.2e7)} {LIGHT / (skies.HERTZ + 1.2e7)}"

    answer = ask("4/image", BAND=band, POS="RANGE 187.69 187.71 12.39 12.41")

    with fits.open(BytesIO(answer.body)) as hdus:
        np.testing.assert_array_equal(hdus[0].data, data[1:3])
        assert any(line.startswith("cut out of ivo://") for line in hdus[0].header["HISTORY"])


def test_nothing_in_common_is_no_content(shown, ask):
    assert ask("1/image", CIRCLE="10 10 0.1").status_code == 204
    assert ask("4/image", BAND="1 2").status_code == 204


@pytest.mark.parametrize(
    ("name", "parameters", "status", "sentence"),
    [
        ("1/image", {"CIRCLE": "187.7 12.4"}, 400, "UsageFault: CIRCLE"),
        ("1/image", {"CIRCLE": "nan 12.4 1"}, 400, "UsageFault: CIRCLE"),
        ("1/image", {"CIRCLE": "187.7 12.4 -1"}, 400, "UsageFault: CIRCLE: the radius"),
        ("1/image", {"POLYGON": "1 2 3 4 5"}, 400, "UsageFault: POLYGON"),
        ("1/image", {"POS": "BOX 1 2 3 4"}, 400, "UsageFault: POS"),
        ("1/image", {"BAND": "b"}, 400, "UsageFault: BAND"),
        ("1/image", {"BAND": "0.1 0.2"}, 400, "UsageFault: the image does not know at which wavelength"),
        ("1/image", {"TIME": "57245 57246"}, 400, "UsageFault: TIME"),
        ("1/image", {"RESPONSEFORMAT": "image/png"}, 400, "UsageFault: RESPONSEFORMAT"),
        ("1/image", {"CIRCLE": ["1 2 3", "4 5 6"]}, 400, "MultiValuedParamNotSupported: CIRCLE"),
        ("1/image", {"CIRCLE": "1 2 3", "POLYGON": "1 2 3 4 5 6"}, 400, "UsageFault: CIRCLE and POLYGON"),
        ("1/note", {}, 400, "UsageFault: note"),
        ("9/image", {}, 404, "NotFoundFault"),
        ("%00", {}, 404, "NotFoundFault"),
    ],
    ids=str,
)
def test_what_cannot_be_cut_is_said(shown, ask, name, parameters, status, sentence):
    answer = ask(name, **parameters)

    assert (answer.status_code, answer["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert answer.body.decode().startswith(sentence)


def test_without_an_identifier_nothing_is_cut(shown, client):
    assert client.get(reverse("soda-sync"), {"CIRCLE": "1 2 3"}).status_code == 400


def test_what_is_not_shown_is_not_cut(hidden, ask, reader, stranger):
    circle = {"CIRCLE": "187.7 12.4 0.001"}

    answers = [ask("1/image", user, **circle) for user in (None, stranger)]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.body for answer in answers} == {ask("99/image", **circle).body}
    assert ask("1/image", reader, **circle).status_code == 200


def test_pyvo_cuts_what_its_links_describe(shown, served):
    links = DatalinkResults.from_result_url(f"{served.address}/datalink/links?ID={DID}4/image")

    cutout = next(links.iter_procs()).process(
        circle=(187.7 * u.deg, 12.4 * u.deg, 0.001 * u.deg),
        band=(LIGHT / (skies.HERTZ + 2.2e7) * u.m, LIGHT / (skies.HERTZ + 1.2e7) * u.m),
    )

    with fits.open(BytesIO(cutout.read())) as hdus:
        assert hdus[0].data.shape == (2, 8, 8)
        middle = WCS(hdus[0].header).celestial.pixel_to_world(3.5, 3.5)
        assert middle.separation(SkyCoord(187.7, 12.4, unit="deg")).arcsec < 1e-6
