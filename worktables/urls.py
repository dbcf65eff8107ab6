"""Addresses of worktables, their rows and runs; and of a project, which is its tables."""

from django.urls import path

from worktables.views import editing, files, grid, making, project, row, runs, settings, workers

urlpatterns = [
    path("projects/<slug:slug>/", project.project, name="project"),
    path("projects/<slug:slug>/tables.html", project.project_tables, name="project-tables"),
    path("projects/<slug:slug>/new-table/", project.new_table, name="new-worktable"),
    path("projects/<slug:slug>/tables-in-trash/", project.tables_in_trash, name="worktables-in-trash"),
    path("worktables/<int:pk>/", grid.grid, name="worktable"),
    path("worktables/<int:pk>/rows.html", grid.rows_fragment, name="worktable-rows"),
    path("worktables/<int:pk>/status.html", grid.status_fragment, name="worktable-status"),
    path("worktables/<int:pk>/add/", editing.add_row, name="worktable-add"),
    path("worktables/<int:pk>/paste/", editing.paste, name="worktable-paste"),
    path("worktables/<int:pk>/update/", editing.update, name="worktable-update"),
    path("worktables/<int:pk>/make/", making.make_cells, name="worktable-make"),
    path("worktables/<int:pk>/keep/", making.keep, name="worktable-keep"),
    path("worktables/<int:pk>/selection/", editing.selection, name="worktable-selection"),
    path("worktables/<int:pk>/undo/", editing.undo_change, name="worktable-undo"),
    path("worktables/<int:pk>/trash/", editing.trash, name="worktable-trash"),
    path("worktables/<int:pk>/trash/restore/", editing.restore, name="worktable-restore-rows"),
    path("worktables/<int:pk>/history/", settings.history, name="worktable-history"),
    path("worktables/<int:pk>/settings/", settings.settings, name="worktable-settings"),
    path("worktables/<int:pk>/parameters/", settings.parameters, name="worktable-parameters"),
    path("worktables/<int:pk>/columns/", settings.columns, name="worktable-columns"),
    path("worktables/<int:pk>/columns/<str:name>/", settings.column, name="worktable-column"),
    path("worktables/<int:pk>/columns/<str:name>/drop/", settings.drop, name="worktable-drop-column"),
    path("worktables/<int:pk>/delete/", settings.delete, name="worktable-delete"),
    path("worktables/<int:pk>/restore/", project.restore_table, name="worktable-restore"),
    path("worktables/<int:pk>/rows/<int:row_id>/", row.row, name="row"),
    path("worktables/<int:pk>/rows/<int:row_id>/parts.html", row.row_fragment, name="row-parts"),
    path("worktables/<int:pk>/rows/<int:row_id>/edit/", row.edit_row, name="row-edit"),
    path("worktables/<int:pk>/rows/<int:row_id>/rerun/", row.rerun, name="row-rerun"),
    path("worktables/<int:pk>/rows/<int:row_id>/say/", row.say, name="row-say"),
    path("worktables/<int:pk>/rows/<int:row_id>/files/<str:column>/", files.file, name="row-file"),
    path("worktables/<int:pk>/rows/<int:row_id>/preview/<str:column>.png", files.picture, name="row-preview"),
    path("worktables/<int:pk>/annotations/<int:annotation_id>/withdraw/", row.withdraw_annotation,
         name="withdraw-annotation"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("workers/", workers.workers, name="workers"),
    path("workers/parts.html", workers.workers_fragment, name="workers-parts"),
]  # fmt: skip
