"""How does a warmth rule read to somebody who has to decide about it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext

if TYPE_CHECKING:
    from .models import WarmthRule


def in_words(rule: WarmthRule) -> str:
    """ "Referral warms for 90 days, counts at most 3"; a weak kind never warms alone."""
    kind = gettext(str(rule.kind))
    days = f"{rule.warms_for_days:g}".replace("-", "−")
    # A part of a day takes the plural: 1.4 days.
    n = int(abs(rule.warms_for_days)) if float(rule.warms_for_days).is_integer() else 2
    if rule.warms_for_days > 0:
        said = ngettext("%(kind)s warms for %(days)s day", "%(kind)s warms for %(days)s days", n)
    else:
        said = ngettext(
            "%(kind)s warms nobody alone (%(days)s day)", "%(kind)s warms nobody alone (%(days)s days)", n
        )
    most = gettext("counts at most %(n)d") % {"n": rule.counts_at_most}
    return f"{said % {'kind': kind, 'days': days}}, {most}"


def conditions(rule: WarmthRule) -> list[str]:
    """What must hold of the touchpoint and of the lead, each in words; empty where the rule takes all of its kind."""
    said = []
    if rule.direction:
        said.append(rule.get_direction_display())
    for text, value in (
        (gettext("on %(value)s"), rule.network),
        (gettext("campaign “%(value)s”"), rule.campaign),
        (gettext("from %(value)s"), rule.source),
        (gettext("leads in “%(value)s”"), rule.segment),
    ):
        if value:
            said.append(text % {"value": value})
    return said
