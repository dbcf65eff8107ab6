"""Links by programs: shown, changed and removed, each with a preview that changes nothing."""

import pytest
from rest_framework.test import APIClient

from projects.sharing import share_with
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.errors import LinkRefused
from worktables.linking import nearest, remove_link
from worktables.models import Change, Link, State, Unit


def api_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(owner):
    return api_of(owner)


def at(name, rest="", table=None):
    link = Link.objects.get(name=name)
    return f"/api/worktables/{(table or link.target).pk}/links/{link.pk}/{rest}"


def test_a_link_is_shown_from_both_of_its_tables(api, family):
    for table in (family.stars, family.items):
        answer = api.get(at("star_near", table=table)).json()
        assert (answer["name"], answer["options"]["radius"]) == ("star_near", 60.0)
    assert api.get(at("star_near", table=family.fields)).status_code == 404


def test_a_change_is_previewed_then_made(api, family, work):
    work()
    told = api.post(at("star_near", "preview/"), {"lookup": {}}, format="json").json()
    (rows,) = told["tables"]
    assert (rows["name"], rows["stale"], rows["appear"], rows["retire"]) == ("items", 0, 0, 0)
    assert told["sentences"] == [f"items: {rows['cells']} cells are emptied."]
    assert Link.objects.get(name="star_near").options["lookup"]

    answer = api.patch(at("star_near"), {"lookup": {}, "separation": None}, format="json")
    assert (answer.status_code, answer.json()["options"]["lookup"]) == (200, {})
    assert "separation" not in answer.json()["options"]


def test_a_removal_is_previewed_then_made(api, family, work):
    work()
    number = family.items.__class__.objects.get(pk=family.items.pk).n_rows
    told = api.post(at("items_of", "preview-removal/")).json()
    assert told["tables"][0]["retire"] == number > 0
    assert f"items: {number} rows retire." in told["sentences"]
    assert "sums: 2 rows become stale." in told["sentences"]

    address = at("items_of")
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    assert Unit.objects.filter(worktable=family.sums, state=State.STALE).count() == 2


