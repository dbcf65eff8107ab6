"""Text without a letter is a value; null is none. Both can be typed, and told apart by looking."""

import pytest
from django.urls import reverse

from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.forms import CellsForm
from worktables.models import Change
from worktables.rows import add_rows
from worktables.showing import BLANK, shown, view_cell

pytestmark = pytest.mark.django_db
LABEL = "If nothing is typed, it is empty text “”, not null"


@pytest.fixture
def notes(project, owner):
    """Three notes: a word, empty text, null."""
    table = create_worktable(
        project, "notes", creator=owner, columns=[NewColumn("note"), NewColumn("flux", "float")]
    )
    add_rows(table, [{"note": "word"}, {"note": ""}, {"note": None}], by=owner)
    return table


@pytest.fixture
def signed_in(client, owner):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    return client


def noted(cells, table):
    return {row_id: note for row_id, (note,) in cells(table, "note").items()}


def test_the_two_look_different(notes):
    blank, null = (view_cell(notes.column("note"), value, editable=True) for value in ("", None))

    assert (blank.text, blank.title, blank.value) == (BLANK, "empty text", '""')
    assert (null.text, null.title, null.value) == ("", "null", "null")
    assert "blank" in blank.css
    assert "null" in null.css
    assert "null" not in blank.css


def test_only_text_can_be_blank():
    assert shown("text", "") == (BLANK, "empty text")
    assert shown("float", None) == ("", "")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"cell-note": ""}, None),
        ({"cell-note": "", "cell-note.blank": "1"}, ""),
        ({"cell-note": "a", "cell-note.blank": "1"}, "a"),
        ({"cell-note": " "}, " "),
        ({"cell-note.blank": "1"}, ""),
        ({}, None),
    ],
)
def test_a_tick_says_what_an_empty_box_means(notes, typed, kept):
    form = CellsForm([notes.column("note")], typed)

    assert form.is_valid()
    assert form.cleaned_data["note"] == kept


@pytest.mark.parametrize(("value", "ticked"), [("", True), (None, False), ("word", False)])
def test_the_tick_shows_what_is_there(notes, value, ticked):
    html = str(CellsForm([notes.column("note")], values={"note": value})["note"])

    assert ("checked" in html) == ticked
    assert LABEL in html
    assert '<label class="tick small" for="id_cell-note_blank">' in html
    assert 'id="id_cell-note_blank"' in html


def test_a_refused_form_keeps_the_tick(notes):
    form = CellsForm(
        [notes.column("note"), notes.column("flux")],
        {"cell-note": "", "cell-note.blank": "1", "cell-flux": "apple"},
    )

    assert not form.is_valid()
    assert "checked" in str(form["note"])


def test_numbers_have_no_tick(notes):
    assert LABEL not in str(CellsForm([notes.column("flux")], values={"flux": None})["flux"])


def test_a_row_is_edited_to_empty_text_and_to_null_by_its_form(signed_in, notes, cells):
    for row_id, typed in ((1, {"cell-note.blank": "1", "seen.note": '"word"'}), (2, {"seen.note": '""'})):
        answer = signed_in.post(reverse("row-edit", args=[notes.pk, row_id]), {"cell-note": "", **typed})
        assert answer.status_code == 302

    assert noted(cells, notes) == {1: "", 2: None, 3: None}


def test_saving_without_a_change_changes_nothing(signed_in, notes, cells):
    for row_id, typed in ((2, {"cell-note.blank": "1", "seen.note": '""'}), (3, {"seen.note": "null"})):
        signed_in.post(reverse("row-edit", args=[notes.pk, row_id]), {"cell-note": "", **typed})

    assert noted(cells, notes) == {1: "word", 2: "", 3: None}
    assert not Change.objects.filter(action="edit").exists()


def test_a_row_is_added_with_empty_text(signed_in, notes, cells):
    signed_in.post(
        reverse("worktable-add", args=[notes.pk]), {"cell-note": "", "cell-note.blank": "1", "cell-flux": "1"}
    )

    assert noted(cells, notes)[4] == ""


def test_history_and_conflicts_tell_them_apart(signed_in, notes, owner):
    edit_cell(notes, 1, notes.column("note"), "", seen="word", editor=owner)
    edit_cell(notes, 2, notes.column("note"), None, seen="", editor=owner)

    page = signed_in.get(reverse("worktable-history", args=[notes.pk])).content.decode()
    assert f"<ins>{BLANK}</ins>" in page
    assert f"<del>{BLANK}</del> → <ins>empty</ins>" in page

    refused = signed_in.post(
        reverse("row-edit", args=[notes.pk, 1]), {"cell-note": "other", "seen.note": '"word"'}
    ).content.decode()
    assert f"It says <code>{BLANK}</code> now" in refused
