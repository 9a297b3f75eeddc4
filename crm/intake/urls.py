"""Where are the pages on which people bring files in?"""

from django.urls import path

from crm.intake import views

urlpatterns = [
    path("leads/import/", views.lead_import, name="lead_import"),
    path("leads/import/<int:pk>/", views.lead_import_one, name="lead_import_one"),
    path("leads/import/<int:pk>/progress/", views.lead_import_progress, name="lead_import_progress"),
    path("leads/import/<int:pk>/refused.csv", views.lead_import_refused, name="lead_import_refused"),
    path("leads/import/<int:pk>/discard/", views.lead_import_discard, name="lead_import_discard"),
]
