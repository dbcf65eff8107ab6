"""Every address of a row as a job, as clients of UWS 1.1 use them, with a worker that computes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from archive.models import Product
from projects.sharing import share_with
from tests.vo.rows.conftest import CUSTOM, HREF, NIL, UWS, Program, said
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable, describe_worktable
from worktables.editing import edit_cell
from worktables.holding import hold_rows
from worktables.models import Change, TableStep, Todo, Unit
from worktables.rows import add_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows

pytestmark = pytest.mark.django_db


def rows(table):
    table.refresh_from_db()
    return layout_of(table).rows


def cells(table, row_id, *names):
    table.refresh_from_db()
    layout = layout_of(table)
    row = layout.rows.get(id=row_id)
    return tuple(layout.value(layout.by_name[name], row) for name in names)


# ------------------------------------------------------------------ making


def test_a_job_that_runs_is_a_row_that_is_computed(program, worktable, work):
    place = program.make(X="2", y="3.5", PHASE="RUN")

    assert place == "/4"
    assert program.phase(place) == "QUEUED"
    assert ("add", 2.0) in work()
    assert program.phase(place) == "COMPLETED"
    assert cells(worktable, 4, "x", "y", "total", "sign") == (2.0, 3.5, 5.5, "positive")


@pytest.mark.parametrize("automatic", [True, False])
def test_a_job_that_is_not_started_is_a_row_that_waits(program, work, request, automatic):
    if not automatic:
        request.getfixturevalue("by_hand")
    place = program.make(x="2")
    ran = work()
    waited = program.phase(place)

    assert (waited, ("add", 2.0) in ran) == ("PENDING", False)
    assert program.post(f"{place}/parameters", y="1").status_code == 303
    assert (work(), program.phase(place)) == ([], "PENDING")

    assert program.post(f"{place}/phase", PHASE="RUN").status_code == 303
    assert program.phase(place) == "QUEUED"
    work()
    assert program.phase(place) == "COMPLETED"
    assert program.get(f"{place}/results/total").content == b"3.0"


def test_a_job_waits_also_below_a_table_that_is_updated_by_hand(family, owner, work):
    work()
    describe_worktable(family.fields, by=owner, update="manual")
    program = Program(f"/worktables/{family.sums.pk}/jobs", owner)

    place = program.make(band="a", least="0")

    assert (work(), program.phase(place)) == ([], "PENDING")
    program.post(f"{place}/phase", PHASE="RUN")
    work()
    assert program.phase(place) == "COMPLETED"


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"x": "two"}, 400, "column “x”: 'two' is not a number: "),
        ({"fluks": "2"}, 400, "there is no column “fluks” in this table; its columns are x, y, factor"),
        ({"total": "2"}, 400, "“total” is output: it is filled by its step or link, not typed"),
        ({"x": ["1", "2"]}, 400, "column “x”: '1, 2' is more than one value; give one"),
        ({"x": "1", "factor": "1e9"}, 400, "column “factor”: 1000000000.0 is above 100"),
        ({"x": "1", "PHASE": "ABORT"}, 400, "PHASE is “ABORT”; give RUN"),
        ({"x": "1", "RUNID": "mine"}, 400, "RUNID is “mine”; give none"),
        ({"x": "1", "DESTRUCTION": "2030-01-01"}, 400, "DESTRUCTION cannot be set: a row does not expire"),
        (
            {"x": "1", "EXECUTIONDURATION": "5"},
            400,
            "EXECUTIONDURATION cannot be set: a row runs for as long",
        ),
        ({"y": "1", "PHASE": "RUN"}, 400, "“x” is empty, and “add” needs it; give it a value"),
    ],
)
def test_a_form_that_makes_no_sense_writes_nothing(program, worktable, form, status, sentence):
    before = Change.objects.count()

    code, text = said(program.post(**form))

    assert (code, text[: len(sentence)]) == (status, sentence)
    assert rows(worktable).count() == 3
    assert Change.objects.count() == before


def test_the_run_id_is_the_name_of_the_row(program, worktable, owner):
    add_column(worktable, NewColumn("name"), by=owner)

    place = program.make(x="1", RUNID="3C 273")
    other = program.make(x="1", name="M 87")

    assert program.document(place).findtext(f"{UWS}runId") == "3C 273"
    assert cells(worktable, 4, "name") == ("3C 273",)
    assert program.document(other).findtext(f"{UWS}runId") == "M 87"
    program.post(f"{other}/parameters", RUNID="Virgo A")
    assert cells(worktable, 5, "name") == ("Virgo A",)


def test_a_column_with_a_name_of_jobs_is_meant_by_a_prefix(program, worktable, owner):
    add_column(worktable, NewColumn("phase", "float"), by=owner)

    place = program.make(x="1", **{"cell.phase": "0.25", "PHASE": "RUN"})

    assert cells(worktable, 4, "x", "phase") == (1.0, 0.25)
    assert program.phase(place) == "QUEUED"


def test_a_file_comes_with_the_form_and_goes_out_again(program, worktable, owner):
    add_column(worktable, NewColumn("image", "product"), by=owner)

    place = program.make(x="1", image=SimpleUploadedFile("map.fits", b"not fits at all"))

    (product,) = Product.objects.all()
    assert (product.name, product.media_type) == ("map.fits", "application/octet-stream")
    assert cells(worktable, 4, "image") == (product.sha256,)
    (parameter,) = [one for one in program.document(f"{place}/parameters") if one.get("id") == "image"]
    assert parameter.get("byReference") == "true"
    answer = program.get(parameter.text.removeprefix(f"http://testserver{program.base}"))
    assert b"".join(answer.streaming_content) == b"not fits at all"
    assert answer["X-Content-Type-Options"] == "nosniff"
    damaged = SimpleUploadedFile("cut.fits", b"SIMPLE  =                    T".ljust(100))
    assert program.post(x="1", image=damaged).status_code == 303  # without an image it is kept as it is
    assert said(program.post(x=SimpleUploadedFile("x", b"1")))[0] == 400


# ------------------------------------------------------------------ showing


def test_a_job_shows_all_there_is_to_say(program, worktable, work, xsdvalidate):
    began = timezone.now() - timedelta(seconds=1)
    place = program.make(x="2", PHASE="RUN")
    work()

    root = program.document(place)

    assert root.findtext(f"{UWS}jobId") == "4"
    assert root.findtext(f"{UWS}ownerId") == "owner"
    assert root.findtext(f"{UWS}phase") == "COMPLETED"
    assert root.findtext(f"{UWS}executionDuration") == "0"
    assert root.find(f"{UWS}destruction").get(NIL) == "true"
    assert root.find(f"{UWS}quote").get(NIL) == "true"
    times = [
        datetime.fromisoformat(root.findtext(f"{UWS}{name}"))
        for name in ("creationTime", "startTime", "endTime")
    ]
    assert began < times[0] <= times[1] <= times[2] < datetime.now(UTC) + timedelta(seconds=1)
    assert {one.get("id"): one.text for one in root.find(f"{UWS}parameters")} == {"x": "2.0"}
    results = {one.get("id"): one for one in root.find(f"{UWS}results")}
    assert set(results) == {"total", "sign"}
    answer = program.get(results["sign"].get(HREF).removeprefix(f"http://testserver{program.base}"))
    assert answer.content == b"positive"
    assert root.find(f"{UWS}errorSummary") is None
    (page,) = root.find(f"{UWS}jobInfo")
    assert (page.tag, page.text) == (f"{CUSTOM}page", f"http://testserver/worktables/{worktable.pk}/rows/4/")


def test_the_error_of_a_job_is_told_in_its_words(program, work):
    place = program.make(x="13", PHASE="RUN")
    assert said(program.get(f"{place}/error")) == (404, "the job has no error; it is QUEUED")
    work()

    summary = program.document(place).find(f"{UWS}errorSummary")

    assert program.phase(place) == "ERROR"
    assert (summary.get("type"), summary.get("hasDetail")) == ("fatal", "true")
    assert summary.findtext(f"{UWS}message") == "add: 13 is unlucky; choose another number"
    status, detail = said(program.get(f"{place}/error"))
    assert status == 200
    assert detail.splitlines()[0] == "add: 13 is unlucky; choose another number"
    assert detail.splitlines()[1].startswith("sign: ")
    # It can be mended and started again, as on its page.
    program.post(f"{place}/parameters", x="12")
    work()
    assert program.phase(place) == "COMPLETED"


def test_a_stale_row_says_that_its_results_are_not_current(program, worktable, by_hand, owner, work):
    place = program.make(x="2", PHASE="RUN")
    work()
    worktable.refresh_from_db()
    edit_cell(worktable, 4, worktable.column("x"), 5.0, seen=2.0, editor=owner)

    root = program.document(place)

    assert root.findtext(f"{UWS}phase") == "PENDING"
    info = {one.tag.removeprefix(CUSTOM): one for one in root.find(f"{UWS}jobInfo")}
    assert info["current"].text == (
        "the results are not, or no longer, what the parameters say: “x” of fields 4: 2.0 → 5.0, by owner"
    )
    assert (info["step"].get("name"), info["step"].get("state")) == ("sign", "stale")
    (result, _) = root.find(f"{UWS}results")
    assert (result.get("id"), result.get(f"{CUSTOM}state")) == ("total", "stale")
    assert program.get(f"{place}/results/total").content == b"2.0"
    program.post(f"{place}/phase", PHASE="RUN")
    work()
    assert program.get(f"{place}/results/total").content == b"5.0"


def test_the_quote_is_what_the_planner_expects(program, work):
    work()
    TableStep.objects.update(seconds=40.0)

    quotes = []
    for form in ({"x": "9", "PHASE": "RUN"}, {"x": "9"}):
        place = program.make(**form)
        quotes.append(datetime.fromisoformat(program.get(f"{place}/quote").content.decode()) - timezone.now())

    assert all(timedelta(seconds=75) < quote < timedelta(seconds=81) for quote in quotes)


def test_the_leaves_say_one_thing_each(program, work):
    place = program.make(x="2")

    leaves = {
        leaf: program.get(f"{place}/{leaf}").content.decode()
        for leaf in ("phase", "executionduration", "destruction", "quote", "owner")
    }

    assert leaves == {
        "phase": "PENDING",
        "executionduration": "0",
        "destruction": "",
        "quote": "",
        "owner": "owner",
    }
    (parameter,) = program.document(f"{place}/parameters")
    assert (parameter.get("id"), parameter.text) == ("x", "2.0")
    assert list(program.document(f"{place}/results")) == []
    assert said(program.get(f"{place}/results/total"))[0] == 404
    assert said(program.get(f"{place}/results/x")) == (404, "the job has no result of that name")
    assert said(program.get("/99/phase"))[0] == 404
    assert said(program.post(f"{place}/destruction"))[0] == 405


def test_every_document_keeps_to_the_schema(program, worktable, owner, work, xsdvalidate):
    add_column(worktable, NewColumn("image", "product"), by=owner)
    places = [
        program.make(x="2", PHASE="RUN"),
        program.make(x="13", PHASE="RUN"),
        program.make(x="1", image=SimpleUploadedFile("<map>.fits", b"x")),
    ]
    work()
    hold_rows(worktable, [1], "why & <what>", by=owner)
    rerun_rows(worktable, [1, 2], by=owner)
    program.post("/2/phase", PHASE="ABORT")
    places += ["/1", "/2"]
    documents = [program.get(place).content for place in places]
    documents += [
        program.get(place).content for place in ("", f"{places[2]}/parameters", f"{places[0]}/results")
    ]

    assert {program.phase(place) for place in places} == {"COMPLETED", "ERROR", "PENDING", "HELD", "ABORTED"}
    assert xsdvalidate(*documents) == ""


# ------------------------------------------------------------------ changing


def test_what_is_queued_is_aborted_and_started_again(program, work):
    place = program.make(x="2", PHASE="RUN")

    assert program.post(f"{place}/phase", PHASE="ABORT").status_code == 303
    assert program.phase(place) == "ABORTED"
    assert program.post(f"{place}/phase", PHASE="ABORT").status_code == 303
    assert ("add", 2.0) not in work()

    program.post(f"{place}/phase", PHASE="RUN")
    work()
    assert program.phase(place) == "COMPLETED"


def test_what_runs_takes_no_edit_and_is_aborted(program, worktable, work):
    place = program.make(x="2", PHASE="RUN")
    begun = timezone.now()
    Todo.objects.filter(worktable=worktable, step__name="add").update(owner="worker", claimed_at=begun)

    root = program.document(place)
    assert root.findtext(f"{UWS}phase") == "EXECUTING"
    assert abs(datetime.fromisoformat(root.findtext(f"{UWS}startTime")) - begun) < timedelta(seconds=0.01)
    assert program.post(f"{place}/phase", PHASE="RUN").status_code == 303
    assert said(program.post(f"{place}/parameters", x="3"))[1].startswith(
        "the job is EXECUTING, and can be told"
    )
    program.post(f"{place}/phase", PHASE="ABORT")

    assert program.phase(place) == "ABORTED"
    assert not Todo.objects.filter(worktable=worktable, row_id=4).exists()


@pytest.mark.parametrize("automatic", [True, False])
def test_what_was_never_started_is_aborted(program, work, request, automatic):
    if not automatic:
        request.getfixturevalue("by_hand")
    place = program.make(x="2")

    program.post(f"{place}/phase", PHASE="ABORT")

    assert program.phase(place) == "ABORTED"
    assert ("add", 2.0) not in work()
    assert program.phase(place) == "ABORTED"


def test_a_phase_that_cannot_be_is_refused_with_a_sentence(program, worktable, owner, work):
    work()
    hold_rows(worktable, [2], "the archive is down", by=owner)
    rerun_rows(worktable, [2], by=owner)

    def asked(place, phase):
        return said(program.post(f"{place}/phase", PHASE=phase))

    ended = "the job is COMPLETED, and can be "
    assert asked("/1", "RUN") == (400, f"{ended}started only while it is PENDING or ABORTED or ERROR")
    assert asked("/1", "ABORT") == (400, f"{ended}aborted only while it is PENDING or QUEUED or EXECUTING")
    assert asked("/1", "SUSPEND") == (400, "PHASE is “SUSPEND”; give RUN or ABORT")
    program.make(y="1")
    assert asked("/4", "RUN") == (
        400,
        "“x” is empty, and “add” needs it; give it a value, then start the job",
    )
    held = "the job is HELD: held by owner: the archive is down; release it on its page, then start it"
    assert asked("/2", "RUN") == asked("/2", "ABORT") == (400, held)


def test_parameters_are_edited_while_nothing_runs_with_the_consequences(program, worktable, work):
    place = program.make(x="2", PHASE="RUN")
    refused = said(program.post(f"{place}/parameters", x="3"))
    work()

    assert refused[0] == 400
    assert refused[1].startswith("the job is QUEUED, and can be told more only while it is PENDING")
    assert said(program.post(f"{place}/parameters", x="3", y="many"))[0] == 400
    assert cells(worktable, 4, "x") == (2.0,)

    program.post(f"{place}/parameters", x="3", y="")
    assert program.phase(place) == "QUEUED"
    work()
    assert cells(worktable, 4, "x", "total") == (3.0, 3.0)
    edit = Change.objects.filter(action="edit", row_id=4).get()
    assert (edit.subject, edit.old, edit.new, edit.by.username) == ("x", 2.0, 3.0, "owner")


def test_what_is_posted_to_the_job_is_done_as_at_its_leaves(program, worktable, work):
    place = program.make(x="2")

    assert program.post(place, PHASE="ABORT").status_code == 303
    assert program.phase(place) == "ABORTED"
    assert program.post(place, x="5", PHASE="RUN").status_code == 303
    work()
    assert cells(worktable, 4, "x", "total") == (5.0, 5.0)
    assert said(program.post(place, x="6", PHASE="SUSPEND"))[0] == 400
    assert cells(worktable, 4, "x") == (5.0,)
    assert said(program.post(place)) == (400, "PHASE is “”; give RUN or ABORT")
    assert said(program.post(place, ACTION="PURGE"))[0] == 400


@pytest.mark.parametrize("how", ["delete", "post"])
def test_a_job_that_is_deleted_lies_in_the_trash_of_its_table(program, worktable, how):
    answer = program.delete("/1") if how == "delete" else program.post("/1", ACTION="DELETE")

    assert (answer.status_code, answer["Location"]) == (303, f"http://testserver{program.base}")
    assert said(program.get("/1"))[0] == 404
    assert rows(worktable).count() == 2
    assert layout_of(worktable).model.objects.exclude(deleted_at=None).get().id == 1
    assert said(program.post("/2"))[0] == 400


# ------------------------------------------------------------------ listing


def listed(program, **asked):
    return [(int(one.get("id")), one.findtext(f"{UWS}phase")) for one in program.document(**asked)]


def test_rows_are_listed_as_jobs_the_newest_first(program, base, work):
    program.make(x="13", PHASE="RUN")
    work()
    program.make(x="5")
    waiting = program.document()[0]

    assert listed(program) == [
        (5, "PENDING"),
        (4, "ERROR"),
        (3, "COMPLETED"),
        (2, "COMPLETED"),
        (1, "COMPLETED"),
    ]
    assert waiting.get(HREF) == f"http://testserver{base}/5"
    assert waiting.findtext(f"{UWS}ownerId") == "owner"
    assert listed(program, PHASE=["ERROR", "PENDING"]) == [(5, "PENDING"), (4, "ERROR")]
    assert listed(program, LAST=2) == [(5, "PENDING"), (4, "ERROR")]
    assert listed(program, PHASE="COMPLETED", LAST=1) == [(3, "COMPLETED")]
    after = waiting.findtext(f"{UWS}creationTime")
    assert len(listed(program, AFTER=after)) <= 1
    assert len(listed(program, AFTER="2000-01-01")) == 5
    assert said(program.get(PHASE="DONE"))[0] == 400
    assert said(program.get(LAST="0"))[0] == 400


def test_the_list_asks_as_much_for_many_rows_as_for_few(
    program, worktable, owner, work, django_assert_max_num_queries
):
    work()
    with django_assert_max_num_queries(10) as few:
        program.get()
    add_rows(worktable, [{"x": float(n)} for n in range(60)], by=owner)
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert len(listed(program)) == 63
    with django_assert_max_num_queries(30):
        program.get("/1")


def test_a_table_without_steps_has_no_jobs(program, project, owner):
    plain = create_worktable(project, "plain", creator=owner, columns=[NewColumn("name")])

    status, sentence = said(Program(f"/worktables/{plain.pk}/jobs", owner).get())
    assert (status, sentence.partition(";")[0]) == (404, "there is no such list of jobs")


def test_rows_of_a_link_are_jobs_that_nobody_adds(family, owner, make_user, work):
    work()
    program = Program(f"/worktables/{family.items.pk}/jobs", owner)

    assert {phase for _, phase in listed(program)} == {"COMPLETED"}
    assert said(program.post())[0] == 409
    root = program.document("/1")
    assert root.findtext(f"{UWS}runId")
    assert root.findtext(f"{UWS}ownerId") == "owner"
    share_with(family.items, make_user("alone"), "reader", by=owner)
    alone = Program(program.base, get_user_model().objects.get(username="alone"))
    assert alone.document("/1").find(f"{UWS}ownerId").get(NIL) == "true"
    assert alone.document()[0].find(f"{UWS}ownerId").get(NIL) == "true"
    assert alone.get("/1/owner").content == b""
    assert not Unit.objects.filter(worktable=family.items, row_id=1, state__gt=0).exists()


def test_the_page_of_the_columns_shows_where_the_jobs_are(client, program, worktable, owner, reader):
    pages = {}
    for user in (owner, reader):
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        pages[user.username] = client.get(f"/worktables/{worktable.pk}/columns/").content.decode()

    address = f"http://testserver{program.base}"
    assert f"-d x=… -d y=… -d PHASE=RUN {address}</pre>" in pages["owner"]
    assert f"{address}?LAST=10</pre>" in pages["reader"]
