from django.urls import include, path

from vo import scs, sia, soda, vosi
from vo.datalink import views as datalink
from vo.registry import views as registry
from vo.tap import views as tap
from vo.views import files, published, publishing, query_form, query_jobs, query_worktable, querying, saving

urlpatterns = [
    path("worktables/<int:pk>/publish/", publishing.table_publications, name="worktable-publications"),
    path("published/", published.published, name="published"),
    path("published/<slug:schema>/<slug:name>/v<int:number>/", published.version, name="published-version"),
    path("query/", querying.query, name="query"),
    path("query/form/", query_form.query_form, name="query-form"),
    path("query/tables/", querying.tables, name="query-tables"),
    path("query/keep/", query_worktable.keep, name="query-keep"),
    path("query/words/", querying.words, name="query-words"),
    path("query/jobs/", query_jobs.jobs, name="query-jobs"),
    path("query/jobs/now/", query_jobs.jobs_now, name="query-jobs-now"),
    path("query/jobs/<slug:job_id>/", query_jobs.job, name="query-job"),
    path("query/jobs/<slug:job_id>/now/", query_jobs.job_now, name="query-job-now"),
    path("query/jobs/<slug:job_id>/change/", query_jobs.change_job, name="query-change-job"),
    path("query/history/", saving.history, name="query-history"),
    path("query/history/<int:pk>/", saving.past_query, name="query-past"),
    path("query/save/", saving.save, name="query-save"),
    path("query/saved/", saving.saved_queries, name="query-saved"),
    path("query/saved/<slug:key>/", saving.saved_query, name="query-saved-query"),
    path("query/saved/<slug:key>/edit/", saving.edit_saved, name="query-edit-saved"),
    path("query/saved/<slug:key>/delete/", saving.delete_saved, name="query-delete-saved"),
    path("scs/<slug:schema>/<slug:name>", scs.cone, name="cone-search"),
    path(
        "published/<slug:schema>/<slug:name>/v<int:number>/rows/<int:row_id>/<slug:column>",
        files.file,
        name="published-file",
    ),
    path(
        "published/<slug:schema>/<slug:name>/v<int:number>/rows/<int:row_id>/<slug:column>/preview.png",
        files.preview,
        name="published-preview",
    ),
    path("datalink/links", datalink.links, name="datalink-links"),
    path("sia/query", sia.query, name="sia-query"),
    path("sia/capabilities", sia.capabilities, name="sia-capabilities"),
    path("sia/availability", vosi.availability, name="sia-availability"),
    path("soda/sync", soda.sync, name="soda-sync"),
    path("soda/capabilities", soda.capabilities, name="soda-capabilities"),
    path("soda/availability", vosi.availability, name="soda-availability"),
    path("oai", registry.oai, name="oai"),
    path("oai/capabilities", registry.capabilities, name="oai-capabilities"),
    path("oai/availability", vosi.availability, name="oai-availability"),
    path("tap/", tap.front, name="tap"),
    path("tap/sync", tap.sync, name="tap-sync"),
    path("tap/availability", vosi.availability, name="tap-availability"),
    path("tap/capabilities", vosi.capabilities, name="tap-capabilities"),
    path("tap/tables", vosi.tables, name="tap-tables"),
    path("tap/tables/<path:name>", vosi.table, name="tap-table"),
    path("tap/", include("vo.uws.urls")),
    path("tap/examples", tap.examples, name="tap-examples"),
    path("", include("vo.rows.urls")),
]
