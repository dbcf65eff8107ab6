"""The curator's door to worktables, their queue, and what was done and said."""

from worktables.admin import tables, work
from worktables.admin.records import ReadOnly, ReadOnlyAdmin

__all__ = ["ReadOnly", "ReadOnlyAdmin", "tables", "work"]
