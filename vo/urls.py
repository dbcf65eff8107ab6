from django.urls import include, path

from vo import scs, vosi
from vo.tap import views as tap
from vo.views import published, publishing

urlpatterns = [
    path("worktables/<int:pk>/publish/", publishing.table_publications, name="worktable-publications"),
    path("published/", published.published, name="published"),
    path("published/<slug:schema>/<slug:name>/v<int:number>/", published.version, name="published-version"),
    path("scs/<slug:schema>/<slug:name>", scs.cone, name="cone-search"),
    path("tap/", tap.front, name="tap"),
    path("tap/sync", tap.sync, name="tap-sync"),
    path("tap/availability", vosi.availability, name="tap-availability"),
    path("tap/capabilities", vosi.capabilities, name="tap-capabilities"),
    path("tap/tables", vosi.tables, name="tap-tables"),
    path("tap/tables/<path:name>", vosi.table, name="tap-table"),
    path("tap/", include("vo.uws.urls")),
    path("tap/examples", tap.examples, name="tap-examples"),
]
