"""The links of a table, as far as somebody may see both of its ends."""

from worktables.models import Link, Worktable


def links_of(worktable, viewer):
    """Return the links into and out of a table whose other end this person may see, too."""
    visible = Worktable.objects.visible_to(viewer).values("pk")
    links = Link.objects.filter(source__in=visible, target__in=visible).select_related("source", "target")
    return (links.filter(source=worktable) | links.filter(target=worktable)).distinct().order_by("pk")
