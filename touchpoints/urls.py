"""Where the pages of calling live."""

from django.urls import path

from touchpoints.views import call, lead, leads

urlpatterns = [
    path("call/", call.call, name="call"),
    path("call/dial/", call.dial, name="call_dial"),
    path("call/skip/", call.skip, name="call_skip"),
    path("call/renew/", call.renew, name="call_renew"),
    path("call/rail/", call.rail, name="call_rail"),
    path("call/<int:pk>/outcome/", call.outcome, name="call_outcome"),
    path("call/<int:pk>/undo/", call.undo, name="call_undo"),
    path("leads/", leads.leads, name="leads"),
    path("leads/<int:pk>/", lead.lead, name="lead"),
    path("call/zone/<int:pk>/", call.confirm_zone, name="call_zone"),
]
