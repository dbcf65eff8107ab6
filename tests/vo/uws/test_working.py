"""Jobs are done once, by one worker, and end for a reason that is said."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.utils import timezone

from tests.vo.uws.conftest import Bench, fresh, wait_for
from vo.models import Job
from vo.uws.changing import abort_job, archive_job, destroy_job, destroy_the_overdue, start_job
from vo.uws.claiming import claim_job, finish_job, give_back, keep_hold, recover_lost_jobs
from vo.uws.creating import create_job
from vo.uws.errors import PhaseConflict, TooMuch
from vo.uws.keeping import open_kept
from vo.uws.limits import ATTEMPTS
from worktables.queue.working import work_forever

pytestmark = pytest.mark.django_db(transaction=True)


def content_of(job):
    with open_kept(fresh(job).result) as file:
        return file.read()


def files_kept():
    root = default_storage.path("")
    return [name for _, _, names in os.walk(root) for name in names]


def test_a_job_is_done_and_its_result_kept(make_job, bench):
    job = make_job(N=3)

    bench.finish()

    done = fresh(job)
    assert (done.phase, done.error) == ("COMPLETED", "")
    assert content_of(job) == b"1\n2\n3\n"
    assert (done.result_type, done.result_suffix, done.result_size) == ("text/plain", ".txt", 6)
    assert done.created_at <= done.ended_at + timedelta(seconds=1)
    assert done.started_at <= done.ended_at


def test_a_job_that_is_not_started_waits(make_job, bench):
    job = make_job(run=False)

    assert not bench.look()
    assert fresh(job).phase == "PENDING"


def test_the_file_that_came_with_a_job_is_there_when_it_runs(make_job, bench):
    job = make_job(files={"mine": SimpleUploadedFile("../../etc/x", b"quiet")}, SHOUT="mine")

    bench.finish()

    assert content_of(job) == b"QUIET"


def test_what_is_wrong_with_a_job_is_its_error(make_job, bench):
    job = make_job(REFUSE="there is no table “foo”; did you mean “food”?")

    bench.finish()

    done = fresh(job)
    assert (done.phase, done.error_type) == ("ERROR", "fatal")
    assert done.error == "there is no table “foo”; did you mean “food”?"
    assert files_kept() == []


def test_what_breaks_on_our_side_tells_no_secrets(make_job, bench, caplog):
    job = make_job(BREAK=1)

    bench.finish()

    assert fresh(job).phase == "ERROR"
    assert "secret" not in fresh(job).error
    assert "a secret of ours" in caplog.text


@pytest.mark.parametrize("how", [abort_job, destroy_job])
def test_a_query_deep_in_the_database_ends_when_its_job_is_taken_away(make_job, bench, how):
    job = make_job(ENDLESS=1)
    bench.look()
    wait_for(lambda: fresh(job).phase == "EXECUTING")
    time.sleep(0.3)

    began = time.monotonic()
    how(job, **({"now": timezone.now()} if how is abort_job else {}))
    bench.wait()

    assert time.monotonic() - began < 3
    assert [job.phase for job in Job.objects.all()] == (["ABORTED"] if how is abort_job else [])
    assert files_kept() == []


def test_a_job_ends_when_its_time_is_up(make_job, bench):
    job = make_job(ENDLESS=1, run=False)
    Job.objects.filter(pk=job.pk).update(execution_duration=1)
    start_job(job, now=timezone.now())

    bench.finish()

    assert fresh(job).phase == "ERROR"
    assert "longer than its 1 seconds" in fresh(job).error


def test_a_worker_that_leaves_gives_its_job_back_uncounted(make_job, bench):
    job = make_job(ENDLESS=1)
    bench.look()
    time.sleep(0.3)

    bench.stop.set()
    bench.wait()

    left = fresh(job)
    assert (left.phase, left.attempts, left.started_at, left.lease) == ("QUEUED", 0, None, "")


def test_two_workers_never_take_one_job(make_job):
    for _ in range(30):
        make_job()
    taken, together = [], threading.Barrier(4)

    def take():
        together.wait()
        while job := claim_job(["toy"]):
            taken.append((job.pk, job.lease))
        connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(pk for pk, _ in taken) == dict.fromkeys(Job.objects.values_list("pk", flat=True), 1)
    assert dict(taken) == dict(Job.objects.values_list("pk", "lease"))


def test_jobs_are_taken_in_the_order_in_which_they_were_started(make_job):
    first, second = make_job(run=False), make_job(run=False)
    start_job(second, now=timezone.now())
    start_job(first, now=timezone.now() + timedelta(seconds=1))

    assert [claim_job(["toy"]).pk, claim_job(["toy"]).pk] == [second.pk, first.pk]


def test_a_worker_takes_only_what_it_can_answer(make_job):
    make_job()

    assert claim_job(["tap"]) is None


def test_what_a_worker_brings_that_lost_its_job_is_refused(make_job):
    job = make_job()
    slow = claim_job(["toy"])
    Job.objects.filter(pk=job.pk).update(seen_at=timezone.now() - timedelta(hours=1))
    recover_lost_jobs()
    quick = claim_job(["toy"])

    facts = {"media_type": "text/plain", "suffix": ".txt", "size": 1}
    assert not keep_hold(slow)
    assert not finish_job(slow, name="jobs/slow", **facts)
    assert finish_job(quick, name="jobs/quick", **facts)
    assert fresh(job).result == "jobs/quick"


def test_a_job_whose_workers_are_lost_ends_with_a_sentence(make_job):
    job = make_job()

    for _ in range(ATTEMPTS):
        assert claim_job(["toy"]).pk == job.pk
        assert recover_lost_jobs() == 0
        Job.objects.update(seen_at=timezone.now() - timedelta(hours=1))
        assert recover_lost_jobs() == 1

    assert claim_job(["toy"]) is None
    assert fresh(job).phase == "ERROR"
    assert "lost 3 times" in fresh(job).error


def test_giving_back_is_no_attempt(make_job):
    make_job()

    for _ in range(2 * ATTEMPTS):
        give_back(claim_job(["toy"]))

    assert claim_job(["toy"]).attempts == 1


WORKER = """
import django, threading, signal
django.setup()
from django.conf import settings
from django.db import connections
settings.MEDIA_ROOT = {media!r}
settings.DATABASES["default"]["NAME"] = connections["default"].settings_dict["NAME"] = {name!r}
from tests.vo.uws.toys import answer_toy
from vo.uws.kinds import answerers
answerers["toy"] = answer_toy
from worktables.queue.working import work_forever
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop.set).start())
work_forever(stop, expendable=True)
"""


@pytest.fixture
def start_worker(settings):
    """Start a worker in a process of its own, on the database of the test."""
    started = []

    def start():
        name = str(connection.settings_dict["NAME"])
        program = textwrap.dedent(WORKER).format(media=str(settings.MEDIA_ROOT), name=name)
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_job_whose_worker_is_killed_is_done_by_the_next(make_job, start_worker):
    job = make_job(N=4, SECONDS=0.5)
    first = start_worker()
    wait_for(lambda: fresh(job).phase == "EXECUTING")

    first.kill()
    first.wait()
    start_worker()
    wait_for(lambda: fresh(job).phase == "COMPLETED")

    assert content_of(job) == b"1\n2\n3\n4\n"
    assert fresh(job).attempts == 2
    assert fresh(job).pid != first.pid


def test_a_job_that_kills_its_workers_is_given_up(make_job, start_worker):
    job = make_job(KILL=1)

    for _ in range(ATTEMPTS):
        start_worker().wait()
    recover_lost_jobs()

    assert fresh(job).phase == "ERROR"
    assert "lost 3 times" in fresh(job).error


def test_an_aborted_job_ends_in_another_process(make_job, start_worker):
    job = make_job(ENDLESS=1)
    worker = start_worker()
    wait_for(lambda: fresh(job).phase == "EXECUTING")

    abort_job(job, now=timezone.now())
    after = make_job(N=1)
    wait_for(lambda: fresh(after).phase == "COMPLETED")

    assert fresh(job).phase == "ABORTED"
    assert worker.poll() is None


def test_an_idle_worker_begins_a_job_within_a_second(make_job):
    stop = threading.Event()
    worker = threading.Thread(target=work_forever, args=(stop,))
    worker.start()
    try:
        time.sleep(4)  # by then it dozes
        job = make_job(N=1)
        wait_for(lambda: fresh(job).phase == "COMPLETED")
    finally:
        stop.set()
        worker.join()

    assert (fresh(job).started_at - job.created_at).total_seconds() < 1


def test_room_is_left_when_long_jobs_run(make_job, bench):
    jobs = [make_job(ENDLESS=1) for _ in range(3)]

    bench.look()
    bench.look()

    assert sorted(fresh(job).phase for job in jobs) == ["EXECUTING", "EXECUTING", "QUEUED"]


# ------------------------------------------------------------------ changing


def test_starting_twice_changes_nothing(make_job):
    job = make_job()
    version = fresh(job).version

    start_job(job, now=timezone.now())

    assert fresh(job).version == version


def test_what_has_ended_cannot_be_started_or_aborted(make_job, bench):
    job = make_job()
    bench.finish()

    with pytest.raises(PhaseConflict, match="is COMPLETED, and can be started only while it is PENDING"):
        start_job(job, now=timezone.now())
    with pytest.raises(PhaseConflict, match="can be aborted only while"):
        abort_job(job, now=timezone.now())


def test_the_archive_keeps_the_record_and_removes_the_files(make_job, bench):
    job = make_job(files={"mine": SimpleUploadedFile("x", b"quiet")}, SHOUT="mine")
    bench.finish()
    assert len(files_kept()) == 2

    archive_job(job, now=timezone.now())

    archived = fresh(job)
    assert (archived.phase, archived.result, archived.files) == ("ARCHIVED", "", {})
    assert archived.parameters == {"SHOUT": ["mine"]}
    assert files_kept() == []


def test_what_is_past_its_destruction_goes_with_its_files(make_job, bench):
    old, young = make_job(), make_job()
    bench.finish()
    now = timezone.now()
    Job.objects.filter(pk=old.pk).update(destruction=now)

    assert destroy_the_overdue(now) == 1

    assert [job.pk for job in Job.objects.all()] == [young.pk]
    assert len(files_kept()) == 1


def test_no_file_outlives_the_account_of_its_owner(make_job, bench, owner):
    make_job(owner=owner)
    bench.finish()

    owner.delete()

    assert not Job.objects.exists()
    assert files_kept() == []


def test_files_that_are_too_large_leave_nothing_behind(make_job, settings):
    file = SimpleUploadedFile("x", b"")
    file.size = settings.VO["UPLOAD_BYTES"] + 1

    with pytest.raises(TooMuch, match="100,000,001; at most 100,000,000"):
        make_job(files={"mine": file})
    assert not Job.objects.exists()
    assert files_kept() == []


def test_who_does_not_sign_in_gets_shorter_jobs_and_smaller_results(make_job, bench, settings, owner):
    settings.VO = settings.VO | {"ASYNC_SECONDS_HARD_ANONYMOUS": 1800, "RESULT_BYTES_ANONYMOUS": 10}
    now = timezone.now()
    durations = [
        create_job("toy", {}, owner=whose, now=now, duration=duration).execution_duration
        for whose in (None, owner)
        for duration in (None, 0, 10**9, 60)
    ]
    assert durations == [1800, 1800, 1800, 60, 3600, 86_400, 86_400, 60]

    nobodys, owners = make_job(N=9), make_job(N=9, owner=owner)
    bench.finish()

    assert (fresh(nobodys).phase, fresh(owners).phase) == ("ERROR", "COMPLETED")
    assert "at most 10 are taken" in fresh(nobodys).error


def test_what_a_job_asks_for_is_kept_within_limits(owner):
    now = timezone.now()
    far = now + timedelta(days=10_000)

    job = create_job("toy", {}, owner=owner, now=now, duration=10**9, destruction=far)
    whole = create_job("toy", {}, owner=owner, now=now, duration=0)

    assert job.execution_duration == whole.execution_duration == 86_400
    assert job.destruction == now + timedelta(days=30)
    assert Bench().look() is False
