"""Which versions of a step there have been: a row for each code fingerprint that ran."""

from django.db import transaction

from pipelines.contract import Step
from pipelines.models import StepVersion

_known: dict[tuple[str, str], StepVersion] = {}


def version_of(step: Step) -> StepVersion:
    """Return the row of this version of a step, made when it is first seen."""
    key = step.name, step.code_fingerprint
    if key in _known:
        return _known[key]
    version, _ = StepVersion.objects.get_or_create(
        step=step.name,
        code_fingerprint=step.code_fingerprint,
        defaults={
            "declared_version": step.version,
            "interface": step.interface(),
            "resource": step.resource,
            "deterministic": step.deterministic,
        },
    )
    # Only what is committed is remembered: a rolled back row would be a false promise.
    transaction.on_commit(lambda: _known.setdefault(key, version))
    return version


def forget_versions(**_) -> None:
    """Forget what was remembered: the tables may have been emptied."""
    _known.clear()
