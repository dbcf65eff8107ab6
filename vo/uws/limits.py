"""What a job may ask for, and what it gets that asks for nothing: as the settings say, and what none needs to say."""

from datetime import timedelta

from django.conf import settings

ARCHIVED_FOR = timedelta(days=90)  # the record of a job, when its result is gone

WAIT_SECONDS = 60  # for which an answer is held back, at most
ATTEMPTS = 3  # of a job whose workers are lost
AT_ONCE = 2  # jobs in one process, besides the units it computes
OPEN_JOBS = 1000  # that one person may have waiting and running
OPEN_JOBS_OF_NOBODY = 100  # of all together who say nothing of who they are

RUN_ID_LENGTH = 255
PARAMETER_LENGTH = 1_000_000  # of all parameters of a job, in characters


def most(name, known):
    """Return the most that can be had of something, as the settings name it.

    Parameters
    ----------
    name : str
    known : bool
        Whether it is known who asks; nobody known gets less.
    """
    return settings.VO[name if known else f"{name}_ANONYMOUS"]


def duration_within(seconds, *, known):
    """Return for how many seconds a job may run that asks for so many; 0 is as long as it can be had.

    Parameters
    ----------
    seconds : int or None
    known : bool
        Whether it is known whose job it is.
    """
    longest = int(most("ASYNC_SECONDS_HARD", known))
    if seconds is None:
        return min(int(settings.VO["ASYNC_SECONDS"]), longest)
    return min(seconds, longest) if seconds > 0 else longest


def destruction_within(moment, now):
    """Return when a job goes that asks to go at a moment."""
    if moment is None:
        return now + timedelta(seconds=settings.VO["RETENTION_SECONDS"])
    latest = now + timedelta(seconds=settings.VO["RETENTION_SECONDS_HARD"])
    return min(max(moment, now + timedelta(seconds=1)), latest)
