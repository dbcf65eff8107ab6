"""The news this floor gives.

`project_created` is sent inside the transaction that makes a project, with `project` and `creator`. A listener that
raises undoes it; should the name be what is wrong, it raises a `projects.errors.NameRefused`.
"""

from django.dispatch import Signal

project_created = Signal()
