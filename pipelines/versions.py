"""Which versions of a step there have been: a row for each code fingerprint that a table asked for, or that ran."""

from django.db import transaction

from pipelines.contract import Field, Parameter, Port, Step
from pipelines.errors import StepNotInstalled
from pipelines.models import StepVersion

_known: dict[tuple[str, str], StepVersion] = {}
_gone: dict[int, Step] = {}


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


def step_as_it_was(version_id: int) -> Step:
    """Return a step whose code is gone, as its interface is remembered: it can be fingerprinted, but not run."""
    if version_id not in _gone:
        version = StepVersion.objects.get(pk=version_id)
        interface = version.interface

        def gone(*_):
            raise StepNotInstalled(version.step, version.code_fingerprint, version.declared_version)

        step = Step(
            name=version.step,
            function=gone,
            inputs=tuple(_port(port) for port in interface["inputs"]),
            outputs=tuple(_port(port) for port in interface["outputs"]),
            parameters=tuple(_parameter(each) for each in interface["parameters"]),
            title=interface["title"],
            uses=tuple(interface["uses"]),
            batched=interface["batched"],
            version=version.declared_version,
            resource=version.resource,
            deterministic=version.deterministic,
        )
        step.__dict__["code_fingerprint"] = version.code_fingerprint
        _gone[version_id] = step
    return _gone[version_id]


def _port(facts):
    fields = tuple(Field(**field) for field in facts.get("schema", ()))
    return Port(**{**facts, "schema": fields})


def _parameter(facts):
    # What was left at nothing is not in the record: a default of no letters.
    return Parameter(**{"default": "", **facts, "choices": tuple(facts.get("choices", ()))})


def forget_versions(**_) -> None:
    """Forget what was remembered: the tables may have been emptied."""
    _known.clear()
    _gone.clear()
