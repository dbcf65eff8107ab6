"""Where jobs are: the same addresses below each list of them."""

from django.urls import path

from vo.uws import views

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


def job_addresses(kind, base):
    """Return the addresses of a list of jobs and of each job.

    Parameters
    ----------
    kind : str
        Of jobs; their addresses are named after it.
    base : str
        Where the list is.
    """
    which = {"kind": kind}
    each = f"{base}/<slug:job_id>"
    return [
        path(base, views.jobs, which, name=f"{kind}-jobs"),
        path(each, views.job, which, name=f"{kind}-job"),
        *(path(f"{each}/{leaf}", view, which, name=f"{kind}-job-{leaf}") for leaf, view in LEAVES.items()),
        path(f"{each}/results/result", views.result, which, name=f"{kind}-job-result"),
    ]


urlpatterns = job_addresses("tap", "async")
