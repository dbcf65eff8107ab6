"""Links that make the rows of their target: `each` for every row of the source, `expand` for every item of a list."""

from django.db import transaction

from worktables.columns import find
from worktables.errors import LinkRefused
from worktables.linking.checks import (
    check_ends,
    check_fit,
    check_radius,
    check_rows_are_free,
    lookup_of,
    pairs,
)
from worktables.linking.declaring import Draft, declare
from worktables.models import Kind, Link


@transaction.atomic
def each(source, target, *, name, by, carry=None, undoes=None):
    """Give every row of `source` one row in `target`, so that a second table can hang on the rows of the first.

    The rows come, go and come back with those of the source, and keep their ids, runs and comments. They are there
    whatever the source's row is like: if what they carry is empty, they carry nothing.

    Parameters
    ----------
    source, target : Worktable
        Of one project; the target's rows then come from this link alone.
    name : str
        Of the link, and of the step that does it.
    carry : dict, optional
        Column of `source` → lookup column of `target`, copied to the row.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    return declare(draft_each(source, target, name=name, by=by, carry=carry), by=by, undoes=undoes)


def draft_each(source, target, *, name, by, carry=None, known=None):
    """Check an `each` link and return its draft."""
    check_ends(source, target, name, by, known=known)
    check_rows_are_free(target, known)
    return Draft(Link.Kind.EACH, name, source, target, {"carry": pairs(source, target, carry or {}, known)})


@transaction.atomic
def expand(source, target, *, name, item, fields, by, undoes=None, **how):
    """Make every item of a list cell of `source` a row of `target`.

    Parameters
    ----------
    source, target : Worktable
        Of one project; the target's rows then come from this link alone.
    name : str
        Of the link, and of the step that does it.
    item : str
        A column of kind catalogue in `source`.
    fields : dict
        Field of the items → lookup column of `target`.
    carry : dict, optional
        Column of `source` → lookup column of `target`, copied to each row.
    key : list of str, optional
        Columns of `target` by which an item finds its row again, exactly; or else
    sky : str
        A position column of `target`: the nearest item within half of `within` (a column of `source`,
        in arcsec, such as the beam) or within `radius` arcsec is the same.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    draft = draft_expand(source, target, name=name, item=item, fields=fields, by=by, **how)
    return declare(draft, by=by, undoes=undoes)


def draft_expand(
    source,
    target,
    *,
    name,
    item,
    fields,
    by,
    carry=None,
    key=None,
    sky=None,
    within=None,
    radius=None,
    known=None,
):
    """Check an `expand` link and return its draft."""
    check_ends(source, target, name, by, known=known)
    check_rows_are_free(target, known)
    if bool(key) == bool(sky):
        raise LinkRefused(
            "say how an item finds its row again: by key columns, or by a position column (sky)"
        )
    if sky and not within and not radius:
        raise LinkRefused("a match on the sky needs a radius in arcsec, or the column of the beam (within)")
    if radius:
        check_radius(radius)
    cell = find(source, item)
    if cell.kind != Kind.CATALOGUE:
        raise LinkRefused(f"“{item}” of {source.name} is no list of items (its kind is {cell.kind})")
    described = {field["name"]: field for field in cell.schema}
    for field, column in fields.items():
        if field not in described:
            raise LinkRefused(f"the items of “{item}” have no “{field}”; they have {', '.join(described)}")
        kind, unit = described[field]["kind"], described[field].get("unit", "")
        check_fit(target, column, f"“{field}” of the items", kind, unit, known=known)
    options = {
        "item": cell.pk,
        "fields": [[field, lookup_of(target, column, known).pk] for field, column in fields.items()],
        "carry": pairs(source, target, carry or {}, known),
    }
    filled = [to for found in (options["fields"], options["carry"]) for _, to in found]
    for column in key or [sky]:
        if find(target, column).pk not in filled:
            raise LinkRefused(
                f"“{column}” of {target.name} is not filled by this link; an item finds its row again by what it brings"
            )
    if sky and find(target, sky).kind != Kind.POSITION:
        raise LinkRefused(f"“{sky}” of {target.name} is no position")
    if key:
        options["key"] = [find(target, column).pk for column in key]
    else:
        options |= {"sky": find(target, sky).pk, "radius": radius or 0}
        options |= {"within": find(source, within).pk} if within else {}
    return Draft(Link.Kind.EXPAND, name, source, target, options)
