"""Links between worktables: declaring each of the five kinds, and removing them.

Change then travels along a link from its source to its target; `worktables/queue/` is where it does.
"""

from worktables.linking.collecting import collect
from worktables.linking.expanding import each, expand
from worktables.linking.looking_up import latest_valid_at, nearest
from worktables.linking.removing import preview_removal, remove_link

__all__ = ["collect", "each", "expand", "latest_valid_at", "nearest", "preview_removal", "remove_link"]
