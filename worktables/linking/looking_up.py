"""Links by which a row looks up one row of the source: the `nearest` on the sky, the `latest-valid-at` its date."""

from django.db import transaction

from worktables.columns import find
from worktables.errors import LinkRefused
from worktables.linking.checks import check_ends, check_fit, check_radius, lookup_of, matching, pairs
from worktables.linking.declaring import Draft, declare
from worktables.models import Kind, Link


@transaction.atomic
def nearest(source, target, *, name, of, position, radius, lookup, by, separation=None, undoes=None):
    """Let each row of `target` find the nearest row of `source` on the sky.

    Parameters
    ----------
    of, position : str
        The position columns of `source` and `target`.
    radius : float
        In arcsec, at most.
    lookup : dict
        Column of `source` → lookup column of `target`.
    separation : str, optional
        A lookup column of `target` for the distance, in arcsec.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    draft = draft_nearest(
        source, target, name=name, of=of, position=position, radius=radius, lookup=lookup, by=by,
        separation=separation,
    )  # fmt: skip
    return declare(draft, by=by, undoes=undoes)


def draft_nearest(source, target, *, name, of, position, radius, lookup, by, separation=None, known=None):
    """Check a `nearest` link and return its draft."""
    check_ends(source, target, name, by, known=known)
    check_radius(radius)
    for table, column in ((source, of), (target, position)):
        if find(table, column).kind != Kind.POSITION:
            raise LinkRefused(f"“{column}” of {table.name} is no position")
    if separation:
        if separation in lookup.values():
            raise LinkRefused(f"“{separation}” would be filled twice; give each its own column")
        check_fit(target, separation, "a separation", Kind.FLOAT, "arcsec", known=known)
    options = {
        "of": find(source, of).pk,
        "position": find(target, position).pk,
        "radius": float(radius),
        "lookup": pairs(source, target, lookup, known),
        "separation": lookup_of(target, separation, known).pk if separation else None,
    }
    return Draft(Link.Kind.NEAREST, name, source, target, options)


@transaction.atomic
def latest_valid_at(
    source,
    target,
    *,
    name,
    date,
    valid_from,
    lookup,
    by,
    valid_to=None,
    match=None,
    scope=None,
    undoes=None,
):
    """Let each row of `target` find the row of `source` that is valid at its date, such as a calibration.

    A row is valid from `valid_from` (included) to `valid_to` (excluded). An empty end is open; a row without a
    beginning is valid at no time: it is not finished yet. Of several, that of the narrowest scope wins, then the one
    with the verdict good, then the newest made, then the higher id. A row with the verdict bad never wins.

    Parameters
    ----------
    date : str
        A time column of `target`.
    valid_from, valid_to : str
        Time columns of `source`, on the same time scale; without `valid_to` all ends are open.
    lookup : dict
        Column of `source` → lookup column of `target`.
    match : dict, optional
        Column of `source` → column of `target` that must be equal, such as the detector.
    scope : str, optional
        A number column of `source`: the lower, the narrower; empty is widest. Without, the row with the shortest
        interval is the narrowest, and of open ones the one that began last.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    draft = draft_latest_valid_at(
        source, target, name=name, date=date, valid_from=valid_from, valid_to=valid_to, lookup=lookup,
        match=match, scope=scope, by=by,
    )  # fmt: skip
    return declare(draft, by=by, undoes=undoes)


def draft_latest_valid_at(
    source,
    target,
    *,
    name,
    date,
    valid_from,
    lookup,
    by,
    valid_to=None,
    match=None,
    scope=None,
    known=None,
):
    """Check a `latest-valid-at` link and return its draft."""
    check_ends(source, target, name, by, known=known)
    here = find(target, date)
    ends = [(target, here), (source, find(source, valid_from))]
    ends += [(source, find(source, valid_to))] if valid_to else []
    for table, column in ends:
        if column.kind != Kind.TIME:
            raise LinkRefused(f"“{column.name}” of {table.name} is no time (its kind is {column.kind})")
        if said(column) != said(here):
            raise LinkRefused(
                f"“{column.name}” of {table.name} is {said(column)}, “{date}” of {target.name} is {said(here)}; "
                "times are compared as they are, so take columns of one time scale and unit"
            )
    if valid_to == valid_from:
        raise LinkRefused(f"“{valid_from}” cannot be both the beginning and the end; take another column")
    narrowness = find(source, scope) if scope else None
    if narrowness and narrowness.kind not in (Kind.INT, Kind.FLOAT):
        raise LinkRefused(
            f"“{scope}” of {source.name} is {narrowness.kind}; a scope is a number, the lower the narrower"
        )
    options = {
        "date": here.pk,
        "valid_from": find(source, valid_from).pk,
        "valid_to": find(source, valid_to).pk if valid_to else None,
        "match": matching(source, target, match),
        "scope": narrowness.pk if narrowness else None,
        "lookup": pairs(source, target, lookup, known),
    }
    return Draft(Link.Kind.LATEST, name, source, target, options)


def said(column):
    """Say how a time column counts: its scale (UTC if nothing is said) and its unit."""
    return f"MJD {column.time_scale.upper() or 'UTC'} in {column.unit or 'd'}"
