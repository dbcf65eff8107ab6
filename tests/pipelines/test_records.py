"""What the pipelines remember: versions, environments, memos, standard pipelines; and the curator's pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from archive.keeping import keep_product
from pipelines.context import LONGEST_LOG, ProjectContext
from pipelines.environments import present_environment
from pipelines.graph import columns_for
from pipelines.memo import Remembered, recall, remember
from pipelines.models import Pipeline, Run, StepVersion
from pipelines.registry import get_step
from pipelines.standard import CHARACTERISE, install_pipelines
from pipelines.versions import forget_versions, version_of

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def runs(project, owner):
    """Twelve runs of one step, the last of them failed."""
    version, environment = version_of(get_step("count")), present_environment()
    return Run.objects.bulk_create(
        Run(
            project=project, worktable_id=1, row_id=row, step_id=1, step_name="count", generation=1,
            step_version=version, fingerprint=f"{row:032x}", outcome="failed" if row == 12 else "ok",
            accepted=True, error="no area was searched" if row == 12 else "", worker="w1", host="here",
            environment=environment, asked_by=owner,
            started_at=MOMENT, finished_at=MOMENT + timedelta(seconds=1.5),
        )
        for row in range(1, 13)
    )  # fmt: skip


def test_a_step_version_is_recorded_once(db):
    step = get_step("sources")

    version = version_of(step)

    assert version_of(step) == version
    assert (version.step, version.code_fingerprint) == ("sources", step.code_fingerprint)
    assert version.interface["parameters"][0]["name"] == "seed"
    assert StepVersion.objects.count() == 1


def test_only_a_committed_version_is_remembered(
    db, django_capture_on_commit_callbacks, django_assert_num_queries
):
    step = get_step("beam")
    version_of(step)
    StepVersion.objects.all().delete()
    assert version_of(step).pk == StepVersion.objects.get().pk

    with django_capture_on_commit_callbacks(execute=True):
        version_of(step)
    with django_assert_num_queries(0):
        version_of(step)
    forget_versions()


def test_the_environment_names_the_interpreter_and_the_libraries(db):
    environment = present_environment()

    assert present_environment() == environment
    assert "numpy" in environment.document["packages"]
    assert len(environment.digest) == 32


def test_a_memo_stays_in_its_project_and_the_first_one_stays(project, make_project, owner):
    other = make_project("coma", owner)
    for run_id in (1, 2):
        remember(project.pk, [Remembered(name * 32, "c", {"y": run_id}, run_id) for name in "ab"])

    found = recall(project.pk, ["a" * 32, "b" * 32, "z" * 32, "a" * 32])

    assert {name: memo.run_id for name, memo in found.items()} == {"a" * 32: 1, "b" * 32: 1}
    assert recall(other.pk, ["a" * 32]) == {}
    assert recall(project.pk, []) == {}


def test_memos_are_recalled_by_the_thousand(project, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert recall(project.pk, (f"{number:032x}" for number in range(2500))) == {}


def test_the_standard_pipelines_fit_the_steps_and_are_installed_once(db):
    first = install_pipelines()
    again = install_pipelines()

    assert {name: pipeline.version for name, pipeline in again.items()} == {
        "characterise": 1,
        "number_counts": 1,
    }
    assert first == again


def test_a_changed_standard_pipeline_is_a_new_version(db):
    install_pipelines()
    Pipeline.objects.filter(name="number_counts").update(graph={"steps": []})

    assert install_pipelines()["number_counts"].version == 2


def test_the_columns_of_observations_are_those_of_the_design():
    names = {column.name: column.role for column in columns_for(CHARACTERISE)}

    assert [name for name, role in names.items() if role == "input"] == ["folder", "group"]
    assert [name for name, role in names.items() if role == "parameter"] == ["seed", "expected_sources"]
    assert {name for name, role in names.items() if role == "metadata"} == {
        "object", "band", "frequency", "position"
    }  # fmt: skip
    assert {name for name, role in names.items() if role == "output"} == {
        "image", "beam", "primary_beam", "beam_major", "beam_minor", "beam_pa", "sidelobe",
        "noise", "catalogue", "n_sources", "converged", "searched_area", "cutouts",
    }  # fmt: skip


def test_a_context_keeps_files_for_its_project_and_a_log_with_times(project, owner, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    said = []
    context = ProjectContext(
        project, by=owner, now=lambda: MOMENT, on_progress=lambda *what: said.append(what)
    )

    kept = context.keep(b"pixels", "a.fits")
    context.log("hello")
    context.progress(1.5, "done")

    with context.open(kept) as file:
        assert file.read() == b"pixels"
    assert context.path(kept).read_bytes() == b"pixels"
    assert context.lines == ["12:00:00.000 hello"]
    assert said == [(1.0, "done")]
    assert project.products.get().created_by == owner


def test_an_endless_log_is_cut(project):
    context = ProjectContext(project)

    for number in range(LONGEST_LOG + 10):
        context.log(str(number))

    assert len(context.lines) == LONGEST_LOG + 1
    assert "the log is cut" in context.lines[-1]


@pytest.mark.parametrize("model", ["run", "pipeline", "stepversion", "environment"])
def test_the_curator_reads_and_searches_the_records(client, curator, runs, model):
    install_pipelines()
    client.force_login(curator)

    answer = client.get(reverse(f"admin:pipelines_{model}_changelist"), {"q": "c"})

    assert answer.status_code == 200


def test_the_list_of_runs_asks_no_question_per_run(client, curator, runs, django_assert_max_num_queries):
    client.force_login(curator)

    with django_assert_max_num_queries(12):
        answer = client.get(reverse("admin:pipelines_run_changelist"))

    assert "12 runs" in answer.content.decode()


def test_nobody_rewrites_a_run(client, curator, runs):
    client.force_login(curator)
    page = reverse("admin:pipelines_run_change", args=[runs[-1].pk])

    assert "no area was searched" in client.get(page).content.decode()
    assert client.post(page, {"error": ""}).status_code == 403
    assert client.post(reverse("admin:pipelines_run_delete", args=[runs[-1].pk])).status_code == 403
    assert client.get(reverse("admin:pipelines_run_add")).status_code == 403


def test_the_curator_reads_the_list_of_files(
    client, curator, project, settings, tmp_path, django_assert_max_num_queries
):
    settings.MEDIA_ROOT = tmp_path
    for number in range(10):
        keep_product(project, b"%d" % number, f"file{number}.fits")
    client.force_login(curator)

    with django_assert_max_num_queries(12):
        answer = client.get(reverse("admin:archive_product_changelist"), {"q": "file3"})

    assert "file3.fits" in answer.content.decode()
    assert "file4.fits" not in answer.content.decode()
