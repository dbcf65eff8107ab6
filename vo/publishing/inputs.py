"""What a published table was made from, as far as others could not see it: to be published together."""

from vo.models import PublishedVersion, Scope
from vo.publishing.deciding import WIDTH
from worktables.dependencies import graph_of
from worktables.models import Worktable


def unpublished_inputs(worktable, asked, viewer):
    """Return the tables from which results flow into this one and that are not published as widely.

    Parameters
    ----------
    worktable : Worktable
    asked : Scope
        Who shall see the published table.
    viewer : User
        Tables that they may not see are left out.

    Returns
    -------
    list of Worktable
    """
    graph = graph_of(worktable.project_id)
    above = {table for node in graph.steps_of.get(worktable.pk, ()) for table in graph.tables_above(node)}
    above |= {link.source_id for link in graph.links.values() if link.target_id == worktable.pk}
    above.discard(worktable.pk)
    wide = [scope for scope in Scope if WIDTH[scope] >= WIDTH[Scope(asked)]]
    published = PublishedVersion.objects.filter(publication__worktable__in=above, asked__in=wide).exclude(
        verdict=PublishedVersion.Verdict.REFUSED
    )
    return list(
        Worktable.objects.visible_to(viewer)
        .filter(pk__in=above)
        .exclude(pk__in=published.values("publication__worktable"))
        .select_related("project")
        .order_by("name")
    )
