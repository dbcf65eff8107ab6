"""The rows of a worktable as jobs of IVOA UWS 1.1: adding a row makes a job, and its cells are what comes of it.

Nothing is kept for a job that the row does not have: whatever is done here is done to the row as its page does it, by
the same functions and with the same rights.
"""
