"""The addresses of the settings."""

from django.urls import path

from crm.accounts import views
from crm.accounts.leaving import views as leaving

urlpatterns = [
    path("", views.settings, name="settings"),
    path("keys/", views.settings_keys, name="settings_keys"),
    path("absences/", views.settings_absences, name="settings_absences"),
    path("absences/<int:pk>/remove/", views.settings_absence_remove, name="settings_absence_remove"),
    path("calendar/", views.settings_calendar, name="settings_calendar"),
    path("team/", views.settings_team, name="settings_team"),
    path("team/<int:pk>/", views.settings_member, name="settings_member"),
    path("team/<int:pk>/leads/", leaving.settings_deal, name="settings_deal"),
    path("team/<int:pk>/leaves/", leaving.settings_member_leaves, name="settings_member_leaves"),
    path("team/<int:pk>/returns/", leaving.settings_member_returns, name="settings_member_returns"),
    path("team/dealt/<int:pk>/undo/", leaving.settings_deal_undo, name="settings_deal_undo"),
    path("team/sharing/<int:pk>/", leaving.settings_sharing, name="settings_sharing"),
]
