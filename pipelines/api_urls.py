"""Addresses of pipelines and steps for programs."""

from django.urls import path

from pipelines import api

urlpatterns = [
    path("pipelines/", api.PipelinesView.as_view(), name="api-pipelines"),
    path("pipelines/<slug:name>/<int:version>/", api.PipelineView.as_view(), name="api-pipeline"),
    path("steps/", api.StepsView.as_view(), name="api-steps"),
    path("steps/<slug:name>/", api.StepView.as_view(), name="api-step"),
]
