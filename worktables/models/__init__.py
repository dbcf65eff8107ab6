"""What is stored about worktables."""

from worktables.models.batches import Batch, BatchRow
from worktables.models.graph import Binding, Link, TableStep
from worktables.models.holds import Hold
from worktables.models.limits import Limit
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
    "Batch",
    "BatchRow",
    "Binding",
    "Change",
    "Column",
    "Event",
    "Hold",
    "Kind",
    "Limit",
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
