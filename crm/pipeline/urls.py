"""The addresses of the manager's screen."""

from django.urls import path

from crm.pipeline import views

urlpatterns = [
    path("pipeline/", views.pipeline, name="pipeline"),
    path("pipeline/leads/", views.pipeline_leads, name="pipeline_leads"),
]
