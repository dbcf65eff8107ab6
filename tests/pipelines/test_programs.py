"""Programs that a step runs: their output, their end, their limits, and that nothing of them is left."""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from pipelines import processes, programs
from pipelines.context import ProjectContext
from pipelines.contract import StepFailed
from pipelines.programs import Bounds, run_program
from pipelines.stopping import Halt, Stopped

PATIENCE = 20  # seconds; only a failing test waits so long
LONG = 300

IGNORES = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(300)
"""
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write(str(os.getpid()))
        os.close(1), os.close(2)
        time.sleep(300)
    os._exit(0)
while not os.path.exists("daemon") or not open("daemon").read():
    time.sleep(0.01)
print("up", flush=True)
"""


@pytest.fixture
def context():
    """What a step gets; no project is needed to run programs."""
    return ProjectContext(project=None)


@pytest.fixture(params=["prlimit", "without prlimit"])
def with_and_without(request, monkeypatch):
    if request.param == "without prlimit":
        monkeypatch.setattr(programs, "_prlimit", lambda: None)


def python(source):
    return [sys.executable, "-S", "-c", source]


def lives(pid):
    return any(process.pid == pid and process.state not in "ZX" for process in processes.all_processes())


def stop_once(context, heard="up"):
    """Want the call no more as soon as the program has said something."""

    def wait():
        deadline = time.monotonic() + PATIENCE
        while not any(line.endswith(heard) for line in context.lines) and time.monotonic() < deadline:
            time.sleep(0.01)
        context.halt.why = Stopped("cancelled")

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def said(context):
    return [line.partition(" ")[2] for line in context.lines]


def test_a_program_reads_what_it_is_given_and_what_it_says_is_kept_and_logged(context):
    ran = context.run(["sh", "-c", "cat; echo oops >&2"], stdin="one\ntwo ½")

    assert ran.stdout == "one\ntwo ½"
    assert ran.stderr == "oops\n"
    assert sorted(said(context)) == ["one", "oops", "two ½"]


def test_a_program_runs_in_a_folder_that_is_gone_afterwards(context):
    where = context.run(["sh", "-c", "pwd; touch left; echo $TMPDIR"]).stdout.split()

    assert where[0] == where[1]
    assert Path(where[0]).parent == Path(tempfile.gettempdir())
    assert not Path(where[0]).exists()


def test_a_step_reads_what_a_program_wrote(context):
    with context.scratch() as folder:
        context.run(["sh", "-c", "echo 7 > result"], folder=folder)
        found = (folder / "result").read_text()

    assert found == "7\n"
    assert not folder.exists()


def test_a_program_sees_no_setting_of_the_portal(context, monkeypatch):
    monkeypatch.setenv("STOA_SECRET_KEY", "hush")

    assert "hush" not in context.run(["env"], environment={"MINE": "1"}).stdout
    assert "MINE=1" in context.run(["env"], environment={"MINE": "1"}).stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sh", "-c", "echo first >&2; echo 'no such field' >&2; exit 3"],
         "“sh” ended with exit status 3: no such field"),
        (["sh", "-c", "exit 1"], "“sh” ended with exit status 1; it did not say why"),
        (["sh", "-c", "kill -9 $$"], "“sh” was killed by signal 9"),
        (["no-such-program"], "there is no program “no-such-program” on this machine"),
        (["/no/such/program"], "there is no program “/no/such/program”"),
        ("echo one", "a command is a list of words"),
        ([], "a command is a list of words"),
    ],
)  # fmt: skip
def test_a_program_that_ends_badly_fails_the_step_with_its_last_line(context, command, words):
    with pytest.raises(StepFailed, match=words.replace("(", r"\(")):
        context.run(command)


def test_a_program_that_says_too_much_is_cut(context, monkeypatch):
    monkeypatch.setattr(programs, "OUTPUT_BYTES", 1000)

    ran = context.run(python("print('x' * 100_000)"))

    assert ran.stdout == "x" * 1000
    assert max(map(len, said(context))) <= programs.LONGEST_LINE


def test_a_line_tells_how_far_it_is():
    heard = []
    context = ProjectContext(project=None, on_progress=lambda *what: heard.append(what))

    context.run(
        ["sh", "-c", "echo 50 %; echo nothing"],
        fraction_in=lambda line: float(line.split()[0]) / 100 if "%" in line else None,
    )

    assert heard == [(0.5, "50 %")]


# ------------------------------------------------------------------ limits


