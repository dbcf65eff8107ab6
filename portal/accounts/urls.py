"""Addresses of one's own account."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from portal.accounts import views

urlpatterns = [
    path("", views.profile, name="profile"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordChange.as_view(), name="password_change"),
    path("tokens/", views.new_token, name="new-token"),
    re_path(r"^tokens/(?P<digest>[0-9a-f]{16})/revoke/$", views.revoke, name="revoke-token"),
]
