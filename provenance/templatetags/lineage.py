"""Who made the numbers of a row, for a page: {% load lineage %}{% row_lineage worktable row_id user %}."""

from django import template
from django.urls import NoReverseMatch, reverse

from provenance.views import row_facts

register = template.Library()


@register.inclusion_tag("provenance/_row.html")
def row_lineage(worktable, row_id, user):
    """Show who made the numbers of a row; the table is one the user may see."""
    return row_facts(worktable, row_id, user)


@register.simple_tag
def address_of(node):
    """Return where a cell or a run of a lineage leads, or nothing: a former column, a hidden table."""
    if not node.visible:
        return ""
    try:
        if hasattr(node, "run_id"):
            return reverse("run", args=[node.run_id]) if node.run_id else ""
        if node.row_id:
            return reverse("cell-lineage", args=[node.worktable_id, node.row_id, node.column])
    except NoReverseMatch:
        pass
    return ""
