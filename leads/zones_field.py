"""Is this text the name of a time zone?"""

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def validate_zone(value: str) -> None:
    """Accept IANA names only ("Europe/Copenhagen"); raises ValidationError."""
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone; expected a name such as Europe/Copenhagen."),
            code="unknown_zone",
            params={"value": value},
        )
