"""Changing a link: what depends on the change becomes stale, and only that; rows stay where their items do."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied

from pipelines.models import Pipeline
from tests.worktables.test_links import SUM_OF_TOTALS, calibration, change, stale, states
from worktables.annotating import flag_rows
from worktables.columns import NewColumn, add_column, describe_column
from worktables.creating import create_worktable
from worktables.errors import LinkRefused
from worktables.linking import (
    change_link,
    collect,
    draft_link,
    each,
    latest_valid_at,
    nearest,
    preview_change,
    preview_declaration,
    preview_removal,
    remove_link,
)
from worktables.models import Change, Event, Link, State, Unit
from worktables.rows import add_rows
from worktables.storage import layout_of


def link(name):
    return Link.objects.get(name=name)


def everything(project):
    """Return all that a preview must leave alone."""
    tables = [
        (table.pk, list(layout_of(table).model.objects.order_by("id").values()))
        for table in project.worktables.all()
    ]
    return (
        tables,
        list(Unit.objects.order_by("pk").values()),
        list(Link.objects.order_by("pk").values()),
        Change.objects.count(),
        Event.objects.count(),
    )


def changed(of, by, /, **changes):
    """Change a link after its preview; return the preview, which has changed nothing."""
    project = of.source.project
    before = everything(project)
    told = preview_change(of, by=by, **changes)
    assert everything(project) == before
    change_link(of, by=by, **changes)
    return told


# ------------------------------------------------------------------ nearest


@pytest.fixture
def sky(project, owner, work):
    """seekers along a line, each beside a star at 10″, 20″ … and what is made from what they found."""
    stars = create_worktable(
        project, "stars", creator=owner,
        columns=[NewColumn("label"), NewColumn("kind"), NewColumn("place", "position"), NewColumn("was", "position")],
    )  # fmt: skip
    seekers = create_worktable(
        project, "seekers", creator=owner,
        columns=[NewColumn("here", "position"), NewColumn("found", "text", "lookup"),
                 NewColumn("more", "text", "lookup"), NewColumn("away", "float", "lookup", unit="arcsec")],
    )  # fmt: skip
    notes = create_worktable(
        project, "notes", creator=owner,
        columns=[NewColumn("found", "text", "lookup"), NewColumn("away", "float", "lookup", unit="arcsec")],
    )  # fmt: skip
    near = nearest(stars, seekers, name="near", of="place", position="here", radius=25.0,
                   lookup={"label": "found"}, separation="away", by=owner)  # fmt: skip
    each(seekers, notes, name="noted", carry={"found": "found"}, by=owner)
    for n in range(1, 5):
        there = (10.0 * n, 10 * n / 3600)
        add_rows(
            stars, [{"label": f"s{n}", "kind": f"k{n}", "place": there, "was": (10.0 * n, 0.001)}], by=owner
        )
        add_rows(seekers, [{"here": (10.0 * n, 0.0)}], by=owner)
    work()
    return SimpleNamespace(stars=stars, seekers=seekers, notes=notes, near=near)


def test_a_wider_radius_concerns_only_those_that_now_find_somebody(sky, owner, work, cells):
    assert [found for (found,) in cells(sky.seekers, "found").values()] == ["s1", "s2", None, None]

    told = changed(sky.near, owner, radius=35.0)
    assert stale(sky.seekers) == [3]
    assert "the link “near” was changed by owner" in Unit.objects.get(step=sky.near.step, row_id=3).reason
    assert (told.of(sky.seekers).stale, told.of(sky.notes).stale, told.of(sky.stars).stale) == (1, 1, 0)
    work()
    assert [found for (found,) in cells(sky.notes, "found").values()] == ["s1", "s2", "s3", None]

    changed(sky.near, owner, radius=15.0)
    assert stale(sky.seekers) == [2, 3]
    work()
    assert [found for (found,) in cells(sky.seekers, "found").values()] == ["s1", None, None, None]


def test_another_position_concerns_those_whose_separation_it_changes(sky, owner, work, cells):
    changed(sky.near, owner, of="was")
    assert stale(sky.seekers) == [1, 2, 3, 4]
    work()
    assert [found for (found,) in cells(sky.seekers, "found").values()] == ["s1", "s2", "s3", "s4"]
    assert {round(away, 3) for (away,) in cells(sky.seekers, "away").values()} == {3.6}


def test_another_column_is_looked_up_by_those_that_find_somebody(sky, owner, work, cells):
    changed(sky.near, owner, lookup={"label": "found", "kind": "more"})
    assert stale(sky.seekers) == [1, 2]
    work()
    assert cells(sky.seekers, "found", "more")[1] == ("s1", "k1")
    assert cells(sky.seekers, "found", "more")[4] == (None, None)

    changed(sky.near, owner, lookup={"label": "more"})  # the same cells, into another column
    work()
    assert cells(sky.seekers, "found", "more")[2] == (None, "s2")
    assert cells(sky.notes, "found")[2] == (None,)


def test_the_same_cells_come_into_another_column(sky, owner, work, cells):
    changed(sky.near, owner, lookup={"label": "more"})
    work()

    assert list(cells(sky.seekers, "found", "more").values())[:2] == [(None, "s1"), (None, "s2")]


def test_a_column_looked_up_no_more_is_emptied_and_what_was_made_from_it_is_stale(sky, owner, work, cells):
    told = changed(sky.near, owner, lookup={}, separation=None)

    assert told.of(sky.seekers).cells == 4
    assert set(cells(sky.seekers, "found", "away").values()) == {(None, None)}
    assert "noted" in Unit.objects.filter(worktable=sky.seekers, state=State.STALE).values_list(
        "step__name", flat=True
    )
    work()
    assert set(cells(sky.notes, "found").values()) == {(None,)}


def test_a_result_by_the_old_settings_is_not_taken(sky, owner, cells):
    change(sky.stars, 1, "label", "new", owner)
    unit = Unit.objects.get(step=sky.near.step, row_id=1)
    assert unit.state == State.STALE

    change_link(sky.near, lookup={}, by=owner)

    assert Unit.objects.get(step=sky.near.step, row_id=1).generation > unit.generation


def test_what_waits_above_a_new_position_is_waited_for(project, sky, owner, work, cells):
    """A position that an expansion brings, and that is not there yet, is followed though nobody is near it now."""
    add_column(sky.notes, NewColumn("there", "position", "lookup"), by=owner)
    add_column(sky.notes, NewColumn("label", "text", "lookup"), by=owner)
    change_link(link("noted"), by=owner, carry={"found": "found", "here": "there"})
    again = nearest(sky.stars, sky.notes, name="again", of="place", position="there", radius=1.0,
                    lookup={"label": "label"}, by=owner)  # fmt: skip
    work()
    change(sky.seekers, 4, "here", (10.0, 10 / 3600), owner)
    change_link(again, radius=2.0, by=owner)
    work()

    assert cells(sky.notes, "label")[4] == ("s1",)
    assert set(states(sky.notes).values()) == {"fresh"}


# ------------------------------------------------------------------ latest-valid-at


def test_only_those_that_another_row_is_valid_for_become_stale(project, owner, work, cells):
    times = [NewColumn("begins", "time"), NewColumn("ends", "time"), NewColumn("breadth", "int")]
    calibrations = create_worktable(
        project, "calibrations", creator=owner, columns=[NewColumn("label"), NewColumn("chip"), *times]
    )
    exposures = create_worktable(
        project, "exposures", creator=owner,
        columns=[NewColumn("taken", "time"), NewColumn("chip"), NewColumn("used", "text", "lookup")],
    )  # fmt: skip
    found = latest_valid_at(calibrations, exposures, name="calibrated", date="taken", valid_from="begins",
                            valid_to="ends", match={"chip": "chip"}, lookup={"label": "used"}, by=owner)  # fmt: skip
    rows = [calibration("wide", 0.0, 100.0, breadth=1), calibration("narrow", 10.0, 20.0, breadth=2),
            calibration("other", 40.0, 60.0, "b", breadth=3)]  # fmt: skip
    add_rows(calibrations, rows, by=owner)
    add_rows(exposures, [{"taken": taken, "chip": "a"} for taken in (5.0, 15.0, 50.0, 150.0)], by=owner)
    work()

    told = changed(found, owner, scope="breadth")
    assert stale(exposures) == [2]
    assert told.of(exposures).stale == 1
    work()
    changed(found, owner, scope=None, match=None)
    assert stale(exposures) == [2, 3]
    work()
    assert [used for (used,) in cells(exposures, "used").values()] == ["wide", "narrow", "other", None]
    changed(found, owner, valid_to=None)
    assert stale(exposures) == [4]  # for the others, that which began last is the narrowest, too
    work()
    assert cells(exposures, "used")[4] == ("other",)


# ------------------------------------------------------------------ collect


def test_rows_that_collect_others_than_before_become_stale(family, owner, work, cells):
    add_rows(family.sums, [{"band": "c", "least": 0.0}], by=owner)
    add_rows(family.fields, [{"x": 2.0, "band": "c"}], by=owner)
    work()
    counted = cells(family.sums, "n", "total")
    units = dict(Unit.objects.filter(worktable=family.sums).values_list("row_id", "generation"))

    told = changed(link("members"), owner, match=None)
    assert stale(family.sums) == [1, 2, 3]
    assert told.of(family.sums).stale == 3
    work()
    assert cells(family.sums, "n")[1][0] > counted[1][0]
    changed(link("members"), owner, match={"band": "band"})
    work()
    assert cells(family.sums, "n", "total") == counted

    told = changed(link("members"), owner, policy="skip")
    assert stale(family.sums) == []  # nothing has failed
    assert not told
    assert (
        Change.objects.filter(action="link", subject="members").latest("id").new["options"]["policy"]
        == "skip"
    )
    assert all(Unit.objects.get(worktable=family.sums, row_id=row).generation > n for row, n in units.items())


def test_a_row_that_collects_the_same_is_left_alone(family, owner, work):
    """One band has all rows: there, to match it or not is the same."""
    for row in (2, 3):
        change(family.fields, row, "band", "a", owner)
    work()

    told = changed(link("members"), owner, match={})

    assert stale(family.sums) == [2]
    assert told.of(family.sums).stale == 1


def test_a_policy_concerns_those_whose_rows_failed(project, owner, worktable, work, cells):
    sums = Pipeline.objects.create(name="sums", title="Sums", graph=SUM_OF_TOTALS)
    add_column(worktable, NewColumn("band"), by=owner)
    describe_column(worktable, "total", unit="Jy", by=owner)
    totals = create_worktable(project, "totals", creator=owner, pipeline=sums, columns=[NewColumn("band")])
    members = collect(worktable, totals, name="members", match={"band": "band"}, by=owner)
    add_rows(worktable, [{"x": 13.0, "band": "a"}, {"x": 1.0, "band": "b"}], by=owner)
    add_rows(totals, [{"least": 0.0, "band": "a"}, {"least": 0.0, "band": "b"}], by=owner)
    work()
    assert states(totals) == {1: "blocked", 2: "fresh"}

    changed(members, owner, policy="skip")
    assert stale(totals) == [1]
    work()
    assert states(totals) == {1: "fresh", 2: "fresh"}
    changed(members, owner, policy=None)
    assert stale(totals) == [1]
    work()
    assert states(totals) == {1: "blocked", 2: "fresh"}

    changed(members, owner, match={})
    work()
    assert set(states(totals).values()) == {"blocked"}


# ------------------------------------------------------------------ each and expand


def test_rows_of_an_expand_stay_while_their_items_do(family, owner, work, cells):
    work()
    before, of = cells(family.items, "place", "flux"), link("items_of")
    (comment,) = flag_rows(family.items, [1], "odd", author=owner)

    told = changed(of, owner, radius=5.0)
    assert (stale(family.fields), bool(told)) == ([], False)  # it counts when a list is read next

    told = changed(of, owner, sky=None, key=["flux"])
    assert told.lists == 3
    assert told.of(family.items).stale == len(before)
    assert stale(family.fields) == [1, 2, 3]
    work()
    assert cells(family.items, "place", "flux") == before
    assert comment.row_id in before

    changed(of, owner, sky="place", radius=1.0)
    work()
    assert cells(family.items, "place", "flux") == before
    assert of.options["radius"] == 1.0
    assert "key" not in of.options


def test_a_key_that_rows_cannot_have_yet_makes_new_ones(family, owner, work, cells):
    work()
    before = cells(family.items, "flux")
    changed(link("items_of"), owner, fields={"position": "place"})
    assert set(cells(family.items, "flux").values()) == {(None,)}
    work()
    assert list(cells(family.items, "flux")) == list(before)  # found by their place

    changed(link("items_of"), owner, fields={"position": "place", "flux": "flux"}, key=["flux"])
    work()
    assert sorted(cells(family.items, "flux").values()) == sorted(before.values())
    assert not set(cells(family.items, "flux")) & set(before)


def test_what_is_carried_changes_in_the_same_rows(worktable, project, owner, work, cells):
    columns = [NewColumn("total", "float", "lookup"), NewColumn("sign", "text", "lookup")]
    reviews = create_worktable(project, "reviews", creator=owner, columns=columns)
    reviewed = each(worktable, reviews, name="reviewed", carry={"total": "total"}, by=owner)
    work()

    told = changed(reviewed, owner, carry={"sign": "sign"})
    assert told.of(reviews).cells == 3
    assert told.of(worktable).stale == 3
    work()
    assert cells(reviews, "total", "sign") == {
        1: (None, "positive"), 2: (None, "negative"), 3: (None, "positive"),
    }  # fmt: skip


# ------------------------------------------------------------------ what is refused, and what is written


def test_a_cycle_is_refused_naming_its_tables_and_nothing_changes(sky, project, owner):
    add_column(sky.stars, NewColumn("note", "text", "lookup"), by=owner)
    back = nearest(
        sky.seekers, sky.stars, name="back", of="here", position="place", radius=1.0, lookup={}, by=owner
    )
    change_link(sky.near, by=owner, lookup={"note": "found"})
    before = everything(project)

    for act in (preview_change, change_link):
        with pytest.raises(LinkRefused, match=r"depend on itself: .*(seekers.*stars|stars.*seekers)"):
            act(back, by=owner, lookup={"found": "note"})
    assert everything(project) == before


def test_what_a_kind_does_not_have_or_cannot_do_without_is_refused(family, owner):
    with pytest.raises(LinkRefused, match="has no policy; it has"):
        change_link(link("star_near"), policy="skip", by=owner)
    with pytest.raises(LinkRefused, match="needs radius"):
        change_link(link("star_near"), radius=None, by=owner)
    with pytest.raises(LinkRefused, match="“flux” of items is not filled by this link"):
        change_link(link("items_of"), fields={"position": "place"}, key=["flux"], by=owner)


def test_the_history_keeps_both(family, owner):
    change_link(link("star_near"), radius=30.0, by=owner)
    change_link(link("star_near"), radius=30.0, by=owner)  # nothing to do

    (entry,) = Change.objects.filter(worktable=family.items, action="link", subject="star_near").exclude(
        old=None
    )
    assert (entry.old["options"]["radius"], entry.new["options"]["radius"], entry.by) == (60.0, 30.0, owner)


def test_a_stranger_changes_nothing(family, stranger):
    for act in (change_link, preview_change):
        with pytest.raises(PermissionDenied):
            act(link("star_near"), radius=30.0, by=stranger)


# ------------------------------------------------------------------ previews of declaring and removing


def test_what_a_new_link_would_do_is_counted(family, owner, work):
    project = family.items.project
    copies = create_worktable(
        project, "copies", creator=owner, columns=[NewColumn("flux", "float", "lookup", unit="Jy")]
    )
    work()
    before = everything(project)

    told = preview_declaration(
        draft_link("each", family.items, copies, name="copied", carry={"flux": "flux"}, by=owner), by=owner
    )
    family.items.refresh_from_db()
    assert told.of(copies).appear == told.of(family.items).stale == family.items.n_rows > 0
    assert everything(project) == before

    remove_link(link("members"), by=owner)
    work()
    draft = draft_link("collect", family.items, family.sums, name="members", match={}, by=owner)
    assert preview_declaration(draft, by=owner).of(family.sums).stale == 2


def test_what_hangs_on_rows_that_would_retire_is_counted_too(family, owner, work):
    copies = create_worktable(
        family.items.project,
        "copies",
        creator=owner,
        columns=[NewColumn("flux", "float", "lookup", unit="Jy")],
    )
    each(family.items, copies, name="copied", carry={"flux": "flux"}, by=owner)
    work()
    copies.refresh_from_db()
    assert copies.n_rows

    told = preview_removal(link("items_of"))
    assert told.of(copies).retire == told.of(family.items).retire == copies.n_rows
    assert told.of(family.sums).stale == 2

    remove_link(link("items_of"), by=owner)
    copies.refresh_from_db()
    assert copies.n_rows == 0
