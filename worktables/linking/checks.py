"""What every link must fulfil: its ends, the columns it fills, and the columns it compares."""

from pipelines.errors import PipelinesError
from pipelines.units import carry_factor
from projects.permissions import demand
from worktables.columns import check_name, find
from worktables.dependencies import lookup_columns
from worktables.errors import LinkRefused
from worktables.models import Kind, Link, Role
from worktables.queue.locking import hold

NUMBERS = (Kind.INT, Kind.FLOAT, Kind.TIME)
WIDEST = 36000  # arcsec


def check_ends(source, target, name, by, *, known=None):
    """Refuse two tables that cannot be linked, or a name that is taken; hold their project.

    Parameters
    ----------
    known : Link, optional
        The link that is changed, and may keep its name.
    """
    demand(by, "run", source)
    demand(by, "run", target)
    hold(source.project_id)
    if source.project_id != target.project_id:
        raise LinkRefused(
            f"“{source.name}” and “{target.name}” are in different projects; links stay inside one"
        )
    if source.pk == target.pk:
        raise LinkRefused(f"“{source.name}” cannot be linked to itself")
    if source.deleted_at or target.deleted_at:
        gone = source if source.deleted_at else target
        raise LinkRefused(f"“{gone.name}” is in the trash; bring it back first")
    if known is not None:
        return
    check_name(name)
    if Link.objects.filter(target=target, name=name).exists() or target.steps.filter(name=name).exists():
        raise LinkRefused(f"“{target.name}” already has a link or step named “{name}”; choose another name")
    if source.steps.filter(name=name).exists():
        raise LinkRefused(f"“{source.name}” already has a step named “{name}”; choose another name")


def check_radius(radius):
    """Refuse a radius in arcsec within which nothing, or everything, would be found."""
    if not 0 < radius <= WIDEST:
        raise LinkRefused(f"a radius of {radius} arcsec cannot be; it is more than 0 and at most {WIDEST}")


def check_rows_are_free(target, known):
    """Refuse a second link that would make the rows of a table."""
    makers = Link.objects.filter(target=target, kind__in=Link.MAKES_ROWS)
    if makers.exclude(pk=known.pk if known else None).exists():
        raise LinkRefused(f"the rows of “{target.name}” already come from another link; make another table")


def lookup_of(target, name, known=None):
    """Return a column that a link may fill: it is a lookup column, and nobody else fills it."""
    column = find(target, name)
    if column.role != Role.LOOKUP:
        raise LinkRefused(f"“{name}” of {target.name} is {column.role}; a link fills lookup columns only")
    others = Link.objects.filter(target=target).exclude(step=None).exclude(pk=known.pk if known else None)
    for link in others:
        if column.pk in lookup_columns(link):
            raise LinkRefused(
                f"“{name}” of {target.name} is filled by “{link.name}” already; add another column for this link"
            )
    return column


def pairs(source, target, wanted, known=None):
    """Return [source column id, lookup column id] of each pair that a link shall copy, in order."""
    if doubled := [to for to in wanted.values() if list(wanted.values()).count(to) > 1]:
        raise LinkRefused(f"“{doubled[0]}” of {target.name} would be filled twice; give each its own column")
    for column, to in wanted.items():
        found = find(source, column)
        check_fit(
            target,
            to,
            f"“{column}” of {source.name}",
            found.kind,
            found.unit,
            element=found.element,
            known=known,
        )
    return [[find(source, column).pk, lookup_of(target, to, known).pk] for column, to in wanted.items()]


def fits(column, kind, element=""):
    """Say whether a value of this kind can be kept in a column."""
    alike = column.kind == kind or (column.kind in (Kind.FLOAT, Kind.TIME) and kind in NUMBERS)
    return alike and not (kind == Kind.ARRAY and (element or "float") != (column.element or "float"))


def brings(column, kind, unit="", element=""):
    """Say whether a value of this kind and unit can be brought into a column."""
    try:
        carry_factor(unit, column.unit, column.kind)
    except PipelinesError:
        return False
    return fits(column, kind, element)


def free_lookups(target, known=None):
    """Return the lookup columns of a table that no link fills, or only the one that is known."""
    others = Link.objects.filter(target=target).exclude(step=None).exclude(pk=known.pk if known else None)
    taken = {column for link in others for column in lookup_columns(link)}
    return [
        column for column in target.columns.all() if column.role == Role.LOOKUP and column.pk not in taken
    ]


def check_fit(target, name, what, kind, unit, *, element="", known=None):
    """Refuse to bring a value of one kind into a column of another, or of a unit it cannot be turned into."""
    column = lookup_of(target, name, known)
    if not fits(column, kind, element):
        raise LinkRefused(
            f"“{name}” of {target.name} is {column.kind}, {what} is {kind}; take a column of that kind"
        )
    carry_factor(unit, column.unit, column.kind, f"{what} for “{name}”")


def comparable(one, other):
    """Say whether a database can compare two columns, and might find them equal."""
    alike = one.kind == other.kind or (one.kind in NUMBERS and other.kind in NUMBERS)
    return alike and one.kind not in (Kind.POSITION, Kind.ARRAY)


def matching(source, target, match):
    """Return [source column id, target column id] of each pair that shall be equal."""
    found = []
    for one, other in ((find(source, one), find(target, other)) for one, other in (match or {}).items()):
        if not comparable(one, other):
            raise LinkRefused(
                f"“{other.name}” of {target.name} is {other.kind}, “{one.name}” of {source.name} is {one.kind}; "
                "match columns of one kind, no positions and no arrays"
            )
        found.append([one.pk, other.pk])
    return found
