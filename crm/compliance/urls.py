"""The addresses of the pages of compliance, under /compliance/."""

from django.urls import path

from crm.compliance.views import (
    audit,
    consents,
    customers,
    evidence,
    lookup,
    overview,
    own_list,
    people,
    registries,
    wishes,
)

urlpatterns = [
    path("", overview.compliance, name="compliance"),
    path("own-list/", own_list.compliance_own_list, name="compliance_own_list"),
    path("own-list/add/", own_list.compliance_own_list_add, name="compliance_own_list_add"),
    path("own-list/upload/", own_list.compliance_own_list_upload, name="compliance_own_list_upload"),
    path("own-list/export/", own_list.compliance_own_list_export, name="compliance_own_list_export"),
    path("own-list/loads/<int:pk>/", own_list.compliance_own_list_load, name="compliance_own_list_load"),
    path(
        "own-list/loads/<int:pk>/refused/",
        own_list.compliance_own_list_refused,
        name="compliance_own_list_refused",
    ),
    path("own-list/<int:pk>/", own_list.compliance_own_list_one, name="compliance_own_list_one"),
    path("own-list/<int:pk>/lift/", own_list.compliance_own_list_lift, name="compliance_own_list_lift"),
    path("wishes/", wishes.compliance_wishes, name="compliance_wishes"),
    path("wishes/<int:pk>/", wishes.compliance_wish_decide, name="compliance_wish_decide"),
    path("complaints/", wishes.compliance_complaints, name="compliance_complaints"),
    path("complaints/<int:pk>/", wishes.compliance_complaint_handle, name="compliance_complaint_handle"),
    path("consents/", consents.compliance_consents, name="compliance_consents"),
    path("consents/<int:pk>/", consents.compliance_consent, name="compliance_consent"),
    path("customers/", customers.compliance_customers, name="compliance_customers"),
    path("customers/add/", customers.compliance_customer_add, name="compliance_customer_add"),
    path("customers/upload/", customers.compliance_customers_upload, name="compliance_customers_upload"),
    path("customers/<int:pk>/", customers.compliance_customer, name="compliance_customer"),
    path("registries/", registries.compliance_registries, name="compliance_registries"),
    path(
        "registries/progress/",
        registries.compliance_registries_progress,
        name="compliance_registries_progress",
    ),
    path("registries/<int:pk>/", registries.compliance_load, name="compliance_load"),
    path(
        "registries/<int:pk>/progress/", registries.compliance_load_progress, name="compliance_load_progress"
    ),
    path(
        "registries/<int:pk>/rejected/", registries.compliance_load_rejected, name="compliance_load_rejected"
    ),
    path("people/", people.compliance_people, name="compliance_people"),
    path("people/readmit/", people.compliance_person_readmit, name="compliance_person_readmit"),
    path("people/<int:pk>/export/", people.compliance_person_export, name="compliance_person_export"),
    path("people/<int:pk>/erase/", people.compliance_person_erase, name="compliance_person_erase"),
    path("evidence/", evidence.compliance_evidence, name="compliance_evidence"),
    path(
        "evidence/export.<str:file_format>",
        evidence.compliance_evidence_export,
        name="compliance_evidence_export",
    ),
    path("evidence/<int:pk>/", evidence.compliance_evidence_call, name="compliance_evidence_call"),
    path("lookup/", lookup.compliance_lookup, name="compliance_lookup"),
    path("audit/", audit.compliance_audit, name="compliance_audit"),
    path("dials/", overview.compliance_dials, name="compliance_dials"),
]
