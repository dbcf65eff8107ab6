"""Linked tables of toy steps, without rows."""

from types import SimpleNamespace

from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.linking import collect, expand, nearest


def make_family(project, owner):
    """Make fields → (expand) items → (collect by band) sums; items find the nearest of stars."""
    lists = Pipeline.objects.create(name="toy_list", title="Toy list", graph=toys.LIST)
    sums = Pipeline.objects.create(name="toy_sum", title="Toy sum", graph=toys.SUM)
    fields = create_worktable(
        project, "fields", creator=owner, pipeline=lists, columns=[NewColumn("band", "text")]
    )
    items = create_worktable(
        project,
        "items",
        creator=owner,
        columns=[
            NewColumn("band", "text", "lookup"),
            NewColumn("place", "position", "lookup", unit="deg"),
            NewColumn("flux", "float", "lookup", unit="Jy"),
            NewColumn("star", "text", "lookup"),
            NewColumn("separation", "float", "lookup", unit="arcsec"),
        ],
    )
    stars = create_worktable(
        project,
        "stars",
        creator=owner,
        columns=[NewColumn("name"), NewColumn("place", "position", unit="deg")],
    )
    totals = create_worktable(
        project, "sums", creator=owner, pipeline=sums, columns=[NewColumn("band", "text")]
    )
    expand(
        fields,
        items,
        name="items_of",
        item="items",
        fields={"position": "place", "flux": "flux"},
        carry={"band": "band"},
        sky="place",
        radius=1.0,
        by=owner,
    )
    nearest(
        stars,
        items,
        name="star_near",
        of="place",
        position="place",
        radius=60.0,
        lookup={"name": "star"},
        separation="separation",
        by=owner,
    )
    collect(items, totals, name="members", match={"band": "band"}, by=owner)
    return SimpleNamespace(fields=fields, items=items, stars=stars, sums=totals)
