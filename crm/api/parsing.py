"""Is the body of this request JSON that can be read and kept?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from leads.api.strict import keepable


class KeepableJSONParser(JSONParser):
    """JSON of a bounded depth, without characters and numbers that no database keeps."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("JSON parse error - nested too deeply.")) from None
        if not keepable(body):
            raise ParseError(_("JSON parse error - a character or number in it cannot be stored."))
        return body
