from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "crm.integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.integrations.forget import forget
        from touchpoints import forgetting

        forgetting.elsewhere("replies", forget)
