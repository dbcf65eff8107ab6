"""The command `stoa`: a portal with one line, a table from a file with another."""

import argparse
import importlib
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path

from portal.supervising import Child, Supervisor

STREAM_SECONDS = 2  # an open live page would keep the web server from leaving for ever
LOOPBACK = "127.0.0.1"
SCOPES = ("private", "project", "portal", "world")

# What is said of a published table.
CURATED = {
    "title": "what it is called",
    "description": "what a row is",
    "creator": "who made it, as it shall be cited",
    "rights": "the terms of use, as in CC BY 4.0",
    "contact": "whom to ask",
}

# Imported before the children are forked, so that each of them starts with these in memory.
PRELOADED = (
    "portal.asgi",
    "portal.urls",
    "uvicorn",
    "numba",
    "basc",
    "pipelines.steps",
    "worktables.queue.working",
)


class CommandRefused(Exception):
    """What was typed cannot be done."""

    code = "refused"
    status = 400


class PortTaken(CommandRefused):
    """Somebody else listens where we should."""

    code = "port-taken"

    def __init__(self, host, port, reason):
        self.host, self.port = host, port
        super().__init__(
            f"cannot listen on {host} port {port}: {reason}; choose another with --port or STOA_PORT"
        )


class BadSetting(CommandRefused):
    """A STOA_* variable says something that cannot be."""

    code = "bad-setting"


class DatabaseSilent(CommandRefused):
    """The database does not answer."""

    code = "database-silent"

    def __init__(self, reason):
        super().__init__(f"the database cannot be used: {reason}; see STOA_DATABASE_URL and STOA_HOME")


class PublicationRefused(CommandRefused):
    """A table cannot be published as it is."""

    code = "publication-refused"

    def __init__(self, error):
        option = getattr(error, "field", "")
        remedy = f" (--{option})" if option in CURATED else ""
        super().__init__(f"{error}{remedy}; nothing was imported")


class UnknownName(CommandRefused):
    """A project or a person that is not there was named."""

    code = "unknown-name"


