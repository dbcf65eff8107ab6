"""Run the suite on SQLite, then on PostgreSQL and Redis where they are; say plainly what was left out.

STOA_TEST_DATABASE_URL and STOA_TEST_REDIS_URL (or else STOA_DATABASE_URL and STOA_REDIS_URL) name the services;
the tests make a database of their own, named test_…, and leave the named one alone. With CI=true local
ones are tried, and it is a failure when they are missing. Arguments are handed to pytest.

Real processes, browsers and clocks share the machine with whatever else it does. So a few tests that fail are run
again, alone; they pass if they pass then, and the summary names them: whoever sees one there twice mends it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Two processes; what belongs to one file stays in one of them, with the portal or the servers it started.
SPREAD = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
KNOWS_NO_DATABASE = "tests/basc"
TESTS_FAILED = 1  # as pytest says it
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
MOST_AGAIN = 5  # more failures are no accident
UNSTEADY = []
LOCAL = {"DATABASE": "postgresql://postgres@127.0.0.1:5432/stoa", "REDIS": "redis://127.0.0.1:6379/9"}


def main(arguments):
    """Run twice, sum up; the exit status is 0 only if all that could run did, and passed."""
    database, redis = service("DATABASE"), service("REDIS")
    absent = [
        problem for problem in (trouble_with_postgresql(database), trouble_with_redis(redis)) if problem
    ]
    ends = {"SQLite": suite(arguments, {})}
    if not absent:
        services = {"STOA_DATABASE_URL": database, "STOA_REDIS_URL": redis}
        ends["PostgreSQL and Redis"] = suite(arguments or ["--ignore", KNOWS_NO_DATABASE], services)

    print("\n" + "=" * 20, "summary", "=" * 20)
    for where, status in ends.items():
        print(f"on {where}: {'passed' if status == 0 else f'FAILED (pytest ended with {status})'}")
    for name in UNSTEADY:
        print(f"failed among others, passed alone: {name}")
    for problem in absent:
        print(f"on PostgreSQL and Redis: {'FAILED' if IN_CI else 'SKIPPED'}, {problem}")
    if shutil.which("chromium") is None and not os.environ.get("STOA_TEST_BROWSER"):
        print("journeys in a browser: SKIPPED, no chromium in PATH")
    if not all(map(shutil.which, ("topcat", "Xvfb"))):
        print("tests with TOPCAT: SKIPPED, no topcat or no Xvfb in PATH")
    if not os.environ.get("STOA_TEST_DATA"):
        print("tests on real data: SKIPPED, STOA_TEST_DATA is not set")
    return int(any(ends.values()) or (IN_CI and bool(absent)))


def service(name):
    """Return the URL of a service as the environment gives it; in CI, the usual place on this machine."""
    for variable in (f"STOA_TEST_{name}_URL", f"STOA_{name}_URL"):
        if url := os.environ.get(variable):
            return url
    return LOCAL[name] if IN_CI else ""


def trouble_with_postgresql(url):
    """Say why the database server cannot be used; nothing if it can."""
    import psycopg2

    if not url:
        return "STOA_TEST_DATABASE_URL is not set"
    try:
        psycopg2.connect(url.rpartition("/")[0] + "/postgres", connect_timeout=5).close()
    except psycopg2.Error as error:
        return "PostgreSQL does not answer: " + " ".join(str(error).split())
    return ""


def trouble_with_redis(url):
    """Say why the broker cannot be used; nothing if it can."""
    import redis

    if not url:
        return "STOA_TEST_REDIS_URL is not set"
    try:
        redis.Redis.from_url(url, socket_connect_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        return f"Redis does not answer: {error}"
    return ""


def suite(arguments, services):
    """Run pytest in a fresh home with these services and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
    passed = ("STOA_TEST_", "STOA_FAULTS")
    kept |= {name: value for name, value in os.environ.items() if name.startswith(passed)}
    print("\n" + "=" * 20, "on", " and ".join(services.values()) or "SQLite", "=" * 20, flush=True)
    with tempfile.TemporaryDirectory(prefix="stoa-test-") as home:
        own, cache = Path(home) / "home", Path(home) / "cache"
        own.mkdir()
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *SPREAD, *arguments]
        facts = {"cwd": ROOT, "env": {**kept, "STOA_HOME": str(own), **services}}
        status = subprocess.run(command, **facts).returncode
        failed = failed_last(cache) if status == TESTS_FAILED else []
        if not failed or len(failed) > MOST_AGAIN:
            return status
        print("\n" + "=" * 20, f"again, alone: {', '.join(failed)}", "=" * 20, flush=True)
        alone = [*command, "-n", "0", "--last-failed", "--last-failed-no-failures", "none"]
        status = subprocess.run(alone, **facts).returncode
        UNSTEADY.extend(failed if status == 0 else [])
        return status


def failed_last(cache):
    """Return the names of the tests that failed in a run with this cache."""
    path = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(path.read_text())) if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
