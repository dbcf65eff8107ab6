"""Processes are started in order, brought back, and leave together."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

PATIENCE = 20  # seconds; only a failing test waits so long


def wait_for(question):
    """Ask until the answer is yes (and return it)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def is_alive(pid):
    """A zombie that nobody has collected yet is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(tmp_path):
    """Start a supervisor over the children described in Python; each may `note(…)` into a file `notes` reads."""
    notes = tmp_path / "notes"
    notes.touch()
    started = []

    def start(children):
        script = tmp_path / "supervise.py"
        script.write_text(
            textwrap.dedent(
                """
                import os, signal, subprocess, sys, time
                from portal.supervising import Child, ChildFailed, Supervisor

                def note(text):
                    with open(sys.argv[1], "a") as file:
                        file.write(f"{text} {os.getpid()}\\n")

                def sleep():
                    note("asleep")
                    while True:
                        time.sleep(60)

                """
            )
            + textwrap.dedent(children)
            + textwrap.dedent(
                """
                try:
                    Supervisor(children, grace=0.5).run()
                except ChildFailed as error:
                    sys.exit(str(error))
                """
            )
        )
        process = subprocess.Popen(
            [sys.executable, script, notes],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    def noted(word):
        return [int(line.split()[1]) for line in notes.read_text().splitlines() if line.startswith(word)]

    start.noted = noted
    start.words = lambda: [line.split()[0] for line in notes.read_text().splitlines()]
    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_killed_child_is_brought_back_as_often_as_it_is_killed(supervise):
    supervise("children = [Child('sleeper', sleep)]")

    for times in range(1, 9):
        wait_for(lambda times=times: len(supervise.noted("asleep")) == times)
        os.kill(supervise.noted("asleep")[-1], signal.SIGKILL)

    assert len(set(supervise.noted("asleep"))) >= 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_supervisor_and_children(supervise, number):
    supervisor = supervise("children = [Child('one', sleep), Child('two', sleep)]")
    wait_for(lambda: len(supervise.noted("asleep")) == 2)

    supervisor.send_signal(number)

    assert supervisor.wait(PATIENCE) == 0
    assert not any(is_alive(pid) for pid in supervise.noted("asleep"))


def test_a_child_that_ignores_the_request_to_leave_is_killed_with_all_it_started(supervise):
    supervisor = supervise(
        """
        def stubborn():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            tool = subprocess.Popen(["sleep", "600"])
            with open(sys.argv[1], "a") as file:
                file.write(f"tool {tool.pid}\\n")
            sleep()

        children = [Child("stubborn", stubborn)]
        """
    )
    wait_for(lambda: supervise.noted("asleep"))

    supervisor.terminate()

    assert supervisor.wait(PATIENCE) == 0
    assert not is_alive(supervise.noted("asleep")[0])
    wait_for(lambda: not is_alive(supervise.noted("tool")[0]))


def test_children_leave_when_the_supervisor_is_killed(supervise):
    supervisor = supervise("children = [Child('one', sleep), Child('two', sleep)]")
    wait_for(lambda: len(supervise.noted("asleep")) == 2)

    supervisor.kill()

    wait_for(lambda: not any(is_alive(pid) for pid in supervise.noted("asleep")))


def test_ctrl_c_in_the_terminal_reaches_the_supervisor_alone(supervise):
    supervisor = supervise("children = [Child('sleeper', sleep)]")
    wait_for(lambda: supervise.noted("asleep"))

    assert os.getpgid(supervise.noted("asleep")[0]) != os.getpgid(supervisor.pid)


def test_a_child_starts_only_after_those_it_needs_have_ended_well(supervise):
    supervise(
        """
        def prepare():
            time.sleep(0.3)
            note("prepared")

        def use():
            note("used")
            sleep()

        children = [Child("user", use, after=("prepare",)), Child("prepare", prepare, once=True)]
        """
    )
    wait_for(lambda: supervise.noted("asleep"))

    assert supervise.words() == ["prepared", "used", "asleep"]


def test_a_preparation_that_fails_ends_everything_and_is_named(supervise):
    supervisor = supervise(
        """
        children = [Child("sleeper", sleep), Child("migrate", lambda: sys.exit(3), once=True)]
        """
    )

    assert supervisor.wait(PATIENCE) == 1
    assert "migrate ended with exit status 3" in supervisor.stderr.read()
    assert not any(is_alive(pid) for pid in supervise.noted("asleep"))


def test_a_preparation_that_is_killed_is_started_again(supervise):
    supervise(
        """
        def prepare():
            note("preparing")
            if os.path.getsize(sys.argv[1]) < 20:
                os.kill(os.getpid(), signal.SIGKILL)

        children = [Child("prepare", prepare, once=True), Child("user", sleep, after=("prepare",))]
        """
    )

    wait_for(lambda: supervise.noted("asleep"))
    assert len(supervise.noted("preparing")) == 2


def test_a_child_that_cannot_live_is_given_up(supervise):
    supervisor = supervise("children = [Child('web', lambda: sys.exit(1))]")

    assert supervisor.wait(PATIENCE) == 1
    assert "web ended with exit status 1" in supervisor.stderr.read()
