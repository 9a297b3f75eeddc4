"""How does a browser learn that a stylesheet changed, without a collecting step before the start?"""

import hashlib
from functools import lru_cache

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


class VersionedStaticFiles(StaticFilesStorage):
    """Static files served from where they lie; each link carries a digest of the file's content."""

    def url(self, name: str | None) -> str:
        url = super().url(name)
        version = None if settings.DEBUG or not name else _digest(name)
        return f"{url}?v={version}" if version else url


@lru_cache(maxsize=1000)
def _digest(name: str) -> str | None:
    path = finders.find(name)
    if not path:
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
