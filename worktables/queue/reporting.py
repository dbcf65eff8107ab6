"""What a worker says of itself and its host, for whoever looks after them."""

import os
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version

from pipelines.registry import all_steps


def host_load():
    """Return the load average of this host over the last minute; None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def n_cores():
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count()


@cache
def present_code():
    """Return the version of the portal, and a digest of the code of all its steps.

    Workers that say the same compute the same. The digest is of the code that is loaded, not of what lies on the
    disk since.
    """
    try:
        release = version("stoa")
    except PackageNotFoundError:  # run from a checkout that is not installed
        release = "checkout"
    text = "\n".join(f"{step.name} {step.code_fingerprint}" for step in all_steps())
    return f"{release} {blake2b(text.encode(), digest_size=4).hexdigest()}"
