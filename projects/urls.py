"""Addresses of projects. A slug has no dash, so words with one cannot be taken for it."""

from django.urls import path

from projects import views

urlpatterns = [
    path("new-project/", views.new_project, name="new-project"),
    path("in-trash/", views.trash, name="project-trash"),
    path("<slug:slug>/settings/", views.settings, name="project-settings"),
    path("<slug:slug>/members/", views.share, name="project-share"),
    path("<slug:slug>/members/withdraw/", views.withdraw, name="project-withdraw"),
    path("<slug:slug>/delete/", views.delete, name="project-delete"),
    path("<slug:slug>/restore/", views.restore, name="project-restore"),
]
