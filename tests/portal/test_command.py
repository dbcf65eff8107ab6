"""The command line: one line for what is foreseen, exit status 2, and nothing half done."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied

from portal import command

PATIENCE = 60  # seconds; only a failing test waits so long


@pytest.fixture
def stoa(tmp_path):
    """Start the command as a person would, in a home of its own, on SQLite."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
    started = []

    def start(*arguments, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.command", *arguments],
            env={**kept, "STOA_HOME": str(tmp_path / "home"), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate()


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_a_port_that_is_taken_is_said_in_one_line(stoa, taken_port):
    process = stoa("up", "--port", str(taken_port))

    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"127.0.0.1 port {taken_port}" in errors
    assert "--port" in errors
    assert errors.count("\n") == 1
    assert output == ""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"STOA_DATABASE_URL": "mysql://somewhere/else"}, "STOA_DATABASE_URL is 'mysql://somewhere/else'"),
        ({"STOA_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "the database cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(stoa, free_port, variables, said):
    process = stoa("up", "--port", str(free_port), **variables)

    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert said in errors
    assert "Traceback" not in errors


def test_the_portal_answers_and_leaves_with_its_children_on_sigterm(stoa, free_port):
    portal = stoa("up", "--port", str(free_port))
    address = f"http://127.0.0.1:{free_port}/accounts/login/"

    # The socket is open before the portal is: the first visitor waits instead of being refused.
    assert portal.stdout.readline().startswith(f"Stoa is at http://127.0.0.1:{free_port}/")
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert answer.status == 200
    children = children_of(portal.pid)

    portal.send_signal(signal.SIGTERM)

    assert portal.wait(PATIENCE) == 0
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_the_portal_leaves_on_ctrl_c_though_a_browser_keeps_its_connection(stoa, free_port):
    portal = stoa("up", "--port", str(free_port))
    portal.stdout.readline()

    with socket.create_connection(("127.0.0.1", free_port), timeout=PATIENCE) as page:
        page.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert page.recv(12) == b"HTTP/1.1 200"
        portal.send_signal(signal.SIGINT)

        assert portal.wait(PATIENCE) == 0


def children_of(pid):
    """List the processes a process has started, once there are any."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            return [int(child) for child in found]
        time.sleep(0.01)
    raise AssertionError("no children")


def test_management_commands_pass_through(stoa):
    process = stoa("manage", "check")

    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "no issues" in output


def test_an_incomplete_command_line_shows_how_to_complete_it(capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["import"])

    assert left.value.code == 2
    assert "--project" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        command.UnknownName("no project “moon”"),
        PermissionDenied("stranger may not make tables in “Virgo”"),
        FileNotFoundError(2, "No such file or directory", "sky.fits"),
    ],
)
def test_a_foreseen_error_is_one_line_and_the_exit_status_2(error, capsys):
    def fail():
        raise error

    assert command.telling_errors(fail) == 2
    assert capsys.readouterr().err == f"stoa: {error}\n"


def test_an_error_nobody_foresaw_keeps_its_traceback():
    def fail():
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        command.telling_errors(fail)


def test_whoever_made_the_project_imports_unless_another_is_named(project, owner, collaborator):
    assert command.creator_of(project, None) == owner
    assert command.creator_of(project, "collaborator") == collaborator


def test_importing_as_somebody_unknown_is_refused(project):
    with pytest.raises(command.UnknownName, match="no user “nobody”"):
        command.creator_of(project, "nobody")


def test_a_project_nobody_is_known_to_have_made_needs_a_name(project):
    project.created_by = None

    with pytest.raises(command.UnknownName, match="--user"):
        command.creator_of(project, None)


@pytest.mark.parametrize(
    ("redis_url", "computing"), [("", {"warm-up", "worker 1", "worker 2"}), ("redis://broker/0", set())]
)
def test_workers_are_kept_only_where_celery_has_none(settings, redis_url, computing):
    settings.REDIS_URL = redis_url

    names = {child.name for child in command.portal_children(None, 2)}

    assert names == {"migrate", "web"} | computing


def test_a_class_of_work_that_there_is_not_is_said_in_one_line(stoa):
    process = stoa("worker", "--takes", "light,fast")

    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert (
        errors == "stoa: “fast” is no class of work; a worker takes light, heavy, network, or some of them\n"
    )
