"""Our pages, our services and the real TOPCAT, over a real SAMP hub."""

import shlex
from io import BytesIO
from urllib.parse import quote

import numpy as np
import pytest
import requests
from astropy.io import fits

from tests.journeys.conftest import chromium  # noqa: F401
from tests.vo.desktop import desk, hub, listens, open_hub, topcat, wait  # noqa: F401
from tests.vo.observations import skies
from tests.vo.test_document import ADDRESS, blocks

# pyvo leaves sockets to the collector.
pytestmark = [pytest.mark.journey, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

N = 60
PREPARE = f"""
from django.contrib.auth import get_user_model
from archive.keeping import keep_product
from projects.editing import create_project
from tests.vo.observations import skies
from vo.publishing.deciding import grant
from vo.publishing.proposing import propose
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

owner = get_user_model().objects.create_superuser("painter", password="painter")
project = create_project("pictures", "Pictures", "Near M87.", creator=owner)
columns = [
    NewColumn("name", "text", ucd="meta.id"),
    NewColumn("position", "position"),
    NewColumn("flux", "float", unit="mJy", ucd="phot.flux.density"),
    NewColumn("image", "product"),
]
facts = dict.fromkeys(("title", "description", "creator", "rights", "contact"), "Sources of Virgo")
for name, scope in (("sources", "world"), ("secret_list", "private")):
    table = create_worktable(project, name, creator=owner, columns=columns)
    image = keep_product(project, skies.image(), "m87.fits", by=owner).sha256
    add_rows(table, [
        {{"name": f"S{{n}}", "position": (n * 6.0, n - 30.0), "flux": n / 10, "image": None if n else image}}
        for n in range({N})
    ], by=owner)
    version = propose(table, facts, scope, by=owner)
    if scope == "world":
        grant(version, by=owner)
"""


@pytest.fixture(scope="module")
def secret(live, tmp_path_factory):
    """Fill a portal with a table for everybody, another for its owner, and an image in each; the address of that."""
    path = tmp_path_factory.mktemp("pictures") / "pk"
    live.stoa("manage", "shell", "-v", "0", "-c", f"{PREPARE}\nopen({str(path)!r}, 'w').write(str(table.pk))")
    return f"{live.address}/worktables/{path.read_text()}/"


@pytest.fixture(scope="module")
def address(live, secret):
    """The address of the portal."""
    return live.address


def here(text, address):
    """Return what docs/vo.md says as it is said of this portal."""
    return text.replace(ADDRESS, address).replace("virgo", "pictures")


@pytest.fixture(scope="module")
def running_topcat(desk, open_hub, address):  # noqa: F811
    """TOPCAT, begun as docs/vo.md says it."""
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("topcat ")]
    with topcat(desk, open_hub, *shlex.split(here(line, address))[1:]) as running:
        running.first = running.next_table()
        yield running


@pytest.fixture
def desktop_topcat(running_topcat):
    """The same, where what came before is forgotten."""
    running_topcat.forget()
    return running_topcat


@pytest.fixture
def open_page(chromium):  # noqa: F811
    """Open a page of a browser; whatever goes wrong on it fails the test, but that no hub answers."""
    contexts, faults = [], []

    def note(said):
        if said.type == "error" and "ERR_CONNECTION_REFUSED" not in said.text:
            faults.append(said.text)

    def open_page(**facts):
        contexts.append(chromium.new_context(**facts))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", note)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(open_page):
    """A page of nobody's."""
    return open_page()


