"""Where the jobs of a worktable are: below the table, which keeps its number when it is renamed or moved.

The names of the project and the table are not in the address: whoever has been given one table alone is told nothing
of the project around it.
"""

from django.urls import path

from vo.rows import views

LEAVES = {
    "phase": views.phase,
    "executionduration": views.execution_duration,
    "destruction": views.destruction,
    "quote": views.quote,
    "owner": views.owner,
    "parameters": views.parameters,
    "results": views.results,
    "error": views.error,
}
LIST = "worktables/<int:pk>/jobs"
EACH = f"{LIST}/<int:row_id>"

urlpatterns = [
    path(LIST, views.jobs, name="row-jobs"),
    path(EACH, views.job, name="row-job"),
    *(path(f"{EACH}/{leaf}", view, name=f"row-job-{leaf}") for leaf, view in LEAVES.items()),
    path(f"{EACH}/parameters/<slug:column>", views.parameter, name="row-job-parameter"),
    path(f"{EACH}/results/<slug:column>", views.result, name="row-job-result"),
]