def main(arguments=None):
    """Do what was typed; return 0, or 2 with one line that says what is wrong and how to mend it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # Workers are how work spreads over cores; threads below them would only get in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return telling_errors(partial(run, arguments))


def telling_errors(action):
    """Turn the errors we foresee into one line and the exit status 2; all others stay as they are."""
    try:
        action()
    except Exception as error:
        if not foreseen(error):
            raise
        print("stoa: " + " ".join(str(error).split()), file=sys.stderr, flush=True)
        return 2
    return 0


def foreseen(error):
    """Ours carry a `code`; a file that cannot be read and a missing permission speak for themselves."""
    from django.core.exceptions import PermissionDenied

    ours = isinstance(getattr(type(error), "code", None), str)
    return ours or isinstance(
        error, PermissionDenied | FileNotFoundError | IsADirectoryError | PermissionError
    )


def run(arguments):
    """Find the subcommand and do it."""
    if arguments[:1] == ["manage"]:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["stoa manage", *arguments[1:]])
        return
    options = parser().parse_args(arguments)
    if options.action is start_demo:
        os.environ["STOA_DEMO"] = "1"  # the page to sign in on then says as whom
    set_up()
    options.action(options)


def parser():
    """Describe the command line."""
    stoa = argparse.ArgumentParser(prog="stoa", description="The portal, its workers, and doors to both.")
    commands = stoa.add_subparsers(required=True, metavar="COMMAND")
    port = int(os.environ.get("STOA_PORT") or 8000)

    up = commands.add_parser("up", help="start the portal and its worker; ctrl-C stops both")
    up.add_argument("--host", default=LOOPBACK, help="address to listen on (%(default)s)")
    up.add_argument("--port", type=int, default=port, help="port to listen on (STOA_PORT, now %(default)s)")
    up.add_argument("--workers", type=int, default=1, help="how many workers to keep (%(default)s)")
    up.set_defaults(action=start_portal)

    demo = commands.add_parser("demo", help="the same, with a simulated survey to play with")
    demo.add_argument("--port", type=int, default=port, help="port to listen on (STOA_PORT, now %(default)s)")
    demo.add_argument(
        "--workers", type=int, default=min(4, os.cpu_count() or 1), help="how many (%(default)s)"
    )
    demo.add_argument("--started-at", type=float, default=time.time(), help=argparse.SUPPRESS)
    demo.set_defaults(action=start_demo, host=LOOPBACK)

    worker = commands.add_parser(
        "worker", help="compute what is queued until told to stop; start as many as you like"
    )
    worker.add_argument(
        "--takes",
        default=os.environ.get("STOA_TAKES", ""),
        metavar="CLASSES",
        help="of which classes of work, separated by commas: light, heavy, network (STOA_TAKES, else all)",
    )
    worker.set_defaults(action=lambda options: compute(options.takes))

    table = commands.add_parser("import", help="load a CSV, ECSV, VOTable or FITS table as a new worktable")
    table.add_argument("file", type=Path, metavar="FILE")
    table.add_argument("--project", required=True, metavar="SLUG")
    table.add_argument("--name", required=True, metavar="NAME", help="what the worktable shall be called")
    table.add_argument("--user", metavar="USER", help="who does it (default: whoever made the project)")
    table.add_argument(
        "--publish",
        nargs="?",
        const="world",
        type=scope_named,
        metavar="SCOPE",
        help="and publish it: private, project, portal or world (%(const)s); a curator grants the last two",
    )
    for name, about in CURATED.items():
        table.add_argument(f"--{name}", metavar="TEXT", default="", help=f"of what is published: {about}")
    table.set_defaults(action=import_table)

    code = commands.add_parser(
        "adopt", help="let the tables run by the code of the steps that is installed here; for deploying it"
    )
    code.set_defaults(action=adopt)

    commands.add_parser("manage", help="Django's own commands: stoa manage help")
    return stoa


def scope_named(text):
    """Return a scope, or say which there are; what follows `--publish` may have been meant for the file."""
    if text not in SCOPES:
        raise argparse.ArgumentTypeError(
            f"“{text}” is none of {', '.join(SCOPES)}; where no scope follows, name the file before --publish"
        )
    return text


def set_up():
    """Load the settings and the models."""
    import django

    try:
        django.setup()
    except ValueError as error:
        raise BadSetting(error) from error


# ------------------------------------------------------------------ the portal and its worker


def start_portal(options):
    """Keep web server and workers until told to stop."""
    listening = listen(options.host, options.port)
    say(f"Stoa is at {address_of(options)} - ctrl-C stops it. Its data are in {home()}.")
    supervise(portal_children(listening, options.workers))


def start_demo(options):
    """The same, with the demo built while the kernels are compiled."""
    listening = listen(options.host, options.port)
    say(f"Stoa is starting at {address_of(options)} - its data are in {home()}; ctrl-C stops it.")
    supervise(
        [
            *portal_children(listening, options.workers),
            Child("build-demo", partial(child, build_demo), after=("migrate",), once=True),
            Child("watch-demo", partial(child, announce_demo, options), after=("build-demo",), once=True),
        ]
    )


def portal_children(listening, n_workers):
    """Describe the processes of a portal: with a broker, Celery's workers do the computing."""
    from django.conf import settings

    children = [
        Child("migrate", partial(child, prepare), once=True),
        Child("web", partial(child, serve_pages, listening), after=("migrate",)),
    ]
    if settings.REDIS_URL:
        say(
            "STOA_REDIS_URL is set: the work is done by Celery (celery -A portal worker), here or on other hosts."
        )
        return children
    names = ["worker"] if n_workers == 1 else [f"worker {number}" for number in range(1, n_workers + 1)]
    return [
        *children,
        Child("warm-up", partial(child, warm_up), once=True),
        *(Child(name, partial(child, compute), after=("migrate", "warm-up")) for name in names),
    ]


def supervise(children):
    """Import what they share, then keep the children."""
    for module in PRELOADED:
        try:
            importlib.import_module(module)
        except ImportError:
            continue  # whoever needs it fails on it again, and says so
    Supervisor(children, say=say).run()


def child(action, *arguments):
    """What a child does; its foreseen errors are one line, too."""
    status = telling_errors(partial(action, *arguments))
    if status:
        sys.exit(status)


def migrate():
    """Bring the database to the present schema, if it is not."""
    from django.core.management import call_command
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    from portal.checks import check_that_sqlite_is_on_a_local_disk

    for warning in check_that_sqlite_is_on_a_local_disk(None):
        say(f"Warning: {warning.msg} {warning.hint}")
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        raise DatabaseSilent(error) from error


def prepare():
    """Bring the database to the present schema, tables to the present code, the registry to the present settings."""
    from vo.registry.noting import note_services

    migrate()
    adopt()
    note_services()


def adopt(options=None):
    """Let the tables run by the code that is installed here, and say what became stale of it."""
    from worktables.adopting import adopt_code

    said = adopt_code()
    for line in said:
        say(line)
    if options is not None and not said:
        say("All tables run by the present code, or are pinned to the one they have.")


