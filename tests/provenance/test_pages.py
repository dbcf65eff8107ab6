"""The pages and the API of lineage: what they say, to whom, and what they refuse."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from django.template import Context, Template

from projects.sharing import share_with


@pytest.fixture
def page(client):
    """Fetch a page as somebody, as text."""

    def page(address, user):
        client.force_login(user)
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    return page


@pytest.fixture
def computed(family, work):
    work()
    return family


def words(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_row_says_who_made_its_numbers(computed, page, owner):
    html = words(page(f"/provenance/worktables/{computed.sums.pk}/rows/2/", owner))

    assert "sums 2 · total" in html
    assert "of sum" in html
    assert "items.flux of 4 rows" in html
    assert "typed by owner" in html
    assert "opened out above" in html


def test_a_page_of_another_floor_includes_it_by_a_tag(computed, owner):
    template = Template("{% load lineage %}{% row_lineage worktable row_id user %}")

    html = template.render(Context({"worktable": computed.sums, "row_id": 2, "user": owner}))

    assert "items.flux of 4 rows" in html


def test_a_typed_row_says_that_no_run_made_it(computed, page, owner):
    assert "No run is recorded" in page(f"/provenance/worktables/{computed.stars.pk}/rows/1/", owner)


def test_the_page_of_a_cell_draws_the_graph(computed, page, owner):
    html = page(f"/provenance/worktables/{computed.sums.pk}/rows/2/total/", owner)

    drawing = ElementTree.fromstring(re.search(r"<svg width=.*?</svg>", html, re.DOTALL)[0])
    titles = [title.text for title in drawing.iter("title")]
    assert "fields 2 · x: 3" in titles
    assert "items.flux of 4 rows: 4 values" in titles
    places = [(rect.get("x"), rect.get("y")) for rect in drawing.iter("rect")]
    assert len(set(places)) == len(places), "no box lies on another"
    right = {title: float(rect.get("x")) for title, rect in zip(titles, drawing.iter("rect"), strict=True)}
    assert min(right.values()) == right["sums 2 · total: 5 Jy"]
    assert right["sums 2 · total: 5 Jy"] < right["items.flux of 4 rows: 4 values"] < right["fields 2 · x: 3"]
    assert "As a list" in html


def test_the_page_of_a_cell_goes_forth_too(computed, page, owner):
    html = words(
        page(f"/provenance/worktables/{computed.fields.pk}/rows/2/x/?direction=forth&depth=9", owner)
    )

    assert "What was made of x" in html
    assert "sums 2 · total" in html


def test_a_cell_that_nothing_used_says_so(computed, page, owner):
    assert "Nothing recorded yet" in page(
        f"/provenance/worktables/{computed.stars.pk}/rows/2/place/?direction=forth", owner
    )


def test_names_are_escaped(computed, page, owner, work):
    """A value may be anything; it never becomes part of the page."""
    from worktables.editing import edit_cell

    evil = "<script>alert(1)</script>"
    edit_cell(computed.sums, 2, computed.sums.column("band"), evil, seen="b", editor=owner)
    edit_cell(computed.fields, 2, computed.fields.column("band"), evil, seen="b", editor=owner)
    work()

    html = page(f"/provenance/worktables/{computed.items.pk}/rows/3/band/", owner)

    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    "address",
    [
        "/provenance/worktables/{pk}/rows/2/",
        "/provenance/worktables/{pk}/rows/2/total/",
        "/api/provenance/worktables/{pk}/rows/2/",
    ],
)
def test_what_one_may_not_see_is_not_there(computed, client, stranger, reader, address):
    address = address.format(pk=computed.sums.pk)

    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(reader)
    assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/provenance/worktables/{pk}/rows/999/", 404, "no-such-row"),
        ("/api/provenance/worktables/{pk}/rows/2/?column=nothing", 400, "no-such-column"),
        ("/api/provenance/worktables/{pk}/rows/2/?depth=0", 400, "unfit-question"),
        ("/api/provenance/worktables/{pk}/rows/2/?depth=51", 400, "unfit-question"),
        ("/api/provenance/worktables/{pk}/rows/2/?depth=²", 400, "unfit-question"),
        ("/api/provenance/worktables/{pk}/rows/2/?direction=up", 400, "unfit-question"),
        ("/api/provenance/worktables/{pk}/rows/2/?format=prov-xml", 404, "not-found"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(computed, client, owner, address, status, code):
    client.force_login(owner)

    answer = client.get(address.format(pk=computed.sums.pk))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]


def test_the_api_gives_the_lineage_nested(computed, client, owner):
    client.force_login(owner)

    document = client.get(f"/api/provenance/worktables/{computed.sums.pk}/rows/2/?column=total").json()

    (total,) = document["cells"]
    (run,) = total["runs"]
    assert (total["label"], run["step"], run["worktable"], run["row"]) == (
        "sums 2 · total",
        "sum",
        computed.sums.pk,
        2,
    )
    fluxes = next(cell for cell in run["cells"] if cell["role"] == "fluxes")
    assert (fluxes["kind"], fluxes["n"]) == ("collection", 4)
    assert fluxes["members"][0]["runs"][0]["step"] == "items_of"
    assert document["complete"] is True


def test_the_api_says_of_hidden_cells_only_that_they_are_there(computed, client, owner, make_user):
    guest = make_user("guest")
    share_with(computed.sums, guest, "reader", by=owner)
    client.force_login(guest)

    text = client.get(f"/api/provenance/worktables/{computed.sums.pk}/rows/2/").content.decode()

    assert "not visible to you" in text
    assert "items" not in text
    assert "fields" not in text


def test_the_admin_reads_and_never_writes(computed, client, curator):
    from provenance.models import Attribution, Entity, Generated

    client.force_login(curator)

    entity = Entity.objects.filter(name="fields.total").first()
    for model in (Entity, Generated, Attribution):
        name = model._meta.model_name
        assert client.get(f"/admin/provenance/{name}/").status_code == 200
        assert client.get(f"/admin/provenance/{name}/add/").status_code == 403
    shown = client.get(f"/admin/provenance/entity/{entity.pk}/change/").content.decode()
    assert "as total" in shown
    assert 'name="_save"' not in shown
    assert client.post(f"/admin/provenance/entity/{entity.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"/admin/provenance/entity/?q={entity.digest}").status_code == 200
