"""The map of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from portal import events, home

admin.site.site_header = admin.site.site_title = "Stoa administration"
admin.site.index_title = "What the portal keeps"

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/", include("portal.accounts.urls")),
    path("projects/", include("projects.urls")),
    path("", include("worktables.urls")),
    path("projects/<slug:slug>/events/", events.project_events, name="project-events"),
    path("worktables/<int:pk>/events/", events.worktable_events, name="worktable-events"),
    path("admin/", admin.site.urls),
    path("", include("provenance.urls")),
    path("", include("vo.urls")),
    path("api/", include("portal.api_urls")),
]

if settings.DEBUG:
    urlpatterns.append(path("style/", TemplateView.as_view(template_name="portal/style.html"), name="style"))

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.broken"
