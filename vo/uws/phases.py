"""The phases of a job, and which may follow which."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a job is, as IVOA UWS 1.1 names it."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    ARCHIVED = "ARCHIVED"


ENDED = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED})
OVER = ENDED | {Phase.ARCHIVED}
# Only these are waited for: all others last until somebody does something about them.
MOVING = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})

FOLLOWING = {
    Phase.PENDING: {Phase.QUEUED, Phase.HELD, Phase.ABORTED, Phase.ERROR},
    Phase.QUEUED: {Phase.EXECUTING, Phase.HELD, Phase.ABORTED, Phase.ERROR},
    Phase.HELD: {Phase.QUEUED, Phase.ABORTED, Phase.ERROR},
    # Back to the queue goes what lost its worker.
    Phase.EXECUTING: {Phase.QUEUED, Phase.SUSPENDED, Phase.UNKNOWN, *ENDED},
    Phase.SUSPENDED: {Phase.QUEUED, Phase.EXECUTING, Phase.ABORTED, Phase.ERROR},
    Phase.UNKNOWN: {Phase.QUEUED, Phase.EXECUTING, *ENDED},
    Phase.COMPLETED: {Phase.ARCHIVED},
    Phase.ERROR: {Phase.ARCHIVED},
    Phase.ABORTED: {Phase.ARCHIVED},
    Phase.ARCHIVED: set(),
}


def may_follow(phase, next_phase):
    """Say whether a job may go from one phase into another."""
    return Phase(next_phase) in FOLLOWING[Phase(phase)]


def phases_before(phase):
    """Return the phases from which a job may go into this one."""
    return [before for before in Phase if may_follow(before, phase)]
