"""What is stored about worktables."""

from worktables.models.graph import Binding, Link, TableStep
from worktables.models.tables import (
    Column,
    Kind,
    Role,
    Worktable,
    WorktableGroupPermission,
    WorktableUserPermission,
)
from worktables.models.talk import Annotation, Change, Event
from worktables.models.work import State, Todo, Unit, Worker

__all__ = [
    "Annotation",
    "Binding",
    "Change",
    "Column",
    "Event",
    "Kind",
    "Link",
    "Role",
    "State",
    "TableStep",
    "Todo",
    "Unit",
    "Worker",
    "Worktable",
    "WorktableGroupPermission",
    "WorktableUserPermission",
]
