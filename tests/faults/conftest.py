"""The small tables of the engine's tests serve here, too."""

from tests.worktables.conftest import _files_in_a_folder_of_their_own, cells, family, work, worktable

__all__ = ["_files_in_a_folder_of_their_own", "cells", "family", "work", "worktable"]