def warm_up():
    """Compile the kernels of the source finder, or load them from numba's cache."""
    import basc

    basc.warm_up()


def serve_pages(listening):
    """Answer requests on a socket that is already open."""
    import uvicorn
    from django.conf import settings

    from portal.stalling import end_stalled

    end_stalled(listening, settings.STALLED_SECONDS)
    config = uvicorn.Config(
        "portal.asgi:application",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STREAM_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


def compute(takes=None):
    """Work off the queue, or some classes of it, until SIGTERM or ctrl-C."""
    from worktables.queue.classes import read_classes, taken_here
    from worktables.queue.working import work_forever

    takes = taken_here() if takes is None else read_classes(takes)

    stop = threading.Event()

    def ask_to_stop(*_):
        # Not `stop.set()` here: the interrupted thread may hold the event's lock.
        threading.Thread(target=stop.set).start()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    work_forever(stop, takes=takes, expendable=True)


def listen(host, port):
    """Open the socket before anything else: an address in use is known at once, early visitors wait."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise PortTaken(host, port, getattr(error, "strerror", None) or error) from error


def address_of(options):
    """Return what to type into a browser."""
    return f"http://{f'[{options.host}]' if ':' in options.host else options.host}:{options.port}/"


def home():
    """Return where the data are."""
    from django.conf import settings

    return settings.DATABASE_URL.rpartition("@")[2] or settings.STOA_HOME


def say(text):
    """Write a line at once, also into a pipe."""
    print(text, flush=True)


# ------------------------------------------------------------------ the demo


def build_demo():
    """Simulate the survey and make its worktables."""
    from portal.demo import build

    build()


def announce_demo(options):
    """Wait until nothing is left to do, then say what is there and how long it took."""
    from portal.demo import publish
    from worktables.models import State, Todo, Unit, Worktable

    while Todo.objects.exists():
        time.sleep(0.1)
    seconds = time.time() - options.started_at
    tables = Worktable.objects.present().order_by("id")
    rows = ", ".join(f"{table.name} {table.n_rows}" for table in tables)
    say(f"The tables are filled after {seconds:.1f} s (rows: {rows}).")
    if failed := Unit.objects.filter(state=State.FAILED).count():
        say(f"{failed} units failed; their rows say why.")
    if published := publish():
        say(f"Published for everybody: {', '.join(published)} (TAP at {address_of(options)}tap).")
    say(f"Open {address_of(options)} and sign in: user demo, password demo.")


# ------------------------------------------------------------------ tables from files


def import_table(options):
    """Load a table file as a new worktable, and publish it if that is wanted: both, or neither."""
    from django.db import transaction

    from projects.models import Project
    from vo.errors import VoError
    from worktables.importing import import_file

    migrate()
    try:
        project = Project.objects.get(slug=options.project, deleted_at=None)
    except Project.DoesNotExist:
        known = ", ".join(Project.objects.filter(deleted_at=None).values_list("slug", flat=True))
        raise UnknownName(f"no project “{options.project}”; there are: {known or 'none yet'}") from None
    user = creator_of(project, options.user)
    version = None
    try:
        with transaction.atomic():
            table = import_file(options.file, project, options.name, user)
            if options.publish:
                version = publish_table(table, options, user)
    except VoError as error:
        raise PublicationRefused(error) from error
    say(f"“{table.name}” is in project “{project.slug}”, with {table.n_rows} rows.")
    if version is not None:
        waits = "" if version.verdict == version.Verdict.GRANTED else "; a curator decides who else does"
        say(f"It is published as {version}, seen by {version.seen_by}{waits}.")


def publish_table(table, options, user):
    """Publish a table that was just loaded; whoever may decide who sees it decides at once. Return the version."""
    from vo.publishing.deciding import grant
    from vo.publishing.proposing import known_facts, propose
    from vo.querysets import DECIDE

    known = known_facts(table, user)
    facts = {name: getattr(options, name) or text for name, text in known.items()}
    version = propose(table, facts, options.publish, by=user)
    if version.verdict == version.Verdict.WAITING and user.has_perm(DECIDE):
        version = grant(version, by=user)
    return version


def creator_of(project, username):
    """Find who imports: the person named, or whoever made the project."""
    from django.contrib.auth import get_user_model

    if username is None:
        if project.created_by is None:
            raise UnknownName(f"nobody is known to have made “{project.slug}”; say who imports with --user")
        return project.created_by
    try:
        return get_user_model().objects.get_by_natural_key(username)
    except get_user_model().DoesNotExist:
        raise UnknownName(f"no user “{username}”") from None


if __name__ == "__main__":
    sys.exit(main())
