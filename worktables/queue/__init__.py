"""What must run, what runs, and what is accepted: mark, claim, read, write, recover.

The database is the only truth. Everything that changes units of a project does so while holding the
project (`locking.hold`), one short transaction at a time; computing itself holds nothing.
"""
