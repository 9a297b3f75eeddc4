"""How is a number written for a reader? In the reader's language, with a dash where nothing is known."""

from __future__ import annotations

from django.utils import formats


def percent_text(share: float | None, digits: int | None = None) -> str:
    """0.384 as "38 %", small shares with one decimal ("1.9 %"); nothing known is an en dash."""
    if share is None:
        return "–"
    hundredths = share * 100
    places = digits if digits is not None else (1 if 0 < hundredths < 9.95 else 0)
    # Django's number_format cuts digits off where a reader expects them rounded.
    hundredths = round(hundredths, places)
    return f"{formats.number_format(hundredths, decimal_pos=places, use_l10n=True)}\u00a0%"


def count_text(number: int | None) -> str:
    """48210 as "48,210", in the reader's language; nothing known is an en dash."""
    return "–" if number is None else formats.number_format(number, use_l10n=True, force_grouping=True)
