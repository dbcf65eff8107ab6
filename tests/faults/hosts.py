"""Hosts of our own: network namespaces with a name and an address each, on a bridge with a database and a broker.

Nothing of the machine's own network is touched: bridge, addresses and servers live in a namespace that goes with
them. Where the kernel refuses that, `Machine` is one host for all.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds; only a failing test waits so long
NETWORK = "10.77.0"


def run(*command, **options):
    """Run a command; what it says is the message where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def programs_of_postgresql():
    """Return the folder of the server's programs, or None."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), Path("/usr/local/bin"), Path("/usr/bin")]
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


class Machine:
    """One host for all: the servers listen on the loopback, workers have but names of their own."""

    address = "127.0.0.1"

    def __init__(self, names):
        self.names = names

    def inside(self, name=""):
        """Return what comes before a command that shall run on a host; without a name, where the servers are."""
        return []

    def remove(self):
        """Leave nothing behind."""


class Namespaces(Machine):
    """A namespace for each host, with a name and an address, and one for the servers.

    Parameters
    ----------
    names : sequence of str
        What the hosts are called.
    """

    address = f"{NETWORK}.1"

    def __init__(self, names):
        super().__init__(names)
        self.hub = f"stoa-{os.getpid()}"
        self.made = []
        try:
            self._make(self.hub)
            run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
            run("ip", "-n", self.hub, "address", "add", f"{self.address}/24", "dev", "bridge")
            run("ip", "-n", self.hub, "link", "set", "bridge", "up")
            for number, name in enumerate(names, start=2):
                self._join(name, number)
        except BaseException:
            self.remove()
            raise

    def _make(self, space):
        run("ip", "netns", "add", space)
        self.made.append(space)
        run("ip", "-n", space, "link", "set", "lo", "up")

    def _join(self, name, number):
        """Lay a cable from a host to the bridge."""
        space = self._space_of(name)
        self._make(space)
        cable = f"cable{number}"
        run("ip", "-n", self.hub, "link", "add", cable, "type", "veth", "peer", "eth0", "netns", space)
        run("ip", "-n", self.hub, "link", "set", cable, "master", "bridge", "up")
        run("ip", "-n", space, "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")

    def _space_of(self, name):
        return f"{self.hub}-{name}"

    def inside(self, name=""):
        """Return what comes before a command on a host; it then is the process that was started, not its child."""
        if not name:
            return ["ip", "netns", "exec", self.hub]
        called = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name]
        return ["ip", "netns", "exec", self._space_of(name), *called]

    def remove(self):
        for space in reversed(self.made):
            subprocess.run(["ip", "netns", "delete", space], capture_output=True)
        self.made.clear()


def why_no_namespaces():
    """Say why there can be no hosts of our own here; nothing if there can."""
    for program in ("ip", "unshare"):
        if shutil.which(program) is None:
            return f"no {program} in PATH (Debian's iproute2 and util-linux have them)"
    if os.getuid() != 0:
        return "only root may make network namespaces"
    try:
        hosts = Namespaces(["probe"])
    except AssertionError as error:
        return f"the kernel refuses network namespaces ({str(error).strip()})"
    try:
        run(*hosts.inside("probe"), "hostname")
    except AssertionError as error:
        return f"the kernel refuses a host name of one's own ({str(error).strip()})"
    finally:
        hosts.remove()
    return ""


class Servers:
    """A PostgreSQL and a Redis on the address of the hub, asked by the test through a socket in a folder.

    Parameters
    ----------
    hosts : Machine
    postgresql_port, redis_port : int
    """

    def __init__(self, hosts, postgresql_port, redis_port):
        self.hosts, self.port, self.redis_port = hosts, postgresql_port, redis_port
        self.folder = Path(tempfile.mkdtemp(prefix="stoa-team-"))  # short, for the name of a socket is
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.programs = programs_of_postgresql()
        self.as_postgres = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.data, "postgres")
            self.as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        self.url = f"postgresql://postgres@{hosts.address}:{self.port}/postgres"
        self.broker = f"redis://{hosts.address}:{self.redis_port}/0"
        self.redis = None

    def start(self):
        """Start both, and wait until they answer."""
        self._postgresql("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.data / "pg_hba.conf", "a") as file:
            file.write(f"host all all {NETWORK}.0/24 trust\n")
        settings = f"-p {self.port} -k {self.data} -c listen_addresses={self.hosts.address} -c fsync=off"
        self._postgresql("pg_ctl", "-w", "-l", str(self.data / "log"), "-o", settings, "start")
        command = ["redis-server", "--port", str(self.redis_port), "--bind", self.hosts.address, "--save", ""]
        command += ["--protected-mode", "no", "--dir", str(self.folder)]
        self.redis = subprocess.Popen([*self.hosts.inside(), *command], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        ping = [
            *self.hosts.inside(),
            "redis-cli",
            "-h",
            self.hosts.address,
            "-p",
            str(self.redis_port),
            "ping",
        ]
        while subprocess.run(ping, capture_output=True).stdout.strip() != b"PONG":
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.05)
        return self

    def _postgresql(self, program, *arguments):
        command = [
            *self.hosts.inside(),
            *self.as_postgres,
            str(self.programs / program),
            "-D",
            str(self.data),
        ]
        # Not captured: the server keeps what it inherits, and one would wait for its end.
        subprocess.run([*command, *arguments], cwd=self.data, stdout=subprocess.DEVNULL, check=True)

    def ask(self, sql):
        """Return the rows of a query."""
        connection = psycopg2.connect(host=str(self.data), port=self.port, user="postgres", dbname="postgres")
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()
        finally:
            connection.close()

    def remove(self):
        """Stop both and leave nothing behind."""
        if (self.data / "postmaster.pid").exists():
            self._postgresql("pg_ctl", "-w", "-m", "immediate", "stop")
        if self.redis is not None:
            self.redis.kill()
            self.redis.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
