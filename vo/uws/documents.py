"""Jobs as XML, after the schema of IVOA UWS 1.1."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime

from vo.xml import legal

UWS = "http://www.ivoa.net/xml/UWS/v1.0"
XLINK = "http://www.w3.org/1999/xlink"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
RESULT = "result"

ElementTree.register_namespace("uws", UWS)
ElementTree.register_namespace("xlink", XLINK)
ElementTree.register_namespace("xsi", INSTANCE)


def job_document(job, result_address):
    """Write all there is to say of a job.

    Parameters
    ----------
    job : Job
    result_address : str
        Where its result is, or will be.
    """
    root = ElementTree.Element(_uws("job"), {"version": "1.1"})
    _say(root, "jobId", job.pk)
    if job.run_id:
        _say(root, "runId", job.run_id)
    _say(root, "ownerId", owner_of(job) or None)
    _say(root, "phase", job.phase)
    _say(root, "quote", moment(job.quote))
    _say(root, "creationTime", moment(job.created_at))
    _say(root, "startTime", moment(job.started_at))
    _say(root, "endTime", moment(job.ended_at))
    _say(root, "executionDuration", str(job.execution_duration))
    _say(root, "destruction", moment(job.destruction))
    root.append(_parameters(job))
    root.append(_results(job, result_address))
    if job.error:
        facts = {"type": job.error_type, "hasDetail": "true"}
        summary = ElementTree.SubElement(root, _uws("errorSummary"), facts)
        _say(summary, "message", job.error)
    return _written(root)


def list_document(jobs, address_of):
    """Write a list of jobs.

    Parameters
    ----------
    jobs : iterable of Job
    address_of : callable
        Given a job, where it is.
    """
    root = ElementTree.Element(_uws("jobs"), {"version": "1.1"})
    for job in jobs:
        facts = {"id": job.pk, f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": address_of(job)}
        entry = ElementTree.SubElement(root, _uws("jobref"), facts)
        _say(entry, "phase", job.phase)
        if job.run_id:
            _say(entry, "runId", job.run_id)
        _say(entry, "ownerId", owner_of(job) or None)
        _say(entry, "creationTime", moment(job.created_at))
    return _written(root)


def parameters_document(job):
    """Write what a job was asked with."""
    return _written(_parameters(job))


def results_document(job, result_address):
    """Write what came of a job, and where it is."""
    return _written(_results(job, result_address))


def owner_of(job):
    """Return by what name the owner of a job is known; empty for nobody."""
    return job.owner.get_username() if job.owner else ""


def moment(time):
    """Write a time as UWS has it, to the millisecond; None stays None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text):
    """Read a time as ISO 8601 has it, in UTC where it does not say otherwise; raise ValueError if it is none."""
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _parameters(job):
    element = ElementTree.Element(_uws("parameters"))
    for name, values in job.parameters.items():
        for value in values:
            one = ElementTree.SubElement(element, _uws("parameter"), {"id": legal(name)})
            one.text = legal(value)
    return element


def _results(job, address):
    element = ElementTree.Element(_uws("results"))
    if job.result:
        facts = {
            "id": RESULT,
            f"{{{XLINK}}}type": "simple",
            f"{{{XLINK}}}href": address,
            "mime-type": job.result_type,
            "size": str(job.result_size),
        }
        ElementTree.SubElement(element, _uws("result"), facts)
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
