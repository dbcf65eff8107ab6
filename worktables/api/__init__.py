"""The door of programs to worktables: everything the pages do."""
