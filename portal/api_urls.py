"""Everything under /api/: each floor brings its own door."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from portal.api import RootView

urlpatterns = [
    path("", RootView.as_view(), name="api-root"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include("portal.accounts.api_urls")),
    path("", include("worktables.api_urls")),
    path("", include("projects.api_urls")),
    path("", include("pipelines.api_urls")),
]
