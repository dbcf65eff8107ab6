"""What a batch and an edit cost in statements, whatever their size; and that the queue is never read as a whole."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.creating import create_worktable
from worktables.dependencies import graph_of
from worktables.editing import edit_cell
from worktables.models import State, Todo, Unit
from worktables.planning import plan_update
from worktables.queue import rowsets
from worktables.queue.claiming import WAITING, claim
from worktables.queue.draining import work_through
from worktables.queue.marking import mark, reached_by
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.storage.layout import table_name

AT_MOST = 40


def statements_of_a_batch(worker, n):
    """Claim so many units, bring them through, and return how many statements that took."""
    with CaptureQueriesContext(connection) as queries:
        batch = claim(worker.token, lambda node: n)
        assert work_through(batch, worker) == n
    # SQLite takes inserts in parts.
    return len({query["sql"][:60] for query in queries}), len(queries)


def test_a_larger_batch_takes_no_other_statements(worktable, work, owner):
    work()
    worker = register_worker("tester")
    add_rows(worktable, [{"x": float(number)} for number in range(100, 400)], by=owner)
    statements_of_a_batch(worker, 1)

    few, many = statements_of_a_batch(worker, 2), statements_of_a_batch(worker, 250)

    assert few[0] == many[0]
    assert few[1] <= AT_MOST
    if connection.vendor == "postgresql":
        assert many[1] == few[1] - 1  # of a few it is told that they run


def test_an_edit_takes_as_many_statements_in_a_larger_table(worktable, work, owner):
    work()
    column, counts = worktable.column("x"), []
    for number in (1, 2):
        with CaptureQueriesContext(connection) as queries:
            edit_cell(worktable, number, column, 40.0 + number, seen=(1.0, -5.0)[number - 1], editor=owner)
        counts.append(len(queries))
        add_rows(worktable, [{"x": float(each)} for each in range(100)], by=owner)
        work()

    assert counts[0] == counts[1] <= 22


@pytest.mark.parametrize(
    "sql", [WAITING, "SELECT row_id FROM worktables_todo WHERE owner IS NULL AND step_id = 1"]
)
def test_what_waits_is_found_by_its_index(worktable, sql):
    assert Todo.objects.exists()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # in a table of six rows it would be right
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = "\n".join(str(line) for line in cursor.fetchall())

    queue = [line for line in plan.splitlines() if "worktables_todo" in line or "todo_waiting" in line]
    assert queue
    assert all("todo_waiting" in line for line in queue), plan


def test_a_batch_writes_its_rows_once(worktable, work, owner):
    work()
    worker = register_worker("tester")
    add_rows(worktable, [{"x": float(number)} for number in range(100, 110)], by=owner)
    with CaptureQueriesContext(connection) as queries:
        batch = claim(worker.token, lambda node: 10)
        work_through(batch, worker)

    # SQLite writes row by row.
    assert sum(f"UPDATE wt_{worktable.pk} " in query["sql"] for query in queries) == 1


def test_no_index_speaks_of_what_a_batch_writes(worktable):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, f"wt_{worktable.pk}")

    indexed = {
        name for facts in found.values() if facts["index"] or facts["unique"] for name in facts["columns"]
    }
    assert indexed - {"id"} == {"parent_id", "item_key"}


def test_an_edit_marks_units_rows_and_queue_by_one_statement(worktable, work, owner):
    work()
    column = worktable.column("x")
    with CaptureQueriesContext(connection) as queries:
        edit_cell(worktable, 1, column, 41.0, seen=1.0, editor=owner)

    marking = [query["sql"] for query in queries if "UPDATE worktables_unit" in query["sql"]]
    assert len(marking) == 1
    if connection.vendor == "postgresql":
        assert sum("worktables_todo" in query["sql"] for query in queries) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
def test_units_are_found_by_their_rows_although_the_statistics_know_nothing_of_their_table(
    project, worktable, owner
):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE worktables_unit")
        later = create_worktable(project, "later", creator=owner, pipeline=worktable.pipeline)
        add_rows(later, [{"x": float(number)} for number in range(3000)], by=owner)
        rows = rowsets.these(later.pk, [77])
        cursor.execute(
            f"EXPLAIN SELECT * FROM worktables_unit u WHERE {rowsets.units_of(later.pk, rows)} AND u.step_id > 0",
            rowsets.parameters(rows),
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    conditions = [line for line in plan.splitlines() if "Index Cond" in line and "worktable_id" in line]
    assert conditions, plan
    assert all("row_id" in line for line in conditions), plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_marking_many_rows_never_reads_what_it_adds_to_an_empty_queue(project, owner, work):
    """PostgreSQL knows that the queue is empty once it was cleaned, and would scan it for each row as it grows."""
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    table = create_worktable(project, "fields", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": float(number), "y": 0.0} for number in range(300)], by=owner)
    work()
    edited, graph = [table.column("x").pk], graph_of(project.pk)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM worktables_todo")

    with transaction.atomic():
        reached = reached_by(graph, table.pk, rowsets.all_rows(table.pk), edited)
        before = scans_of("worktables_todo")
        assert mark(graph, reached, "changed", about=set()) == 600
        scans = scans_of("worktables_todo") - before

    assert Todo.objects.count() == 600
    assert scans <= 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_no_batch_reads_the_whole_queue_that_was_empty_when_it_was_cleaned(worktable, work, owner):
    """PostgreSQL believes that it still is, and that reading it costs less than to look two hundred units up."""
    add_rows(worktable, [{"x": float(number), "y": 0.0} for number in range(3000)], by=owner)
    work()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (TRUNCATE OFF) worktables_todo")
    graph = graph_of(worktable.project_id)
    reached = reached_by(graph, worktable.pk, rowsets.all_rows(worktable.pk), [worktable.column("x").pk])
    mark(graph, reached, "changed", about=set())
    worker = register_worker("tester")

    with transaction.atomic():
        batch = claim(worker.token, lambda node: 200)
        before = read_of("worktables_todo")
        assert work_through(batch, worker) == 200

        assert read_of("worktables_todo") - before < 1000


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_rows_are_marked_one_after_the_other_however_they_are_found(worktable, work, owner):
    """In any other order each is looked for in another place: a hundred thousand took twice as long."""
    add_rows(worktable, [{"x": float(number), "y": 0.0} for number in range(3000)], by=owner)
    work()
    graph = graph_of(worktable.project_id)
    node = graph.steps_of[worktable.pk][0]
    found = rowsets.RowSet(f"SELECT id FROM {table_name(worktable.pk)} ORDER BY MD5(CAST(id AS text))")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE worktables_todo")  # so that what is added lies as it was added
        # As PostgreSQL does where the portal is large: unit by unit, not by reading all units.
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        assert mark(graph, [(node, found)], "changed", about=set()) == 3003
        cursor.execute("SELECT row_id FROM worktables_todo ORDER BY ctid")
        queued = [row_id for (row_id,) in cursor.fetchall()]
    assert queued == sorted(queued)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
def test_no_table_is_read_to_see_that_nothing_is_stale_though_the_statistics_say_that_much_is(
    worktable, work, owner
):
    add_rows(worktable, [{"x": float(number), "y": 0.0} for number in range(3000)], by=owner)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE worktables_unit")
    Unit.objects.filter(worktable=worktable).update(state=State.FRESH)
    before = scans_of("worktables_unit")

    plan = plan_update(worktable)

    assert plan.n_rows_to_do == 0
    assert scans_of("worktables_unit") == before


def scans_of(table):
    """Return how often this connection has read a table from its beginning to its end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()[0]


def read_of(table):
    """Return how many rows of a table this connection has read, by whichever way, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", [table]
        )
        return cursor.fetchone()[0]