def test_a_declaration_is_previewed(api, family, project, owner, work):
    copies = create_worktable(
        project, "copies", creator=owner, columns=[NewColumn("flux", "float", "lookup", unit="Jy")]
    )
    work()
    new = {"kind": "each", "name": "copied", "source": family.items.pk, "carry": {"flux": "flux"}}
    address = f"/api/worktables/{copies.pk}/links/"

    told = api.post(f"{address}preview/", new, format="json").json()
    assert [rows["name"] for rows in told["tables"]] == ["copies", "items"]
    assert not Link.objects.filter(name="copied").exists()
    assert api.post(address, new, format="json").status_code == 201
    work()
    copies.refresh_from_db()
    assert copies.n_rows == told["tables"][0]["appear"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"radius": 0}, "a radius of 0.0 arcsec cannot be"),
        ({"radius": None}, "needs radius"),
        ({"policy": "skip"}, "has no policy; it has"),
        ({"kind": "each"}, "kind of a link cannot be changed"),
        ({"lookup": {"name": "flux"}}, "“flux” of items is filled by “items_of” already"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy_and_nothing_changes(api, family, change, said):
    before = Change.objects.count()

    for ask in (api.patch, lambda address, *more, **how: api.post(f"{address}preview/", *more, **how)):
        answer = ask(at("star_near"), change, format="json")
        assert answer.status_code in (400, 409)
        assert said in answer.json()["detail"]
    assert Change.objects.count() == before


def test_only_owners_of_both_tables_change_and_only_who_sees_both_looks(
    family, reader, collaborator, stranger, make_user, owner
):
    for user, read, write in ((reader, 200, 403), (collaborator, 200, 403), (stranger, 404, 404)):
        api = api_of(user)
        assert api.get(at("star_near")).status_code == read
        assert api.patch(at("star_near"), {"radius": 9}, format="json").status_code == write
        assert api.delete(at("star_near")).status_code == write
        for rest in ("preview/", "preview-removal/"):
            assert api.post(at("star_near", rest), {}, format="json").status_code == write

    alone = make_user("alone")
    share_with(family.items, alone, "owner", by=owner)
    assert api_of(alone).delete(at("star_near")).status_code == 404
    share_with(family.stars, alone, "reader", by=owner)
    assert api_of(alone).get(at("star_near")).status_code == 200
    assert api_of(alone).delete(at("star_near")).status_code == 403


def test_of_tables_out_of_sight_only_that_they_change_is_told(family, make_user, owner, work):
    work()
    share_with(family.fields, alone := make_user("alone"), "owner", by=owner)
    share_with(family.items, alone, "owner", by=owner)

    told = api_of(alone).post(at("items_of", "preview-removal/")).json()

    assert [rows["name"] for rows in told["tables"]] == ["items"]
    assert told["elsewhere"]
    assert told["sentences"][-1] == "Rows change in tables that are not shared with you, too."


def test_a_cycle_through_tables_out_of_sight_names_none_of_them(project, owner, make_user):
    near, secret, hidden, far = (
        create_worktable(
            project,
            name,
            creator=owner,
            columns=[NewColumn("place", "position", unit="deg"), NewColumn("note", "text", "lookup")],
        )
        for name in ("near", "secret", "hidden", "far")
    )
    how = {"of": "place", "position": "place", "radius": 1.0}
    for source, target in ((near, secret), (secret, hidden), (hidden, far)):
        lookup = {"note": "note"}
        nearest(source, target, name=f"into_{target.name}", lookup=lookup, by=owner, **how)
    back = nearest(far, near, name="back", lookup={}, by=owner, **how)
    alone = make_user("alone")
    for table in (near, far):
        share_with(table, alone, "owner", by=owner)
    api, links = api_of(alone), f"/api/worktables/{near.pk}/links/"

    def refusals(*asked):
        for ask, address, sent in asked:
            answer = ask(address, sent, format="json")
            assert (answer.status_code, answer.json()["code"]) == (400, "link-refused")
            yield answer.json()["detail"]

    change = {"lookup": {"note": "note"}}
    told = [*refusals((api.patch, at("back"), change), (api.post, at("back", "preview/"), change))]
    remove_link(back, by=owner)
    new = {"kind": "nearest", "name": "back", "source": far.pk, **how, **change}
    told += refusals((api.post, links, new), (api.post, f"{links}preview/", new))

    for refusal in told:
        assert "near.back" in refusal
        assert "a table that is not shared with you" in refusal
        assert "you → a table" not in refusal
        assert "secret" not in refusal
        assert "hidden" not in refusal
    with pytest.raises(LinkRefused, match=r"hidden\.into_hidden"):
        nearest(far, near, name="back", lookup={"note": "note"}, by=owner, **how)


@pytest.mark.parametrize("name", ["x" * 64, "Über", "two words", "a.b", "“q”", "9"])
def test_a_name_that_steps_cannot_have_is_refused(api, family, name):
    new = {
        "kind": "nearest",
        "source": family.stars.pk,
        "of": "place",
        "position": "place",
        "radius": 1,
        "lookup": {},
    }
    for rest in ("", "preview/"):
        answer = api.post(
            f"/api/worktables/{family.items.pk}/links/{rest}", {**new, "name": name}, format="json"
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "unfit-name")


@pytest.mark.parametrize("radius", [-5, 1e300])
def test_a_radius_by_which_no_item_finds_its_row_is_refused(api, family, radius):
    for ask, rest in ((api.patch, ""), (api.post, "preview/")):
        answer = ask(at("items_of", rest), {"radius": radius}, format="json")
        assert answer.status_code == 400
        assert "arcsec cannot be" in answer.json()["detail"]
    assert Link.objects.get(name="items_of").options["radius"] == 1.0


@pytest.mark.parametrize(
    "sent",
    [
        r'{"lookup": {"\ud800": "star"}}',
        r'{"\ud800": 1}',
        r'{"policy": "\udfff"}',
        r'{"lookup": [{"\ud800": 1}]}',
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(api, family, sent):
    for ask, rest in ((api.patch, ""), (api.post, "preview/")):
        answer = ask(at("star_near", rest), sent, content_type="application/json")
        assert answer.status_code == 400
        assert "surrogate" in answer.json()["detail"].lower()
