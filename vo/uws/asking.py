"""Reading what is asked of jobs: names in any case, values said once unless they may be said again."""

from vo.uws.documents import read_moment
from vo.uws.errors import UnfitValue
from vo.uws.limits import WAIT_SECONDS
from vo.uws.phases import MOVING, Phase

# Said of the job itself, and no parameter of what it computes.
OF_THE_JOB = ("PHASE", "RUNID", "EXECUTIONDURATION", "DESTRUCTION", "AUTH")


def last_of(parameters, name, default=""):
    """Return a value that is said once: the last one, if it is said again."""
    return (parameters.get(name) or [default])[-1].strip()


def phases_asked(parameters):
    """Return the phases of which jobs are asked for; all but the archived, if none is named."""
    named = [
        value.strip().upper()
        for values in (parameters.get("PHASE", []),)
        for value in values
        if value.strip()
    ]
    for value in named:
        phase_named(value)
    return [Phase(value) for value in named] or [phase for phase in Phase if phase != Phase.ARCHIVED]


def phase_named(text):
    """Return the phase of that name."""
    try:
        return Phase(text.strip().upper())
    except ValueError:
        raise UnfitValue("PHASE", text, f"one of {', '.join(Phase)}") from None


def wants_to_run(said):
    """Say whether a form that makes a job wants it to start at once; no other phase can be had."""
    phase = last_of(said, "PHASE").upper()
    if phase not in ("", "RUN"):
        raise UnfitValue("PHASE", phase, "RUN to start the job at once, or leave it out")
    return phase == "RUN"


def jobs_asked(jobs, parameters):
    """Keep of jobs, newest first, those of the phases, after the time and as many as are asked for."""
    jobs = made_after(jobs.filter(phase__in=phases_asked(parameters)), parameters)
    return jobs.order_by("-created_at", "-pk")[: last_asked(parameters)]


def made_after(jobs, parameters):
    """Keep the jobs that were made after the time asked for, if one is."""
    after = last_of(parameters, "AFTER")
    return jobs.filter(created_at__gt=moment_in("AFTER", after)) if after else jobs


def last_asked(parameters, otherwise=None, most=2**31):
    """Return how many jobs are asked for, at most; or else what is given, of which None is all."""
    last = last_of(parameters, "LAST")
    return whole_in("LAST", last, 1, most) if last else otherwise


def moment_in(name, text):
    """Return the time that a parameter says."""
    try:
        return read_moment(text)
    except (ValueError, OverflowError):
        raise UnfitValue(name, text, "a time such as 2026-03-01T12:00:00Z") from None


def whole_in(name, text, least, most):
    """Return the whole number that a parameter says."""
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19):
        raise UnfitValue(name, text, f"a whole number from {least:,}")
    number = int(text)
    if number < least:
        raise UnfitValue(name, text, f"a whole number from {least:,}")
    return min(number, most)


def duration_in(text):
    """Return the seconds that are asked for; 0 is as long as it can be had."""
    return whole_in("EXECUTIONDURATION", text, 0, 2**31 - 1)


def wait_asked(parameters):
    """Return for how many seconds an answer shall wait for a change, and of which phase; 0 is not at all.

    Whoever waits without end is sent away after a while, and asks again.
    """
    text = last_of(parameters, "WAIT")
    if not text:
        return 0, None
    seconds = whole_in("WAIT", text, -1, WAIT_SECONDS)
    phase = last_of(parameters, "PHASE")
    return (WAIT_SECONDS if seconds < 0 else seconds), phase_named(phase) if phase else None


def is_waited_for(phase, asked):
    """Say whether a job in a phase is one to wait for, if it is asked about that phase, or about any."""
    return Phase(phase) in MOVING and asked in (None, Phase(phase))
