"""Which page answers which address? Each app adds its own `urls` here with one line."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from crm import health
from crm.home import home

admin.autodiscover()
# The back office is entered through the same throttled login, second factor included.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("account/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("api/", include("crm.api.urls")),
    path("", include("touchpoints.urls")),
    path("", include("crm.intake.urls")),
    path("", include("crm.pipeline.urls")),
    path("compliance/", include("crm.compliance.urls")),
    path("settings/", include("crm.accounts.urls")),
    path("demo/", include("crm.demo.urls")),
]
handler500 = "crm.api.problems.server_error"
