"""The HTML door to worktables, a file for each kind of page."""