def test_a_program_that_takes_too_long_is_ended(context):
    with pytest.raises(StepFailed, match=r"“sleep” ran longer than 0\.3 s, its limit"):
        context.run(["sleep", str(LONG)], timeout=0.3)


@pytest.mark.usefixtures("with_and_without")
def test_a_program_that_wants_too_much_memory_fails(context):
    source = "import time; time.sleep(0.2); x = bytearray(1_000_000_000)"

    with pytest.raises(StepFailed, match="ended with exit status 1: MemoryError"):
        context.run(python(source), memory=300_000_000)


@pytest.mark.usefixtures("with_and_without")
def test_a_program_that_writes_one_large_file_fails(context):
    command = ["sh", "-c", "sleep 0.2; exec head -c 3000000 /dev/zero > large"]

    with pytest.raises(StepFailed, match="“sh” wrote more than 1 MB, its limit"):
        context.run(command, folder_bytes=1_000_000)


@pytest.mark.usefixtures("with_and_without")
def test_a_program_that_burns_too_much_processor_time_fails(context):
    with pytest.raises(StepFailed, match="“sh” used more than 1 s of a processor, its limit"):
        context.run(["sh", "-c", "while :; do :; done"], cpu_seconds=1)


def test_a_program_that_writes_many_large_files_fails(context):
    source = "import time\nfor n in range(9): open(f'f{n}', 'wb').write(bytes(400_000))\ntime.sleep(300)"

    with pytest.raises(StepFailed, match="wrote more than 1 MB, its limit"):
        context.run(python(source), folder_bytes=1_000_000)


def test_a_program_that_makes_many_files_fails(context):
    source = "import time\nfor n in range(99): open(f'f{n}', 'w').close()\ntime.sleep(300)"

    with pytest.raises(StepFailed, match="made more than 50 files, its limit"):
        context.run(python(source), files=50)


# ------------------------------------------------------------------ its end


def test_a_program_that_ignores_a_polite_request_is_ended(context, tmp_path):
    thread = stop_once(context)

    with pytest.raises(Stopped):
        context.run([*python(IGNORES), str(tmp_path)])
    thread.join()

    assert [p.pid for p in processes.all_processes() if str(tmp_path) in command_of(p.pid)] == []


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_a_program_that_somebody_ends_first_counts_as_stopped(context):
    """The watchman of a worker ends all below it at the same time."""

    def fraction_in(line):
        context.halt.why = Stopped("cancelled")
        os.kill(int(line), signal.SIGKILL)

    with pytest.raises(Stopped):
        context.run(["sh", "-c", "echo $$; exec sleep 300"], fraction_in=fraction_in)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux lists them")
@pytest.mark.parametrize("then", ["", "time.sleep(300)"])
def test_a_program_that_leaves_a_daemon_leaves_nothing(context, then):
    """Whether it ends by itself, or is stopped."""
    with context.scratch() as folder:
        if then:
            thread = stop_once(context)
            with pytest.raises(Stopped):
                context.run(python(DAEMON + then), folder=folder)
            thread.join()
        else:
            context.run(python(DAEMON), folder=folder)
        daemon = int((folder / "daemon").read_text())

    assert not lives(daemon)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux lists them")
def test_what_a_killed_worker_left_is_ended_by_the_next(tmp_path):
    """The number of a worker that is gone is in the program's environment, and in the name of its folder."""
    gone = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(gone, 0)
    orphan = os.spawnlpe(
        os.P_NOWAIT, "sleep", "sleep", str(LONG), {**os.environ, processes.MARK: f"{gone}-1"}
    )
    mine = os.spawnlpe(
        os.P_NOWAIT, "sleep", "sleep", str(LONG), {**os.environ, processes.MARK: f"{os.getpid()}-1"}
    )
    folder = Path(tempfile.mkdtemp(prefix=f"{programs.FOLDER}{gone}-"))
    kept = Path(tempfile.mkdtemp(prefix=f"{programs.FOLDER}{os.getpid()}-"))
    try:
        processes.end_what_the_dead_left()
        programs.remove_folders_of()

        assert os.waitpid(orphan, 0)[1] == signal.SIGKILL
        assert lives(mine)
        assert not folder.exists()
        assert kept.exists()
    finally:
        os.kill(mine, signal.SIGKILL)
        os.waitpid(mine, 0)
        kept.rmdir()


def test_a_call_that_shall_stop_starts_nothing(tmp_path):
    halt = Halt()
    halt.why = Stopped("cancelled")

    with pytest.raises(Stopped):
        run_program(["touch", "made"], folder=tmp_path, halt=halt, bounds=Bounds())

    assert not (tmp_path / "made").exists()
