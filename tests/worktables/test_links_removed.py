"""Removing a link: what it made goes, what was computed from that is stale, and it can be declared again."""

import pytest
from django.core.exceptions import PermissionDenied

from worktables.errors import LinkRefused
from worktables.linking import change_link, collect, expand, preview_change, preview_removal, remove_link
from worktables.models import Change, Link, State, Todo, Unit
from worktables.storage import layout_of


def test_rows_of_an_expand_retire_and_come_back(family, owner, work, cells):
    work()
    before, link = cells(family.items, "flux"), Link.objects.get(name="items_of")
    step = link.step_id
    assert before
    assert preview_removal(link).of(family.items).retire == len(before)

    remove_link(link, by=owner)
    assert not cells(family.items, "flux")
    assert not Unit.objects.filter(step=step).exists()
    assert not Todo.objects.filter(step=step).exists()
    work()
    assert set(layout_of(family.fields).rows.values_list("state", flat=True)) == {State.FRESH}

    expand(
        family.fields, family.items, name="items_of", item="items",
        fields={"position": "place", "flux": "flux"}, carry={"band": "band"}, sky="place", radius=1.0, by=owner,
    )  # fmt: skip
    work()
    assert cells(family.items, "flux") == before


def test_cells_that_were_looked_up_are_emptied(family, owner, work, cells):
    work()
    link = Link.objects.get(name="star_near")
    found = [value for row in cells(family.items, "star", "separation").values() for value in row]
    assert preview_removal(link).of(family.items).cells == sum(value is not None for value in found) > 0

    remove_link(link, by=owner)
    assert set(cells(family.items, "star", "separation").values()) == {(None, None)}
    change = Change.objects.filter(action=Change.Action.LINK).latest("id")
    assert (change.subject, change.old["kind"], change.new) == ("star_near", "nearest", None)


def test_who_collected_lacks_an_input_until_the_link_is_back(family, owner, work):
    work()
    link = Link.objects.get(name="members")
    units = Unit.objects.filter(worktable=family.sums)
    assert preview_removal(link).of(family.sums).stale == units.count() > 0

    remove_link(link, by=owner)
    assert set(units.values_list("state", flat=True)) == {State.STALE}
    assert all("the link “members” was removed" in unit.reason for unit in units)
    work()
    assert set(units.values_list("state", flat=True)) <= {State.EMPTY, State.BLOCKED}
    assert all(unit.reason for unit in units.all())

    collect(family.items, family.sums, name="members", match={"band": "band"}, by=owner)
    work()
    assert State.FRESH in units.values_list("state", flat=True)


def test_a_stranger_removes_nothing(family, stranger):
    with pytest.raises(PermissionDenied):
        remove_link(Link.objects.get(name="members"), by=stranger)


@pytest.mark.parametrize("name", ["items_of", "star_near", "members"])
def test_of_what_was_removed_meanwhile_nothing_is_removed_or_changed(family, owner, name):
    late = Link.objects.get(name=name)
    remove_link(Link.objects.get(name=name), by=owner)
    before = Change.objects.count()

    for act in (remove_link, change_link, preview_change):
        with pytest.raises(LinkRefused, match=f"“{name}” is not there any more"):
            act(late, by=owner)
    assert Change.objects.count() == before


def test_a_removal_empties_what_a_change_meanwhile_has_filled(family, owner, work, cells):
    change_link(Link.objects.get(name="star_near"), by=owner, lookup={}, separation=None)
    late = Link.objects.get(name="star_near")
    change_link(Link.objects.get(name="star_near"), by=owner, lookup={"name": "star"})
    work()
    assert set(cells(family.items, "star").values()) != {(None,)}

    remove_link(late, by=owner)
    assert set(cells(family.items, "star").values()) == {(None,)}
    assert Change.objects.latest("id").old["options"]["lookup"]
