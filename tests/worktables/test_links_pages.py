"""The Links of a table: what leads where, for whom; declared, changed and removed with a preview before."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from projects.sharing import share_with
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable
from worktables.linking import each, nearest, remove_link
from worktables.models import Change, Link


@pytest.fixture
def ask(client, request):
    """Ask for a page, or send a form, in somebody's name; return the status and the text."""

    def ask(who, address, data=None):
        user = request.getfixturevalue(who) if isinstance(who, str) else who
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        answer = client.get(address) if data is None else client.post(address, data)
        return answer.status_code, unescape(answer.content.decode())

    return ask


def page_of(table, name="worktable-links", *more):
    return reverse(name, args=[table.pk, *more])


def to_link(name, of="worktable-link"):
    link = Link.objects.get(name=name)
    return reverse(of, args=[link.target_id, link.pk])


def new_link(kind, source, target):
    return f"{page_of(target, 'worktable-new-link')}?kind={kind}&source={source.pk}"


def previewed(text):
    """Return the word for what was previewed, as the form sends it back."""
    return re.search(r'name="previewed" value="(\w+)"', text)[1]


STAR_NEAR = {
    "of": "place", "position": "place", "radius": "60.0", "fill.star": "column:name", "fill.separation": "separation:",
}  # fmt: skip


def test_each_link_is_said_in_one_sentence_on_both_its_tables(ask, family):
    status, text = ask("owner", page_of(family.items))
    assert status == 200
    assert (
        "Every row of items finds the nearest row of stars, place to place, within 60″, and takes name as star."
        in text
    )
    assert "Every item of the list “items” of fields is a row of items" in text
    assert (
        "Every row of sums collects the rows of items with the same band; while one of them has failed, it is blocked."
        in text
    )
    assert (
        text.index("Into this table")
        < text.index("star_near")
        < text.index("Out of this table")
        < text.index("members")
    )
    assert "star_near" in ask("owner", page_of(family.stars))[1]


def test_only_owners_of_both_tables_are_offered_to_change(ask, family, make_user, owner):
    assert "Remove" in ask("owner", page_of(family.items))[1]
    for who in ("reader", "collaborator"):
        status, text = ask(who, page_of(family.items))
        assert status == 200
        assert "star_near" in text
        assert "Remove" not in text
        assert "Link another table" not in text
        assert ask(who, to_link("star_near"))[0] == 403
    assert ask("stranger", page_of(family.items))[0] == 404

    share_with(family.items, alone := make_user("alone"), "owner", by=owner)
    text = ask(alone, page_of(family.items))[1]
    assert "No links yet" in text
    assert "star_near" not in text
    assert ask(alone, to_link("star_near"))[0] == 404
    assert ask(alone, to_link("star_near", "worktable-remove-link"), {})[0] == 404


def test_the_list_asks_no_more_for_more(client, family, project, owner, django_assert_num_queries):
    client.force_login(owner)
    address = page_of(family.items)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    assert len(few) < 20

    for number in range(6):
        nearest(family.stars, family.items, name=f"more_{number}", of="place", position="place", radius=1.0, lookup={},
                by=owner)  # fmt: skip
        each(family.items, create_worktable(project, f"copy_{number}", creator=owner, columns=[NewColumn("note")]),
             name=f"copied_{number}", by=owner)  # fmt: skip
    with django_assert_num_queries(len(few)):
        assert b"copied_5" in client.get(address).content


def test_without_links_the_page_teaches_what_they_are(ask, project, owner):
    table = create_worktable(project, "lonely", creator=owner, columns=[NewColumn("note")])
    text = ask("owner", page_of(table))[1]
    assert "A link joins two tables of a project" in text
    assert "make one first" in text


# ------------------------------------------------------------------ removing


def test_a_removal_is_shown_before_it_is_done(ask, family, work):
    work()
    address = to_link("items_of", "worktable-remove-link")
    family.items.refresh_from_db()

    status, text = ask("owner", address)
    assert status == 200
    assert f"items: {family.items.n_rows} rows retire." in text
    assert "sums: 2 rows become stale." in text
    assert Link.objects.filter(name="items_of").exists()

    assert ask("owner", address, {})[0] == 302
    assert not Link.objects.filter(name="items_of").exists()


# ------------------------------------------------------------------ changing


def test_a_change_is_saved_only_as_it_was_previewed(ask, family, work, cells):
    work()
    address, before = to_link("star_near"), Change.objects.count()
    status, text = ask("owner", address)
    assert status == 200
    assert 'value="60.0"' in text
    assert re.search(r'value="column:name" selected', text)

    wanted = {**STAR_NEAR, "fill.star": ""}
    assert ask("owner", address, {**wanted, "save": "1"})[0] == 200  # nothing was previewed
    status, text = ask("owner", address, wanted)
    found = sum(star is not None for (star,) in cells(family.items, "star").values())
    assert found > 0
    assert re.search(rf"items: (\d+ rows become stale, )?{found} cells? (is|are) emptied", text)
    assert "Change the link" in text
    assert Change.objects.count() == before

    other = {**wanted, "radius": "7", "save": "1", "previewed": previewed(text)}
    status, text = ask("owner", address, other)
    assert "Something was chosen anew since the preview" in text
    assert Link.objects.get(name="star_near").options["radius"] == 60.0

    assert ask("owner", address, {**other, "previewed": previewed(text)})[0] == 302
    assert Link.objects.get(name="star_near").options["radius"] == 7.0
    assert (
        "<del>nearest, lookup, radius 60.0</del>"
        in ask("owner", reverse("worktable-history", args=[family.items.pk]))[1]
    )


