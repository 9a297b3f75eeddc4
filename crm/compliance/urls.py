"""The addresses of the pages of compliance, under /compliance/."""

from django.urls import path

from crm.compliance.views import overview

urlpatterns = [
    path("", overview.compliance, name="compliance"),
]
