"""How is a file that is far too large turned away without being stored?"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from crm.intake.dialect import MAX_BYTES


class Turnstile(FileUploadHandler):
    """Lets the bytes of a file through to the handlers behind it until there are too many of them; the rest of
    that file is read from the wire and dropped, and `too_large` is set."""

    too_large = False

    def __init__(self, request: Any = None, most: int | None = None) -> None:
        super().__init__(request)
        self.most = MAX_BYTES if most is None else most

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > self.most:
            self.too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> Any:
        return None
