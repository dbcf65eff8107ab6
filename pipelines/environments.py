"""What a run ran with: the interpreter, the machine and the libraries, as a record."""

import json
import platform
import sys
from functools import cache
from hashlib import blake2b
from importlib.metadata import distributions

from django.db import transaction

from pipelines.models import Environment

_known: dict[str, Environment] = {}


def present_environment() -> Environment:
    """Return the record of the environment of this process, made when it is first seen."""
    digest, document = described()
    if digest in _known:
        return _known[digest]
    environment, _ = Environment.objects.get_or_create(digest=digest, defaults={"document": document})
    transaction.on_commit(lambda: _known.setdefault(digest, environment))
    return environment


@cache
def described() -> tuple[str, dict]:
    """Return the digest and the document of the present environment."""
    packages = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
    document = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": platform.system(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }
    text = json.dumps(document, sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest(), document


def forget_environments(**_) -> None:
    """Forget what was remembered: the tables may have been emptied."""
    _known.clear()
