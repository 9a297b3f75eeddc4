from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "crm.intake"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.intake.forget import forget
        from touchpoints import forgetting

        forgetting.elsewhere("imports", forget)