def test_what_is_refused_keeps_what_was_chosen(ask, family):
    status, text = ask("owner", to_link("star_near"), {**STAR_NEAR, "radius": "99999"})
    assert status == 400
    assert "a radius of 99999.0 arcsec cannot be" in text
    assert 'value="99999"' in text
    assert 'role="alert"' not in text  # it is said at the field

    status, text = ask("owner", to_link("members"), {"match.1.there": "band", "policy": "block"})
    assert status == 400
    assert "Choose both columns of a pair, or none." in text


@pytest.mark.parametrize("name", ["items_of", "star_near", "members"])
def test_a_form_sent_as_it_came_changes_nothing(ask, client, owner, family, work, name):
    work()
    client.force_login(owner)
    form = client.get(to_link(name)).context["form"]
    data = {key: form[key].value() for key in form.fields if form[key].value() is not None}

    status, text = ask("owner", to_link(name), data)

    assert status == 200
    assert "No row changes." in text
    before = Link.objects.get(name=name).options
    assert ask("owner", to_link(name), {**data, "save": "1", "previewed": previewed(text)})[0] == 302
    assert Link.objects.get(name=name).options == before


# ------------------------------------------------------------------ declaring


def test_only_what_fits_is_offered(ask, family, owner):
    add_column(family.items, NewColumn("distance", "float", "lookup", unit="pc"), by=owner)
    add_column(family.stars, NewColumn("parallax", "float", unit="mas"), by=owner)
    add_column(family.stars, NewColumn("range", "float", unit="kpc"), by=owner)

    text = ask("owner", new_link("nearest", family.stars, family.items))[1]

    field = re.search(r'<select name="fill\.distance".*?</select>', text, re.DOTALL)[0]
    assert re.findall(r'value="([^"]*)"', field) == ["", "column:range"]
    assert 'name="fill.star"' not in text  # another link fills it


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("expand", "stars has no list of items"),
        ("latest-valid-at", "stars has no time"),
        ("collect", "items has no pipeline"),
    ],
)
def test_what_cannot_be_says_what_is_lacking(ask, family, kind, said):
    text = re.sub(r"</?code>", "", ask("owner", new_link(kind, family.stars, family.items))[1])
    assert said in text
    assert "Columns of" in text


def declared(ask, address, **data):
    """Declare a link by its form: preview, then save; return what the preview said."""
    status, text = ask("owner", address, data)
    assert status == 200, text
    assert ask("owner", address, {**data, "save": "1", "previewed": previewed(text)})[0] == 302
    return text


def test_links_of_every_kind_are_declared_by_form(ask, family, project, owner, work, cells):
    work()
    columns = [NewColumn("band", "text", "lookup"), NewColumn("flux", "float", "lookup", unit="mJy"),
               NewColumn("place", "position", "lookup"), NewColumn("near", "text", "lookup"),
               NewColumn("taken", "time"), NewColumn("used", "text", "lookup")]  # fmt: skip
    copies = create_worktable(project, "copies", creator=owner, columns=columns)
    add_column(family.stars, NewColumn("begins", "time"), by=owner)

    text = declared(ask, new_link("each", family.items, copies), name="copied",
                    **{"fill.flux": "column:flux", "fill.place": "column:place"})  # fmt: skip
    family.items.refresh_from_db()
    assert f"copies: {family.items.n_rows} rows appear, or come back" in text
    declared(ask, new_link("nearest", family.stars, copies), name="close", of="place", position="place", radius="60",
             **{"fill.near": "column:name"})  # fmt: skip
    declared(ask, new_link("latest-valid-at", family.stars, copies), name="dated", date="taken", valid_from="begins",
             **{"fill.used": "column:name"})  # fmt: skip
    remove_link(Link.objects.get(name="members"), by=owner)
    declared(ask, new_link("collect", family.items, family.sums), name="members", policy="skip",
             **{"match.1.there": "band", "match.1.here": "band"})  # fmt: skip
    work()
    assert [flux for (flux,) in cells(copies, "flux").values()] == [
        pytest.approx(1000 * flux) for (flux,) in cells(family.items, "flux").values()
    ]
    assert Link.objects.get(name="members").options["policy"] == "skip"

    remove_link(Link.objects.get(name="copied"), by=owner)
    same = {"item": "items", "sky": "place", "radius": "1"}
    filled = {"fill.flux": "field:flux", "fill.place": "field:position", "fill.band": "column:band"}
    text = declared(ask, new_link("expand", family.fields, copies), name="again", **same, **filled)
    assert "The lists of 3 rows are read" in text
    work()
    assert len(cells(copies, "flux")) == len(cells(family.items, "flux"))


def test_a_refused_declaration_keeps_what_was_typed(ask, family):
    address = new_link("nearest", family.stars, family.items)
    status, text = ask("owner", address, {**STAR_NEAR, "name": "star_near"})
    assert status == 400
    assert "already has a link or step named “star_near”; choose another name" in text
    assert 'value="star_near"' in text


def test_a_second_pair_for_a_column_is_refused_not_taken_for_the_first(ask, project, owner):
    columns = [
        NewColumn("band"),
        NewColumn("other"),
        NewColumn("day", "time", unit="d"),
        NewColumn("got", "text", "lookup"),
    ]
    source, target = (
        create_worktable(project, name, creator=owner, columns=columns) for name in ("one", "two")
    )
    typed = {
        "name": "valid", "date": "day", "valid_from": "day", "fill.got": "column:band",
        "match.1.there": "band", "match.1.here": "band", "match.2.there": "band", "match.2.here": "other",
    }  # fmt: skip
    status, text = ask("owner", new_link("latest-valid-at", source, target), typed)
    assert status == 400
    assert "“band” is in a pair already" in text
