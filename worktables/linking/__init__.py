"""Links between worktables: declaring each of the five kinds, changing and removing them.

Change then travels along a link from its source to its target; `worktables/queue/` is where it does. What would come
of it is counted, before anything is written, by the `preview_` of each.
"""

from worktables.linking.changing import change_link, preview_change
from worktables.linking.collecting import collect
from worktables.linking.declaring import declare, preview_declaration
from worktables.linking.expanding import each, expand
from worktables.linking.kinds import draft_link
from worktables.linking.looking_up import latest_valid_at, nearest
from worktables.linking.removing import preview_removal, remove_link

__all__ = [
    "change_link",
    "collect",
    "declare",
    "draft_link",
    "each",
    "expand",
    "latest_valid_at",
    "nearest",
    "preview_change",
    "preview_declaration",
    "preview_removal",
    "remove_link",
]
