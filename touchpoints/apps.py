from django.apps import AppConfig


class TouchpointsConfig(AppConfig):
    name = "touchpoints"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from .views.leaving import let_go

        user_logged_out.connect(let_go, dispatch_uid="touchpoints.leaving")
