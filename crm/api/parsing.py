"""Is the body of this request JSON that can be read at all?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from leads.api.strict import Problem, keepable


class BoundedJSONParser(JSONParser):
    """JSON of a bounded size and depth, without characters that no database keeps."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = int((parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0)
        if length > most:
            raise Problem(413, "too_large", _("The body is larger than %(most)d bytes.") % {"most": most})
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("JSON parse error - nested too deeply.")) from None
        if not keepable(body):
            raise ParseError(_("JSON parse error - a character or number in it cannot be stored."))
        return body
