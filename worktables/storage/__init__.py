"""One physical typed SQL table for every worktable; nobody outside this package writes SQL about its columns."""

from worktables.storage.layout import Layout, layout_of

__all__ = ["Layout", "layout_of"]
