"""The `collect` link: many rows of the source feed one row of the target."""

from django.db import transaction

from pipelines.graph import Graph
from worktables.columns import find
from worktables.errors import LinkRefused
from worktables.linking.checks import check_ends, matching
from worktables.linking.declaring import Draft, declare
from worktables.models import Link

POLICIES = ("block", "skip")


@transaction.atomic
def collect(source, target, *, name, by, match=None, policy="block", undoes=None):
    """Let rows of `target` collect rows of `source`, for the ports of its pipeline that are tied to “name.column”.

    Parameters
    ----------
    match : dict, optional
        Column of `source` → column of `target` that must be equal; without, every row collects all.
    policy : {"block", "skip"}
        What a row does when one of those it collects has failed: wait, or leave it out and say so.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    draft = draft_collect(source, target, name=name, by=by, match=match, policy=policy)
    return declare(draft, by=by, undoes=undoes)


def draft_collect(source, target, *, name, by, match=None, policy="block", known=None):
    """Check a `collect` link and return its draft."""
    check_ends(source, target, name, by, known=known)
    if policy not in POLICIES:
        raise LinkRefused(f"policy “{policy}” is neither block nor skip")
    ports = collected_by(target).get(name, ())
    if not ports:
        raise LinkRefused(f"no port of the pipeline of “{target.name}” collects from a link named “{name}”")
    for port in ports:
        find(source, port.column)
    options = {"match": matching(source, target, match), "policy": policy}
    return Draft(Link.Kind.COLLECT, name, source, target, options, ports)


def collected_by(table):
    """Return {name of a link: the ports that collect through it} of a table's pipeline."""
    found = {}
    for port in Graph(table.pipeline.graph).collected if table.pipeline else ():
        found[port.link] = (*found.get(port.link, ()), port)
    return found