@pytest.fixture(scope="module")
def signed_in(chromium, address):  # noqa: F811
    """What the browser of the tables' owner keeps."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=username]", "painter")
    page.fill("input[name=password]", "painter")
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{address}/")
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def owners_page(open_page, signed_in):
    """A page of the owner of the tables."""
    return open_page(storage_state=signed_in)


def send(page, address):
    """Press the button of a page; return what it says when it is done."""
    page.goto(address)
    page.locator("send-to button").click()
    return page.locator("#toasts .message span").first.inner_text()


# Without a hub, and with one that does not let the page in


@pytest.mark.skipif(listens(), reason="a SAMP hub is running on this machine")
def test_without_a_hub_the_page_says_what_to_start(page, address):
    said = send(page, f"{address}/published/pictures/sources/v1/")

    assert said.startswith("No program answers on this computer. Start TOPCAT, then try again")
    assert page.get_by_role("button", name="Send to TOPCAT").is_enabled()


def test_a_page_that_is_not_let_in_says_so(desk, page, address):  # noqa: F811
    with hub(desk, "false"):
        said = send(page, f"{address}/published/pictures/sources/v1/")

    assert said.startswith("Nothing was sent: this page was not let in.")


def test_a_hub_without_anybody_is_not_enough(open_hub, page, address):  # noqa: F811
    said = send(page, f"{address}/published/pictures/sources/v1/")

    assert said == "No program here takes it. Start TOPCAT, then try again."


# TOPCAT reads our services


def test_topcat_begins_with_the_answer_of_a_query(running_topcat):
    table = running_topcat.first

    assert list(table["name"]) == [f"S{n}" for n in range(21, N)]
    np.testing.assert_allclose(table["flux"], np.arange(21, N) / 10)
    assert table["flux"].unit == "mJy"


def test_topcat_loads_a_cone_search(desktop_topcat, address):
    table = desktop_topcat.load(f"{address}/scs/pictures/sources?RA=180&DEC=0&SR=7")

    assert set(table["name"]) == {"S29", "S30", "S31"}
    assert {"name", "position_ra", "position_dec", "flux"} <= set(table.colnames)


# Our pages send to TOPCAT


def test_a_published_version_arrives_in_topcat(desktop_topcat, open_hub, page, address):  # noqa: F811
    said = send(page, f"{address}/published/pictures/sources/v1/")

    assert said == "Sent: topcat has loaded pictures.sources_v1."
    table = desktop_topcat.next_table()
    assert table.colnames == ["row_id", "name", "position_ra", "position_dec", "flux", "image"]
    assert list(table["name"]) == [f"S{n}" for n in range(N)]
    np.testing.assert_allclose(table["position_ra"], np.arange(N) * 6.0)
    assert (table["flux"].unit, table["flux"].meta["ucd"]) == ("mJy", "phot.flux.density")
    assert programs(open_hub) == {"topcat"}


def programs(client):
    """Return the names of the programs that are on the hub, besides the hub itself."""
    found = {client.get_metadata(id).get("samp.name") for id in client.get_registered_clients()}
    return found - {"Hub"}


def test_a_private_version_arrives_in_topcat_which_has_no_cookie(desktop_topcat, owners_page, address):
    assert requests.get(f"{address}/published/pictures/secret_list/v1/").status_code == 404

    said = send(owners_page, f"{address}/published/pictures/secret_list/v1/")

    assert said == "Sent: topcat has loaded pictures.secret_list_v1."
    assert list(desktop_topcat.next_table()["name"]) == [f"S{n}" for n in range(N)]


def test_who_is_signed_out_by_now_is_told_so(desktop_topcat, owners_page, address):
    owners_page.goto(f"{address}/published/pictures/secret_list/v1/")
    owners_page.context.clear_cookies()
    owners_page.locator("send-to button").click()

    said = owners_page.locator("#toasts .message span").first.inner_text()
    assert said == "You are signed out by now; load the page anew and sign in."


def test_the_view_of_a_worktable_arrives_in_topcat(desktop_topcat, owners_page, address, secret):
    said = send(owners_page, f"{secret}?flux=<0.35&_sort=-flux")

    assert said == "Sent: topcat has loaded secret_list."
    table = desktop_topcat.next_table()
    assert list(table["name"]) == ["S3", "S2", "S1", "S0"]
    assert {"name", "position_ra", "position_dec", "flux", "image"} <= set(table.colnames)


def test_the_answer_of_a_query_arrives_in_topcat(desktop_topcat, owners_page, address):
    asked = quote("SELECT name, flux FROM pictures.secret_list_live WHERE flux < 0.35 ORDER BY flux DESC")
    said = send(owners_page, f"{address}/query/?query={asked}")

    assert said == "Sent: topcat has loaded the answer of a query."
    table = desktop_topcat.next_table()
    assert (table.colnames, list(table["name"])) == (["name", "flux"], ["S3", "S2", "S1", "S0"])


# Images, to a program that takes them


@pytest.fixture
def viewer(open_hub):  # noqa: F811
    """What a program gets that takes images; it says of the first one that it cannot."""
    got, outcomes = [], iter(["samp.error"] + ["samp.ok"] * 9)

    def take(private_key, sender, message, mtype, parameters, extra):
        got.append(parameters | {"data": requests.get(parameters["url"]).content})
        error = {"samp.errortxt": "no room"}
        if message is not None:
            open_hub.reply(message, {"samp.status": next(outcomes), "samp.result": {}, "samp.error": error})

    open_hub.bind_receive_message("image.load.fits", take)
    yield got
    open_hub.unbind_receive_notification("image.load.fits")
    open_hub.unbind_receive_call("image.load.fits")


def test_an_image_is_sent_to_whoever_takes_images(viewer, owners_page, address, secret):
    said = [send(owners_page, f"{secret}rows/1/") for _ in range(2)]

    assert said == ["Sent, but tests did not load m87.fits: no room", "Sent: tests has loaded m87.fits."]
    assert [one["data"] == skies.image() for one in viewer] == [True, True]
    assert viewer[0]["image-id"] == f"{secret}rows/1/files/image/"
    assert viewer[0]["url"].startswith(f"{address}/handed/")


def test_the_session_of_the_document_sends_images_parts_and_tables(viewer, desktop_topcat, address):
    (session,) = blocks("python desktop")
    exec(here(session, address), {})

    wait(lambda: len(viewer) == 2, "not both images came")
    whole, part = sorted((one["data"] for one in viewer), key=len, reverse=True)
    assert whole == skies.image()
    with fits.open(BytesIO(part)) as hdus:
        assert hdus[0].data.shape == (8, 8)
    assert desktop_topcat.next_table()["flux"].unit == "mJy"
