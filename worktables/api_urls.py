"""Addresses of worktables and their runs for programs."""

from django.urls import include, path

from worktables.api import files, making, rows, runs, tables, talk, versions, workers, working

of_a_table = [
    path("", tables.WorktableDetailView.as_view(), name="api-worktable"),
    path("restore/", tables.WorktableRestoreView.as_view(), name="api-worktable-restore"),
    path("members/", tables.WorktableMembersView.as_view(), name="api-worktable-members"),
    path(
        "members/<slug:kind>/<str:name>/",
        tables.WorktableMemberView.as_view(),
        name="api-worktable-member",
    ),
    path("columns/", tables.ColumnsView.as_view(), name="api-columns"),
    path("columns/<str:name>/", tables.ColumnView.as_view(), name="api-column"),
    path("parameters/", working.ParametersView.as_view(), name="api-parameters"),
    path("links/", working.LinksView.as_view(), name="api-links"),
    path("update/", working.UpdateView.as_view(), name="api-update"),
    path("plan/", making.PlanView.as_view(), name="api-plan"),
    path("make/", making.MakeView.as_view(), name="api-make"),
    path("versions/", versions.VersionsView.as_view(), name="api-versions"),
    path("versions/<str:name>/", versions.PinView.as_view(), name="api-pin"),
    path("beside/", versions.BesideView.as_view(), name="api-beside"),
    path("compare/<int:other>/", versions.CompareView.as_view(), name="api-compare"),
    path("annotations/", talk.AnnotationsView.as_view(), name="api-annotations"),
    path("annotations/<int:annotation_id>/", talk.AnnotationView.as_view(), name="api-annotation"),
    path("history/", talk.HistoryView.as_view(), name="api-history"),
    path("history/<int:change_id>/undo/", talk.UndoView.as_view(), name="api-undo"),
    path("runs/<int:run_id>/", working.TableRunView.as_view(), name="api-worktable-run"),
    path("download/", files.DownloadView.as_view(), name="api-download"),
    path("rows/", rows.RowsView.as_view(), name="api-rows"),
    path("rows/paste/", rows.PasteView.as_view(), name="api-paste"),
    path("rows/in-trash/", rows.RowTrashView.as_view(), name="api-rows-in-trash"),
    path("rows/delete/", rows.DeleteRowsView.as_view(), name="api-delete-rows"),
    path("rows/restore/", rows.RestoreRowsView.as_view(), name="api-restore-rows"),
    path("rows/duplicate/", rows.DuplicateRowsView.as_view(), name="api-duplicate-rows"),
    path("rows/rerun/", working.RerunView.as_view(), name="api-rerun"),
    path("rows/keep/", making.KeepView.as_view(), name="api-keep"),
    path("rows/stop-keeping/", making.StopKeepingView.as_view(), name="api-stop-keeping"),
    path("rows/<int:row_id>/", rows.RowView.as_view(), name="api-row"),
    path("rows/<int:row_id>/runs/", working.RowRunsView.as_view(), name="api-row-runs"),
    path("rows/<int:row_id>/cells/<str:column>/", rows.CellView.as_view(), name="api-cell"),
    path("rows/<int:row_id>/cells/<str:column>/file/", files.CellFileView.as_view(), name="api-cell-file"),
]

urlpatterns = [
    path("projects/<slug:slug>/import/", files.ImportView.as_view(), name="api-import"),
    path(
        "projects/<slug:slug>/parameters/",
        working.ProjectParametersView.as_view(),
        name="api-project-parameters",
    ),
    path("worktables/", tables.WorktablesView.as_view(), name="api-worktables"),
    path("worktables/in-trash/", tables.TrashedWorktablesView.as_view(), name="api-worktables-in-trash"),
    path("worktables/<int:pk>/", include(of_a_table)),
    path("runs/", runs.RunsView.as_view(), name="api-runs"),
    path("runs/<int:pk>/", runs.RunView.as_view(), name="api-run"),
    path("workers/", workers.WorkersView.as_view(), name="api-workers"),
]
