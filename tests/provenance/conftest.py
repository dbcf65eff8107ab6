"""The tables of the engine's tests, whose lineage is known."""

from tests.worktables.conftest import (  # noqa: F401
    _files_in_a_folder_of_their_own,
    cells,
    family,
    work,
    worktable,
)
