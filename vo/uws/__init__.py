"""IVOA UWS 1.1: work that somebody asks for now and fetches later, as jobs with phases.

The database is the only truth about a job, as it is about units: a worker that takes one holds it by a lease, and what
it brings is accepted only while it still does.
"""
