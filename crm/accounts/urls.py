"""The addresses of the settings."""

from django.urls import path

from crm.accounts import views

urlpatterns = [
    path("", views.settings, name="settings"),
    path("keys/", views.settings_keys, name="settings_keys"),
    path("absences/", views.settings_absences, name="settings_absences"),
    path("absences/<int:pk>/remove/", views.settings_absence_remove, name="settings_absence_remove"),
    path("calendar/", views.settings_calendar, name="settings_calendar"),
    path("team/", views.settings_team, name="settings_team"),
    path("team/<int:pk>/", views.settings_member, name="settings_member"),
]
