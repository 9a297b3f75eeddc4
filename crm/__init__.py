"""The project: what stands above both domains. Importing it makes its Celery app the one that tasks use."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
