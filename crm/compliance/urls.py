"""The addresses of the pages of compliance, under /compliance/."""

from django.urls import path

from crm.compliance.views import consents, customers, overview, own_list, wishes

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
    path("dials/", overview.compliance_dials, name="compliance_dials"),
]
