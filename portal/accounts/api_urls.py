"""Addresses of one's own account for programs."""

from django.urls import path, re_path

from portal.accounts import api

urlpatterns = [
    path("account/", api.AccountView.as_view(), name="api-account"),
    path("tokens/", api.TokensView.as_view(), name="api-tokens"),
    path("tokens/login/", api.LoginView.as_view(), name="api-login"),
    re_path(r"^tokens/(?P<digest>[0-9a-f]{16})/$", api.TokenView.as_view(), name="api-token"),
]
