"""Addresses of projects for programs."""

from django.urls import path

from projects import api

urlpatterns = [
    path("projects/", api.ProjectsView.as_view(), name="api-projects"),
    path("projects/in-trash/", api.TrashedProjectsView.as_view(), name="api-projects-in-trash"),
    path("projects/<slug:slug>/", api.ProjectDetailView.as_view(), name="api-project"),
    path("projects/<slug:slug>/restore/", api.ProjectRestoreView.as_view(), name="api-project-restore"),
    path("projects/<slug:slug>/members/", api.MembersView.as_view(), name="api-project-members"),
    path(
        "projects/<slug:slug>/members/<slug:kind>/<str:name>/",
        api.MemberView.as_view(),
        name="api-project-member",
    ),
]
