"""Jobs as XML, after the schema of IVOA UWS 1.1: of whatever can be told as one."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from vo.xml import legal

UWS = "http://www.ivoa.net/xml/UWS/v1.0"
XLINK = "http://www.w3.org/1999/xlink"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
CUSTOM = "urn:uwscustom"  # in which the schema lets us say more of a result

ElementTree.register_namespace("uws", UWS)
ElementTree.register_namespace("xlink", XLINK)
ElementTree.register_namespace("xsi", INSTANCE)
ElementTree.register_namespace("custom", CUSTOM)

NOTHING: Mapping[str, str] = MappingProxyType({})


class Parameter(NamedTuple):
    """What a job was asked with."""

    name: str
    value: str
    by_reference: bool = False  # its value is where it is, below the address of the job


class Result(NamedTuple):
    """What came of a job: where it is, below the address of the job, and what else there is to say of it."""

    name: str
    place: str
    media_type: str = ""
    size: int | None = None
    more: Mapping[str, str] = NOTHING


class Info(NamedTuple):
    """Something that the standard has no place for."""

    name: str
    text: str
    facts: Mapping[str, str] = NOTHING


class Entry(Protocol):
    """A job, as a list tells it."""

    pk: str | int
    run_id: str
    owner_name: str
    phase: str
    created_at: datetime


class Tellable(Entry, Protocol):
    """A job, as it tells all there is to say."""

    quote: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    execution_duration: int
    destruction: datetime | None
    error: str
    error_type: str
    told_parameters: Iterable[Parameter]
    told_results: Iterable[Result]
    told_info: Iterable[Info]


def job_document(job, address):
    """Write all there is to say of a job.

    Parameters
    ----------
    job : Tellable
    address : str
        Where it is.
    """
    root = ElementTree.Element(_uws("job"), {"version": "1.1"})
    _say(root, "jobId", str(job.pk))
    if job.run_id:
        _say(root, "runId", job.run_id)
    _say(root, "ownerId", job.owner_name or None)
    _say(root, "phase", job.phase)
    _say(root, "quote", moment(job.quote))
    _say(root, "creationTime", moment(job.created_at))
    _say(root, "startTime", moment(job.started_at))
    _say(root, "endTime", moment(job.ended_at))
    _say(root, "executionDuration", str(job.execution_duration))
    _say(root, "destruction", moment(job.destruction))
    root.append(_parameters(job, address))
    root.append(_results(job, address))
    if job.error:
        facts = {"type": job.error_type, "hasDetail": "true"}
        summary = ElementTree.SubElement(root, _uws("errorSummary"), facts)
        _say(summary, "message", job.error)
    if info := list(job.told_info):
        told = ElementTree.SubElement(root, _uws("jobInfo"))
        for one in info:
            facts = {name: legal(value) for name, value in one.facts.items()}
            ElementTree.SubElement(told, f"{{{CUSTOM}}}{one.name}", facts).text = legal(one.text)
    return _written(root)


def list_document(jobs, address_of):
    """Write a list of jobs.

    Parameters
    ----------
    jobs : iterable of Entry
    address_of : callable
        Given a job, where it is.
    """
    root = ElementTree.Element(_uws("jobs"), {"version": "1.1"})
    for job in jobs:
        facts = {"id": str(job.pk), f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": address_of(job)}
        entry = ElementTree.SubElement(root, _uws("jobref"), facts)
        _say(entry, "phase", job.phase)
        if job.run_id:
            _say(entry, "runId", job.run_id)
        _say(entry, "ownerId", job.owner_name or None)
        _say(entry, "creationTime", moment(job.created_at))
    return _written(root)


def parameters_document(job, address):
    """Write what a job that is at this address was asked with."""
    return _written(_parameters(job, address))


def results_document(job, address):
    """Write what came of a job that is at this address, and where it is."""
    return _written(_results(job, address))


def moment(time):
    """Write a time as UWS has it, to the millisecond; None stays None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text):
    """Read a time as ISO 8601 has it, in UTC where it does not say otherwise; raise ValueError if it is none."""
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _parameters(job, address):
    element = ElementTree.Element(_uws("parameters"))
    for told in job.told_parameters:
        one = ElementTree.SubElement(element, _uws("parameter"), {"id": legal(told.name)})
        one.text = f"{address}/{told.value}" if told.by_reference else legal(told.value)
        if told.by_reference:
            one.set("byReference", "true")
    return element


def _results(job, address):
    element = ElementTree.Element(_uws("results"))
    for told in job.told_results:
        one = ElementTree.SubElement(element, _uws("result"), {"id": told.name})
        one.set(f"{{{XLINK}}}type", "simple")
        one.set(f"{{{XLINK}}}href", f"{address}/{told.place}")
        if told.media_type:
            one.set("mime-type", told.media_type)
        if told.size is not None:
            one.set("size", str(told.size))
        for name, value in told.more.items():
            one.set(f"{{{CUSTOM}}}{name}", legal(value))
    return element


def _say(parent, name, text):
    element = ElementTree.SubElement(parent, _uws(name))
    if text is None:
        element.set(f"{{{INSTANCE}}}nil", "true")
    else:
        element.text = legal(text)


def _uws(name):
    return f"{{{UWS}}}{name}"


def _written(root):
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
