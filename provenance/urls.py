from django.urls import path

from provenance import api, views

urlpatterns = [
    path("provenance/worktables/<int:pk>/rows/<int:row_id>/", views.row, name="row-lineage"),
    path("provenance/worktables/<int:pk>/rows/<int:row_id>/<slug:column>/", views.cell, name="cell-lineage"),
    path(
        "api/provenance/worktables/<int:worktable_id>/rows/<int:row_id>/",
        api.RowLineageView.as_view(),
        name="api-row-lineage",
    ),
]
