import sqlite3
from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(use_all_parameters)


def use_all_parameters(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Django assumes that SQLite takes 999 values a statement and cuts bulk writes to fit; ask it instead."""
    if connection.vendor == "sqlite":
        most = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = most  # type: ignore[misc]
